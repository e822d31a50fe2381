"""The Trade Desk's first-party data: raw ids with the name of a segment, and for how many minutes they are in it.

A removal is a membership of no minutes. Raw ids are UID2s, EUIDs, The Trade Desk's own (TDID, from ID matching), or
advertising ids of devices (DAID). The body is signed when it is sent: `TtdSignature` is Base64 of HMAC-SHA1 of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.networks.network import JSON, MATCHED, Action, Column, Network, Request, Row, Terms

COLUMNS = (
    Column("TDID", (MATCHED,)),
    Column("DAID", ("madid.plain",)),
    Column("UID2", ("uid2.raw",)),
    Column("EUID", ("euid.raw",)),
)


def build(action: Action, rows: Sequence[Row], _granted: Sequence[bool], terms: Terms) -> Iterator[Request]:
    """One item for each id of a member."""
    minutes = terms.days * 1_440 if action == "add" else 0
    data = [{"Name": terms.audience, "TTLInMinutes": minutes}]
    names = [column.header for column in COLUMNS]
    items = [{name: cell, "Data": data} for row in rows for name, cell in zip(names, row, strict=True) if cell]
    body = {"DataProviderId": "{DATA_PROVIDER_ID}", "AdvertiserId": "{ADVERTISER_ID}", "Items": items}
    yield Request("POST", "https://{REGION}-data.adsrvr.org/data/advertiser", JSON, body)


NETWORK = Network(
    name="ttd_data",
    title="The Trade Desk first-party data",
    file=COLUMNS,
    needs=tuple((column.header,) for column in COLUMNS),
    build=build,
    batch=5_000,
    request_bytes=2_500_000,
    days=180,
    note="no upload by hand: the file has the API's names; UID2s and EUIDs from the operator you connect",
)
