"""X (Twitter) custom audiences: `custom_audiences/{id}/users`. Batches are processed every 6 to 8 hours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tracker.core.period import rfc3339
from tracker.networks.network import JSON, Action, Column, Network, Request, Row, Terms

API = (
    Column("email", ("email.e1",)),
    Column("phone_number", ("phone.p1",)),
    Column("device_id", ("madid.sha256",)),
    Column("partner_user_id", ("person.pseudonym",)),
)
DAY_MS = 86_400_000


def build(action: Action, rows: Sequence[Row], _granted: Sequence[bool], terms: Terms) -> Iterator[Request]:
    """One operation for a batch: all of it begins and ends at the same time."""
    users = [{column.header: [cell] for column, cell in zip(API, row, strict=True) if cell} for row in rows]
    params: dict[str, Any] = {"users": users}
    if action == "add":
        begin, end = terms.now_ms, terms.now_ms + terms.days * DAY_MS
        params = {"effective_at": rfc3339(begin), "expires_at": rfc3339(end), **params}
    operation = "Update" if action == "add" else "Delete"
    url = "https://ads-api.x.com/12/accounts/{ACCOUNT_ID}/custom_audiences/{AUDIENCE_ID}/users"
    yield Request("POST", url, JSON, [{"operation_type": operation, "params": params}])


NETWORK = Network(
    name="x",
    title="X custom audiences",
    file=API[:1],
    needs=(("email",),),
    api=API,
    api_needs=(("email",), ("phone_number",), ("device_id",)),
    build=build,
    batch=2_500,
    request_bytes=4_000_000,
    minimum=100,
    expires=True,
    header=False,
    note="matched and active in the last 90 days; at most one addition and one removal an audience in 6 to 8 hours",
)
