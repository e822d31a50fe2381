"""The whole road of a widget: settings through the API, a visitor's clicks, rows in the store, records in the vault."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from browser_site import DELIVERED
from playwright.async_api import Browser, expect
from stored import stored

pytestmark = pytest.mark.browser

PIXEL = {
    "surveys": [{"id": "nps", "kind": "nps"}],
    "feedback": {"email": True},
    "callback": {"slots": ["00:00-23:59"], "weekends": True, "days": 1},
    "banner": {"policy": "/privacy"},
    "calling_code": "49",
}


async def test_what_widgets_send_is_in_the_store(browser: Browser, tmp_path: Path) -> None:
    async with stored(tmp_path, PIXEL) as shop:
        context = await browser.new_context(locale="en-GB")
        page = await context.new_page()
        await page.goto(shop.url("/"))
        panel = page.get_by_role("dialog")
        await panel.get_by_role("button", name="Accept").click()
        await page.evaluate("jt('survey', 'nps')")
        await panel.get_by_label("9", exact=True).check()
        await panel.get_by_role("button", name="Send").click()
        await panel.get_by_role("button", name="Close").click()
        await page.evaluate("jt('feedback')")
        await panel.get_by_label("An idea").check()
        await panel.get_by_label("Your message").fill("More socks. Write to me@private.example")
        await panel.get_by_label("E-mail address (optional)").fill("ann@private.example")
        await panel.get_by_role("button", name="Send").click()
        await panel.get_by_role("button", name="Close").click()
        await page.evaluate("jt('callback')")
        await panel.get_by_label("Phone number").fill("030 7654321")
        await panel.get_by_label("When may we call?").select_option(index=1)
        await panel.get_by_role("button", name="Request a call").click()
        await expect(panel.get_by_role("status")).to_be_visible()
        await page.wait_for_function(DELIVERED)
        await context.close()
        rows = await shop.rows("event, toString(props), visitor")
    found = {name: json.loads(props or "{}") for name, props, _ in rows}
    assert set(found) == {
        "page_view",
        "consent",
        "survey_shown",
        "survey_answered",
        "feedback_sent",
        "callback_requested",
    }
    assert found["survey_answered"] == {"survey": "nps", "kind": "nps", "score": 9}
    assert found["feedback_sent"]["topic"] == "idea"
    assert found["feedback_sent"]["text"].startswith("More socks.")
    assert (found["callback_requested"]["slot"], found["callback_requested"]["timezone"]) == ("00:00-23:59", "UTC")
    assert "private.example" not in str(rows) and "7654321" not in str(rows)
    [catalog] = (tmp_path / "road").rglob("catalog.sqlite")
    with sqlite3.connect(catalog) as database:
        owners = database.execute("select owner from vault").fetchall()
    assert len(owners) == 2  # an address and a number, sealed
    assert {owner for (owner,) in owners} == {f"v:{rows[0][2]}"}
