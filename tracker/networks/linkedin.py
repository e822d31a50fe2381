"""LinkedIn Matched Audiences: their CSV template, and `dmpSegments/{id}/users` for those whom LinkedIn lets in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tracker.networks.network import JSON, Action, Column, Network, Request, Row, Terms

IDS = (Column("SHA256_EMAIL", ("email.e2",)), Column("GOOGLE_AID", ("madid.gaid",)))
API = (*IDS, Column("country", ("country.plain",)))
VERSION = {"X-Restli-Protocol-Version": "2.0.0", "LinkedIn-Version": "202604"}
_HEADERS = {**JSON, "X-RestLi-Method": "BATCH_CREATE", **VERSION}


def build(action: Action, rows: Sequence[Row], _granted: Sequence[bool], _terms: Terms) -> Iterator[Request]:
    """One element a member. Names are not in it: LinkedIn takes them in clear, and we keep none."""
    elements: list[dict[str, Any]] = [
        {
            "action": action.upper(),
            "userIds": [
                {"idType": column.header, "idValue": cell} for column, cell in zip(IDS, row, strict=False) if cell
            ],
            **({"country": row[-1]} if row[-1] else {}),
        }
        for row in rows
    ]
    yield Request(
        "POST", "https://api.linkedin.com/rest/dmpSegments/{SEGMENT_ID}/users", _HEADERS, {"elements": elements}
    )


NETWORK = Network(
    name="linkedin",
    title="LinkedIn Matched Audiences",
    file=(
        Column("email", ("email.e2",)),
        Column("firstname", ()),
        Column("lastname", ()),
        Column("jobtitle", ()),
        Column("employeecompany", ()),
        Column("country", ("country.plain",)),
        Column("googleaid", ("madid.gaid",)),
    ),
    needs=(("email",), ("googleaid",)),
    api=API,
    api_needs=(("SHA256_EMAIL",), ("GOOGLE_AID",)),
    build=build,
    batch=5_000,
    file_rows=300_000,
    file_bytes=20_000_000,
    minimum=300,
    note="300 rows to upload and 300 matched; names and jobs stay empty, they would go in clear",
)
