"""Meta Conversions API: the `events` edge of a pixel.

One event that is more than seven days old makes Meta refuse the whole request, so does a Purchase without a value. An
event that the pixel sent too is counted once where event name and `event_id` are the same, within 48 hours. Meta asks
for the browser's user agent with events of a website; we keep none, so matching rests on hashes and the click id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tracker.networks.conversions.conversion import STANDARD, Conversion, Happened, bare, hashed
from tracker.networks.network import JSON, Column, Request

COLUMNS = (
    Column("em", ("email.e1",)),
    Column("ph", ("phone.p2",)),
    Column("fn", ("first_name.m",)),
    Column("ln", ("last_name.m",)),
    Column("ge", ("gender.m",)),
    Column("db", ("birthday.ymd",)),
    Column("ct", ("city.m",)),
    Column("st", ("state.m",)),
    Column("zp", ("zip.m",)),
    Column("country", ("country.m",)),
    Column("external_id", ("person.pseudonym",)),
)
NAMES = {"page_view": "PageView", **STANDARD}


def encode(event: Happened, cells: Mapping[str, str], _granted: bool) -> dict[str, Any] | None:
    """`fbc` is made of the click id as Meta's own script does: `fb.1.TIME.FBCLID`."""
    user: dict[str, Any] = {name: [cell] for name, cell in cells.items() if name != "external_id"}
    when, click = event.clicks.get("fbclid", (0, ""))
    if click:
        user["fbc"] = f"fb.1.{when}.{click}"
    if not ({"em", "ph", "fbc"} & user.keys()):
        return None
    if "external_id" in cells:
        user["external_id"] = [hashed(cells["external_id"])]
    custom: dict[str, Any] = event.money
    if event.items:
        custom |= {
            "content_type": "product",
            "content_ids": [one.item_id for one in event.items],
            "contents": [
                {"id": one.item_id, "quantity": round(one.quantity) or 1, "item_price": one.price}
                for one in event.items
            ],
            "num_items": sum(round(one.quantity) or 1 for one in event.items),
        }
    if event.order:
        custom["order_id"] = event.order
    return {
        "event_name": event.name,
        "event_time": event.ts // 1000,
        "event_id": event.id,
        "action_source": "website",
        **({"event_source_url": bare(event.url)} if event.url else {}),
        "user_data": user,
        **({"custom_data": custom} if custom else {}),
    }


def wrap(events: Sequence[tuple[str, msgspec.Raw]], test: bool) -> Iterator[Request]:
    """With `test_event_code` they are shown under Test Events and count nowhere."""
    body: dict[str, Any] = {"data": [event for _, event in events]}
    if test:
        body["test_event_code"] = "{TEST_EVENT_CODE}"
    yield Request("POST", "https://graph.facebook.com/v25.0/{PIXEL_ID}/events", JSON, body)


CONVERSION = Conversion(
    name="meta_conversions",
    network="meta",
    title="Meta Conversions API",
    columns=COLUMNS,
    clicks=("fbclid",),
    days=7,
    batch=1_000,
    encode=encode,
    wrap=wrap,
    names=NAMES,
    needs_value=frozenset({"Purchase"}),
    test_id="TEST_EVENT_CODE",
    note="no user agent is kept, so none is sent; counted once with the pixel where name and event_id are the same",
)
