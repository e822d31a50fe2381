"""Who it is: visitor, session, number, user; across pages, tabs, sign-ins and blocked storage."""

from __future__ import annotations

import asyncio

import pytest
from browser_site import PixelSite
from playwright.async_api import BrowserContext, Page

pytestmark = pytest.mark.browser

STATE = "JSON.parse(localStorage.getItem('jt_wk_out_0123456789abcde_s'))"
BLOCKED = (
    """Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError') }});"""
)


async def test_a_visitor_is_one_over_pages_and_tabs(site: PixelSite, page: Page, context: BrowserContext) -> None:
    await page.goto(site.url("/one"))
    await site.wait("page_view", 1)
    await page.goto(site.url("/two"))
    await site.wait("page_view", 2)
    other = await context.new_page()
    await other.goto(site.url("/three"))
    events = await site.wait("page_view", 3)
    assert len({event.visitor for event in events}) == len({event.session for event in events}) == 1
    assert [event.seq for event in events] == [1, 2, 3]


async def test_half_an_hour_of_silence_ends_a_session(site: PixelSite, page: Page) -> None:
    await page.add_init_script("Date.prototype.toDateString = () => 'one long day'")  # or this fails around midnight
    await page.goto(site.url("/"))
    [first] = await site.wait("page_view")

    async def wait_minutes(minutes: float) -> None:
        """As if the last event had been so long ago."""
        await page.evaluate(
            f"""() => {{ const s = {STATE}; s.t -= {minutes} * 60000;
                localStorage.setItem('jt_wk_out_0123456789abcde_s', JSON.stringify(s)) }}"""
        )

    await wait_minutes(29.9)
    await page.evaluate("jt('track', 'soon')")
    [soon] = await site.wait("soon")
    await wait_minutes(30.1)
    await page.evaluate("jt('track', 'late')")
    [late] = await site.wait("late")
    assert first.session == soon.session != late.session
    assert first.visitor == late.visitor
    assert (first.seq, soon.seq, late.seq) == (1, 2, 3)


async def test_midnight_ends_a_session(site: PixelSite, page: Page) -> None:
    await page.add_init_script(
        "Date.prototype.toDateString = function () { return this.getTime() < window.midnight ? 'today' : 'tomorrow' }"
    )
    await page.add_init_script("window.midnight = Date.now() + 1e9")
    await page.goto(site.url("/"))
    await page.evaluate("jt('track', 'before')")
    await page.evaluate("window.midnight = Date.now(); jt('track', 'after')")
    [after] = await site.wait("after")
    [first], [before] = await site.wait("page_view"), site.events("before")
    assert first.session == before.session != after.session
    assert first.visitor == after.visitor


async def test_another_campaign_is_another_session(site: PixelSite, page: Page) -> None:
    for path in ("/a?utm_source=x&utm_campaign=one", "/b", "/c?utm_source=x&utm_campaign=one", "/d?utm_source=y"):
        await page.goto(site.url(path))
        await page.wait_for_function("window.jt && window.jt.v")
    first, then, same, other = await site.wait("page_view", 4)
    assert first.session == then.session == same.session != other.session


async def test_a_session_is_shared_by_tabs(site: PixelSite, context: BrowserContext) -> None:
    tabs = [await context.new_page(), await context.new_page()]
    for tab in tabs:
        await tab.goto(site.url("/"))
        await site.wait("page_view", tabs.index(tab) + 1)
    for at in range(4):
        await tabs[at % 2].evaluate("jt('track', 'turn')")
        await site.wait("turn", at + 1)
    events = sorted(site.events(), key=lambda event: event.seq)
    assert [event.seq for event in events] == [1, 2, 3, 4, 5, 6]
    assert len({event.session for event in events}) == 1


async def test_identify_alias_group_and_reset(site: PixelSite, page: Page) -> None:
    await page.goto(site.url("/"))
    await page.evaluate(
        """jt('identify', 42, {plan: 'gold'}); jt('track', 'known'); jt('group', 'acme', {seats: 3});
           jt('track', 'in_group'); jt('alias', 'new-id', '42'); jt('reset'); jt('track', 'somebody_else')"""
    )
    await site.wait("somebody_else")
    by_name = {event.name: event for event in site.events()}
    assert by_name["page_view"].user == ""
    assert by_name["identify"].user == by_name["known"].user == "42"
    assert by_name["identify"].traits == {"plan": "gold"}
    assert (by_name["group"].group, by_name["in_group"].group) == ("acme", "acme")
    assert by_name["group"].traits == {"seats": 3}
    assert (by_name["alias"].previous, by_name["alias"].user) == ("42", "new-id")
    other = by_name["somebody_else"]
    assert (other.user, other.group, other.seq) == ("", "", 1)
    assert other.visitor != by_name["known"].visitor
    assert other.session != by_name["known"].session


async def test_after_a_reset_the_new_visitor_stays_new(site: PixelSite, page: Page) -> None:
    """The cookie follows the pixel, not the other way round."""
    await page.goto(site.url("/"))
    [first] = await site.wait("page_view")
    await page.evaluate("jt('reset'); jt('track', 'after')")
    [after] = await site.wait("after")
    await page.goto(site.url("/next"))
    later = (await site.wait("page_view", 2))[1]
    assert first.visitor != after.visitor == later.visitor


async def test_ready_tells_the_page_who_it_is(site: PixelSite, page: Page) -> None:
    await page.goto(site.url("/"))
    [event] = await site.wait("page_view")
    await page.evaluate("jt('identify', 'u1')")
    who = await page.evaluate("() => new Promise(resolve => jt('ready', resolve))")
    assert (who["visitor"], who["session"], who["user"]) == (event.visitor, event.session, "u1")


async def test_subdomains_are_one_visitor(site: PixelSite, context: BrowserContext) -> None:
    """Storage is a host's own; the collector's cookie is the same for all hosts of one site."""
    site.front_url = site.front_url.replace("127.0.0.1", "t.shop.test")
    for at, host in enumerate(("www.shop.test", "blog.shop.test"), 1):
        page = await context.new_page()
        await page.goto(site.url("/", host=host))
        await site.wait("page_view", at)
        await asyncio.sleep(0.3)  # the answer with the id is heard
    assert len({event.visitor for event in site.events("page_view")}) == 1


async def test_blocked_storage_leaves_the_cookie(site: PixelSite, page: Page) -> None:
    """Each page makes an id up; the collector knows better and says so."""
    await page.add_init_script(BLOCKED)
    await page.goto(site.url("/one"))
    [first] = await site.wait("page_view", 1)
    await page.goto(site.url("/two"))
    await site.wait("page_view", 2)
    await asyncio.sleep(0.3)  # the answer with the id is heard
    await page.evaluate("jt('track', 'more'); jt('track', 'and_more')")
    await site.wait("and_more")
    assert {event.visitor for event in site.events()} == {first.visitor}
    assert [body.get("fresh") for body in site.front.bodies] == [True, True, None]


async def test_a_cleared_storage_is_healed_by_the_cookie(site: PixelSite, page: Page) -> None:
    await page.goto(site.url("/one"))
    [first] = await site.wait("page_view", 1)
    await asyncio.sleep(0.3)
    await page.evaluate("localStorage.clear()")
    await page.evaluate("jt('track', 'a'); jt('track', 'b')")
    await site.wait("b")
    await asyncio.sleep(0.3)
    await page.goto(site.url("/two"))
    await site.wait("page_view", 2)
    assert {event.visitor for event in site.events()} == {first.visitor}
    assert await page.evaluate(f"{STATE}.v") == first.visitor


async def test_garbage_under_our_keys_does_no_harm(site: PixelSite, page: Page) -> None:
    key = "jt_wk_out_0123456789abcde_"
    await page.goto(site.url("/one"))
    await site.wait("page_view", 1)
    await page.evaluate(
        f"""for (const [name, text] of [['s','{{'],['c','null'],['w','soon'],['e','"x"'],['e1','{{'],['e2','null']])
              localStorage.setItem('{key}' + name, text)"""
    )
    await page.goto(site.url("/two"))
    events = await site.wait("page_view", 2)
    assert len(events) == 2
