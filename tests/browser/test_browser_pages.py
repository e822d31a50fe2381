"""Page views: what one says, and when there is one."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from browser_site import PixelSite
from playwright.async_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(whole_chromium: Browser) -> Browser:
    return whole_chromium


async def test_a_page_view_says_where_and_who(site: PixelSite, page: Page) -> None:
    before = time.time() * 1000
    await page.goto(site.url("/shoes?utm_source=news&utm_medium=email"), referer="https://www.google.com/")
    [event] = await site.wait("page_view")
    assert urlsplit(event.url).path == "/shoes"
    assert "utm_source=news" in event.url
    assert event.referrer == "https://www.google.com/"
    assert event.title == "A page"
    assert event.language == "en-GB"
    assert event.timezone == "Europe/Berlin"
    assert event.screen == "1280x720"
    assert event.props == {"viewport": "1280x720"}
    assert event.type == "page"
    assert event.seq == 1
    assert len(event.visitor) == len(event.session) == len(event.id) == 36
    assert before - 1000 < event.ts < time.time() * 1000 + 1000
    assert event.original_ts == 0
    assert "Chrome" in event.ua


async def test_a_page_view_says_which_address_the_page_calls_its_own(site: PixelSite, page: Page) -> None:
    link = '<link rel="canonical" href="https://shop.example/shoes">'
    site.pages["/shoes"] = site.html().replace("</head>", link + "</head>")
    await page.goto(site.url("/shoes?sort=price"))
    [event] = await site.wait("page_view")
    assert event.props["canonical"] == "https://shop.example/shoes"


async def test_single_page_navigation_is_a_page_view_each(site: PixelSite, page: Page) -> None:
    await page.goto(site.url("/start"))
    await site.wait("page_view", 1)
    await page.evaluate("history.pushState({}, '', '/two'); document.title = 'Two'")
    await site.wait("page_view", 2)
    await page.evaluate("history.replaceState({}, '', '/three')")
    await site.wait("page_view", 3)
    await page.evaluate("history.pushState({}, '', '#/four')")
    await site.wait("page_view", 4)
    await page.evaluate("location.hash = '#/five'")
    await site.wait("page_view", 5)
    await page.evaluate("history.back()")
    events = await site.wait("page_view", 6)
    # The collector drops what follows the #, so hash routes share a path.
    assert [urlsplit(event.url).path for event in events] == ["/start", "/two", *["/three"] * 4]
    assert events[1].title == "Two"  # set after pushState, as routers do
    assert urlsplit(events[2].referrer).path == "/two"
    assert [event.seq for event in events] == [1, 2, 3, 4, 5, 6]
    assert len({event.visitor for event in events}) == len({event.session for event in events}) == 1


async def test_the_same_page_again_is_none(site: PixelSite, page: Page) -> None:
    await page.goto(site.url("/start"))
    await page.evaluate(
        """() => { history.pushState({}, '', location.href); history.replaceState({n: 1}, '', location.href);
                   location.hash = 'anchor'; history.pushState({}, '', '#other');
                   history.pushState({}, '', '/quick'); history.replaceState({}, '', '/redirected'); }"""
    )
    await page.evaluate("jt('track', 'end')")
    await site.wait("end")
    paths = [urlsplit(event.url).path for event in site.events("page_view")]
    assert paths == ["/start", "/redirected"]


async def test_coming_back_from_the_back_forward_cache_is_a_page_view(site: PixelSite, page: Page) -> None:
    await page.goto(site.url("/one"))
    await site.wait("page_view", 1)
    await page.evaluate("window.kept = true")
    await page.goto(site.url("/two"))
    await site.wait("page_view", 2)
    await page.go_back(wait_until="commit")
    events = await site.wait("page_view", 3)
    assert await page.evaluate("window.kept"), "the browser did not use its back/forward cache"
    assert [urlsplit(event.url).path for event in events] == ["/one", "/two", "/one"]


async def test_a_prerendered_page_counts_when_it_is_shown(site: PixelSite, page: Page) -> None:
    # Chromium can't be made to prerender from here: the page pretends, with the browser's own event.
    await page.add_init_script("Object.defineProperty(document, 'prerendering', {value: true, configurable: true})")
    await page.goto(site.url("/later"))
    await page.wait_for_function("window.jt && window.jt.v")
    await page.evaluate("jt('track', 'while_hidden')")
    await site.wait("while_hidden")
    assert site.events("page_view") == []
    await page.evaluate("document.dispatchEvent(new Event('prerenderingchange'))")
    await site.wait("page_view", 1)


async def test_a_page_may_count_its_views_itself(site: PixelSite, page: Page) -> None:
    site.pages["/manual"] = site.html().replace("data-consent", 'data-page="off" data-consent')
    await page.goto(site.url("/manual"))
    await page.evaluate("history.pushState({}, '', '/other'); jt('page', {section: 'news'})")
    [event] = await site.wait("page_view")
    assert event.props["section"] == "news"


async def test_calls_made_before_the_script_came_are_kept(site: PixelSite, page: Page) -> None:
    early = "<script>jt('track','early',{n:1});jt('track','second')</script>"
    site.pages["/early"] = site.html(body=early)
    await page.goto(site.url("/early"))
    await site.wait("second")
    assert [event.name for event in sorted(site.events(), key=lambda event: event.seq)] == [
        "page_view",
        "early",
        "second",
    ]
    assert site.events("early")[0].props == {"n": 1}


async def test_the_tag_twice_counts_once(site: PixelSite, page: Page) -> None:
    html = site.html()
    tag = html[html.index("<script async") : html.index("</head>")]
    site.pages["/twice"] = html.replace("</body>", tag + "</body>")
    await page.goto(site.url("/twice"))
    await page.wait_for_load_state("networkidle")
    await page.evaluate("jt('track', 'end')")
    await site.wait("end")
    assert len(site.events("page_view")) == len(site.events("end")) == 1


NEVER_IDLE = "window.requestIdleCallback = work => { window.idle = work }"


async def test_the_first_view_has_the_address_that_we_came_to(site: PixelSite, page: Page) -> None:
    """Single-page apps tidy their address while they start; the campaign must not go with it."""
    await page.add_init_script(NEVER_IDLE)
    await page.goto(site.url("/landing?utm_source=news"))
    await page.wait_for_function("!!window.idle")
    await page.evaluate("history.replaceState({}, '', '/tidy')")
    assert site.front.bodies == []
    await page.evaluate("idle()")
    first, second = await site.wait("page_view", 2)
    assert "utm_source=news" in first.url
    assert second.url.endswith("/tidy") and second.referrer == first.url


async def test_a_page_that_is_left_before_it_was_idle_is_seen(site: PixelSite, page: Page) -> None:
    await page.add_init_script(NEVER_IDLE)
    await page.goto(site.url("/busy"))
    await page.wait_for_function("!!window.idle")
    await page.goto("about:blank")
    [left] = await site.wait("page_view")
    assert left.url.endswith("/busy?policy=opt-out") or left.url.endswith("/busy")


async def test_a_call_does_not_wait_for_idle_time(site: PixelSite, page: Page) -> None:
    await page.add_init_script(NEVER_IDLE)
    await page.goto(site.url("/called"))
    await page.wait_for_function("!!window.idle")
    assert await page.evaluate("new Promise(done => jt('ready', who => done(who.visitor.length)))") == 36
    await site.wait("page_view")
    await page.evaluate("idle()")
    await page.evaluate("jt('track', 'last')")
    await site.wait("last")
    assert len(site.events("page_view")) == 1
