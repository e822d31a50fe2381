"""Surveys as a visitor meets them: by keyboard, by themselves, and never before consent."""

from __future__ import annotations

import asyncio

import pytest
from browser_site import KEPT, KEYS, PixelSite
from playwright.async_api import BrowserContext, Page, expect
from widgets import FOCUS, INSIDE, OPEN, SURVEYS, WITHOUT_BANNER, opened, props

pytestmark = pytest.mark.browser


async def test_a_survey_by_keyboard_alone(site: PixelSite, page: Page) -> None:
    site.ask_for(**WITHOUT_BANNER)
    site.pages["/"] = site.html(body='<a id="ask" href="/gone" data-jt-open="survey:nps">Rate us</a>')
    await page.goto(site.url("/"))
    await site.wait("page_view")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    panel = page.get_by_role("dialog", name="How likely are you to recommend us to a friend or colleague?")
    await panel.wait_for()
    assert "<h2" in await page.evaluate(FOCUS)
    await page.keyboard.press("Tab")
    assert "Close" in await page.evaluate(FOCUS)
    await page.keyboard.press("Tab")
    assert "0: Not at all likely" in await page.evaluate(FOCUS)
    for _ in range(7):
        await page.keyboard.press("ArrowRight")
    outline = f"getComputedStyle({INSIDE}.activeElement.nextElementSibling).outlineWidth"
    assert await page.evaluate(outline) == "3px"  # one sees where one is
    await page.keyboard.press("Tab")
    await page.keyboard.type("Fast, and friendly.")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(panel.get_by_role("status")).to_have_text("Thank you for your answer.")
    await page.keyboard.press("Escape")
    await expect(panel).to_have_count(0)
    assert await page.evaluate("document.activeElement.id") == "ask"
    assert page.url == site.url("/")
    assert await props(site, "survey_shown") == [{"survey": "nps", "kind": "nps"}]
    assert await props(site, "survey_answered") == [
        {"survey": "nps", "kind": "nps", "score": 7, "comment": "Fast, and friendly."}
    ]
    assert site.events("survey_dismissed") == []


async def test_a_survey_that_is_closed(site: PixelSite, page: Page) -> None:
    site.ask_for(**WITHOUT_BANNER)
    panel = await opened(page, site.url("/"), OPEN["csat"])
    await page.keyboard.press("Escape")
    await expect(panel).to_have_count(0)
    assert await props(site, "survey_dismissed") == [{"survey": "csat", "kind": "csat"}]
    await page.evaluate(OPEN["csat"])
    await panel.locator("input[value='4']").check()
    await panel.get_by_role("button", name="Close").click()
    assert await props(site, "survey_answered") == [{"survey": "csat", "kind": "csat", "score": 4, "dismissed": True}]
    assert len(await props(site, "survey_shown", 2)) == 2
    assert len(site.events("survey_dismissed")) == 1


async def test_own_questions(site: PixelSite, page: Page) -> None:
    site.ask_for(**WITHOUT_BANNER)
    panel = await opened(page, site.url("/"), OPEN["own"])
    await panel.get_by_role("button", name="Send").click()
    await expect(panel.get_by_role("alert")).to_have_text("Please choose an answer.")
    await panel.get_by_label("The price").check()
    await panel.get_by_label("The delivery").check()
    await panel.get_by_role("group", name="How easy was it?").get_by_label("6").check()
    await panel.get_by_label("Anything else?").fill("<b>\u0645\u0631\u062d\u0628\u0627</b> 'quoted'")
    await panel.get_by_role("button", name="Send").click()
    assert await props(site, "survey_answered") == [
        {
            "survey": "own",
            "kind": "custom",
            "answer_why": ["price", "speed"],
            "answer_ease": 6,
            "answer_more": "<b>\u0645\u0631\u062d\u0628\u0627</b> 'quoted'",
        }
    ]


async def test_free_text_has_an_end(site: PixelSite, page: Page) -> None:
    site.ask_for(**WITHOUT_BANNER)
    panel = await opened(page, site.url("/"), OPEN["nps"])
    await panel.locator("input[value='9']").check()
    # Set as a script would: the field's own limit is for people.
    await panel.get_by_label("Why? (optional)").evaluate("field => { field.value = 'x'.repeat(5000) }")
    await panel.get_by_role("button", name="Send").click()
    [said] = await props(site, "survey_answered")
    assert said["comment"] == "x" * 1000


async def test_a_survey_comes_by_itself_after_an_event_and_once(
    site: PixelSite, page: Page, context: BrowserContext
) -> None:
    site.ask_for(surveys=[{**SURVEYS[0], "on": "purchase", "days": 30}])
    await page.goto(site.url("/"))
    await page.wait_for_function("performance.getEntriesByType('resource').some(one => /m.when/.test(one.name))")
    await site.wait("page_view")
    await expect(page.locator("jt-widget")).to_have_count(0)
    await page.evaluate(
        "document.body.append(document.createElement('input')); document.querySelector('input').focus()"
    )
    await page.evaluate("jt('purchase', {value: 1})")
    await page.get_by_role("dialog").wait_for()
    assert await page.evaluate("document.activeElement.tagName") == "INPUT"  # whoever is typing goes on typing
    await site.wait("survey_shown")
    await page.goto(site.url("/again"))
    await page.wait_for_function("performance.getEntriesByType('resource').some(one => /m.when/.test(one.name))")
    await page.evaluate("jt('purchase', {value: 1}); jt('track', 'end')")
    await site.wait("end")
    await expect(page.locator("jt-widget")).to_have_count(0)
    # A month later it may ask again.
    await page.evaluate(f"localStorage.setItem('jt_{KEYS['opt-out']}_qnps', Date.now() - 31 * 864e5)")
    await page.evaluate("jt('purchase', {value: 1})")
    await page.get_by_role("dialog").wait_for()


async def test_a_survey_that_comes_by_itself_is_announced_and_takes_no_focus(site: PixelSite, page: Page) -> None:
    site.ask_for(surveys=[{**SURVEYS[0], "on": "ask"}])
    site.pages["/"] = site.html(body="<input id='typing'>")
    await page.goto(site.url("/"))
    await page.wait_for_function("performance.getEntriesByType('resource').some(one => /m.when/.test(one.name))")
    await page.focus("#typing")
    await asyncio.sleep(0.3)
    await page.evaluate("jt('track', 'ask')")
    panel = page.get_by_role("dialog")
    await panel.wait_for()
    title = await panel.get_by_role("heading").inner_text()
    await expect(panel.get_by_role("status")).to_have_text(title)
    assert await page.evaluate("document.activeElement.id") == "typing"
    await panel.get_by_label("9", exact=True).check()
    await panel.get_by_role("button", name="Send").click()
    await expect(panel.get_by_role("status").first).to_contain_text("Thank you")


async def test_a_share_of_the_visitors_is_asked_and_always_the_same(
    site: PixelSite, page: Page, context: BrowserContext
) -> None:
    site.ask_for(surveys=[{**SURVEYS[0], "on": "ask", "share": 0.5, "days": 0}])
    await page.goto(site.url("/"))
    await page.wait_for_function("performance.getEntriesByType('resource').some(one => /m.when/.test(one.name))")
    await site.wait("page_view")
    key = f"jt_{KEYS['opt-out']}_s"
    asked: list[bool] = []
    for visitor in (*range(12), *range(12)):
        await page.evaluate(
            "([key, id]) => localStorage.setItem(key, JSON.stringify({...JSON.parse(localStorage[key]), v: id}))",
            [key, f"00000000-0000-4000-8000-{visitor:012d}"],
        )
        await page.evaluate("jt('track', 'ask')")
        await page.evaluate("new Promise(done => setTimeout(() => setTimeout(done)))")
        asked.append(await page.evaluate("!!document.querySelector('script[src*=\"/m/survey\"]')"))
        await page.goto(site.url("/"))
        await page.wait_for_function("performance.getEntriesByType('resource').some(one => /m.when/.test(one.name))")
    assert asked[:12] == asked[12:]
    assert 2 <= sum(asked[:12]) <= 10


async def test_nothing_of_a_survey_before_consent(site: PixelSite, page: Page, context: BrowserContext) -> None:
    site.ask_for(surveys=[{**SURVEYS[0], "after": 0}])
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    await page.goto(site.url("/", policy="opt-in"))
    await page.wait_for_function("window.jt && window.jt.v")
    await page.evaluate("jt('track', 'x')")
    await page.wait_for_load_state("networkidle")
    assert [url.split("?")[0] for url in addresses if "favicon" not in url] == [
        site.url("/", policy="opt-in").split("?")[0],
        f"{site.front_url}/p.js",
    ]
    assert [await page.evaluate(KEPT), await context.cookies(), site.front.bodies] == [[], [], []]
    await page.evaluate("jt('survey', 'nps')")  # the page itself may not either
    await page.wait_for_function("performance.getEntriesByType('resource').some(one => /m.survey/.test(one.name))")
    await expect(page.locator("jt-widget")).to_have_count(0)
    assert [await page.evaluate(KEPT), await context.cookies(), site.front.bodies] == [[], [], []]
    await page.evaluate("jt('consent', {analytics: true})")
    await page.get_by_role("dialog").wait_for()
    [event] = await site.wait("survey_shown")
    assert event.analytics == 1
