"""The promise of the pixel in one figure: closed pages, a killed tab, no line, no collector, one failure in ten.

Short in the ordinary run; half a minute each offline and without a collector with `TRACKER_CHAOS=full` (`make chaos`).
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter

import pytest
import pytest_asyncio
from browser_site import PixelSite
from playwright.async_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser

FULL = os.environ.get("TRACKER_CHAOS") == "full"
OUTAGE = 30.0 if FULL else 2.0  # seconds
ROUNDS = 30 if FULL else 6
QUEUED = "Object.keys(localStorage).filter(key => /^jt_.*_e[0-9]{13}/.test(key)).length"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(whole_chromium: Browser) -> Browser:
    return whole_chromium


async def test_what_arrives_of_everything_that_happened(site: PixelSite, context: BrowserContext) -> None:
    chance = random.Random(11)
    site.front.fail = lambda: chance.choice([503, 500, 0]) if chance.random() < 0.1 else None
    made = 0

    async def events(page: Page, count: int) -> None:
        nonlocal made
        await page.evaluate(
            "([from, to]) => { for (let n = from; n < to; n++) jt('track', 'step', {n}) }", [made, made + count]
        )
        made += count

    async def opened() -> Page:
        page = await context.new_page()
        await page.goto(site.url("/"))
        await page.wait_for_function("window.jt && window.jt.v")
        return page

    page = await opened()
    for _ in range(ROUNDS):  # pages closed and left right after an event, a tenth of the requests failing
        await events(page, 5)
        await page.goto(site.url("/next"))
        await page.wait_for_function("window.jt && window.jt.v")
        await events(page, 5)
        await page.close()
        page = await opened()

    await context.set_offline(True)  # no line
    await events(page, 20)
    await asyncio.sleep(OUTAGE)
    await context.set_offline(False)

    site.front.fail = lambda: 0  # no collector
    await events(page, 20)
    await asyncio.sleep(OUTAGE)
    site.front.fail = lambda: None
    await events(page, 10)
    await events(page, 10)  # a tab that is killed
    session = await context.new_cdp_session(page)
    crash = asyncio.ensure_future(session.send("Page.crash"))
    await asyncio.sleep(0.3)
    crash.cancel()

    page = await opened()
    await page.wait_for_function(f"{QUEUED} === 0", timeout=120_000)

    for _ in range(600):
        numbers = Counter(event.props["n"] for event in site.events("step"))
        if len(numbers) == made:
            break
        await asyncio.sleep(0.1)
    sent = Counter(site.front.ids)
    twice = sum(count - 1 for count in numbers.values())
    print(
        f"{len(numbers)} of {made} events arrived ({100 * len(numbers) / made:.2f} %), {twice} counted twice, "
        f"{sum(count - 1 for count in sent.values())} sent again, {len(site.front.bodies)} requests"
    )
    assert len(numbers) >= 0.995 * made
    assert twice == 0
