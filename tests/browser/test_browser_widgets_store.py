"""The whole road of a widget: settings through the API, a visitor's clicks, rows in the store, records in the vault."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest
from aiohttp import web
from browser_site import HEAD
from clickhouse import free_port
from playwright.async_api import Browser, expect
from running import tracker

pytestmark = pytest.mark.browser

PIXEL = {
    "surveys": [{"id": "nps", "kind": "nps"}],
    "feedback": {"email": True},
    "callback": {"slots": ["00:00-23:59"], "weekends": True, "days": 1},
    "banner": {"policy": "/privacy"},
    "calling_code": "49",
}


async def test_what_widgets_send_is_in_the_store(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    with tracker(tmp_path / "road") as made:
        key = await asyncio.to_thread(made.run, "site", "add", "shop", "--consent", "opt-in", "--domain", "127.0.0.1")
        made.collector().start()
        engine = made.role("engine").start()
        await asyncio.to_thread(made.ready)
        answer = await asyncio.to_thread(made.api, "PUT", "/api/v1/sites/shop", {"pixel": PIXEL})
        assert answer["pixel"] == PIXEL

        async def page_of(_: web.Request) -> web.Response:
            front = f"http://127.0.0.1:{made.port}"
            text = HEAD.format(front=front, key=key["write_key"], policy="opt-in", title="Shop", body="")
            return web.Response(text=text, content_type="text/html")

        app = web.Application()
        app.router.add_get("/{rest:.*}", page_of)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        context = await browser.new_context(locale="en-GB")
        page = await context.new_page()
        await page.goto(f"http://127.0.0.1:{port}/")
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
        waiting = "Object.keys(localStorage).some(key => /^jt_.*_e[0-9]/.test(key))"
        await page.wait_for_function(f"!{waiting}")
        await context.close()
        await runner.cleanup()
        ledger = await asyncio.to_thread(made.drained, "shop")
        assert (ledger["rejected"], ledger["suppressed"], ledger["unexplained"]) == ({}, 0, 0)
        assert engine.stop() == 0
        query = "select event, toString(props), visitor from events final order by ts, seq"
        [rows] = await asyncio.to_thread(made.sql, query)
        for role in made.roles:
            role.stop()
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
