"""How long a script has the page's main thread: read from the browser's own trace."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple

from playwright.async_api import Browser

CATEGORIES = ["-*", "devtools.timeline", "v8.execute", "disabled-by-default-v8.compile"]


class Taken(NamedTuple):
    """Milliseconds. `at_once` holds up the page, `later` is when the browser was idle, in tasks of their own."""

    at_once: float
    later: float
    longest: float


async def taken(browser: Browser, address: str, script: str, *, slower: int = 4, watch: float = 1.5) -> Taken:
    """One visit in a fresh profile. `script` is a part of the script's address; the page has no other script of length.

    Counted are compiling, evaluating, and calls of its functions by timers, events and idle time; microtasks count
    as its own, since nobody else on the page has any.
    """
    context = await browser.new_context()
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    await browser.start_tracing(page=page, categories=CATEGORIES)
    await page.goto(address)
    await asyncio.sleep(watch)
    trace = json.loads(await browser.stop_tracing())
    await context.close()
    return read(trace["traceEvents"], script)


def read(events: list[dict[str, Any]], script: str) -> Taken:
    """The outermost spans of the script on its thread, none counted twice."""
    whole = [event for event in events if event.get("ph") == "X" and event.get("dur")]
    [first, *_] = [event for event in whole if event["name"] == "EvaluateScript" and script in _address(event)]
    thread = (first["pid"], first["tid"])
    at_once = later = longest = until = 0.0
    for event in sorted(whole, key=lambda event: (event["ts"], -event["dur"])):
        mine = script in _address(event) or event["name"] == "RunMicrotasks"
        if (event["pid"], event["tid"]) != thread or not mine or event["ts"] < until:
            continue
        until = event["ts"] + event["dur"]
        if event["name"] in ("EvaluateScript", "v8.compile"):
            at_once += event["dur"] / 1000
        else:
            later += event["dur"] / 1000
            longest = max(longest, event["dur"] / 1000)
    return Taken(at_once, later, longest)


def _address(event: dict[str, Any]) -> str:
    data = event.get("args", {}).get("data")
    return str(data.get("url", "")) if isinstance(data, dict) else ""
