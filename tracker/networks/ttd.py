"""The Trade Desk: first-party data by UID2, and CRM data by e-mail, as Base64 of the SHA-256.

The API request is the CRM one: ask for a drop, put the values there, one a line. A drop replaces the segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracker.networks.network import JSON, Action, Column, Network, Request, Row, Terms

CRM = (Column("EmailHashedUnifiedId2", ("email.e5",), "base64"),)


def build(_action: Action, rows: Sequence[Row], _granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """Two requests: the second goes to the `Url` in the answer to the first."""
    kind = {"PiiType": "EmailHashedUnifiedId2", "MergeMode": "Replace", "RetentionEnabled": True}
    yield Request(
        "POST",
        "https://api.thetradedesk.com/v3/crmdata/segment/{ADVERTISER_ID}/{SEGMENT_ID}",
        {**JSON, "TTD-Auth": "{TTD_AUTH}"},
        kind,
    )
    yield Request("PUT", "{Url}", {"Content-Type": "text/plain"}, "\n".join(row[0] for row in rows))


def first_party(action: Action, ids: Sequence[tuple[str, str]], terms: Terms) -> Iterator[Request]:
    """First-party data of (TDID, DAID, UID2 or EUID; the raw id). A removal is a membership of no minutes.

    Raw ids come from ID matching. The header `TtdSignature` (HMAC-SHA1 of the body) is made when it is sent.
    """
    minutes = terms.days * 1_440 if action == "add" else 0
    data = [{"Name": terms.audience, "TTLInMinutes": minutes}]
    for at in range(0, len(ids), ITEMS):
        items = [{kind: value, "Data": data} for kind, value in ids[at : at + ITEMS]]
        body = {"DataProviderId": "{DATA_PROVIDER_ID}", "AdvertiserId": "{ADVERTISER_ID}", "Items": items}
        yield Request("POST", "https://use-data.adsrvr.org/data/advertiser", JSON, body)


ITEMS = 5_000
"""A request takes 2,500,000 bytes; an item has up to 500."""

NETWORK = Network(
    name="ttd",
    title="The Trade Desk",
    file=CRM,
    needs=(("EmailHashedUnifiedId2",),),
    build=build,
    batch=10_000_000,
    minimum=1_500,
    header=False,
    replaces=True,
    note="1,500 rows a drop; a drop replaces the segment",
)
