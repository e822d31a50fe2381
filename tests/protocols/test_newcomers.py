"""Unmodified clients of GA4, RudderStack, PostHog, Plausible, Umami, Jitsu, and Segment's in the browser.

Each sends to the real collector by another address and nothing else, past a proxy that refuses once and forgets to
answer once where the client is one that tries again: every event is in the store once, as it was meant.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from clickhouse import ClickHouse
from newcomers import BROWSER, BROWSER_RETRYING, ONCE, RETRYING, Hurdle, bundle, send
from playwright.sync_api import Page, sync_playwright
from real_clients import node
from running import tracker, until
from test_real_clients import Service

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]

CHROMIUM = "/usr/bin/chromium"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
ITEMS = [{"product_id": "p-1", "name": "Tea", "price": 12.5, "quantity": 2}]
GA4_ITEMS = [{"item_id": "p-1", "item_name": "Tea", "price": 12.5, "quantity": 2}]


@pytest.fixture(scope="module")
def service(clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    url = clickhouse.url(f"newcomers_{uuid.uuid4().hex[:8]}")
    with tracker(
        tmp_path_factory.mktemp("newcomers"), clickhouse_url=url, env={"TRACKER_SEGMENT_SECONDS": "0.2"}
    ) as it:
        yield Service(it)


def site(service: Service, domain: str = "") -> tuple[str, str]:
    """A site's name and write key."""
    name = f"shop-{uuid.uuid4().hex[:8]}"
    wanted = {"name": name, "domains": [domain] if domain else [], "consent": "opt-out"}
    return name, str(service.it.api("POST", "/api/v1/sites", wanted)["write_key"])


def orders(client: str) -> list[dict[str, Any]]:
    """Three orders, an hour ago, and a question."""
    start = int(time.time()) * 1000 - 3_600_000
    if client == "ga4mp":
        order = {"event": "purchase", "props": {"value": 25.0, "currency": "EUR", "items": GA4_ITEMS}}
    else:
        order = {"event": "Order Completed", "props": {"revenue": 25.0, "currency": "EUR", "products": ITEMS}}
    made = [order | {"user": f"u-{n}", "ts": start + n * 1000} for n in range(3)]
    for n, one in enumerate(made):
        one["props"] = one["props"] | {"transaction_id" if client == "ga4mp" else "order_id": f"o-{n}"}
    return [*made, {"event": "asked", "user": "u-3", "ts": start + 3000, "props": {"topic": "délai"}}]


@pytest.fixture(scope="module")
def delivered(service: Service) -> dict[str, tuple[str, list[dict[str, Any]], list[int]]]:
    """Every server's client at once: its site, what it sent, and what it was answered."""
    story = {client: (*site(service), orders(client)) for client in (*RETRYING, *ONCE)}
    hurdles = {client: Hurdle(service.it.port) for client in RETRYING}

    def one(client: str) -> None:
        port = hurdles[client].port if client in hurdles else service.it.port
        send(client, port, story[client][1], story[client][2])

    with ThreadPoolExecutor(len(story)) as pool:
        list(pool.map(one, story))
    found = {}
    for client, (name, _, sent) in story.items():
        answers: list[int] = []
        if client in hurdles:
            answers = hurdles[client].posts
            hurdles[client].close()
        found[client] = (name, sent, answers)
    return found


@pytest.mark.parametrize("client", [*RETRYING, *ONCE])
def test_each_event_of_a_server_is_stored_once_as_it_was_meant(
    service: Service, delivered: dict[str, Any], client: str
) -> None:
    name, sent, answers = delivered[client]
    rows = service.rows(name)
    timed = client != "umami-python"  # which cannot say when it happened
    rows.sort(key=lambda row: (row["user"], row["visitor"]))
    assert [row["event"] for row in rows] == ["purchase"] * 3 + ["asked"]
    who = [row["visitor" if client == "ga4mp" else "user"] for row in rows]
    assert who == [("c-" if client == "ga4mp" else "") + one["user"] for one in sent]
    assert {row["visitor"] for row in rows} == ({""} if client != "ga4mp" else set(who))
    if timed:
        assert [row["ts"] for row in rows] == [one["ts"] for one in sent]
    for n, row in enumerate(rows[:3]):
        assert (row["value"], row["currency"]) == (25.0, "EUR")
        assert [list(item) for item in row["items"]] == [["p-1", "Tea", 12.5, 2.0]]
        assert f'"o-{n}"' in row["props"]
    assert json.loads(rows[3]["props"])["topic"] == "délai"
    assert {row["bot"] for row in rows} == {""}
    ledger = service.it.ledger(name)
    again = 4 if client in RETRYING else 0
    assert (ledger["stored"], ledger["rejected"], ledger["unexplained"]) == (4, {}, 0)
    if client in RETRYING:
        assert answers[:2] == [503, 503] and answers[-1] == 200
        assert ledger["duplicates"] >= 1 and ledger["received"] <= 4 + again


def test_jitsu(service: Service) -> None:
    name, key = site(service)
    began = int(time.time() * 1000)
    assert node("jitsu.mjs", {"key": key, "host": service.host}, needs="@jitsu/js") == 3
    rows = service.rows(name)
    assert [row["event"] for row in rows] == ["identify", "page_view", "purchase"]
    identify, page, order = rows
    assert {row["user"] for row in rows} == {"u-1"} and len({row["visitor"] for row in rows}) == 1
    assert all(began <= row["ts"] <= time.time() * 1000 for row in rows)
    assert json.loads(identify["traits"])["plan"] == "pro"
    assert (page["url"], page["utm_source"]) == ("https://shop.test/?utm_source=news", "news")
    assert (order["value"], order["currency"]) == (99.5, "EUR")
    assert [list(item) for item in order["items"]] == [["p-1", "Tea", 12.5, 2.0]]
    assert {row["bot"] for row in rows} == {""}
    ledger = service.it.ledger(name)
    assert (ledger["received"], ledger["stored"], ledger["unexplained"]) == (3, 3, 0)


# -- browsers


class Pages:
    """A page of the shop with the clients' bundle, for any host name."""

    def __init__(self, folder: Path) -> None:
        (folder / "index.html").write_text(
            '<!doctype html><meta charset="utf-8"><title>Tea shop</title><p>Tea</p><script src="/clients.js"></script>'
        )
        bundle(folder)

        class Quiet(SimpleHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def browsed(service: Service, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str, list[int], int]]:
    """Every browser client in a page of its own, at once: its site, domain, answers, and when it started."""
    pages = Pages(tmp_path_factory.mktemp("pages"))
    sites = {client: site(service, f"{client}.test") for client in BROWSER}
    hurdles = {client: Hurdle(service.it.port) for client in BROWSER_RETRYING}
    started = int(time.time() * 1000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--host-resolver-rules=MAP *.test 127.0.0.1",
                "--disable-blink-features=AutomationControlled",  # several clients keep silent for robots
                f"--user-agent={AGENT}",
            ],
        )
        opened: list[Page] = []
        for client, (_, key) in sites.items():
            port = hurdles[client].port if client in hurdles else service.it.port
            page = chromium.new_context().new_page()
            page.goto(f"http://{client}.test:{pages.port}/?utm_source=news")
            page.evaluate(f"void run({client!r}, {key!r}, 'http://127.0.0.1:{port}', '{client}.test')")
            opened.append(page)
        wanted = {client: 2 if client.startswith("plausible") else 3 for client in BROWSER}
        for client, (name, _) in sites.items():
            # Playwright's pages live only while it is asked something.
            def there(name: str = name, client: str = client) -> bool:
                opened[0].wait_for_timeout(50)
                return service.it.ledger(name)["stored"] >= wanted[client]

            until(there, 45, lambda client=client, name=name: f"{client}: {service.it.ledger(name)}")
        for page in opened:
            page.goto("about:blank")
        chromium.close()
    pages.close()
    found = {}
    for client, (name, _) in sites.items():
        answers = hurdles[client].posts if client in hurdles else []
        if client in hurdles:
            hurdles[client].close()
        found[client] = (name, f"{client}.test", answers, started)
    return found


@pytest.mark.browser
@pytest.mark.parametrize("client", BROWSER)
def test_each_event_of_a_page_is_stored_once_as_it_was_meant(
    service: Service, browsed: dict[str, Any], client: str
) -> None:
    name, domain, answers, started = browsed[client]
    rows = service.rows(name)
    named = {row["event"]: row for row in rows}
    kept = {"user_engagement", "$pageleave", "$set", "$web_vitals"}  # what some clients add when a page ends
    expected = {"page_view", "purchase"} if client.startswith("plausible") else {"page_view", "identify", "purchase"}
    assert sorted(row["event"] for row in rows if row["event"] not in kept) == sorted(expected)
    page, order = named["page_view"], named["purchase"]
    assert page["url"].startswith(f"http://{domain}:") and page["utm_source"] == "news"
    assert all(started - 2000 <= row["ts"] <= started + 90_000 for row in rows)
    assert {row["bot"] for row in rows} == {""}
    assert "o-1" in order["props"]
    if client != "plausible-old":  # which cannot say what it was worth
        assert (order["value"], order["currency"]) == (99.5, "EUR")
    if not client.startswith("plausible"):
        assert order["user"] == "u-1" and order["visitor"] and page["title"] == "Tea shop"
        assert {row["visitor"] for row in rows} == {order["visitor"]}
        assert json.loads(named["identify"]["traits"])["plan"] == "pro"
        assert [list(item) for item in order["items"]] == [["p-1", "Tea", 99.5, 1.0]]
    ledger = service.it.ledger(name)
    assert (ledger["rejected"], ledger["suppressed"], ledger["unexplained"]) == ({}, 0, 0)
    if client in BROWSER_RETRYING:
        assert answers[:2] == [503, 503] and ledger["duplicates"] >= 1
