"""Consent: what is stored and sent before, after and against the answer, seen from the browser and the disk."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from browser_site import KEPT, PixelSite
from playwright.async_api import BrowserContext, Page

pytestmark = pytest.mark.browser

# Any touch of the device is written down, reads too.
WATCH = """
window.touched = [];
for (const name of ['getItem', 'setItem', 'removeItem', 'key', 'clear']) {
  const real = Storage.prototype[name];
  Storage.prototype[name] = function (...args) { touched.push(name + ' ' + args[0]); return real.apply(this, args); };
}
const storage = location.protocol === 'http:' ? window.localStorage : undefined;
Object.defineProperty(window, 'localStorage', {get() { touched.push('localStorage'); return storage }});
const cookie = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
Object.defineProperty(Document.prototype, 'cookie', {
  get() { touched.push('cookie read'); return cookie.get.call(this); },
  set(value) { touched.push('cookie write'); cookie.set.call(this, value); },
});
"""


def requested(page: Page) -> list[str]:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    return addresses


async def ready(page: Page) -> None:
    await page.wait_for_function("window.jt && window.jt.v")


async def test_opt_in_is_silent_before_the_answer(site: PixelSite, page: Page, context: BrowserContext) -> None:
    addresses = requested(page)
    await page.add_init_script(WATCH)
    await page.goto(site.url("/", policy="opt-in"))
    await ready(page)
    await page.evaluate(
        "jt('track','x'); jt('identify','u1'); jt('purchase',{value:1}); history.pushState({},'','/two')"
    )
    await asyncio.sleep(0.5)
    await page.goto("about:blank")  # nothing on the way out either
    await asyncio.sleep(0.3)
    assert [address.split("?")[0] for address in addresses] == [
        site.url("/", policy="opt-in").split("?")[0],
        f"{site.front_url}/p.js",
    ]
    assert await context.cookies() == []
    assert site.front.bodies == []
    await page.goto(site.url("/", policy="opt-in"))
    await ready(page)
    assert await page.evaluate("window.touched") == []
    assert await page.evaluate(KEPT) == []


async def test_events_wait_for_a_yes_and_keep_their_times(site: PixelSite, page: Page) -> None:
    await page.goto(site.url("/", policy="opt-in"))
    await ready(page)
    called = await page.evaluate("() => { jt('track', 'before'); return Date.now() }")
    await asyncio.sleep(1)
    await page.evaluate("jt('consent', {analytics: true, ads: true}); jt('track', 'after')")
    await site.wait("after")
    [before] = site.events("before")
    assert abs(before.ts - called) < 100
    names = [event.name for event in sorted(site.events(), key=lambda event: event.seq)]
    assert names == ["page_view", "before", "consent", "after"]
    assert {(event.analytics, event.ads) for event in site.events()} == {(1, 1)}
    assert len({event.visitor for event in site.events()}) == 1


async def test_a_no_drops_what_waited(site: PixelSite, page: Page, context: BrowserContext) -> None:
    await page.goto(site.url("/", policy="opt-in"))
    await ready(page)
    await page.evaluate("jt('track', 'before'); jt('consent', {analytics: false}); jt('track', 'after')")
    await asyncio.sleep(0.5)
    assert site.front.bodies == []
    assert await page.evaluate(KEPT) == []
    assert await context.cookies() == []
    await page.evaluate("jt('consent', {analytics: true}); jt('track', 'later')")
    await site.wait("later")
    assert site.events("before") == site.events("after") == []


async def test_the_same_answer_on_every_page_is_told_once(site: PixelSite, page: Page) -> None:
    answer = "<script>jt('consent', {analytics: true, ads: false})</script>"
    site.pages["/"] = site.html(policy="opt-in", body=answer)
    for n in (1, 2, 3):
        await page.goto(site.url("/", policy="opt-in"))
        await site.wait("page_view", n)
    assert len(site.events("consent")) == 1
    assert {(event.analytics, event.ads) for event in site.events()} == {(1, 0)}
    assert len({event.visitor for event in site.events()}) == 1


@pytest.mark.parametrize("policy", ["opt-in", "opt-out"])
async def test_withdrawal_clears_and_is_told(site: PixelSite, page: Page, context: BrowserContext, policy: str) -> None:
    host = "127.0.0.1"  # the collector's own host, so that its cookie is ours
    await page.goto(site.url("/", policy=policy, host=host))
    await ready(page)
    await page.evaluate("jt('consent', {analytics: true, ads: true})")
    [event] = await site.wait("page_view")
    assert await page.evaluate(KEPT) != []
    assert "jt_vid" in {cookie["name"] for cookie in await context.cookies()}
    await page.evaluate("jt('track', 'unsent'); jt('consent', {analytics: false, ads: false}); jt('track', 'never')")
    for _ in range(600):
        told = [event for event in site.events("consent") if event.analytics == 0]
        if told:
            break
        await asyncio.sleep(0.1)
    assert [(one.visitor, one.ads) for one in told] == [(event.visitor, 0)]
    assert [await page.evaluate(KEPT), await context.cookies()] == [
        [] if policy == "opt-in" else ["jt_wk_out_0123456789abcde_c"],  # the refusal itself, or we would start again
        [],
    ]
    sent = len(site.front.bodies)
    await page.goto(site.url("/again", policy=policy, host=host))
    await ready(page)
    await page.evaluate("jt('track', 'never')")
    await asyncio.sleep(0.4)
    assert len(site.front.bodies) == sent
    assert site.events("never") == []
    await page.evaluate("jt('consent', {analytics: true})")
    await page.evaluate("jt('track', 'again')")
    [again] = await site.wait("again")
    assert again.visitor != event.visitor  # nobody we knew


async def test_opt_out_tracks_until_a_no(site: PixelSite, page: Page) -> None:
    await page.add_init_script(WATCH)
    await page.goto(site.url("/"))
    [event] = await site.wait("page_view")
    assert await page.evaluate("window.touched") != []  # so the watch does see us
    assert (event.analytics, event.ads) == (-1, -1)  # nobody was asked, and we don't pretend


async def test_a_refusal_that_is_known_at_load_touches_nothing(site: PixelSite, page: Page) -> None:
    no = "<script>jt('consent', {analytics: false})</script>"
    site.pages["/"] = site.html(policy="opt-in", body=no)
    await page.add_init_script(WATCH)
    await page.goto(site.url("/", policy="opt-in"))
    await ready(page)
    await asyncio.sleep(0.3)
    assert await page.evaluate("window.touched") == []
    assert site.front.bodies == []


GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true, configurable: true})"


@pytest.mark.parametrize(("said", "ads"), [({"analytics": True}, False), ({"analytics": True, "ads": True}, True)])
async def test_global_privacy_control_means_no_ads(site: PixelSite, page: Page, said: Any, ads: bool) -> None:
    await page.add_init_script(GPC)
    await page.goto(site.url("/", policy="opt-in"))
    await ready(page)
    await page.evaluate("said => jt('consent', said)", said)
    await site.wait("page_view")
    sent = [event for body in site.front.bodies for event in body["events"]]
    assert {event["consent"]["ads"] for event in sent} == {ads}


@pytest.mark.parametrize(("heeded", "signal"), [(True, "1"), (True, "unspecified"), (False, "1")])
async def test_do_not_track_is_a_setting(site: PixelSite, page: Page, heeded: bool, signal: str) -> None:
    site.ask_for(dnt=heeded)
    await page.add_init_script(f"Object.defineProperty(Navigator.prototype, 'doNotTrack', {{get: () => '{signal}'}})")
    await page.goto(site.url("/"))
    await ready(page)
    if heeded and signal == "1":
        await page.evaluate("jt('track', 'x')")
        await asyncio.sleep(0.3)
        assert site.front.bodies == []
        assert await page.evaluate(KEPT) == []
        await page.evaluate("jt('consent', {analytics: true})")  # said aloud: that counts more
        await page.evaluate("jt('track', 'agreed')")
        await site.wait("agreed")
        await page.goto(site.url("/next"))
    await site.wait("page_view")


async def test_tcf_and_gpp_strings_travel_along(site: PixelSite, page: Page) -> None:
    await page.goto(site.url("/", policy="opt-in"))
    await ready(page)
    await page.evaluate("jt('consent', {analytics: true, tcf: 'CPtest', gpp: 'DBABtest'})")
    await site.wait("page_view")
    assert site.front.bodies[0]["events"][0]["consent"] == {"analytics": True, "tcf": "CPtest", "gpp": "DBABtest"}
