"""The whole road: a person clicks through the demo shop, and the funnel report of the API shows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from browser_site import DELIVERED
from clickhouse import free_port
from playwright.async_api import Browser, Page
from running import Tracker, tracker

from tracker.demo import make_app

pytestmark = pytest.mark.browser

STEPS = ("view_item", "add_to_cart", "begin_checkout", "add_shipping_info", "add_payment_info", "purchase")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(whole_chromium: Browser) -> Browser:
    return whole_chromium


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def road(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Tracker, str]]:
    """Collector and engine as processes, the shop in this one."""
    with tracker(tmp_path_factory.mktemp("road")) as made:
        key = await asyncio.to_thread(made.run, "site", "add", "demo", "--consent", "opt-in", "--domain", "127.0.0.1")
        made.collector().start()
        made.role("engine").start()
        await asyncio.to_thread(made.ready)
        runner = web.AppRunner(make_app(f"http://127.0.0.1:{made.port}", key["write_key"], "http://127.0.0.1:9"))
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield made, f"http://127.0.0.1:{port}"
        await runner.cleanup()
        for role in made.roles:
            assert role.stop() == 0


async def funnel(made: Tracker, **more: Any) -> list[int]:
    """Counts of the check-out funnel once everything acknowledged is in the reports."""
    await asyncio.to_thread(made.drained, "demo")
    now = datetime.now(UTC)
    body = {
        "site": "demo",
        "from": (now - timedelta(days=1)).isoformat(),
        "to": (now + timedelta(days=1)).isoformat(),
        "steps": [{"event": name} for name in STEPS],
        "mode": "ordered",
        "window": "1h",
        "count_by": "person",
        **more,
    }
    report = await asyncio.to_thread(made.api, "POST", "/api/v1/reports/funnel", body)
    return [step["count"] for step in report["steps"]]


async def shown(page: Page, condition: str) -> None:
    """Playwright's own wait needs eval, which the shop's policy forbids."""
    async with asyncio.timeout(20):
        while not await page.evaluate(condition):  # noqa: ASYNC110 - a test's clock is good enough
            await asyncio.sleep(0.05)


async def visit(browser: Browser, shop: str, choice: str, *, until: str) -> None:
    """One new person with a browser of their own; `until` is the last thing they do."""
    context = await browser.new_context()
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    try:
        await _shop(page, shop, choice, until)
        await page.wait_for_load_state("networkidle")
        # Pages of one site may live in processes of their own: what the last one wrote shows up late in this one.
        await asyncio.sleep(2.5)
        await shown(page, DELIVERED)
    finally:
        await context.close()
    assert said == []


async def _shop(page: Page, shop: str, choice: str, until: str) -> None:
    await page.goto(shop)
    await page.click(f'button[value="{choice}"]')
    await page.click("text=Tide watch")
    await page.wait_for_url("**/p/tide-watch")
    if until == "view_item":
        return
    await page.select_option("#quantity", "2")
    await page.click("text=Add to cart")
    await page.wait_for_url("**/cart")
    if until == "add_to_cart":
        return
    await page.click("text=Go to check-out")
    await page.check('input[value="express"]')
    await page.click("text=Continue to payment")
    await page.wait_for_url("**/checkout/payment")
    await page.click("text=Buy now")
    await page.wait_for_url("**/thank-you")
    await page.reload()  # shown again, bought once


async def test_clicks_move_the_funnel(road: tuple[Tracker, str], browser: Browser) -> None:
    made, shop = road
    assert await funnel(made) == [0] * 6
    await visit(browser, shop, "all", until="purchase")
    assert await funnel(made) == [1] * 6
    await visit(browser, shop, "statistics", until="add_to_cart")
    assert await funnel(made) == [2, 2, 1, 1, 1, 1]
    await visit(browser, shop, "all", until="view_item")
    assert await funnel(made) == [3, 2, 1, 1, 1, 1]
    await visit(browser, shop, "none", until="purchase")  # refused: nobody saw it
    assert await funnel(made) == [3, 2, 1, 1, 1, 1]
    ledger = await asyncio.to_thread(made.ledger, "demo")
    assert (ledger["rejected"], ledger["suppressed"], ledger["unexplained"]) == ({}, 0, 0)


async def test_a_customer_with_two_browsers_is_one_person(road: tuple[Tracker, str], browser: Browser) -> None:
    """The same e-mail address is the same customer number. Value and chosen delivery came along."""
    made, shop = road
    express = {"property": "props.shipping_tier", "op": "eq", "value": "express"}
    worth = {"property": "value", "op": "eq", "value": 458}
    steps = [{"event": "add_shipping_info", "where": [express]}, {"event": "purchase", "where": [worth]}]
    await visit(browser, shop, "all", until="purchase")
    visitors = await funnel(made, steps=steps, count_by="visitor")
    persons = await funnel(made, steps=steps)
    await visit(browser, shop, "all", until="purchase")
    assert await funnel(made, steps=steps, count_by="visitor") == [count + 1 for count in visitors]
    assert await funnel(made, steps=steps) == persons == [1, 1]


async def test_the_footer_says_what_is_known(road: tuple[Tracker, str], browser: Browser, tmp_path: Path) -> None:
    _, shop = road
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(shop)
    await shown(page, "document.getElementById('who').textContent.startsWith('Nothing yet')")
    await page.click('button[value="statistics"]')
    await shown(page, "document.getElementById('who').textContent.includes('not advertising')")
    await page.click("#choices")
    await page.click('button[value="none"]')
    await shown(page, "document.getElementById('who').textContent.includes('You refused')")
    assert await page.evaluate("Object.keys(localStorage)") == []
    await context.close()


@pytest.mark.parametrize("width", [1440, 390])
async def test_the_shop_fits_its_window(road: tuple[Tracker, str], browser: Browser, width: int) -> None:
    _, shop = road
    context = await browser.new_context(viewport={"width": width, "height": 844})
    page = await context.new_page()
    for path in ("/", "/c/audio", "/p/nord-phone", "/search?q=x", "/cart", "/nothing"):
        await page.goto(shop + path)
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        unnamed = await page.evaluate(
            """() => [...document.querySelectorAll('a,button,input:not([type=hidden]),select')].filter(element =>
                 !(element.textContent.trim() || element.getAttribute('aria-label') || (element.labels || []).length
                   || element.getAttribute('aria-hidden'))).map(element => element.outerHTML)"""
        )
        assert unnamed == []
        assert await page.evaluate("document.querySelectorAll('h1').length") == 1
    await context.close()
