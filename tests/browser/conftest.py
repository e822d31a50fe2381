"""One Chromium a session, a fresh profile a test, and a site with the pixel.

Most tests run in Chromium's headless shell where it is installed: the same engine without a window's machinery, at a
third of the processor time. The whole road runs in the browser that people have: `whole_chromium`.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from browser_site import PixelSite, running
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

CHROMIUM = "/usr/bin/chromium"
SHELL = shutil.which("chromium-headless-shell") or CHROMIUM
ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.shop.test 127.0.0.1",
    # A headless browser says that it is one, and reports leave robots out. A context's own user agent would not do:
    # what is sent while a page goes carries the browser's.
    "--user-agent=Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
]
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser lives as long as the session, so its tests share one event loop."""
    for item in items:
        if HERE in item.path.parents and isinstance(item, pytest.Function) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@asynccontextmanager
async def launched(executable: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        # Playwright switches the back/forward cache off; the pixel has to live with it.
        chromium = await playwright.chromium.launch(
            executable_path=executable, args=ARGS, ignore_default_args=["--disable-back-forward-cache"]
        )
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with launched(SHELL) as chromium:
        yield chromium


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def whole_chromium() -> AsyncIterator[Browser]:
    """For files that define `browser` anew as this one."""
    async with launched(CHROMIUM) as chromium:
        yield chromium


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(
        locale="en-GB", timezone_id="Europe/Berlin", screen={"width": 1280, "height": 720}
    )
    context.set_default_timeout(60_000)  # the machine may be busy
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """A page that must not see a single error of ours."""
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []


@pytest_asyncio.fixture(loop_scope="session")
async def site(data: Path) -> AsyncIterator[PixelSite]:
    async with running(data) as site:
        yield site
