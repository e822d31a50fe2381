"""Consent managers: TCF, GPP and Google Consent Mode say it, and nothing happens before they do."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from browser_site import PixelSite
from consent_reference import tc_string
from playwright.async_api import BrowserContext, Page

from tracker.core.privacy import PrivacySettings

pytestmark = pytest.mark.browser

TCF = """<script>
window.listeners = [];
window.__tcfapi = (command, version, callback) => { if (command === 'addEventListener') {
  listeners.push(callback);
  callback({eventStatus: 'cmpuishown', gdprApplies: true, tcString: '', purpose: {consents: {}},
            vendor: {consents: {}}}, true);
} };
window.choose = (purposes, vendors, applies = true, status = 'useractioncomplete', tcString = 'CPtest') =>
  listeners.forEach(tell => tell({
  eventStatus: status, gdprApplies: applies, tcString,
  purpose: {consents: Object.fromEntries(purposes.map(one => [one, true]))},
  vendor: {consents: Object.fromEntries(vendors.map(one => [one, true]))}}, true));
</script>"""

CHOICES = [
    # purposes, vendors, what is said: None is a refusal, of which nothing is kept
    ([1, 2, 3, 4, 7], [755], {"analytics": True, "ads": True}),
    ([1, 3], [755], {"analytics": True, "ads": False}),
    ([1, 2, 3, 4], [], None),
    ([3, 4], [755], None),
    ([], [], None),
]


@pytest.mark.parametrize(("purposes", "vendors", "said"), CHOICES)
async def test_tcf(
    site: PixelSite, page: Page, purposes: list[int], vendors: list[int], said: dict[str, bool] | None
) -> None:
    site.ask_for(cmp=["tcf"], vendor=755)
    site.pages["/"] = site.html(policy="opt-in", body=TCF)
    await page.goto(site.url("/", policy="opt-in"))
    await page.wait_for_function("listeners.length")
    await page.evaluate("jt('track', 'waiting')")
    await asyncio.sleep(0.2)
    assert site.front.bodies == []
    await page.evaluate("([purposes, vendors]) => choose(purposes, vendors)", [purposes, vendors])
    if said is None:
        await asyncio.sleep(0.4)
        assert site.front.bodies == []
        return
    await site.wait("waiting")
    sent = [event["consent"] for body in site.front.bodies for event in body["events"]]
    assert sent == [{**said, "tcf": "CPtest"}] * len(sent)
    await page.evaluate("choose([], [])")  # withdrawn in the manager's own window
    for _ in range(50):
        if told := [event for event in site.events("consent") if event.analytics == 0]:
            break
        await asyncio.sleep(0.1)
    assert told
    assert await page.evaluate("Object.keys(localStorage)") == []


@pytest.mark.parametrize(
    ("purposes", "vendors", "stored"),
    [
        ([1, 3, 4, 7], [10, 755], ("M4:10", 1)),
        ([1, 3, 4, 7], [755], ("M3", 0)),  # the network that the site shares with was not agreed to
        ([1, 7], [10, 755], ("M2", 0)),
    ],
)
async def test_what_a_real_string_allows_is_with_the_event(
    site: PixelSite, page: Page, purposes: list[int], vendors: list[int], stored: tuple[str, int]
) -> None:
    """The manager's string is the IAB's own; the collector reads it, whatever the pixel made of the manager's words."""
    text = tc_string(purposes, vendors, int(time.time() * 1000))
    site.ask_for(PrivacySettings(vendors=(10,)), cmp=["tcf"], vendor=755)
    site.pages["/"] = site.html(policy="opt-in", body=TCF)
    await page.goto(site.url("/?gclid=G1", policy="opt-in"))
    await page.wait_for_function("listeners.length")
    await page.evaluate(
        "([purposes, vendors, text]) => choose(purposes, vendors, true, 'useractioncomplete', text)",
        [purposes, vendors, text],
    )
    [event] = await site.wait("page_view")
    assert (event.mode, event.ads) == stored
    assert event.analytics == 1
    assert ("G1" in str(event.url)) == (stored[0] != "M2")


async def test_a_manager_that_comes_late_and_knows_that_the_law_does_not_apply(site: PixelSite, page: Page) -> None:
    site.ask_for(cmp=["tcf"])
    site.pages["/"] = site.html(policy="opt-in")
    await page.goto(site.url("/", policy="opt-in"))
    await page.wait_for_function("window.jt && window.jt.v")
    await asyncio.sleep(0.3)
    await page.evaluate("html => document.head.append(document.createRange().createContextualFragment(html))", TCF)
    await page.wait_for_function("listeners.length")
    await page.evaluate("choose([], [], false, 'tcloaded')")
    [event] = await site.wait("page_view")
    assert (event.analytics, event.ads) == (1, -1)


GPP = """<script>
window.__gpp = (command, callback, parameter) => { if (command === 'addEventListener') window.tell = callback;
  if (command === 'ping')
    callback({gppString: 'DBABtest', signalStatus: 'ready', parsedSections: window.sections}, true) };
</script>"""
SECTIONS: list[tuple[dict[str, Any], bool | None]] = [
    ({"usnat": [{"SaleOptOut": 1, "SharingOptOut": 2, "TargetedAdvertisingOptOut": 2}, {"Gpc": False}]}, False),
    ({"usca": {"SaleOptOut": 2, "SharingOptOut": 2}}, None),
    ({"usnat": [{"SaleOptOut": 2}, {"Gpc": True}]}, False),
    ({"usnat": {"SaleOptOut": 0, "SaleOptOutNotice": 2}}, False),
    ({}, None),
]


@pytest.mark.parametrize(("sections", "ads"), SECTIONS)
async def test_gpp(site: PixelSite, page: Page, sections: dict[str, Any], ads: bool | None) -> None:
    site.ask_for(cmp=["gpp"])
    site.pages["/"] = site.html(body=GPP)
    await page.goto(site.url("/"))
    await page.wait_for_function("!!window.tell")
    await page.evaluate("sections => { window.sections = sections }", sections)
    await page.evaluate("tell({eventName: 'signalStatus', data: 'not ready'}, true)")
    await page.evaluate("tell({eventName: 'signalStatus', data: 'ready'}, true); jt('track', 'after')")
    await site.wait("after")
    sent = {event["name"]: event["consent"] for body in site.front.bodies for event in body["events"]}
    assert sent["after"] == ({"gpp": "DBABtest"} if ads is None else {"ads": ads, "gpp": "DBABtest"})


async def test_google_consent_mode(site: PixelSite, page: Page) -> None:
    site.ask_for(cmp=["gcm"])
    gtag = """<script>window.dataLayer = []; function gtag() { dataLayer.push(arguments) }
      gtag('consent', 'default', {ad_storage: 'granted', analytics_storage: 'granted', ad_user_data: 'denied',
                                  ad_personalization: 'denied'});</script>"""
    site.pages["/"] = site.html(policy="opt-in", body=gtag)
    await page.goto(site.url("/", policy="opt-in"))
    await page.wait_for_function("window.jt && window.jt.v")
    await asyncio.sleep(0.3)
    assert site.front.bodies == []  # a default is nobody's choice
    await page.evaluate("gtag('consent', 'update', {analytics_storage: 'granted'})")
    [event] = await site.wait("page_view")
    assert (event.analytics, event.ads) == (1, 0)
    await page.evaluate("gtag('consent', 'update', {ad_user_data: 'granted', ad_personalization: 'granted'})")
    await page.evaluate("jt('track', 'later')")
    [later] = await site.wait("later")
    assert (later.analytics, later.ads) == (1, 1)


async def test_asking_the_manager_costs_no_request_and_no_storage(
    site: PixelSite, page: Page, context: BrowserContext
) -> None:
    """Modules wait for consent; the one that asks for it travels with the script itself."""
    site.ask_for(cmp=["tcf", "gpp", "gcm"], engagement=True, vitals=True, autocapture=["outbound"], hash=True)
    site.pages["/"] = site.html(policy="opt-in", body=TCF)
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url.split("?")[0]))
    await page.goto(site.url("/", policy="opt-in"))
    await page.wait_for_function("listeners.length")
    await asyncio.sleep(0.3)
    assert addresses == [f"http://127.0.0.1:{site.port}/", f"{site.front_url}/p.js"]
    assert await page.evaluate("Object.keys(localStorage).concat(Object.keys(sessionStorage))") == []
    assert await context.cookies() == []
    await page.evaluate("choose([1, 3, 4], [])")
    await site.wait("page_view")
    assert len([address for address in addresses if "/m/" in address]) == 3
