"""Feedback and call-back as a visitor meets them: what the form asks, what is on disk, what is in the vault."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from browser_site import PixelSite
from playwright.async_api import BrowserContext, Page, expect
from widgets import EVERYTHING, FOCUS, OPEN, WITHOUT_BANNER, opened

from tracker.core.event import Event
from tracker.core.identifiers import email_forms, keys_of, phone_forms, unseal

pytestmark = pytest.mark.browser


def vault(event: Event, policy: str = "opt-out") -> list[Any]:
    return unseal(keys_of(policy, "", "ab" * 32), event.vault)


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
