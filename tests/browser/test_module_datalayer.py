"""A shop with GA4 needs no new code: what it pushes for gtag or Tag Manager arrives as our e-commerce events."""

from __future__ import annotations

import pytest
from browser_site import PixelSite
from playwright.async_api import Page

pytestmark = pytest.mark.browser

ITEM = {"item_id": "A", "price": 5, "quantity": 2}
GTAG = "<script>window.dataLayer = window.dataLayer || []; function gtag() { dataLayer.push(arguments) }</script>"


async def test_gtag_and_tag_manager_pushes(site: PixelSite, page: Page) -> None:
    site.ask_for(datalayer="dataLayer", currency="EUR")
    early = f"""{GTAG}<script>gtag('js', new Date()); gtag('config', 'G-1');
        gtag('event', 'view_item', {{currency: 'USD', value: 10, items: [{{item_id: 'A'}}]}});
        dataLayer.push({{ecommerce: null}});
        dataLayer.push({{event: 'add_to_cart', ecommerce: {{items: [{{item_id: 'A', price: 5, quantity: 2}}]}}}});
        dataLayer.push({{event: 'gtm.js', 'gtm.start': 1}});</script>"""
    site.pages["/shop"] = site.html(body=early)
    await page.goto(site.url("/shop"))
    await site.wait("add_to_cart")
    await page.evaluate(
        """() => { const length = dataLayer.length;
             const answer = dataLayer.push({event: 'purchase', ecommerce: {transaction_id: 'T1', value: 12.5,
               currency: 'GBP', items: []}});
             if (answer !== length + 1) throw new Error('push answers as before');
             gtag('event', 'scroll', {percent_scrolled: 90});
             dataLayer.push(null, undefined, 7, 'text', {event: {}}, Object.create(null)); }"""
    )
    [purchase] = await site.wait("purchase")
    [view], [added] = site.events("view_item"), site.events("add_to_cart")
    assert (view.value, view.currency, view.items) == (10.0, "USD", [{"item_id": "A"}])
    assert (added.value, added.currency, added.items) == (10.0, "EUR", [ITEM])
    assert (purchase.value, purchase.currency, purchase.props) == (12.5, "GBP", {"transaction_id": "T1"})
    assert {event.name for event in site.events()} == {"page_view", "view_item", "add_to_cart", "purchase"}


async def test_an_array_of_another_name_that_comes_late(site: PixelSite, page: Page) -> None:
    site.ask_for(datalayer="shopLayer")
    await page.goto(site.url("/"))
    await page.wait_for_function("window.shopLayer")
    await page.evaluate("shopLayer.push({event: 'refund', ecommerce: {transaction_id: 'T1', value: 3}})")
    [event] = await site.wait("refund")
    assert event.value == 3.0
