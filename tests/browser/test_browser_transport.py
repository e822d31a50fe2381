"""Transport: events arrive once, whatever happens to the collector, the line, the page or the tab."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from browser_site import PixelSite
from playwright.async_api import BrowserContext, Page

pytestmark = pytest.mark.browser

PREFIX = "jt_wk_out_0123456789abcde_"
QUEUED = f"Object.keys(localStorage).filter(key => key.startsWith('{PREFIX}e')).length"


async def hurry(page: Page) -> None:
    """Back-off a hundred times quicker, in every document of the page; `window.pauses` has those that were meant."""
    await page.add_init_script(
        f"""{{ const real = window.setTimeout;
              window.setTimeout = (f, ms, ...a) => real(f, ms > 400 ? ms / 100 : ms, ...a); }}
            {{ const set = Storage.prototype.setItem; Storage.prototype.setItem = function (key, value) {{
              if (key === '{PREFIX}w') {{
                (window.pauses = window.pauses || []).push(value - Date.now());
                value = String(Date.now() + (value - Date.now()) / 100);
              }}
              return set.call(this, key, value); }} }}"""
    )


@pytest.mark.parametrize("failure", [503, 500, 429, 408, 0])
async def test_what_failed_comes_again_as_it_was(site: PixelSite, page: Page, failure: int) -> None:
    failures = iter([failure] * 4)
    site.front.fail = lambda: next(failures, None)
    await hurry(page)
    await page.goto(site.url("/"))
    await site.wait("page_view")
    assert len(site.front.bodies) == 5
    sent = [body["events"][0] for body in site.front.bodies]
    assert all(event == sent[0] for event in sent)  # id, time, session and number were frozen at the first try
    assert len(site.events()) == 1
    await page.wait_for_function(f"{QUEUED} === 0")


async def test_a_browser_that_is_steered_says_so(site: PixelSite, page: Page) -> None:
    """The collector marks it where it comes from a public address; here it is the site's own test."""
    await page.goto(site.url("/"))
    [event] = await site.wait("page_view")
    driven = await page.evaluate("navigator.webdriver")
    assert {body["webdriver"] for body in site.front.bodies} == {driven}
    assert event.bot == ""
    await page.add_init_script(
        f"Object.defineProperty(navigator, 'webdriver', {{get: () => {str(not driven).lower()}}})"
    )
    await page.reload()
    await site.wait("page_view", 2)
    assert site.front.bodies[-1]["webdriver"] is not driven


async def test_a_refused_batch_does_not_stand_in_the_way(site: PixelSite, page: Page) -> None:
    answers = iter([400])
    site.front.fail = lambda: next(answers, None)
    await page.goto(site.url("/"))
    for _ in range(1200):  # before the page view nothing is queued either
        if site.front.bodies:
            break
        await asyncio.sleep(0.05)
    await page.wait_for_function(f"window.jt && window.jt.v && {QUEUED} === 0")
    await page.evaluate("jt('track', 'next')")
    await site.wait("next")
    assert site.events("page_view") == []
    assert len(site.front.bodies) == 2


async def test_retry_after_is_respected_by_every_page(site: PixelSite, page: Page) -> None:
    answers = iter([503])
    site.front.fail = lambda: next(answers, None)
    site.front.headers = {"Retry-After": "2"}
    await page.goto(site.url("/one"))
    await page.wait_for_function(f"localStorage.getItem('{PREFIX}w')")
    await page.evaluate("jt('track', 'more')")
    await page.goto(site.url("/two"))
    events = await site.wait("page_view", 2)
    assert len(site.front.bodies) == 2  # nothing in between, not even a beacon
    assert site.front.times[1] - site.front.times[0] >= 1.9
    assert len(events) == 2
    assert len(site.events("more")) == 1


async def test_pauses_grow_and_differ(site: PixelSite, page: Page) -> None:
    site.front.fail = lambda: 503
    await hurry(page)
    await page.goto(site.url("/"))
    await site.front.heard(9)
    pauses = await page.evaluate("window.pauses")
    assert pauses[7] > 4 * pauses[2]  # doubling: 32 times, half to one and a half of it by chance
    assert len({round(pause / 2**at) for at, pause in enumerate(pauses[:8])}) > 4


async def test_offline_events_wait_for_the_line(site: PixelSite, page: Page, context: BrowserContext) -> None:
    await page.goto(site.url("/"))
    await site.wait("page_view")
    await context.set_offline(True)
    await page.evaluate("for (let n = 0; n < 5; n++) jt('track', 'offline', {n})")
    await asyncio.sleep(1)
    assert site.events("offline") == []
    assert await page.evaluate(QUEUED) == 5
    await context.set_offline(False)
    events = await site.wait("offline", 5)
    assert [event.props["n"] for event in sorted(events, key=lambda event: event.seq)] == [0, 1, 2, 3, 4]
    assert max(Counter(event.id for event in site.events()).values()) == 1


async def test_a_click_that_leaves_the_page_is_told(site: PixelSite, page: Page) -> None:
    site.pages["/link"] = site.html(body="""<a href="about:blank" id="out">out</a>""")
    await page.goto(site.url("/link"))
    await site.wait("page_view")
    await page.evaluate("document.getElementById('out').addEventListener('click', () => jt('track', 'left'))")
    await page.click("#out")
    await site.wait("left")


async def test_the_last_words_go_as_a_beacon(site: PixelSite, page: Page) -> None:
    await page.goto(site.url("/"))
    await site.wait("page_view")
    await page.evaluate("addEventListener('pagehide', () => { jt('track', 'goodbye'); jt('track', 'and_thanks') })")
    await page.goto("about:blank")
    await site.wait("goodbye")
    await site.wait("and_thanks")
    assert max(Counter(site.front.ids).values()) == 1


async def test_a_page_that_comes_back_goes_on(site: PixelSite, page: Page) -> None:
    await page.goto(site.url("/"))
    await site.wait("page_view")
    await page.evaluate("addEventListener('pagehide', () => jt('track', 'goodbye'))")
    await page.goto("about:blank")
    await page.go_back(wait_until="commit")
    await page.evaluate("jt('track', 'hello_again')")
    await site.wait("hello_again")
    await site.wait("goodbye")
    await page.wait_for_function(f"{QUEUED} === 0")


async def test_a_killed_tab_leaves_its_events_to_the_next(site: PixelSite, page: Page, context: BrowserContext) -> None:
    await page.goto(site.url("/"))
    await site.wait("page_view")
    site.front.hold = asyncio.Event()
    site.front.fail = lambda: 0
    await page.evaluate("for (let n = 0; n < 3; n++) jt('track', 'orphan', {n})")
    await page.wait_for_function(f"{QUEUED} === 3")
    session = await context.new_cdp_session(page)
    crash = asyncio.ensure_future(session.send("Page.crash"))
    await asyncio.sleep(0.5)
    site.front.hold.set()
    site.front.hold = None
    site.front.fail = lambda: None
    crash.cancel()
    other = await context.new_page()
    await other.goto(site.url("/next"))
    events = await site.wait("orphan", 3)
    assert len(events) == 3
    await other.wait_for_function(f"{QUEUED} === 0")


async def test_several_tabs_send_each_event_once(site: PixelSite, context: BrowserContext) -> None:
    site.front.fail = lambda: 503
    tabs = [await context.new_page() for _ in range(4)]
    for at, tab in enumerate(tabs):
        await tab.goto(site.url(f"/{at}"))
        await tab.wait_for_function("window.jt && window.jt.v")
    site.front.bodies.clear()
    site.front.fail = lambda: None
    for tab in tabs:
        await tab.evaluate(f"localStorage.removeItem('{PREFIX}w')")
    await asyncio.gather(*(tab.evaluate("for (let n = 0; n < 25; n++) jt('track', 'many')") for tab in tabs))
    await site.wait("many", 100)
    await site.wait("page_view", 4)
    assert max(Counter(site.front.ids).values()) == 1
    assert len(site.events("many")) == 100


async def test_one_request_in_ten_fails_and_nothing_is_missing(site: PixelSite, page: Page) -> None:
    chance = random.Random(7)
    site.front.fail = lambda: chance.choice([503, 0]) if chance.random() < 0.1 else None
    await hurry(page)
    count = 0
    for at in range(12):
        await page.goto(site.url(f"/{at}"))
        await page.wait_for_function("window.jt && window.jt.v")
        for _ in range(10):
            await page.evaluate(f"jt('track', 'step', {{n: {count}}})")
            count += 1
    await page.wait_for_function(f"{QUEUED} === 0", timeout=60_000)
    await site.wait("step", count)
    arrived = {event.props["n"] for event in site.events("step")}
    repeated = sum(times - 1 for times in Counter(site.front.ids).values())
    print(f"{len(arrived)} of {count} events arrived; {repeated} were sent again")
    assert arrived == set(range(count))
    assert len(site.front.ids) > count


async def test_where_only_an_image_gets_through_it_is_used(site: PixelSite, page: Page) -> None:
    """A policy that forgot connect-src, or a browser extension: fetch and beacon never arrive."""
    await hurry(page)
    await page.add_init_script("window.fetch = () => Promise.reject(new TypeError('blocked'))")
    await page.goto(site.url("/"))
    await page.wait_for_function("window.jt && window.jt.v")
    await page.evaluate(
        "jt('purchase', {value: 5, currency: 'EUR', items: [{item_id: 'a'}], note: 'ä&=#'});"
        "jt('track', 'long', {texts: Array(9).fill('x'.repeat(1000))}); jt('track', 'after')"
    )
    await page.wait_for_function(f"{QUEUED} === 1")
    [after], [bought] = await site.wait("after"), await site.wait("purchase")
    assert (bought.value, bought.items, bought.props["note"]) == (5.0, [{"item_id": "a"}], "ä&=#")
    assert bought.visitor == after.visitor == site.events("page_view")[0].visitor
    assert set(site.front.paths) == {"/e.gif"}
    assert site.events("long") == []  # longer than an address may be: it waits, and is in nobody's way


async def test_large_batches_are_packed(site: PixelSite, page: Page) -> None:
    await page.goto(site.url("/"))
    await site.wait("page_view")
    assert site.front.packed == 0
    await page.evaluate("for (let n = 0; n < 20; n++) jt('track', 'big', {n, text: 'é'.repeat(1000)})")
    events = await site.wait("big", 20)
    assert site.front.packed > 0
    assert events[0].props["text"] == "é" * 1000


async def test_large_batches_are_cut(site: PixelSite, page: Page) -> None:
    site.front.fail = lambda: 503
    await page.goto(site.url("/"))
    await page.wait_for_function(f"localStorage.getItem('{PREFIX}w')")
    await page.evaluate("for (let n = 0; n < 120; n++) jt('track', 'big', {n, text: 'é'.repeat(1000)})")
    site.front.fail = lambda: None
    site.front.bodies.clear()
    await page.evaluate(f"localStorage.removeItem('{PREFIX}w'); dispatchEvent(new Event('online'))")
    events = await site.wait("big", 120)
    assert {event.props["n"] for event in events} == set(range(120))
    assert max(len(body["events"]) for body in site.front.bodies) <= 50
    assert max(len(str(body)) for body in site.front.bodies) < 20_000


async def test_the_queue_has_an_end(site: PixelSite, page: Page) -> None:
    """A collector that is away for ever must not fill the page's storage."""
    site.front.fail = lambda: 503
    await page.goto(site.url("/"))
    await page.wait_for_function("window.jt && window.jt.v")
    await page.evaluate("for (let n = 0; n < 520; n++) jt('track', 'many', {n})")
    assert await page.evaluate(QUEUED) == 500
