"""Google Ads conversions through the Data Manager API (`events:ingest`).

At most 2,000 events a request. A click counts for 90 days; who is recognised by an address alone (enhanced conversions
for leads) for 63. `transactionId` is the order's number, or the event's id: the same one is counted once per conversion
action, with the tag too. Hashes are hexadecimal; country and postcode are not hashed, and a name counts only with both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from tracker.networks import google
from tracker.networks.conversions.conversion import Conversion, Happened
from tracker.networks.network import JSON, Request

_CLICKS = ("gclid", "gbraid", "wbraid")


def encode(event: Happened, cells: Mapping[str, str], granted: bool) -> dict[str, Any] | None:
    """A click goes as the first kind that is known: Google refuses two in one event."""
    identifiers = google.identifiers([cells.get(column.header, "") for column in google.API])
    click = next(((kind, event.click(kind)) for kind in _CLICKS if event.click(kind)), None)
    if not identifiers and click is None:
        return None
    money = event.money
    items = [
        {"itemId": one.item_id, "quantity": round(one.quantity) or 1, "unitPrice": one.price} for one in event.items
    ]
    at = datetime.fromtimestamp(event.ts / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "transactionId": event.order or event.id,
        "eventTimestamp": at,
        "eventSource": "WEB",
        **({"adIdentifiers": {click[0]: click[1]}} if click else {}),
        **({"userData": {"userIdentifiers": identifiers}} if identifiers else {}),
        **({"conversionValue": money["value"], "currency": money["currency"]} if money else {}),
        **({"cartData": {"items": items}} if items else {}),
        "consent": google.consent(granted),
    }


def wrap(events: Sequence[tuple[str, msgspec.Raw]], test: bool) -> Iterator[Request]:
    """A request for each conversion action; `validateOnly` tries it."""
    for action in dict.fromkeys(name for name, _ in events):
        body = {
            "destinations": [google.destination(action)],
            "events": [event for name, event in events if name == action],
            "encoding": "HEX",
            "validateOnly": test,
        }
        yield Request("POST", "https://datamanager.googleapis.com/v1/events:ingest", JSON, body)


CONVERSION = Conversion(
    name="google_conversions",
    network="google",
    title="Google Ads conversions",
    columns=google.API,
    clicks=_CLICKS,
    days=90,
    days_without_click=63,
    batch=2_000,
    encode=encode,
    wrap=wrap,
    names={},
    ids=True,
    asks_granted=True,
    note="`send_as` is the number of the conversion action; in the EEA, the UK and Switzerland only who said yes",
)
