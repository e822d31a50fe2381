"""One visitor over the site's own domains: by a signed parameter that is good for two minutes and one host."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest
from browser_site import PixelSite
from playwright.async_api import Page

pytestmark = pytest.mark.browser


async def two(
    site: PixelSite, page: Page, *, domains: tuple[str, ...] = ("localhost", "127.0.0.1"), policy: str = "opt-out"
) -> str:
    """A page on the one host with a link to the other; where the link leads."""
    site.ask_for(link_domains=list(domains))
    there = site.url("/there", policy=policy, host="localhost")
    yes = "<script>jt('consent', {analytics: true})</script>" if policy == "opt-in" else ""
    site.pages["/here"] = site.html(policy=policy, body=f'{yes}<a id="go" href="{there}"><b>go</b></a>')
    site.pages["/there"] = site.html(policy=policy, body=yes)
    # two front hosts: otherwise the collector's cookie alone would do it
    site.pages["/there"] = site.pages["/there"].replace("127.0.0.1", "localhost")
    await page.goto(site.url("/here", policy=policy))
    await site.wait("page_view")
    return there


@pytest.mark.parametrize("policy", ["opt-out", "opt-in"])
async def test_a_click_carries_visitor_and_session(site: PixelSite, page: Page, policy: str) -> None:
    there = await two(site, page, policy=policy)
    await page.click("#go")
    await page.wait_for_url("**/there*")
    first, second = await site.wait("page_view", 2)
    assert urlsplit(second.url).hostname == "localhost"
    assert (first.visitor, first.session) == (second.visitor, second.session)
    assert page.url == there  # the parameter is gone before anybody copies it
    assert not any("jt_link" in event.url for event in site.events())
    await page.reload()
    third = (await site.wait("page_view", 3))[2]
    assert third.visitor == first.visitor


async def test_hosts_that_are_not_listed_get_nothing(site: PixelSite, page: Page) -> None:
    await two(site, page, domains=("shop.example",))
    await page.click("#go")
    await page.wait_for_url("**/there*")
    first, second = await site.wait("page_view", 2)
    assert first.visitor != second.visitor


HARMS = {
    "another visitor": "given => given.replace(/^./, one => one === 'a' ? 'b' : 'a')",
    "another signature": "given => given.slice(0, -1) + (given.endsWith('0') ? '1' : '0')",
    "cut": "given => given.slice(0, 50)",
    "nonsense": "() => '....'",
    "empty": "() => ''",
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
async def test_what_was_tampered_with_is_nobody(site: PixelSite, page: Page, harm: str) -> None:
    await two(site, page)
    await page.evaluate(
        """harm => document.querySelector('#go').addEventListener('click', event => {
             const link = event.currentTarget, address = new URL(link.href);
             address.searchParams.set('jt_link', eval(harm)(address.searchParams.get('jt_link')));
             link.href = address.href })""",
        harm,
    )
    await page.click("#go")
    await page.wait_for_url("**/there*")
    first, second = await site.wait("page_view", 2)
    assert first.visitor != second.visitor
    assert "jt_link" not in page.url


async def test_it_is_good_for_one_host_two_minutes_and_our_own_links(site: PixelSite, page: Page) -> None:
    await two(site, page)
    await page.evaluate(
        """document.querySelector('#go').addEventListener('click', event => {
             event.preventDefault(); window.decorated = event.currentTarget.href })"""
    )
    await page.click("#go")
    address = await page.evaluate("window.decorated")
    assert "jt_link=" in address
    assert await page.evaluate(
        "new Promise(done => setTimeout(() => done(document.querySelector('#go').href), 50))"
    ) == (site.url("/there", host="localhost"))
    [first] = site.events("page_view")
    # copied into a mail: no page of ours refers to it
    other = await page.context.new_page()
    await other.goto(address)
    second = (await site.wait("page_view", 2))[1]
    # on another of the site's hosts
    await page.evaluate("address => { location.href = address.replace('localhost', '127.0.0.1') }", address)
    third = (await site.wait("page_view", 3))[2]
    assert third.visitor == first.visitor  # known here already, and not by the parameter
    # too late
    late = await page.context.new_page()
    await late.add_init_script("{ const now = Date.now; Date.now = () => now() + 121000 }")
    await late.goto(address, referer=site.url("/here"))
    fourth = (await site.wait("page_view", 4))[3]
    assert (
        len({first.visitor, second.visitor, fourth.visitor}) == 3 or second.visitor == fourth.visitor != first.visitor
    )


async def test_nothing_is_carried_before_consent(site: PixelSite, page: Page) -> None:
    site.ask_for(link_domains=["localhost", "127.0.0.1"])
    there = site.url("/there", policy="opt-in", host="localhost")
    site.pages["/here"] = site.html(policy="opt-in", body=f'<a id="go" href="{there}">go</a>')
    await page.goto(site.url("/here", policy="opt-in"))
    await page.wait_for_function("window.jt && window.jt.v")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    await page.click("#go")
    await page.wait_for_url("**/there*")
    await asyncio.sleep(0.2)
    assert not any("jt_link" in address for address in requests)


FORMS = [
    # attributes of the form, its button, what the page gets
    ('method="get"', "<button>go</button>", "q=1"),
    ('method="post"', "<button>go</button>", ""),
    ("", '<button formmethod="post">go</button>', ""),
]


@pytest.mark.parametrize("form", FORMS, ids=["get", "post", "by the button"])
async def test_a_form_carries_visitor_and_session(site: PixelSite, page: Page, form: tuple[str, str, str]) -> None:
    attributes, button, query = form
    await two(site, page)
    there = f"http://localhost:{site.port}/there"
    fields = f'<form id="f" {attributes} action="{there}"><input name="q" value="1">{button}</form>'
    site.pages["/here"] = site.html(body=fields)
    await page.goto(site.url("/here"))
    await site.wait("page_view", 2)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "/there" in request.url else None)
    await page.hover("button")
    await asyncio.sleep(0.3)
    await page.click("button")
    await page.wait_for_url("**/there*")
    first, _, third = await site.wait("page_view", 3)
    assert urlsplit(third.url).hostname == "localhost"
    assert (first.visitor, first.session) == (third.visitor, third.session)
    assert "jt_link=" in sent[0]  # it did travel
    assert urlsplit(page.url).query == query


async def test_a_form_that_the_page_sends_itself_is_left_alone(site: PixelSite, page: Page) -> None:
    await two(site, page)
    fields = (
        f'<form id="f" action="http://localhost:{site.port}/there"><input name="q" value="1"><button>go</button></form>'
    )
    site.pages["/here"] = site.html(body=fields)
    await page.goto(site.url("/here"))
    await site.wait("page_view", 2)
    await page.evaluate(
        """document.querySelector('#f').addEventListener('submit', event => { event.preventDefault();
             setTimeout(() => { window.given = [...new FormData(event.target)].join() }) })"""
    )
    before = await page.evaluate("document.querySelector('#f').outerHTML")
    await page.hover("button")
    await asyncio.sleep(0.3)
    await page.click("button")
    await page.wait_for_function("'given' in window")
    assert await page.evaluate("given") == "q,1"
    assert await page.evaluate("document.querySelector('#f').outerHTML") == before
