"""?tracker_debug: what the pixel does, shown on the page."""

from __future__ import annotations

import asyncio

import pytest
from browser_site import PixelSite
from playwright.async_api import Page, expect

pytestmark = pytest.mark.browser


async def test_the_panel_shows_events_consent_and_answers(site: PixelSite, page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    stub = "<script>window.jt=window.jt||function(){(jt.q=jt.q||[]).push(arguments)}</script>"
    html = site.html(policy="opt-in").replace(stub, "")
    site.pages["/"] = html.replace("<head>", '<head><link rel="icon" href="data:,">')
    site.page_headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src {site.front_url}; connect-src {site.front_url}; img-src data:; "
        "require-trusted-types-for 'script'"
    )
    await page.goto(site.url("/?tracker_debug", policy="opt-in"))
    panel = page.get_by_label("Tracker")
    await expect(panel).to_contain_text("opt-in, consent {}, nothing is kept")
    await page.evaluate("jt('purchase', {value: 5, currency: 'EUR'})")
    await expect(panel).to_contain_text('purchase (track) {"value":5,"currency":"EUR"}')
    assert site.front.bodies == []  # looking changes nothing
    await page.evaluate("jt('consent', {analytics: true})")
    await expect(panel).to_contain_text("answer 204: 3 events")
    await expect(panel).to_contain_text('consent {"analytics":true}, visitor ')
    assert said == []


async def test_nobody_sees_it_who_did_not_ask(site: PixelSite, page: Page) -> None:
    await page.goto(site.url("/"))
    await site.wait("page_view")
    await asyncio.sleep(0.2)
    assert await page.get_by_label("Tracker").count() == 0
