"""Engaged time, scroll depth and Core Web Vitals, as they arrive on disk."""

from __future__ import annotations

import asyncio

import pytest
from browser_site import PixelSite
from playwright.async_api import Page

pytestmark = pytest.mark.browser

TALL = '<div style="height:3000px">tall</div>'


async def here(page: Page, module: str) -> None:
    await page.wait_for_function(f"performance.getEntriesByType('resource').some(one => /m.{module}/.test(one.name))")
    await asyncio.sleep(0.1)  # fetched; now it has run too


async def test_time_and_depth_of_a_page(site: PixelSite, page: Page) -> None:
    site.ask_for(engagement=True)
    site.pages["/tall"] = site.html(title="Tall", body=TALL)
    await page.goto(site.url("/tall"))
    await here(page, "engagement")
    await page.evaluate("scrollTo(0, 1200)")
    await asyncio.sleep(1)
    await page.goto(site.url("/next"))
    [event] = await site.wait("user_engagement")
    assert event.url.startswith(f"http://127.0.0.1:{site.port}/tall")
    assert event.title == "Tall"
    assert 0.9 <= event.props["engagement_seconds"] < 5
    assert 50 <= event.props["scroll_percent"] <= 80


async def test_single_page_views_have_their_own_time(site: PixelSite, page: Page) -> None:
    site.ask_for(engagement=True)
    site.pages["/tall"] = site.html(title="Tall", body=TALL)
    await page.goto(site.url("/tall"))
    await here(page, "engagement")
    await page.evaluate("scrollTo(0, 9999)")
    await asyncio.sleep(0.4)
    await page.evaluate("scrollTo(0, 0); history.pushState({}, '', '/two'); document.title = 'Two'")
    await site.wait("page_view", 2)
    await asyncio.sleep(0.3)
    await page.goto("about:blank")
    first, second = await site.wait("user_engagement", 2)
    assert (first.title, first.props["scroll_percent"]) == ("Tall", 100)
    assert "/two" in second.url
    assert second.props["scroll_percent"] < 50


async def test_a_page_that_nobody_sees_has_no_time(site: PixelSite, page: Page) -> None:
    site.ask_for(engagement=True)
    site.pages["/tall"] = site.html(body=TALL)
    await page.goto(site.url("/tall"))
    await here(page, "engagement")
    hide = """hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
                          document.dispatchEvent(new Event('visibilitychange')) }"""
    await asyncio.sleep(0.3)
    await page.evaluate(hide, True)
    [first] = await site.wait("user_engagement")
    await asyncio.sleep(0.8)
    await page.evaluate(hide, False)
    await asyncio.sleep(0.3)
    await page.evaluate(hide, True)
    _, second = await site.wait("user_engagement", 2)
    assert second.props["engagement_seconds"] < 0.7  # the hidden time is not in it
    assert first.props["engagement_seconds"] < 3


async def test_core_web_vitals(site: PixelSite, page: Page) -> None:
    site.ask_for(vitals=True)
    site.pages["/v"] = site.html(body='<h1>Large text</h1><button id="b">b</button>')
    await page.goto(site.url("/v"))
    await here(page, "vitals")
    slow = "() => { const until = performance.now() + 80; while (performance.now() < until); }"
    await page.evaluate(f"document.getElementById('b').addEventListener('click', {slow})")
    await page.click("#b")
    await asyncio.sleep(0.2)
    await page.goto(site.url("/away"))
    events = await site.wait("web_vital", 3)
    assert {event.props["metric"] for event in events} == {"LCP", "CLS", "INP"}
    assert {event.props["rating"] for event in events} <= {"good", "needs-improvement", "poor"}
    lcp = next(event for event in events if event.props["metric"] == "LCP")
    assert 0 < lcp.props["score"] < 20_000
