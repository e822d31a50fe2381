"""Reddit custom audiences: `custom_audiences/{id}/users`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.networks.network import JSON, Action, Column, Network, Request, Row, Terms

COLUMNS = (Column("EMAIL_SHA256", ("email.e6",)), Column("MAID_SHA256", ("madid.sha256",)))


def build(action: Action, rows: Sequence[Row], _granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """Every row has a cell for each column; what is unknown is empty."""
    data = {
        "action_type": action.upper(),
        "column_order": [column.header for column in COLUMNS],
        "user_data": rows,
    }
    url = "https://ads-api.reddit.com/api/v3/custom_audiences/{AUDIENCE_ID}/users"
    yield Request("PATCH", url, JSON, {"data": data})


NETWORK = Network(
    name="reddit",
    title="Reddit custom audiences",
    file=COLUMNS,
    needs=(("EMAIL_SHA256",), ("MAID_SHA256",)),
    build=build,
    batch=10_000,
    note="addresses without dots and +suffix in every domain",
)
