"""Pinterest customer lists, API version 5. One kind of identifier a list; the file is one value a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.networks.network import JSON, Action, Column, Network, Request, Row, Terms, one_kind

COLUMNS = (Column("EMAIL", ("email.e1",)), Column("MAID", ("madid.sha256",)))


def build(action: Action, rows: Sequence[Row], _granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """`records` is one text with commas."""
    for kind, values in one_kind(COLUMNS, rows):
        url = f"https://api.pinterest.com/v5/ad_accounts/{{AD_ACCOUNT_ID}}/customer_lists/{{{kind}_LIST_ID}}"
        yield Request("PATCH", url, JSON, {"operation_type": action.upper(), "records": ",".join(values)})


NETWORK = Network(
    name="pinterest",
    title="Pinterest customer lists",
    file=COLUMNS[:1],
    needs=(("EMAIL",),),
    api=COLUMNS,
    api_needs=(("EMAIL",), ("MAID",)),
    build=build,
    batch=10_000,
    minimum=100,
    header=False,
    note="a list becomes usable with an audience of type CUSTOMER_LIST",
)
