"""Campaign tags and click ids: first and last touch, and only what consent allows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from browser_site import DELIVERED, PixelSite
from playwright.async_api import Page

pytestmark = pytest.mark.browser

STATE = "JSON.parse(localStorage.getItem('{}_s'))"
IDS = (
    "gclid gbraid wbraid dclid fbclid msclkid ttclid li_fat_id twclid yclid epik ScCid rdt_cid qclid irclickid"
).split()


async def bought(site: PixelSite, page: Page) -> dict[str, Any]:
    before = len(site.events("purchase"))
    await page.wait_for_function("window.jt && window.jt.v")
    await page.evaluate("jt('purchase', {value: 1})")
    return (await site.wait("purchase", before + 1))[-1].props


async def test_a_conversion_knows_its_first_and_last_touch(site: PixelSite, page: Page) -> None:
    await page.goto(site.url("/?utm_source=news&utm_medium=email&other=1"))
    await site.wait("page_view", 1)
    await page.goto(site.url("/plain"))
    await site.wait("page_view", 2)
    first = {"utm_source": "news", "utm_medium": "email"}
    assert await bought(site, page) == {"first_touch": first, "last_touch": first}
    await page.goto(site.url("/?utm_source=ads&gclid=G1"))
    last = {"utm_source": "ads", "gclid": "G1"}
    assert await bought(site, page) == {"first_touch": first, "last_touch": last}
    await page.evaluate("jt('track', 'click'); jt('identify', 'u1')")
    [identify] = await site.wait("identify")
    assert identify.props == {"first_touch": first, "last_touch": last}
    assert site.events("click")[0].props == {}  # not every click


async def kept_by(page: Page) -> str:
    """What the device keeps once all is delivered."""
    await page.wait_for_function(DELIVERED)
    return str(await page.evaluate("JSON.stringify(localStorage)"))


@pytest.mark.parametrize("name", IDS)
def test_the_collector_and_the_pixel_know_the_same_click_ids(name: str) -> None:
    from tracker.collector.clicks import names_click

    assert names_click(name)


async def test_every_click_id_is_known(site: PixelSite, page: Page) -> None:
    await page.goto(site.url("/?" + "&".join(f"{name}=v{at}" for at, name in enumerate(IDS))))
    assert (await bought(site, page))["first_touch"] == {name: f"v{at}" for at, name in enumerate(IDS)}


CASES = [
    # policy, what the page says, is the click id kept
    ("opt-in", {"analytics": True}, False),
    ("opt-in", {"analytics": True, "ads": False}, False),
    ("opt-in", {"analytics": True, "ads": True}, True),
    ("opt-out", {"analytics": True}, True),
    ("opt-out", {"ads": False}, False),
]


@pytest.mark.parametrize(("policy", "said", "kept"), CASES)
async def test_click_ids_need_consent_to_ads(
    site: PixelSite, page: Page, policy: str, said: dict[str, bool], kept: bool
) -> None:
    choice = f"<script>jt('consent', {str(said).replace('True', 'true').replace('False', 'false')})</script>"
    site.pages["/"] = site.html(policy=policy, body=choice)
    await page.goto(site.url("/?utm_source=x&gclid=secret", policy=policy))
    props = await bought(site, page)
    assert props["last_touch"] == ({"utm_source": "x", "gclid": "secret"} if kept else {"utm_source": "x"})
    assert ("secret" in await kept_by(page)) == kept


async def test_click_ids_go_when_ads_are_refused_later(site: PixelSite, page: Page) -> None:
    await page.goto(site.url("/?utm_source=x&gclid=secret"))
    await site.wait("page_view")
    await page.evaluate("jt('consent', {ads: false})")
    assert await bought(site, page) == {"first_touch": {"utm_source": "x"}, "last_touch": {"utm_source": "x"}}
    assert "secret" not in await kept_by(page)


async def test_gpc_means_no_click_ids(site: PixelSite, page: Page) -> None:
    """Not even in the address of an event that still waits on the device."""
    site.front.hold = asyncio.Event()
    await page.add_init_script("Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})")
    await page.goto(site.url("/?utm_source=x&gclid=secret"))
    await site.front.heard(1)
    waiting = await page.evaluate("JSON.stringify(localStorage)")
    assert "page_view" in waiting and "utm_source=x" in waiting and "secret" not in waiting
    site.front.hold.set()
    assert (await bought(site, page))["last_touch"] == {"utm_source": "x"}
