"""What visitors do without the page's help, as it arrives on disk; and what is switched off does not."""

from __future__ import annotations

import asyncio

import pytest
from browser_site import PixelSite
from playwright.async_api import BrowserContext, Page

pytestmark = pytest.mark.browser

ALL = ["outbound", "download", "contact", "form", "marked", "rage", "missing", "error"]
# The page stays: what is asked for is what was recorded, not where the link leads.
STAY = "addEventListener('click', event => event.preventDefault())"
BODY = f"""<script>{STAY}</script>
<a id="out" href="https://elsewhere.example/path?token=secret#x"><b>out</b></a>
<a id="in" href="/inside">in</a>
<a id="file" href="/files/Price-List.PDF?x=1">file</a>
<a id="named" href="/export" download>export</a>
<a id="mail" href="mailto:ann@shop.example?subject=hi">mail</a>
<a id="tel" href="tel:+4930123456">tel</a>
<button id="mark" data-track="plan_chosen" data-track-plan="gold" data-track-list-name="prices"
 data-other="no">gold</button>
<div id="host"></div>
<p id="dead">nothing happens here</p>
<form id="signup" action="/never"><input name="email" type="email"><input name="city"><input type="hidden" name="h">
<button id="send">send</button></form>"""


async def opened(site: PixelSite, page: Page, *kinds: str, body: str = BODY) -> None:
    site.ask_for(autocapture=list(kinds))
    site.pages["/auto"] = site.html(body=body)
    await page.goto(site.url("/auto"))
    await page.wait_for_function("window.jt && window.jt.v")
    await page.wait_for_function("performance.getEntriesByType('resource').some(one => /m.autocapture/.test(one.name))")
    await asyncio.sleep(0.1)  # fetched; now it has run too


async def test_links(site: PixelSite, page: Page) -> None:
    await opened(site, page, *ALL)
    for name in ("#out b", "#in", "#file", "#named", "#mail", "#tel", "#mark"):
        await page.click(name)
    await page.evaluate("jt('track', 'end')")
    await site.wait("end")
    found = [(event.name, event.props) for event in sorted(site.events(), key=lambda event: event.seq)][1:-1]
    assert found == [
        (
            "outbound_click",
            {"link_url": "https://elsewhere.example/path", "link_domain": "elsewhere.example", "element": "a#out"},
        ),
        (
            "file_download",
            {
                "link_url": f"http://127.0.0.1:{site.port}/files/Price-List.PDF",
                "link_domain": "127.0.0.1",
                "element": "a#file",
                "file_extension": "pdf",
            },
        ),
        (
            "file_download",
            {"link_url": f"http://127.0.0.1:{site.port}/export", "link_domain": "127.0.0.1", "element": "a#named"},
        ),
        ("contact_click", {"method": "mailto", "element": "a#mail"}),
        ("contact_click", {"method": "tel", "element": "a#tel"}),
        ("plan_chosen", {"element": "button#mark", "plan": "gold", "listName": "prices"}),
    ]
    assert "secret" not in str(site.front.bodies)
    assert "ann@" not in str(site.front.bodies)


async def test_the_middle_button_and_shadow_roots_count(site: PixelSite, page: Page) -> None:
    await opened(site, page, "outbound")
    await page.evaluate(
        """() => { document.getElementById('host').attachShadow({mode: 'open'}).innerHTML =
             '<a id="inner" href="https://shadow.example/">x</a>' }"""
    )
    await page.click("#inner")
    await page.dispatch_event("#out", "auxclick", {"button": 1})
    await page.dispatch_event("#out", "auxclick", {"button": 2})
    events = await site.wait("outbound_click", 2)
    assert [event.props["link_domain"] for event in events] == ["shadow.example", "elsewhere.example"]


async def test_a_link_that_leaves_is_told(site: PixelSite, page: Page) -> None:
    await opened(site, page, "outbound", body=f'<a id="go" href="http://localhost:{site.port}/there">go</a>')
    await page.click("#go")
    await page.wait_for_url("**/there*")
    [event] = await site.wait("outbound_click")
    assert event.url.endswith("/auto?policy=opt-out")


async def test_a_form_that_is_sent(site: PixelSite, page: Page) -> None:
    await opened(site, page, "form")
    await page.evaluate("addEventListener('submit', event => event.preventDefault())")
    await page.fill("[name=email]", "ann@private.example")
    await page.fill("[name=city]", "Secretville")
    await page.evaluate("document.getElementById('signup').requestSubmit()")
    [sent] = await site.wait("form_submit")
    assert sent.props["form"] == "signup"
    assert sent.props["fields"] >= 1
    await page.goto("about:blank")
    await asyncio.sleep(0.3)
    assert site.events("form_abandon") == []
    assert "private.example" not in str(site.front.bodies)
    assert "Secretville" not in str(site.front.bodies)


async def test_a_form_that_is_left(site: PixelSite, page: Page) -> None:
    await opened(site, page, "form")
    await page.fill("[name=email]", "ann@private.example")
    await page.fill("[name=city]", "Secretville")
    await page.press("[name=city]", "Tab")
    await page.goto("about:blank")
    [left] = await site.wait("form_abandon")
    assert left.props == {"form": "signup", "fields": 2, "last_field": "city", "seconds": left.props["seconds"]}
    assert "private.example" not in str(site.front.bodies)
    assert "Secretville" not in str(site.front.bodies)


async def test_three_quick_clicks_on_one_spot_are_rage(site: PixelSite, page: Page) -> None:
    await opened(site, page, "rage")
    await page.click("#dead", click_count=3, delay=5)
    await page.evaluate("jt('track', 'end')")
    await site.wait("end")
    [event] = site.events("rage_click")
    assert event.props["element"] == "p#dead"


async def test_a_page_that_is_missing(site: PixelSite, page: Page) -> None:
    await opened(site, page, "missing")
    site.statuses["/auto"] = 404
    await page.goto(site.url("/auto"))
    [event] = await site.wait("page_not_found")
    assert event.props == {"status": 404}
    meta = '<meta name="tracker:status" content="410">'  # for pages of single-page apps, which always answer 200
    await opened(site, page, "missing", body=meta)
    assert [event.props["status"] for event in await site.wait("page_not_found", 2)] == [404, 410]


async def test_errors_of_the_page(site: PixelSite, context: BrowserContext) -> None:
    page = await context.new_page()  # one that may have errors
    await opened(site, page, "error")
    await page.evaluate("setTimeout(() => { throw new Error('broken by ann@private.example') })")
    await page.evaluate("Promise.reject(new TypeError('refused')); void 0")
    first, second = sorted(await site.wait("js_error", 2), key=lambda event: event.seq)
    assert first.props["message"] == "Uncaught Error: broken by [email]"
    assert second.props["message"] == "TypeError: refused"
    await page.evaluate("for (let n = 0; n < 20; n++) setTimeout(() => { throw new Error('again') }); void 0")
    await asyncio.sleep(0.3)
    assert len(site.events("js_error")) <= 5  # the next line is the proof that there were no more
    await page.evaluate("jt('track', 'end')")
    await site.wait("end")
    assert len(site.events("js_error")) == 5


@pytest.mark.parametrize("kind", ALL)
async def test_each_kind_is_switched_on_alone(site: PixelSite, page: Page, kind: str) -> None:
    await opened(site, page, kind)
    for name in ("#out", "#file", "#mail", "#mark"):
        await page.click(name)
    await page.evaluate("jt('track', 'end')")
    await site.wait("end")
    of = {"outbound": ["outbound_click"], "download": ["file_download"], "contact": ["contact_click"]}
    of["marked"] = ["plan_chosen"]
    assert [event.name for event in site.events() if event.name not in ("page_view", "end")] == of.get(kind, [])


async def test_nothing_is_loaded_where_nothing_is_asked_for(site: PixelSite, page: Page) -> None:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    await page.goto(site.url("/"))
    await site.wait("page_view")
    assert not any("/m/" in address for address in addresses)
