"""What the modules see ends as rows in the store: real processes, a real page, the embedded ClickHouse."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser
from stored import stored

pytestmark = pytest.mark.browser

PIXEL = {
    "autocapture": ["outbound", "download", "contact", "form", "marked", "rage", "missing", "error"],
    "engagement": True,
    "vitals": True,
    "datalayer": "dataLayer",
    "cmp": ["gcm"],
    "hash": True,
    "currency": "EUR",
}
BODY = """<script>addEventListener('click', event => event.preventDefault())</script>
<a id="out" href="https://elsewhere.example/">out</a><a id="file" href="/list.pdf">file</a>
<a id="mail" href="mailto:a@b.example">mail</a><button id="mark" data-track="plan_chosen">plan</button>
<p id="dead">dead</p><form id="f" action="/f"><input name="city"></form><p style="height:2000px">tall</p>"""
WANTED = {
    "page_view": 1,
    "outbound_click": 1,
    "file_download": 1,
    "contact_click": 1,
    "plan_chosen": 1,
    "rage_click": 1,
    "page_not_found": 1,
    "js_error": 1,
    "form_abandon": 1,
    "add_to_cart": 1,
    "purchase": 1,
    "identify": 2,
    "consent": 1,
}


async def test_every_module_fills_rows(browser: Browser, tmp_path: Path) -> None:
    missing = {"/shop": 404}
    async with stored(tmp_path, PIXEL, body=BODY, status=lambda path: missing.get(path, 200)) as shop:
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(shop.url("/shop?utm_source=news&gclid=G1"))
        await page.evaluate(
            """() => { window.dataLayer = window.dataLayer || [];
                 window.gtag = function () { dataLayer.push(arguments) };
                 gtag('consent', 'update', {analytics_storage: 'granted', ad_storage: 'granted',
                      ad_user_data: 'granted', ad_personalization: 'granted'}) }"""
        )
        vitals = "performance.getEntriesByType('resource').filter(one => one.name.includes('/m/')).length === 4"
        await page.wait_for_function(vitals)
        await asyncio.sleep(0.3)
        for name in ("#out", "#file", "#mail", "#mark"):
            await page.click(name)
        await page.click("#dead", click_count=3, delay=5)
        await page.fill("[name=city]", "Secretville")
        await page.press("[name=city]", "Tab")
        await page.evaluate(
            """() => { jt('add_to_cart', {items: [{item_id: 'A', price: 2}]});
                 gtag('event', 'purchase', {value: 9, items: [{item_id: 'A'}]});
                 jt('identify', 'u1', {email: 'Ann@Private.example'});
                 setTimeout(() => { throw new Error('mine') }) }"""
        )
        await asyncio.sleep(0.3)
        await page.goto(shop.url("/next"))
        await page.wait_for_load_state("networkidle")
        await asyncio.sleep(0.5)
        await context.close()
        rows = await shop.rows("event, toString(props), value, currency, user, url")
    found: dict[str, list[list[Any]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    assert {name: len(found.get(name, [])) for name in WANTED} == WANTED
    assert len(found["web_vital"]) >= 2
    assert len(found["user_engagement"]) >= 1
    [bought] = found["purchase"]
    assert (bought[2], bought[3]) == (9.0, "EUR")
    assert json.loads(bought[1])["last_touch"] == {"utm_source": "news", "gclid": "G1"}
    assert {row[4] for row in found["identify"]} == {"u1"}
    assert "Secretville" not in str(rows) and "rivate.example" not in str(rows)
