"""The pixel in another engine: arrives, asks first, waits for a collector that is away, loads its modules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from browser_site import DELIVERED, PixelSite
from firefox import PROGRAM, Firefox, firefox

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason="no Firefox: install it (Debian: apt-get install firefox-esr)"),
]
KEPT = "JSON.stringify(Object.keys(localStorage))"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Firefox]:
    async with firefox(tmp_path_factory.mktemp("firefox")) as browser:
        yield browser


async def test_page_views_arrive_and_the_visitor_stays(site: PixelSite, fox: Firefox) -> None:
    await fox.go(site.url("/shoes?utm_source=news"))
    [first] = await site.wait("page_view")
    await fox.go(site.url("/next"))
    second = (await site.wait("page_view", 2))[1]
    await fox.run("history.pushState({}, '', '/routed')")
    third = (await site.wait("page_view", 3))[2]
    assert "utm_source=news" in first.url and third.url.endswith("/routed")
    assert len({(event.visitor, event.session) for event in (first, second, third)}) == 1
    assert [event.seq for event in (first, second, third)] == [1, 2, 3]


async def test_nothing_before_consent(site: PixelSite, fox: Firefox) -> None:
    await fox.go(site.url("/", policy="opt-in"))
    await fox.until("window.jt && jt.v")
    await fox.run("jt('track', 'early')")
    await asyncio.sleep(0.5)
    assert [await fox.run(KEPT), await fox.run("document.cookie"), site.front.bodies] == ["[]", "", []]
    await fox.run("jt('consent', {analytics: true})")
    [early] = await site.wait("early")
    assert early.analytics == 1 and len(site.events("page_view")) == 1
    await fox.run("jt('consent', {analytics: false})")
    await fox.until("!localStorage.length")


async def test_what_the_collector_could_not_take_comes_later(site: PixelSite, fox: Firefox) -> None:
    await fox.go(site.url("/"))
    await site.wait("page_view")
    site.front.fail = lambda: 0
    await fox.run("jt('track', 'kept', {n: 1})")
    await site.front.heard(3)
    assert "_e" in await fox.run(KEPT)
    site.front.fail = lambda: None
    await fox.go(site.url("/later"))
    assert len(await site.wait("kept", seconds=60)) == 1
    await fox.until(DELIVERED)


async def test_what_happened_just_before_leaving_arrives(site: PixelSite, fox: Firefox) -> None:
    await fox.go(site.url("/"))
    await fox.until("window.jt && jt.v")
    await fox.run("addEventListener('pagehide', () => jt('track', 'left')), 1")
    await fox.go("about:blank")
    assert len(await site.wait("left")) == 1


async def test_modules_come_with_integrity(site: PixelSite, fox: Firefox) -> None:
    site.ask_for(autocapture=["marked"], engagement=True)
    site.pages["/"] = site.html(body="<button data-track='plan_chosen' data-track-plan='gold'>plan</button>")
    await fox.go(site.url("/"))
    await fox.until("performance.getEntriesByType('resource').filter(one => one.name.includes('/m/')).length === 2")
    await asyncio.sleep(0.3)
    await fox.run("document.querySelector('button').click()")
    [chosen] = await site.wait("plan_chosen")
    assert chosen.props["plan"] == "gold"
