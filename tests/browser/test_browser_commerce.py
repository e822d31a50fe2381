"""E-commerce: GA4's names, items, value and currency, as they arrive on disk."""

from __future__ import annotations

from typing import Any

import pytest
from browser_site import PixelSite
from playwright.async_api import Page

pytestmark = pytest.mark.browser

ITEMS = [{"item_id": "A", "price": 19.9, "quantity": 3}, {"item_id": "B", "price": 0.05}]

CASES: list[tuple[list[Any], dict[str, Any]]] = [
    # call, what the event says
    (
        ["purchase", {"transaction_id": "T1", "value": 50, "currency": "EUR", "items": ITEMS, "coupon": "C"}],
        {"value": 50.0, "currency": "EUR", "items": ITEMS, "props": {"transaction_id": "T1", "coupon": "C"}},
    ),
    (["view_item", {"items": ITEMS, "currency": "eur"}], {"value": 59.75, "currency": "EUR", "items": ITEMS}),
    (["add_to_cart", {"items": [ITEMS[1]]}], {"value": 0.05, "currency": "", "items": [ITEMS[1]]}),
    (["begin_checkout", {"items": ITEMS, "value": 0}], {"value": 0.0}),
    (["view_cart", {}], {"value": None, "items": [], "props": {}}),
    (["refund", {"value": "12.5", "currency": "USD"}], {"value": 12.5, "currency": "USD"}),
    (["track", "purchase", {"value": 9, "currency": "EUR", "x": 1}], {"value": 9.0, "props": {"x": 1}}),
    (["track", "bought", {"items": ITEMS}], {"value": None, "items": ITEMS}),  # a plain event is told as it is
    (["add_to_wishlist", {"value": "a lot", "items": "many"}], {"value": None, "items": []}),
]


@pytest.mark.parametrize(
    ("call", "expected"), CASES, ids=lambda value: str(value[0]) if isinstance(value, list) else ""
)
async def test_commerce(site: PixelSite, page: Page, call: list[Any], expected: dict[str, Any]) -> None:
    await page.goto(site.url("/"))
    await page.evaluate("call => jt(...call)", call)
    name = call[1] if call[0] == "track" else call[0]
    [event] = await site.wait(name)
    assert {key: getattr(event, key) for key in expected} == expected


async def test_the_site_may_have_one_currency(site: PixelSite, page: Page) -> None:
    site.pages["/"] = site.html().replace("data-consent", 'data-currency="CHF" data-consent')
    await page.goto(site.url("/"))
    await page.evaluate("jt('purchase', {value: 1}); jt('track', 'plain'); jt('refund', {value: 1, currency: 'EUR'})")
    await site.wait("refund")
    found = {event.name: event.currency for event in site.events()}
    assert found == {"page_view": "", "purchase": "CHF", "plain": "", "refund": "EUR"}


async def test_an_unknown_command_is_none(site: PixelSite, page: Page) -> None:
    await page.goto(site.url("/"))
    await page.evaluate("jt('bought'); jt('constructor'); jt('_record'); jt('toString', {}); jt(); jt('track', 'end')")
    await site.wait("end")
    assert sorted(event.name for event in site.events()) == ["end", "page_view"]
