""" "Opt-Out Request Honored": by a signal of the browser, by one that only the collector hears, by a click."""

from __future__ import annotations

import pytest
from browser_site import KEPT, PixelSite
from playwright.async_api import Browser, Page, expect
from widgets import GPC, opened

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("policy", ["opt-in", "opt-out"])
async def test_an_opt_out_by_signal_is_said_to_be_honoured(site: PixelSite, page: Page, policy: str) -> None:
    site.ask_for(optout=True)
    await page.add_init_script(GPC)
    panel = await opened(page, site.url("/", policy=policy))
    await expect(panel).to_have_accessible_name("Opt-Out Request Honored")
    await expect(panel).to_contain_text("We do not sell or share your personal information.")
    assert await page.evaluate("document.activeElement === document.body")
    if policy == "opt-in":
        assert await page.evaluate(KEPT) == []
        return
    [view] = await site.wait("page_view")
    assert view.ads == 0
    await panel.get_by_role("button", name="Close").click()
    await page.goto(site.url("/next", policy=policy))  # said once
    await site.wait("page_view", 2)
    await expect(page.locator("jt-widget")).to_have_count(0)


async def test_without_a_signal_nothing_is_said(site: PixelSite, page: Page) -> None:
    site.ask_for(optout=True)
    site.pages["/"] = site.html(body="<p data-jt-optout></p>")
    await page.goto(site.url("/"))
    await site.wait("page_view")
    await expect(page.locator("jt-widget")).to_have_count(0)
    await expect(page.locator("[data-jt-optout]")).to_have_text("")


async def test_the_link_not_to_sell_or_share(site: PixelSite, page: Page) -> None:
    site.ask_for(optout=True)
    link = '<a href="/x" data-jt-open="optout">Do not sell or share my personal information</a> <b data-jt-optout></b>'
    site.pages["/"] = site.pages["/next"] = site.html(body=link)
    await page.goto(site.url("/"))
    [view] = await site.wait("page_view")
    assert view.ads == -1
    await page.click("a")
    await expect(page.get_by_role("dialog")).to_have_accessible_name("Opt-Out Request Honored")
    await expect(page.locator("[data-jt-optout]")).to_have_text("Opt-Out Request Honored")
    [told] = await site.wait("consent")
    assert (told.analytics, told.ads, told.visitor) == (-1, 0, view.visitor)
    await page.goto(site.url("/next"))
    await expect(page.locator("[data-jt-optout]")).to_have_text("Opt-Out Request Honored")
    await expect(page.locator("jt-widget")).to_have_count(0)
    [_, second] = await site.wait("page_view", 2)
    assert second.ads == 0


async def test_a_signal_that_only_the_collector_hears_is_answered_too(site: PixelSite, browser: Browser) -> None:
    """The header without the property, as an extension or a proxy sets it."""
    site.ask_for(optout=True)
    site.pages["/marked"] = site.html(body="<p data-jt-optout></p>")
    context = await browser.new_context(locale="en-GB", extra_http_headers={"Sec-GPC": "1"})
    page = await context.new_page()
    await page.goto(site.url("/marked"))
    await expect(page.locator("[data-jt-optout]")).to_have_text("Opt-Out Request Honored")
    assert await page.get_by_role("dialog").count() == 0
    await page.goto(site.url("/"))
    await expect(page.get_by_role("dialog")).to_contain_text("Opt-Out Request Honored")
    await context.close()
