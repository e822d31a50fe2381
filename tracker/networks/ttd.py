"""The Trade Desk's CRM data: e-mail addresses as Base64 of the SHA-256. First-party data by raw ids: `ttd_data`.

Ask for a drop, put the values there, one a line. A drop replaces the segment.
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


NETWORK = Network(
    name="ttd",
    title="The Trade Desk CRM data",
    file=CRM,
    needs=(("EmailHashedUnifiedId2",),),
    build=build,
    batch=10_000_000,
    minimum=1_500,
    header=False,
    replaces=True,
    note="1,500 rows a drop; a drop replaces the segment",
)
