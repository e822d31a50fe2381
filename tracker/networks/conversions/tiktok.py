"""TikTok Events API 2.0: `event/track` of a pixel.

Counted once with the pixel where event and `event_id` are the same, within 48 hours. Their pages contradict each other
on phones (with a plus, or digits alone) and on `+suffix` of an address: where two spellings differ both go, as a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tracker.networks.conversions.conversion import STANDARD, Conversion, Happened, bare, hashed
from tracker.networks.network import JSON, Column, Request

COLUMNS = (
    Column("email", ("email.e2",)),
    Column("email without suffix", ("email.e7",)),
    Column("phone", ("phone.p1",)),
    Column("phone without plus", ("phone.p4",)),
    Column("external_id", ("person.pseudonym",)),
)
NAMES = {"page_view": "Pageview", **STANDARD}


def encode(event: Happened, cells: Mapping[str, str], _granted: bool) -> dict[str, Any] | None:
    """Times in seconds."""
    user: dict[str, Any] = {}
    for name, headers in (("email", COLUMNS[:2]), ("phone", COLUMNS[2:4])):
        values = list(dict.fromkeys(cells[one.header] for one in headers if one.header in cells))
        if values:
            user[name] = values
    if click := event.click("ttclid"):
        user["ttclid"] = click
    if not user:
        return None
    if "external_id" in cells:
        user["external_id"] = [hashed(cells["external_id"])]
    properties: dict[str, Any] = event.money
    if event.items:
        properties |= {
            "content_type": "product",
            "contents": [
                {
                    "content_id": one.item_id,
                    **({"content_name": one.item_name} if one.item_name else {}),
                    **({"content_category": one.item_category} if one.item_category else {}),
                    "price": one.price,
                    "quantity": round(one.quantity) or 1,
                }
                for one in event.items
            ],
        }
    if event.order:
        properties["order_id"] = event.order
    return {
        "event": event.name,
        "event_time": event.ts // 1000,
        "event_id": event.id,
        "user": user,
        **({"page": {"url": bare(event.url)}} if event.url else {}),
        **({"properties": properties} if properties else {}),
    }


def wrap(events: Sequence[tuple[str, msgspec.Raw]], test: bool) -> Iterator[Request]:
    """With `test_event_code` they are shown under Test Events and count nowhere."""
    body: dict[str, Any] = {"event_source": "web", "event_source_id": "{PIXEL_CODE}"}
    if test:
        body["test_event_code"] = "{TEST_EVENT_CODE}"
    body["data"] = [event for _, event in events]
    url = "https://business-api.tiktok.com/open_api/v1.3/event/track/"
    yield Request("POST", url, {**JSON, "Access-Token": "{ACCESS_TOKEN}"}, body)


CONVERSION = Conversion(
    name="tiktok_conversions",
    network="tiktok",
    title="TikTok Events API",
    columns=COLUMNS,
    clicks=("ttclid",),
    click_days=28,
    days=28,
    batch=1_000,
    encode=encode,
    wrap=wrap,
    names=NAMES,
    test_id="TEST_EVENT_CODE",
    note="counted once with the pixel where event and event_id are the same",
)
