"""What the tests of widgets share: settings with all of them, the calls that open them, and a page with one open."""

from __future__ import annotations

from typing import Any

from browser_site import PixelSite
from playwright.async_api import Locator, Page

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
