"""Widgets' files and texts: fetched when somebody opens one, and only the visitor's language."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from browser_site import KEPT, KEYS, PixelSite
from playwright.async_api import Page, expect
from widgets import OPEN, SURVEYS, opened

pytestmark = pytest.mark.browser


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


async def test_a_language_that_does_not_come_is_english_and_one_that_is_wanted_later_comes(
    site: PixelSite, page: Page
) -> None:
    site.ask_for(feedback={})
    await page.route("**/m/words-*", lambda route: route.abort())
    site.pages["/"] = site.html().replace('lang="en"', 'lang="fr"')
    panel = await opened(page, site.url("/"), OPEN["feedback"])
    await expect(panel).to_have_accessible_name("Your feedback")
    await page.unroute("**/m/words-*")
    for lang, title in (("ru", "Ваш отзыв"), ("fr", "Votre avis")):
        await page.keyboard.press("Escape")
        await expect(panel).to_have_count(0)
        await page.evaluate(f"document.documentElement.lang = '{lang}'; {OPEN['feedback']}")
        await expect(panel).to_have_accessible_name(title)


def test_every_language_has_every_text() -> None:
    """The types say that no key is missing; this says that no text is empty, and that each key is documented."""
    root = Path(__file__).parents[2]
    documented = (root / "docs" / "pixel.md").read_text()
    texts = {
        path.stem: re.findall(r"(\w+): \"[^\"]+\",$|^export const (\w+)", path.read_text(), re.MULTILINE)
        for path in (root / "pixel" / "src" / "widgets" / "words").glob("*.ts")
    }
    assert set(texts) == {"en", "de", "fr", "es", "ru", "hi", "ar"}
    assert all(found == texts["en"] for found in texts.values())
    widget = ""
    for key, name in texts["en"]:
        widget = name or widget
        assert name or re.search(rf"`{widget}\.` `[^`]*\b{key}\b", documented), f"{widget}.{key}"
    assert widget
