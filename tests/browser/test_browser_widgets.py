"""Widgets as a visitor meets them: what the page shows, and what is on disk afterwards."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from browser_site import KEYS, PixelSite
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from tracker.core.event import Event
from tracker.core.identifiers import email_forms, keys_of, phone_forms, unseal

pytestmark = pytest.mark.browser

SURVEYS: list[dict[str, Any]] = [
    {"id": "nps", "kind": "nps"},
    {"id": "csat", "kind": "csat", "comment": False},
    {
        "id": "own",
        "kind": "custom",
        "question": {"en": "Three questions", "de": "Drei Fragen"},
        "questions": [
            {
                "id": "why",
                "type": "choice",
                "text": "What mattered?",
                "many": True,
                "options": [{"id": "price", "text": "The price"}, {"id": "speed", "text": "The delivery"}],
            },
            {"id": "ease", "type": "scale", "text": "How easy was it?", "least": 1, "most": 7},
            {"id": "more", "type": "text", "text": "Anything else?"},
        ],
    },
]
EVERYTHING: dict[str, Any] = {
    "surveys": SURVEYS,
    "feedback": {"rating": True, "email": True},
    "callback": {"slots": ["09:00-12:00", "13:00-17:00"], "timezone": "Europe/Berlin"},
    "banner": {"policy": "/privacy"},
    "optout": True,
    "calling_code": "49",
}
WITHOUT_BANNER = {name: value for name, value in EVERYTHING.items() if name not in ("banner", "optout")}
OPEN = {
    "nps": "jt('survey', 'nps')",
    "csat": "jt('survey', 'csat')",
    "own": "jt('survey', 'own')",
    "feedback": "jt('feedback')",
    "callback": "jt('callback')",
    "banner": "jt('banner')",
    "optout": "jt('optout')",
}
KEPT = "Object.keys(localStorage).concat(Object.keys(sessionStorage)).sort()"
GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true, configurable: true})"
INSIDE = "document.querySelector('jt-widget').shadowRoot"
FOCUS = f"({INSIDE}.activeElement || {{}}).outerHTML || ''"


async def opened(page: Page, url: str, call: str = "") -> Locator:
    """The page with a widget on it."""
    await page.goto(url)
    await page.wait_for_function("window.jt && window.jt.v")
    if call:
        await page.evaluate(call)
    panel = page.get_by_role("dialog")
    await panel.wait_for()
    return panel


async def props(site: PixelSite, name: str, count: int = 1) -> list[dict[str, Any]]:
    return [event.props for event in await site.wait(name, count)]


def vault(event: Event, policy: str = "opt-out") -> list[Any]:
    return unseal(keys_of(policy, "", "ab" * 32), event.vault)


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


async def test_feedback_keeps_the_focus_and_the_address_goes_to_the_vault(site: PixelSite, page: Page) -> None:
    site.ask_for(**WITHOUT_BANNER)
    site.pages["/"] = site.html(body='<button id="ask" data-jt-open="feedback">Tell us</button><input>')
    await page.goto(site.url("/"))
    await site.wait("page_view")
    await page.click("#ask")
    panel = page.get_by_role("dialog", name="Your feedback")
    await panel.wait_for()
    stops = set()
    for key in ["Tab"] * 9 + ["Shift+Tab"] * 12:
        await page.keyboard.press(key)
        stops.add(await page.evaluate(FOCUS))
    assert "" not in stops and len(stops) >= 6  # never outside, and not stuck either
    await panel.get_by_role("button", name="Send").click()
    await expect(panel.get_by_role("alert")).to_have_text("Please write a message.")
    assert "textarea" in await page.evaluate(FOCUS)
    await expect(panel.get_by_label("Your message")).to_have_attribute("aria-invalid", "true")
    await panel.get_by_label("A problem").check()
    await panel.get_by_label("Your message").fill("The zoom of the pictures is broken.")
    await panel.locator("input[value='2']").check()
    await panel.get_by_label("E-mail address (optional)").fill("ann.private")
    await panel.get_by_role("button", name="Send").click()
    await expect(panel.get_by_role("alert")).to_have_text("Please check the e-mail address.")
    await panel.get_by_label("E-mail address (optional)").fill(" Ann.Private@Mail.example ")
    await panel.get_by_role("button", name="Send").click()
    await expect(panel.get_by_role("status")).to_have_text("Thank you. Your message has been sent.")
    await page.keyboard.press("Escape")
    await expect(panel).to_have_count(0)
    assert await page.evaluate("document.activeElement.id") == "ask"
    [event] = await site.wait("feedback_sent")
    assert event.props == {"topic": "problem", "text": "The zoom of the pictures is broken.", "rating": 2}
    forms = email_forms("ann.private@mail.example")
    assert forms is not None
    assert [(one.kind, one.forms) for one in vault(event)] == [("email", forms.forms)]
    on_disk = b"".join(path.read_bytes() for path in (site.data / "spool").rglob("*") if path.is_file()).lower()
    assert b"feedback_sent" in on_disk and b"private@" not in on_disk


async def test_feedback_with_own_topics_and_no_address(site: PixelSite, page: Page) -> None:
    site.ask_for(feedback={"topics": [{"id": "size", "text": {"en": "Sizes", "de": "Größen"}}]}, language="de")
    panel = await opened(page, site.url("/"), OPEN["feedback"])
    assert await panel.locator("input").count() == 1
    await panel.get_by_label("Größen").check()
    await panel.get_by_label("Ihre Nachricht").fill("Zu klein")
    await panel.get_by_role("button", name="Senden").click()
    [event] = await site.wait("feedback_sent")
    assert (event.props, event.vault) == ({"topic": "size", "text": "Zu klein"}, "")


async def test_nobody_writes_what_would_be_lost(site: PixelSite, page: Page, context: BrowserContext) -> None:
    """Without consent an opt-in site keeps no event: the form says so instead of thanking for nothing."""
    site.ask_for(**{**EVERYTHING, "optout": False})
    banner = await opened(page, site.url("/", policy="opt-in"))
    await banner.get_by_role("button", name="Reject").click()
    await page.evaluate(OPEN["callback"])
    panel = page.get_by_role("dialog", name="We call you back")
    await expect(panel).to_contain_text("Your privacy choice does not let us receive requests from this page.")
    assert await panel.locator("input").count() == 0
    await panel.get_by_role("button", name="Change my choice").click()
    await page.get_by_role("dialog", name="Your privacy").get_by_role("button", name="Accept").click()
    await page.evaluate(OPEN["callback"])
    await panel.get_by_label("Phone number").fill("030 7654321")
    await panel.get_by_role("button", name="Request a call").click()
    [event] = await site.wait("callback_requested")
    assert (event.props, event.analytics) == ({"slot": "soon"}, 1)


FRIDAY = datetime(2026, 10, 23, 15, 30, tzinfo=UTC)  # 17:30 in Berlin; the clocks change on Sunday


async def test_a_call_back_names_number_and_time(site: PixelSite, page: Page) -> None:
    site.ask_for(**WITHOUT_BANNER)
    await page.clock.set_fixed_time(FRIDAY)
    panel = await opened(page, site.url("/"), OPEN["callback"])
    await expect(panel).to_contain_text("Times in Europe/Berlin.")
    groups = await panel.locator("optgroup").evaluate_all("all => all.map(one => one.label)")
    assert groups == [
        "Monday 26 October",
        "Tuesday 27 October",
        "Wednesday 28 October",
        "Thursday 29 October",
        "Friday 30 October",
    ]
    for wrong in ("", "call me", "030", "0307654321 Ann"):
        await panel.get_by_label("Phone number").fill(wrong)
        await panel.get_by_role("button", name="Request a call").click()
        await expect(panel.get_by_role("alert")).to_have_text("Please check the phone number.")
    await panel.get_by_label("Phone number").fill("(030) 765 43-21")
    await panel.get_by_label("When may we call?").select_option("2026-10-26 13:00-17:00")
    await panel.get_by_role("button", name="Request a call").click()
    await expect(panel.get_by_role("status")).to_have_text("Thank you. We will call you.")
    [event] = await site.wait("callback_requested")
    assert event.props == {"date": "2026-10-26", "slot": "13:00-17:00", "timezone": "Europe/Berlin"}
    forms = phone_forms("+49307654321", "")
    assert forms is not None
    assert [(one.kind, one.forms) for one in vault(event)] == [("phone", forms.forms)]
    assert "7654321" not in json.dumps([event.props, event.traits])


NUMBERS = [
    # calling code, as typed, E.164
    ("39", "06 6982 1234", "+390669821234"),
    ("7", "8 (495) 123-45-67", "+74951234567"),
    ("7", "800 555 35 35", "+78005553535"),
    ("", "+44 20 7946 0018", "+442079460018"),
    ("", "00442079460018", "+442079460018"),
]


@pytest.mark.parametrize(("code", "typed", "wanted"), NUMBERS)
async def test_numbers(site: PixelSite, page: Page, code: str, typed: str, wanted: str) -> None:
    site.ask_for(callback={}, calling_code=code)
    panel = await opened(page, site.url("/"), OPEN["callback"])
    assert await panel.locator("optgroup").count() == 0
    if not code:
        await expect(panel).to_contain_text("With country code")
        await panel.get_by_label("Phone number").fill("020 7946 0018")
        await panel.get_by_role("button", name="Request a call").click()
        await expect(panel.get_by_role("alert")).to_have_text("Please check the phone number.")
    await panel.get_by_label("Phone number").fill(typed)
    await panel.get_by_role("button", name="Request a call").click()
    [event] = await site.wait("callback_requested")
    forms = phone_forms(wanted, "")
    assert forms is not None
    assert [one.forms for one in vault(event)] == [forms.forms]


async def test_the_banner_keeps_nothing_before_the_choice(site: PixelSite, page: Page, context: BrowserContext) -> None:
    site.ask_for(banner={"policy": "/privacy"})
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    panel = await opened(page, site.url("/", policy="opt-in"))
    await page.evaluate("jt('track', 'waiting')")
    await page.wait_for_load_state("networkidle")
    assert [url.split("?")[0] for url in addresses if "favicon" not in url] == [
        site.url("/", policy="opt-in").split("?")[0],
        f"{site.front_url}/p.js",
    ]
    assert [await page.evaluate(KEPT), await context.cookies(), site.front.bodies] == [[], [], []]
    assert await page.evaluate("document.activeElement === document.body")
    assert await panel.get_by_role("button", name="Close").count() == 0
    assert await panel.get_by_role("link", name="Privacy policy").get_attribute("href") == "/privacy"
    # Yes and no look the same.
    looks = [
        await panel.get_by_role("button", name=name, exact=True).evaluate(
            """one => { const style = getComputedStyle(one), box = one.getBoundingClientRect();
                 return [style.backgroundColor, style.color, style.fontSize, style.fontWeight, style.border,
                         Math.round(box.width), Math.round(box.height), Math.round(box.y)] }"""
        )
        for name in ("Reject", "Accept")
    ]
    assert looks[0] == looks[1]
    await panel.get_by_role("button", name="Accept").click()
    await expect(panel).to_have_count(0)
    await site.wait("waiting")
    assert {(event.analytics, event.ads) for event in site.events()} == {(1, 1)}
    assert f"jt-choice_{KEYS['opt-in']}" in await page.evaluate(KEPT)
    # Known on the next page, before its page view.
    await page.goto(site.url("/next", policy="opt-in"))
    await site.wait("page_view", 2)
    await expect(page.locator("jt-widget")).to_have_count(0)
    assert len({event.visitor for event in site.events()}) == 1


async def test_a_no_in_the_banner_is_remembered_without_an_id(
    site: PixelSite, page: Page, context: BrowserContext
) -> None:
    site.ask_for(banner={})
    panel = await opened(page, site.url("/", policy="opt-in"))
    await panel.get_by_role("button", name="Reject").click()
    await expect(panel).to_have_count(0)
    key = f"jt-choice_{KEYS['opt-in']}"
    kept = json.loads(await page.evaluate(f"localStorage.getItem('{key}')"))
    assert kept == {"analytics": False, "ads": False, "at": kept["at"]}
    for path in ("/two", "/three"):
        await page.goto(site.url(path, policy="opt-in"))
        await page.wait_for_function("window.jt && window.jt.v")
        await page.evaluate("jt('track', 'never')")
        await expect(page.locator("jt-widget")).to_have_count(0)
    await page.wait_for_load_state("networkidle")
    assert [await page.evaluate(KEPT), await context.cookies(), site.front.bodies] == [[key], [], []]
    # Half a year later the question may come again.
    kept["at"] -= 181
    await page.evaluate("([key, text]) => localStorage.setItem(key, text)", [key, json.dumps(kept)])
    await opened(page, site.url("/later", policy="opt-in"))


async def test_choosing_by_keyboard_changing_and_withdrawing(site: PixelSite, page: Page) -> None:
    site.ask_for(banner={})
    site.pages["/"] = site.html(policy="opt-in", body='<button id="again" data-jt-open="banner">Privacy</button>')
    panel = await opened(page, site.url("/", policy="opt-in"))
    await page.keyboard.press("Tab")
    assert "Reject" in await page.evaluate(FOCUS)  # the banner is the first stop
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    assert 'aria-expanded="false"' in await page.evaluate(FOCUS)
    await page.keyboard.press("Enter")
    assert 'aria-expanded="true"' in await page.evaluate(FOCUS)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(panel).to_have_count(0)
    [view] = await site.wait("page_view")
    assert (view.analytics, view.ads) == (1, 0)
    await page.click("#again")
    await expect(panel.get_by_label("Measure how the site is used")).to_be_checked()
    await expect(panel.get_by_label("Advertisements on other sites")).not_to_be_checked()
    await page.keyboard.press("Escape")  # nothing changes
    await expect(panel).to_have_count(0)
    assert await page.evaluate("document.activeElement.id") == "again"
    await page.click("#again")
    await panel.get_by_role("button", name="Reject").click()  # one click, as saying yes was
    told = await site.wait("consent", 2)
    assert [(one.analytics, one.ads, one.visitor) for one in told] == [(1, 0, view.visitor), (0, 0, view.visitor)]
    assert await page.evaluate(KEPT) == [f"jt-choice_{KEYS['opt-in']}"]


async def test_a_withdrawal_by_the_page_is_not_undone_by_what_the_banner_remembers(site: PixelSite, page: Page) -> None:
    site.ask_for(banner={})
    panel = await opened(page, site.url("/", policy="opt-in"))
    await panel.get_by_role("button", name="Accept").click()
    await site.wait("page_view")
    await page.evaluate("jt('consent', {analytics: false})")
    await site.wait("consent", 2)
    sent = len(site.front.bodies)
    await page.goto(site.url("/next", policy="opt-in"))
    await page.wait_for_function("window.jt && window.jt.v")
    await page.evaluate("jt('track', 'never')")
    await page.wait_for_load_state("networkidle")
    assert (len(site.front.bodies), site.events("never")) == (sent, [])


async def test_the_banner_honours_global_privacy_control(site: PixelSite, page: Page) -> None:
    site.ask_for(banner={})
    await page.add_init_script(GPC)
    panel = await opened(page, site.url("/", policy="opt-in"))
    await expect(panel).to_contain_text("Global Privacy Control")
    await panel.get_by_role("button", name="Choose").click()
    assert await panel.get_by_role("checkbox").count() == 1
    await panel.get_by_role("button", name="Accept").click()
    await site.wait("page_view")
    assert {(event.analytics, event.ads) for event in site.events()} == {(1, 0)}


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


async def test_a_page_that_shows_no_widget_loads_none(site: PixelSite, page: Page) -> None:
    site.ask_for(surveys=SURVEYS, feedback={}, callback={})
    await page.goto(site.url("/"))
    await site.wait("page_view")
    await page.wait_for_load_state("networkidle")
    names = await page.evaluate("performance.getEntriesByType('resource').map(one => one.name)")
    assert [name for name in names if "/m/" in name] == []
    assert await page.evaluate(KEPT) == [f"jt_{KEYS['opt-out']}_s"]


async def test_a_widget_whose_file_did_not_come_is_tried_again(site: PixelSite, page: Page) -> None:
    site.ask_for(feedback={})
    await page.route("**/m/*", lambda route: route.abort())
    await page.goto(site.url("/"))
    await page.wait_for_function("window.jt && window.jt.v")
    async with page.expect_event("requestfailed", lambda request: "/m/feedback" in request.url):
        await page.evaluate(OPEN["feedback"])
    await page.unroute("**/m/*")
    await asyncio.sleep(0.1)
    await page.evaluate(OPEN["feedback"])
    await page.get_by_role("dialog").wait_for()
    assert await page.get_by_role("dialog").count() == 1


WORDS = sorted((Path(__file__).parents[2] / "pixel" / "src" / "widgets" / "words").glob("*.ts"))


@pytest.mark.parametrize("path", WORDS, ids=lambda path: path.stem)
def test_every_language_has_every_text(path: Path) -> None:
    found = {
        language: re.findall(r"(\w+): \"[^\"]+\"", body)
        for language, body in re.findall(r"^  (\w\w): \{(.*?)\},?$", path.read_text(), re.MULTILINE | re.DOTALL)
    }
    assert list(found) == ["en", "de", "fr", "es", "ru", "hi", "ar"]
    assert found["en"] and all(keys == found["en"] for keys in found.values())
    documented = (Path(__file__).parents[2] / "docs" / "pixel.md").read_text()
    missing = [key for key in found["en"] if not re.search(rf"`{path.stem}\.` `[^`]*\b{key}\b", documented)]
    assert missing == []


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
