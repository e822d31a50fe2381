"""Linked domains, ID matching and consent managers, as far as the rows in the store show them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from browser_site import DELIVERED
from playwright.async_api import Browser
from stored import stored

pytestmark = pytest.mark.browser

TCF = """<script>window.__tcfapi = (command, version, callback) => callback({eventStatus: 'tcloaded', gdprApplies: true,
  tcString: 'CPtest', purpose: {consents: {1: true, 3: true, 4: true}},
  vendor: {consents: {10: true}}}, true)</script>"""
GPP = """<script>window.__gpp = (command, callback) => command === 'ping'
  ? callback({gppString: 'DBtest', signalStatus: 'ready', parsedSections: {usnat: {SaleOptOut: 1}}}, true)
  : callback({eventName: 'listenerRegistered', pingData: {signalStatus: 'ready'}}, true)</script>"""


async def test_one_visitor_over_two_domains_and_a_partner(browser: Browser, tmp_path: Path) -> None:
    """By a link, then back by a form: four rows, one visitor, one session; the partner was told that visitor."""
    told: list[str] = []
    body = """<a id="link" href="/">link</a><form id="form" action="/"><input name="q" value="1"></form><script>
      const other = location.hostname === 'localhost' ? '127.0.0.1' : 'localhost';
      const there = 'http://' + other + ':' + location.port;
      link.href = there + '/by-link'; form.action = there + '/by-form'</script>"""
    pixel = {
        "cmp": ["tcf"],
        "link_domains": ["127.0.0.1", "localhost"],
        "partners": [{"name": "p", "url": "http://partner.shop.test/s?id={visitor}&tc={gdpr_consent}", "vendor": 10}],
    }
    async with stored(tmp_path, pixel, body=TCF + body) as shop:
        context = await browser.new_context()
        page = await context.new_page()
        page.on("request", lambda request: told.append(request.url) if "partner.shop.test" in request.url else None)
        await page.goto(shop.url("/here"))
        await page.wait_for_function("localStorage.length > 0")
        await page.wait_for_function(DELIVERED)
        await page.click("#link")
        await page.wait_for_url("**/by-link")
        await page.wait_for_function("localStorage.length > 0")
        await page.wait_for_function(DELIVERED)
        await page.focus("[name=q]")
        await asyncio.sleep(0.2)
        await page.press("[name=q]", "Enter")
        await page.wait_for_url("**/by-form?q=1")
        await page.wait_for_function(DELIVERED)
        await asyncio.sleep(0.5)
        await context.close()
        rows = await shop.rows("event, path(url), visitor, session, analytics, url")
    views = [row for row in rows if row[0] == "page_view"]
    assert [row[1] for row in views] == ["/here", "/by-link", "/by-form"]
    assert len({(row[2], row[3]) for row in views}) == 1
    assert {row[4] for row in rows} == {1}  # what the manager said is with every row
    assert "jt_link" not in str(rows)
    assert told and all(f"id={views[0][2]}&tc=CPtest" in address for address in told)


async def test_a_refusal_at_the_manager_is_with_every_row(browser: Browser, tmp_path: Path) -> None:
    pixel = {"cmp": ["gpp"], "partners": [{"name": "p", "url": "http://partner.shop.test/s?id={visitor}"}]}
    told: list[str] = []
    async with stored(tmp_path, pixel, body=GPP, consent="opt-out") as shop:
        context = await browser.new_context()
        page = await context.new_page()
        page.on("request", lambda request: told.append(request.url) if "partner.shop.test" in request.url else None)
        await page.goto(shop.url("/"))
        await page.wait_for_function("window.jt && jt.v")
        await page.evaluate("jt('track', 'later')")
        await page.wait_for_function(DELIVERED)
        await asyncio.sleep(0.5)
        await context.close()
        rows = await shop.rows("event, ads")
    assert {row[0] for row in rows} >= {"page_view", "later"}
    assert {row[1] for row in rows} == {0}
    assert told == []
