"""The dashboard in Chromium, in front of the real stack with the sample shop loaded."""

from __future__ import annotations

import base64
import csv
import json
import re
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from clickhouse import free_port
from playwright.async_api import Browser, Page, Route, ViewportSize, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout
from running import Tracker, answers, request, tracker, until

pytestmark = pytest.mark.browser

PAGES = (
    "Overview",
    "Funnel",
    "Retention",
    "Channels",
    "Customers",
    "Audiences",
    "Data health",
    "Install",
    "Pixel settings",
)
DESK, HAND = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)
PATIENCE = 60_000
CALM = """() => document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') !== 'running'
    && !document.querySelector('[data-testid=stSpinner], [data-testid=stSkeleton]')"""
# what sticks out on the right of the page without a scroller of its own around it
STICKS_OUT = """() => [...document.querySelectorAll('[data-testid=stMain] *')].filter(element => {
    const inside = box => box.right <= innerWidth + 1
    const box = element.getBoundingClientRect()
    if (!box.width || !box.height || inside(box) || element.closest('svg')) return false
    for (let up = element.parentElement; up; up = up.parentElement)
        if (/auto|scroll|hidden|clip/.test(getComputedStyle(up).overflowX) && inside(up.getBoundingClientRect()))
            return false
    return true
}).map(element => element.outerHTML.slice(0, 120))"""

# tables and figures that are wider than the card they stand in
TOO_WIDE = """() => [...document.querySelectorAll('.jt-table, .jt-figures, .jt-bars, .jt-notice')]
    .filter(one => one.getBoundingClientRect().width > one.parentElement.getBoundingClientRect().width + 1)
    .map(one => one.outerHTML.slice(0, 200))"""

# buttons whose name is that of their icon's file or nothing at all, and fields whose edge has less than 3:1 on white
UNREADABLE = """() => {
    const named = one => one.ariaLabel || !/^$|^\\w+ icon$/.test(one.innerText.trim().split('\\n')[0])
    const seen = one => one.checkVisibility({visibilityProperty: true}) && !one.closest('details:not([open])')
    const light = ([red, green, blue]) => [red, green, blue].map(part => part / 255)
        .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0)
    const faint = one => 1.05 / (light(getComputedStyle(one).borderTopColor.match(/[0-9.]+/g)) + 0.05) < 3
    const fields = ['TextInputRootElement', 'NumberInputContainer', 'TextAreaRootElement']
        .map(name => `[data-testid=st${name}]`).concat('[data-testid=stSelectbox] [role=group]').join()
    return [
        ...[...document.querySelectorAll('[data-testid=stMain] button')].filter(one => seen(one) && !named(one)),
        ...[...document.querySelectorAll(fields)].filter(faint),
    ].map(element => element.outerHTML.slice(0, 200))
}"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tracker, str]]:
    dashboard, shop = free_port(), free_port()
    with tracker(tmp_path_factory.mktemp("dashboard")) as made:
        made.role("demo", "--dashboard-port", str(dashboard), "--shop-port", str(shop)).start()
        made.ready()
        until(lambda: made.ledger("shop")["stored"] > 30_000, 120, made.tails)
        made.drained("shop")
        until(lambda: answers(dashboard, "/_stcore/health"), 60, made.tails)
        yield made, f"http://127.0.0.1:{dashboard}"
        for role in made.roles:
            role.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def desk(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport=DESK, accept_downloads=True)
    yield await context.new_page()
    await context.close()


async def calm(page: Page) -> None:
    """Until Streamlit has drawn everything: calm three times in a row."""
    for _ in range(3):
        await page.wait_for_function(CALM, timeout=PATIENCE)
        await page.wait_for_timeout(200)


async def test_every_page_draws_wholly_at_any_width_and_asks_nobody_else(
    stack: tuple[Tracker, str], desk: Page
) -> None:
    _, address = stack
    elsewhere: list[str] = []

    async def local_only(route: Route) -> None:
        if route.request.url.startswith((address, "data:", "blob:")):
            await route.continue_()
        else:
            elsewhere.append(route.request.url)
            await route.abort()

    await desk.route("**/*", local_only)
    await desk.goto(address)
    for title in PAGES:
        await desk.set_viewport_size(DESK)
        await desk.get_by_role("link", name=title, exact=True).click(timeout=PATIENCE)
        await expect(desk.locator(".jt-head h1")).to_have_text(title, timeout=PATIENCE)
        await draws_wholly(desk, title)
        if title == "Customers":
            await desk.set_viewport_size(DESK)
            await desk.locator(".st-key-open-person-0 button").click()
            await expect(desk.locator(".jt-section h2", has_text="Timeline")).to_be_visible(timeout=PATIENCE)
            await draws_wholly(desk, "a person")
    assert elsewhere == []


async def test_the_overview_has_an_address_of_its_own(stack: tuple[Tracker, str], desk: Page) -> None:
    _, address = stack
    await desk.goto(f"{address}/overview?period=Last+7+days")
    await expect(desk.locator(".jt-head h1")).to_have_text("Overview", timeout=PATIENCE)
    await draws_wholly(desk, "overview by name")
    assert await desk.get_by_role("dialog").count() == 0
    assert await desk.get_by_label("Period", exact=True).input_value() == "Last 7 days"


async def draws_wholly(page: Page, title: str) -> None:
    await calm(page)
    assert await page.locator("[data-testid=stException], .jt-notice.bad").count() == 0, title
    assert await page.evaluate(UNREADABLE) == [], title
    for size in (DESK, HAND):
        await page.set_viewport_size(size)
        await page.wait_for_timeout(300)
        assert await page.evaluate(STICKS_OUT) == [], (title, size)
        assert await page.evaluate(TOO_WIDE) == [], (title, size)


async def test_a_phone_shows_the_first_rows_of_a_long_table_and_the_rest_on_demand(
    stack: tuple[Tracker, str], desk: Page
) -> None:
    _, address = stack
    await desk.goto(f"{address}/customers?period=Last+12+months")
    rows = desk.locator(".st-key-card-segments .jt-table tbody tr")
    await expect(rows.nth(7)).to_be_visible(timeout=PATIENCE)
    await calm(desk)
    await desk.set_viewport_size(HAND)
    await expect(rows.nth(4)).to_be_visible(timeout=PATIENCE)
    await expect(rows.nth(5)).to_be_hidden(timeout=PATIENCE)
    await desk.locator(".st-key-card-segments summary", has_text="All rows").click(timeout=PATIENCE)
    await expect(rows.nth(7)).to_be_visible(timeout=PATIENCE)


async def choose(page: Page, label: str, option: str) -> None:
    """An option of a list. A part of the page that is drawn at this moment closes the list: then it is opened again."""
    for _ in range(8):
        await page.get_by_label(label, exact=True).click(timeout=PATIENCE)
        try:
            await page.get_by_role("option", name=re.compile(f"^{option}")).click(timeout=4000)
        except PlaywrightTimeout:
            await page.keyboard.press("Escape")
        else:
            return
    raise AssertionError(f"{option} could not be chosen")


async def test_from_a_drop_to_a_file(stack: tuple[Tracker, str], desk: Page) -> None:
    _, address = stack
    await desk.goto(f"{address}/funnel")
    await desk.get_by_role("button", name="Make an audience of them").click(timeout=PATIENCE)
    dialog = desk.get_by_role("dialog")
    await expect(dialog.get_by_role("textbox", name="Name")).not_to_have_value("", timeout=PATIENCE)
    name = await dialog.get_by_role("textbox", name="Name").input_value(timeout=PATIENCE)
    assert re.fullmatch(r".+, but not .+", name)
    await dialog.get_by_role("button", name="Create the audience").click(timeout=PATIENCE)
    await dialog.get_by_role("link", name="Open the audience").click(timeout=PATIENCE)

    await expect(desk.locator(".jt-head h1")).to_have_text(name, timeout=PATIENCE)
    await calm(desk)
    people, exportable = (await desk.locator(".jt-figure b").all_inner_texts())[:2]
    assert number(people) >= number(exportable) > 100
    for kind in ("CSV", "JSON lines"):
        await choose(desk, "For", kind)
        await calm(desk)
        await desk.get_by_role("button", name="Make the file").click()
        await expect(desk.get_by_text(f"{exportable} people are in the file.")).to_be_visible(timeout=PATIENCE)
        await calm(desk)
        async with desk.expect_download(timeout=PATIENCE) as waiting:
            await desk.get_by_role("button", name="Download", exact=True).click()
        path = await (await waiting.value).path()
        text = path.read_text()
        rows = list(csv.DictReader(text.splitlines())) if kind == "CSV" else list(map(json.loads, text.splitlines()))
        assert len(rows) == number(exportable)

    await desk.get_by_role("link", name="Audiences").click()
    await expect(desk.locator(".jt-section h2", has_text=name)).to_be_visible(timeout=PATIENCE)
    await expect(desk.locator(".jt-size b").first).to_have_text(people, timeout=PATIENCE)
    await desk.get_by_role("main").get_by_role("button", name="Open").first.click()
    await expect(desk.locator(".jt-head h1")).to_have_text(name, timeout=PATIENCE)


async def test_a_new_site_turns_green_and_its_strangers_text_stays_text(stack: tuple[Tracker, str], desk: Page) -> None:
    made, address = stack
    await desk.goto(f"{address}/install")
    await desk.get_by_text("Add another site").click(timeout=PATIENCE)
    await desk.get_by_role("textbox", name="Name").fill("news")
    await desk.get_by_role("textbox", name="Domains").fill("news.example")
    await desk.get_by_text("Measure unless they object").click()
    await desk.get_by_role("button", name="Add the site").click()
    await expect(desk.get_by_text("Waiting for the first event")).to_be_visible(timeout=PATIENCE)

    hostile = "<img src=x onerror=window.caught=1> **bold** :red[x]"
    key = made.api("GET", "/api/v1/sites/news/install")["write_key"]
    body = json.dumps({"userId": hostile, "event": hostile, "properties": {"plan": hostile}}).encode()
    auth = base64.b64encode(f"{key}:".encode()).decode()
    headers = {"Authorization": f"Basic {auth}", "Content-Type": "application/json"}
    status, answer = request(made.port, "POST", "/v1/track", body, headers)
    assert status == 200, answer
    await expect(desk.get_by_text("We have heard from news.")).to_be_visible(timeout=PATIENCE)

    for path in ("", "data-health", "install"):
        await desk.goto(f"{address}/{path}?site=news")
        await expect(desk.get_by_text("onerror=window.caught").first).to_be_visible(timeout=PATIENCE)
        await calm(desk)
        assert await desk.locator("img[src=x]").count() == 0
        assert await desk.evaluate("() => window.caught") is None


def number(text: str) -> int:
    return int(text.replace(",", ""))
