"""TikTok Custom Audiences: customer file, and the streaming route `segment/mapping`.

The help pages contradict each other on phones; the worked hash there is that of digits without plus, and so are ours.
They contradict each other on `+suffix` too: an address that has one goes in both spellings, in two rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.networks.network import JSON, Action, Column, Network, Request, Row, Terms

API = (
    Column("EMAIL_SHA256", ("email.e2",)),
    Column("PHONE_SHA256", ("phone.p4",)),
    Column("IDFA_SHA256", ("madid.idfa",)),
    Column("AAID_SHA256", ("madid.aaid",)),
)


def build(action: Action, rows: Sequence[Row], _granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """One object for each entry of the schema, `{}` where nothing is known."""
    body = {
        "action": "add" if action == "add" else "delete",
        "advertiser_ids": ["{ADVERTISER_ID}"],
        "id_schema": [column.header for column in API],
        "batch_data": [
            [{"id": cell, "audience_ids": ["{AUDIENCE_ID}"]} if cell else {} for cell in row] for row in rows
        ],
    }
    headers = {**JSON, "Access-Token": "{ACCESS_TOKEN}"}
    yield Request("POST", "https://business-api.tiktok.com/open_api/v1.3/segment/mapping/", headers, body)


NETWORK = Network(
    name="tiktok",
    title="TikTok Custom Audiences",
    file=(
        Column("Email_SHA256", ("email.e2",)),
        Column("Phone_SHA256", ("phone.p4",)),
        Column("MAID_SHA256", ("madid.sha256",)),
    ),
    needs=(("Email_SHA256",), ("Phone_SHA256",), ("MAID_SHA256",)),
    variants=(("email.e2", "email.e7"),),
    api=API,
    api_needs=tuple((column.header,) for column in API),
    build=build,
    batch=10_000,
    minimum=1_000,
    days=365,
    note="an upload fails where fewer than 1,000 would be left; an e-mail address with a +suffix goes twice",
)
