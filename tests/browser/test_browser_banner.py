"""The consent banner: nothing before the choice, no key but the choice, as easy to refuse as to agree."""

from __future__ import annotations

import json

import pytest
from browser_site import KEPT, KEYS, PixelSite
from playwright.async_api import BrowserContext, Page, expect
from widgets import FOCUS, GPC, opened

pytestmark = pytest.mark.browser


async def test_the_banner_keeps_nothing_before_the_choice(site: PixelSite, page: Page, context: BrowserContext) -> None:
    site.ask_for(banner={"policy": "/privacy"})
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    panel = await opened(page, site.url("/", policy="opt-in"))
    await page.evaluate("jt('track', 'waiting')")
    await page.wait_for_load_state("networkidle")
    assert [url.split("?")[0] for url in addresses if "favicon" not in url] == [
        site.url("/", policy="opt-in").split("?")[0],
        f"{site.front_url}/p.js",
    ]
    assert [await page.evaluate(KEPT), await context.cookies(), site.front.bodies] == [[], [], []]
    assert await page.evaluate("document.activeElement === document.body")
    assert await panel.get_by_role("button", name="Close").count() == 0
    assert await panel.get_by_role("link", name="Privacy policy").get_attribute("href") == "/privacy"
    # Yes and no look the same.
    looks = [
        await panel.get_by_role("button", name=name, exact=True).evaluate(
            """one => { const style = getComputedStyle(one), box = one.getBoundingClientRect();
                 return [style.backgroundColor, style.color, style.fontSize, style.fontWeight, style.border,
                         Math.round(box.width), Math.round(box.height), Math.round(box.y)] }"""
        )
        for name in ("Reject", "Accept")
    ]
    assert looks[0] == looks[1]
    await panel.get_by_role("button", name="Accept").click()
    await expect(panel).to_have_count(0)
    await site.wait("waiting")
    assert {(event.analytics, event.ads) for event in site.events()} == {(1, 1)}
    assert f"jt-choice_{KEYS['opt-in']}" in await page.evaluate(KEPT)
    # Known on the next page, before its page view.
    await page.goto(site.url("/next", policy="opt-in"))
    await site.wait("page_view", 2)
    await expect(page.locator("jt-widget")).to_have_count(0)
    assert len({event.visitor for event in site.events()}) == 1


async def test_a_no_in_the_banner_is_remembered_without_an_id(
    site: PixelSite, page: Page, context: BrowserContext
) -> None:
    site.ask_for(banner={})
    panel = await opened(page, site.url("/", policy="opt-in"))
    await panel.get_by_role("button", name="Reject").click()
    await expect(panel).to_have_count(0)
    key = f"jt-choice_{KEYS['opt-in']}"
    kept = json.loads(await page.evaluate(f"localStorage.getItem('{key}')"))
    assert kept == {"analytics": False, "ads": False, "at": kept["at"]}
    for path in ("/two", "/three"):
        await page.goto(site.url(path, policy="opt-in"))
        await page.wait_for_function("window.jt && window.jt.v")
        await page.evaluate("jt('track', 'never')")
        await expect(page.locator("jt-widget")).to_have_count(0)
    await page.wait_for_load_state("networkidle")
    assert [await page.evaluate(KEPT), await context.cookies(), site.front.bodies] == [[key], [], []]
    # Half a year later the question may come again.
    kept["at"] -= 181
    await page.evaluate("([key, text]) => localStorage.setItem(key, text)", [key, json.dumps(kept)])
    await opened(page, site.url("/later", policy="opt-in"))


async def test_choosing_by_keyboard_changing_and_withdrawing(site: PixelSite, page: Page) -> None:
    site.ask_for(banner={})
    site.pages["/"] = site.html(policy="opt-in", body='<button id="again" data-jt-open="banner">Privacy</button>')
    panel = await opened(page, site.url("/", policy="opt-in"))
    await page.keyboard.press("Tab")
    assert "Reject" in await page.evaluate(FOCUS)  # the banner is the first stop
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    assert 'aria-expanded="false"' in await page.evaluate(FOCUS)
    await page.keyboard.press("Enter")
    assert 'aria-expanded="true"' in await page.evaluate(FOCUS)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(panel).to_have_count(0)
    [view] = await site.wait("page_view")
    assert (view.analytics, view.ads) == (1, 0)
    await page.click("#again")
    await expect(panel.get_by_label("Measure how the site is used")).to_be_checked()
    await expect(panel.get_by_label("Advertisements on other sites")).not_to_be_checked()
    await page.keyboard.press("Escape")  # nothing changes
    await expect(panel).to_have_count(0)
    assert await page.evaluate("document.activeElement.id") == "again"
    await page.click("#again")
    await panel.get_by_role("button", name="Reject").click()  # one click, as saying yes was
    told = await site.wait("consent", 2)
    assert [(one.analytics, one.ads, one.visitor) for one in told] == [(1, 0, view.visitor), (0, 0, view.visitor)]
    assert await page.evaluate(KEPT) == [f"jt-choice_{KEYS['opt-in']}"]


async def test_a_withdrawal_by_the_page_is_not_undone_by_what_the_banner_remembers(site: PixelSite, page: Page) -> None:
    site.ask_for(banner={})
    panel = await opened(page, site.url("/", policy="opt-in"))
    await panel.get_by_role("button", name="Accept").click()
    await site.wait("page_view")
    await page.evaluate("jt('consent', {analytics: false})")
    await site.wait("consent", 2)
    sent = len(site.front.bodies)
    await page.goto(site.url("/next", policy="opt-in"))
    await page.wait_for_function("window.jt && window.jt.v")
    await page.evaluate("jt('track', 'never')")
    await page.wait_for_load_state("networkidle")
    assert (len(site.front.bodies), site.events("never")) == (sent, [])


async def test_the_banner_honours_global_privacy_control(site: PixelSite, page: Page) -> None:
    site.ask_for(banner={})
    await page.add_init_script(GPC)
    panel = await opened(page, site.url("/", policy="opt-in"))
    await expect(panel).to_contain_text("Global Privacy Control")
    await panel.get_by_role("button", name="Choose").click()
    assert await panel.get_by_role("checkbox").count() == 1
    await panel.get_by_role("button", name="Accept").click()
    await site.wait("page_view")
    assert {(event.analytics, event.ads) for event in site.events()} == {(1, 0)}
