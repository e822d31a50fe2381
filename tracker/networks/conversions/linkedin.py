"""LinkedIn Conversions API: `conversionEvents`, in batches of at most 5,000; each event names its own conversion rule.

Counted once with the Insight Tag where `eventId` is the same. An event of more than 90 days ago is refused. Names and
jobs are not in it: LinkedIn takes them in clear, and we keep none. It has no way to try without counting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tracker.networks.conversions.conversion import Conversion, Happened
from tracker.networks.linkedin import VERSION
from tracker.networks.network import JSON, Column, Request

COLUMNS = (Column("SHA256_EMAIL", ("email.e2",)),)
LONGEST_ID = 64


def encode(event: Happened, cells: Mapping[str, str], _granted: bool) -> dict[str, Any] | None:
    """Amounts are text."""
    ids = [{"idType": "SHA256_EMAIL", "idValue": cells["SHA256_EMAIL"]}] if cells else []
    if click := event.click("li_fat_id"):
        ids.append({"idType": "LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID", "idValue": click})
    if not ids:
        return None
    money = event.money
    worth = {"conversionValue": {"currencyCode": money["currency"], "amount": str(money["value"])}} if money else {}
    return {
        "conversion": f"urn:lla:llaPartnerConversion:{event.name}",
        "conversionHappenedAt": event.ts,
        **worth,
        "user": {"userIds": ids},
        "eventId": event.id[:LONGEST_ID],
    }


def wrap(events: Sequence[tuple[str, msgspec.Raw]], _test: bool) -> Iterator[Request]:
    """One element an event."""
    headers = {**JSON, "X-RestLi-Method": "BATCH_CREATE", **VERSION}
    body = {"elements": [event for _, event in events]}
    yield Request("POST", "https://api.linkedin.com/rest/conversionEvents", headers, body)


CONVERSION = Conversion(
    name="linkedin_conversions",
    network="linkedin",
    title="LinkedIn Conversions API",
    columns=COLUMNS,
    clicks=("li_fat_id",),
    days=90,
    batch=5_000,
    encode=encode,
    wrap=wrap,
    names={},
    ids=True,
    tests=False,
    note="`send_as` is the number of the conversion rule; needs LinkedIn's approval; no way to try without counting",
)
