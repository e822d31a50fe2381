"""ID matching: partners' images, only where ads are allowed, once a week, after everything else."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest
from browser_site import PixelSite
from playwright.async_api import Page

pytestmark = pytest.mark.browser

TCF = """<script>window.__tcfapi = (command, version, callback) => callback({eventStatus: 'tcloaded', gdprApplies: true,
  tcString: 'CPtest', purpose: {consents: %s}, vendor: {consents: %s}}, true)</script>"""


async def visited(site: PixelSite, page: Page, *, said: str, policy: str = "opt-in", tcf: str = "") -> list[str]:
    """Which partners were asked, by name and query."""
    partner = f"http://localhost:{site.port}/partner"
    site.ask_for(
        partners=[
            {"name": "one", "url": partner + "/one?uid={visitor}&gdpr={gdpr}&consent={gdpr_consent}", "vendor": 10},
            {"name": "two", "url": partner + "/two?uid={visitor}&other={nothing}"},
        ]
    )
    site.pages["/"] = site.html(policy=policy, body=f"{tcf}<script>{said}</script>")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/partner/" in request.url else None)
    await page.goto(site.url("/", policy=policy))
    await page.wait_for_function("window.jt && window.jt.v")
    await asyncio.sleep(0.7)
    return asked


async def test_partners_are_asked_once_a_week(site: PixelSite, page: Page) -> None:
    asked = await visited(site, page, said="jt('consent', {analytics: true, ads: true})")
    assert [urlsplit(address).path for address in asked] == ["/partner/one", "/partner/two"]
    visitor = site.events("page_view")[0].visitor
    assert parse_qs(urlsplit(asked[0]).query) == {"uid": [visitor], "gdpr": ["0"]}
    await page.reload()
    await asyncio.sleep(0.7)
    assert len(asked) == 2
    await page.add_init_script("{ const now = Date.now; Date.now = () => now() + 8 * 86400e3 }")
    await page.reload()
    await asyncio.sleep(0.7)
    assert len(asked) == 4


ALL, SOME = "{1: true, 3: true, 4: true}", "{1: true, 3: true}"
CASES = [
    # said, policy, TCF, partners
    ("jt('consent', {analytics: true, ads: false})", "opt-in", "", []),
    ("jt('consent', {analytics: true})", "opt-in", "", []),
    ("", "opt-in", "", []),
    ("", "opt-out", "", ["one", "two"]),
    ("jt('consent', {ads: false})", "opt-out", "", []),
    ("jt('consent', {analytics: true, ads: true})", "opt-in", TCF % (ALL, "{10: true}"), ["one"]),
    ("jt('consent', {analytics: true, ads: true})", "opt-in", TCF % (SOME, "{10: true}"), []),
    ("jt('consent', {analytics: true, ads: true})", "opt-in", TCF % (ALL, "{11: true}"), []),
]


@pytest.mark.parametrize("case", CASES)
async def test_who_is_asked(site: PixelSite, page: Page, case: tuple[str, str, str, list[str]]) -> None:
    said, policy, tcf, partners = case
    asked = await visited(site, page, said=said, policy=policy, tcf=tcf)
    assert [urlsplit(address).path.rpartition("/")[2] for address in asked] == partners


async def test_a_signal_of_the_browser_is_enough(site: PixelSite, page: Page) -> None:
    await page.add_init_script("Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})")
    assert await visited(site, page, said="", policy="opt-out") == []


async def test_allowed_later_on_the_same_page(site: PixelSite, page: Page) -> None:
    asked = await visited(site, page, said="jt('consent', {analytics: true, ads: false})")
    assert asked == []
    await page.evaluate("jt('consent', {ads: true})")
    await asyncio.sleep(0.7)
    assert len(asked) == 2
