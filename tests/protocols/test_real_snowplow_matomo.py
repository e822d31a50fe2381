"""Snowplow's and Matomo's clients, unmodified, against the real collector: every event arrives once, as it was meant.

matomo.js and import_logs.py are in no package registry; what they sent is sent again, byte for byte.
"""

from __future__ import annotations

import base64
import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import pytest
from clickhouse import ClickHouse
from playwright.sync_api import sync_playwright
from real_clients import NODE, PATIENCE, node
from running import request, tracker, until
from snowplow_tracker import Emitter, PageView, SelfDescribing, SelfDescribingJson, StructuredEvent, Subject, Tracker
from test_real_clients import SMALL, Service, _at_once, _fill

pytestmark = [pytest.mark.server, pytest.mark.timeout(240)]

CAPTURES = Path(__file__).parent / "captures" / "matomo"
ESBUILD = NODE.parents[2] / "pixel" / "node_modules" / ".bin" / "esbuild"
CHROMIUM = "/usr/bin/chromium"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
SHOP = "iglu:com.snowplowanalytics.snowplow.ecommerce/"


@pytest.fixture(scope="module")
def service(clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with tracker(
        tmp_path_factory.mktemp("real2"), clickhouse_url=clickhouse.url(f"real_{uuid.uuid4().hex[:8]}"), env=SMALL
    ) as it:
        yield Service(it)


@pytest.fixture
def site(service: Service) -> tuple[str, str]:
    """A site of its own for each test: name and write key."""
    name = f"shop-{uuid.uuid4().hex[:8]}"
    return name, service.site(name)


def python_tracker(service: Service, app_id: str, method: str, failures: list[Any]) -> tuple[Tracker, Emitter]:
    emitter = Emitter(
        "127.0.0.1",
        protocol="http",
        port=service.it.port,
        method=method,
        batch_size=3 if method == "post" else 1,
        max_retry_delay_seconds=1,
        on_failure=lambda sent, unsent: failures.append(len(unsent)),
    )
    return Tracker("ns", emitter, app_id=app_id), emitter


def told(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(row["event"], row["user"], row["visitor"], row["value"], row["currency"]) for row in rows]


def all_well(service: Service, name: str, events: int) -> None:
    ledger = service.it.ledger(name)
    assert (ledger["stored"], ledger["rejected"], ledger["suppressed"], ledger["unexplained"]) == (events, {}, 0, 0)


@pytest.mark.parametrize("method", ["post", "get"])
@pytest.mark.parametrize("by", ["key", "name"])
def test_snowplow_python(service: Service, site: tuple[str, str], method: str, by: str) -> None:
    name, key = site
    failures: list[Any] = []
    it, _ = python_tracker(service, key if by == "key" else name, method, failures)
    who = Subject().set_user_id("u-1").set_domain_user_id("d-1").set_ip_address("203.0.113.9").set_useragent(BROWSER)
    start = int(time.time() * 1000) - 3_600_000
    order = SelfDescribingJson(f"{SHOP}snowplow_ecommerce_action/jsonschema/1-0-2", {"type": "transaction"})
    parts = [
        SelfDescribingJson(
            f"{SHOP}transaction/jsonschema/1-0-0", {"transaction_id": "o-1", "revenue": 99.5, "currency": "EUR"}
        ),
        SelfDescribingJson(
            f"{SHOP}product/jsonschema/1-0-0", {"id": "p-1", "name": "Tea", "price": 12.5, "quantity": 2}
        ),
        SelfDescribingJson(f"{SHOP}user/jsonschema/1-0-0", {"id": "u-1", "email": "jo@example.com"}),
    ]
    story = [
        PageView("https://shop.test/?utm_source=news", page_title="Start", true_timestamp=start, event_subject=who),
        StructuredEvent("shop", "add-to-basket", value=2.5, true_timestamp=start + 1000, event_subject=who),
        SelfDescribing(order, context=parts, true_timestamp=start + 2000, event_subject=who),
    ]
    for event in story:
        it.track(event)
    it.flush()
    rows = service.rows(name)
    assert told(rows) == [
        ("page_view", "u-1", "d-1", None, ""),
        ("add_to_cart", "u-1", "d-1", 2.5, ""),
        ("purchase", "u-1", "d-1", 99.5, "EUR"),
    ]
    assert [row["ts"] for row in rows] == [start, start + 1000, start + 2000]
    assert [list(item) for item in rows[2]["items"]] == [["p-1", "Tea", 12.5, 2.0]]
    assert (rows[0]["url"], rows[0]["title"], rows[0]["utm_source"]) == (
        "https://shop.test/?utm_source=news", "Start", "news"
    )  # fmt: skip
    assert json.loads(rows[2]["props"])["transaction_id"] == "o-1"
    assert {(row["source"], row["library"], row["bot"]) for row in rows} == {("snowplow", "py-1.1.0", "")}
    assert "jo@example.com" not in json.dumps(rows)
    assert not failures
    all_well(service, name, 3)


def test_snowplow_python_comes_again_after_503(service: Service) -> None:
    """The spool is full while the loader rests: 503, then all is taken, once."""
    sites = {method: (f"again-{method}-{uuid.uuid4().hex[:6]}", "") for method in ("post", "get")}
    sites = {method: (name, service.site(name)) for method, (name, _) in sites.items()}
    filler = service.site(f"filler-{uuid.uuid4().hex[:8]}")
    assert service.loader.stop() == 0
    for size in (8000, 10):
        until(lambda size=size: _fill(service, filler, size) == 503, 60)
    failures: dict[str, list[Any]] = {"post": [], "get": []}

    def make_room() -> None:
        until(lambda: all(failures.values()), 60)
        service.loader.start()

    def send(method: str) -> None:
        it, emitter = python_tracker(service, sites[method][1], method, failures[method])
        who = Subject().set_user_id("u-1")
        for n in range(12):
            schema = SelfDescribingJson("iglu:com.acme/numbered/jsonschema/1-0-0", {"n": n})
            it.track(SelfDescribing(schema, event_subject=who))
        until(lambda: (emitter.flush(), emitter.event_store.size() == 0)[1], PATIENCE)

    _at_once(make_room, lambda: send("post"), lambda: send("get"))
    for method, (name, _) in sites.items():
        rows = service.rows(name)
        assert sorted(json.loads(row["props"])["n"] for row in rows) == list(range(12)), method
        assert failures[method]
        ledger = service.it.ledger(name)
        assert (ledger["stored"], ledger["rejected"], ledger["unexplained"]) == (12, {}, 0)


def test_an_unknown_app_id_is_told_once(service: Service) -> None:
    failures: list[Any] = []
    it, _ = python_tracker(service, "nobody", "post", failures)
    it.track(PageView("https://shop.test/"))
    it.flush()
    time.sleep(2.5)
    assert failures == [1], "a 401 is not repeated"


@pytest.mark.parametrize("method", ["post", "get"])
def test_snowplow_node(service: Service, site: tuple[str, str], method: str) -> None:
    name, key = site
    start = int(time.time() * 1000) - 3_600_000
    given = {"appId": key, "host": "127.0.0.1", "port": service.it.port, "method": method, "user": "u-1", "at": start}
    statuses = node("snowplow.mjs", given, needs="@snowplow/node-tracker")
    assert set(statuses) == {200}
    rows = service.rows(name)
    assert told(rows) == [
        ("page_view", "u-1", "", None, ""),
        ("add_to_cart", "u-1", "", 2.5, ""),
        ("purchase", "u-1", "", 99.5, "EUR"),
    ]
    assert [row["ts"] for row in rows] == [start, start + 1000, start + 2000]
    assert [list(item) for item in rows[2]["items"]] == [["p-1", "Tea", 12.5, 2.0]]
    all_well(service, name, 3)


class Page(BaseHTTPRequestHandler):
    """The shop's page; `script` is set by the test."""

    script = b""

    def do_GET(self) -> None:
        is_script = self.path.endswith(".js")
        body = self.script if is_script else b"<!doctype html><title>Shop</title><script src=/page.js></script>"
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if is_script else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    out = tmp_path_factory.mktemp("bundle") / "page.js"
    subprocess.run(
        [ESBUILD, "snowplow-page.js", "--bundle", "--format=iife", f"--outfile={out}", "--log-level=error"],
        cwd=NODE,
        check=True,
        timeout=120,
    )
    Page.script = out.read_bytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()


@pytest.mark.browser
@pytest.mark.parametrize("method", ["post", "get"])
def test_snowplow_browser(service: Service, site: tuple[str, str], shop: str, method: str) -> None:
    """In Chromium, from another origin, with a preflight; and what met a 503 comes with the next event."""
    name, key = site
    began = int(time.time() * 1000)
    filler = service.site(f"filler-{uuid.uuid4().hex[:8]}")
    assert service.loader.stop() == 0
    for size in (8000, 10):
        until(lambda size=size: _fill(service, filler, size) == 503, 60)
    errors: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu", f"--user-agent={BROWSER}"]
        )
        page = chromium.new_context(locale="de-DE").new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        refused: list[int] = []
        taken: list[int] = []
        page.on("response", lambda answer: (taken if answer.status == 200 else refused).append(answer.status))
        page.goto(f"{shop}/?utm_source=news&gclid=TEST", referer="https://www.google.com/")
        page.evaluate("([host, id, method]) => start(host, id, method)", [service.host, key, method])
        until(lambda: (page.wait_for_timeout(50), 503 in refused)[1], 60)
        service.loader.start()
        until(lambda: _fill(service, filler, 10) == 204, 60)
        page.mouse.move(20, 20)
        page.mouse.wheel(0, 50)
        page.wait_for_timeout(2500)
        page.evaluate("later()")

        def gone() -> bool:
            page.wait_for_timeout(200)
            left = page.evaluate(
                "Object.entries(localStorage).filter(([key, value]) => /OutQueue/i.test(key) && value != '[]').length"
            )
            if left:
                page.evaluate("window.dispatchEvent(new Event('online'))")
            return left == 0

        until(gone, 60)
        chromium.close()
    assert errors == []
    rows = [row for row in service.rows(name) if row["event"] != "user_engagement"]
    visitor = rows[0]["visitor"]
    assert visitor
    assert sorted(told(rows)) == sorted(
        [
            ("page_view", "u-1", visitor, None, ""),
            ("add_to_cart", "u-1", visitor, 2.5, ""),
            ("add_to_cart", "u-1", visitor, 25.0, "EUR"),
            ("purchase", "u-1", visitor, 99.5, "EUR"),
            ("later", "u-1", visitor, None, ""),
        ]
    )
    assert all(began <= row["ts"] <= time.time() * 1000 for row in rows)
    [order] = [row for row in rows if row["event"] == "purchase"]
    assert [list(item) for item in order["items"]] == [["p-1", "Tea", 12.5, 2.0]]
    [view] = [row for row in rows if row["event"] == "page_view"]
    assert (view["title"], view["utm_source"]) == ("Shop", "news")
    ledger = service.it.ledger(name)
    assert (ledger["rejected"], ledger["suppressed"], ledger["unexplained"]) == ({}, 0, 0)


def test_matomo_tracker_node(service: Service, site: tuple[str, str]) -> None:
    name, key = site
    now = int(time.time()) - 3600
    single = [
        {"url": "https://shop.test/?utm_source=news", "action_name": "Start", "uid": "u-1", "cdt": now},
        {"url": "https://shop.test/a", "e_c": "shop", "e_a": "add", "e_v": 2, "uid": "u-1", "cdt": now + 1},
        {"url": "https://shop.test/b", "search": "tea", "search_count": 3, "uid": "u-1", "cdt": now + 2},
    ]
    order = {"idgoal": 0, "ec_id": "o-1", "revenue": 99.5, "ec_items": '[["p-1","Tea","Drinks",12.5,2]]'}
    old = {"cip": "203.0.113.9", "ua": BROWSER, "cdt": now - 40 * 86_400, "token_auth": key}
    bulk = [
        {"url": "https://shop.test/c", "uid": "u-1", "cdt": now + 3, **order},
        {"url": "https://shop.test/d", "idgoal": 4, "revenue": 5, "uid": "u-1", "cdt": now + 4},
        {"url": "https://shop.test/e", **old},
        {"url": "https://shop.test/f", "uid": "u-1", "cdt": "yesterday"},
    ]
    given = {"idsite": key, "url": f"{service.host}/matomo.php", "single": single, "bulk": bulk}
    said = node("matomo.mjs", given, needs="matomo-tracker")
    assert said == {
        "errors": [],
        "answer": {"status": "success", "tracked": 3, "invalid": 1, "invalid_indices": [3]},
    }
    until(lambda: service.it.drained(name)["stored"] == 6, 60)
    rows = service.rows(name)
    assert [(row["event"], row["user"], row["value"], row["ts"]) for row in rows] == [
        ("page_view", "", None, (now - 40 * 86_400) * 1000),
        ("page_view", "u-1", None, now * 1000),
        ("add", "u-1", 2.0, (now + 1) * 1000),
        ("search", "u-1", None, (now + 2) * 1000),
        ("purchase", "u-1", 99.5, (now + 3) * 1000),
        ("goal", "u-1", 5.0, (now + 4) * 1000),
    ]
    assert rows[0]["visitor"].startswith("log-")
    assert [list(item) for item in rows[4]["items"]] == [["p-1", "Tea", 12.5, 2.0]]
    assert rows[1]["title"] == "Start"
    assert service.it.ledger(name)["rejected"] == {"bad_time": 1}


def replay(service: Service, capture: str, change: tuple[bytes, bytes] = (b"", b"")) -> list[tuple[int, bytes]]:
    """Send what a client sent, byte for byte but for `change`; the answers."""
    answers = []
    for sent in json.loads((CAPTURES / f"{capture}.json").read_text())["requests"]:
        kept = sent["body"] or {}
        wire = base64.b64decode(kept["wire_base64"]) if "wire_base64" in kept else kept.get("text", "").encode()
        if kept.get("json"):
            wire = json.dumps(kept["json"]).encode()
        target = sent["path"] + (f"?{sent['query_string']}" if sent["query_string"] else "")
        dropped = ("host", "content-length", "connection", "accept-encoding")
        headers = {name: value for name, value in dict(sent["headers"]).items() if name.lower() not in dropped}
        answers.append(request(service.it.port, sent["method"], target, wire.replace(*change) or None, headers))
    return answers


@pytest.fixture(scope="module")
def numbered(service: Service) -> dict[str, str]:
    """Sites whose names are Matomo's numbers, so that captured requests need no change: name -> write key."""
    return {name: service.site(name) for name in ("1", "3")}


STORY = [
    ("page_view", None), ("add", 2.0), ("purchase", 99.5), ("goal", 5.0), ("search", None), ("user_engagement", None)
]  # fmt: skip


@pytest.mark.parametrize("capture", ["matomo-js", "matomo-js-get", "matomo-js-beacon"])
def test_what_matomo_js_sends(service: Service, numbered: dict[str, str], capture: str) -> None:
    began = int(time.time() * 1000)
    before = {row["id"] for row in service.rows("1")}
    answers = replay(service, capture)
    assert [status for status, _ in answers] == [200 if capture == "matomo-js-get" else 204] * 6
    again = replay(service, capture)
    assert [status for status, _ in again] == [status for status, _ in answers]
    rows = [row for row in service.rows("1") if row["id"] not in before]
    assert [(row["event"], row["value"]) for row in rows] == STORY, "and the second time nothing new"
    assert {row["user"] for row in rows} == {"u-1"}
    assert len({row["visitor"] for row in rows}) == 1
    assert len(rows[0]["visitor"]) == 16
    assert all(began <= row["ts"] <= time.time() * 1000 for row in rows)
    assert [list(item) for item in rows[2]["items"]] == [["SKU1", "Shoe", 99.5, 1.0]]
    assert (rows[0]["title"], rows[0]["utm_source"]) == ("Matomo page", "news")


def test_what_datapunts_tracker_sends(service: Service, numbered: dict[str, str]) -> None:
    assert [status for status, _ in replay(service, "matomo-datapunt-js")] == [204, 204]
    rows = service.rows("3")
    assert [(row["event"], row["user"]) for row in rows] == [("page_view", "u-1"), ("a", "u-1")]


def test_what_import_logs_sends(service: Service, numbered: dict[str, str]) -> None:
    """Its question first, then a bulk with the double slash; twice, as after a lost answer."""
    before = {row["id"] for row in service.rows("1")}
    change = (b"0123456789abcdef0123456789abcdef", numbered["1"].encode())
    for _ in range(2):
        (first, question), (second, bulk) = replay(service, "matomo-import_logs", change)
        assert (first, second) == (200, 200)
        assert json.loads(question)["main_url"].startswith("https://")
        assert json.loads(bulk) == {"status": "success", "tracked": 3, "invalid": 0, "invalid_indices": []}
    rows = [row for row in service.rows("1") if row["id"] not in before]
    assert [(row["event"], row["url"], row["ts"]) for row in rows] == [
        ("page_view", "https://shop.example/product/1?utm_source=newsletter", 1_795_168_800_000),
        ("page_view", "https://shop.example/cart", 1_795_168_830_000),
        ("page_view", "https://shop.example/missing", 1_795_168_920_000),
    ]
    assert rows[0]["visitor"] == rows[1]["visitor"] != rows[2]["visitor"]
    assert "203.0.113.5" not in json.dumps(rows)


def test_an_order_that_is_longer_than_most_servers_allow(service: Service, site: tuple[str, str]) -> None:
    """matomo.js writes all of it into the query string, whatever the method."""
    name, key = site
    items = json.dumps([[f"sku-{n}", "A product with a long name", "Category", 12.5, 2] for n in range(120)])
    hit = {"idsite": key, "rec": 1, "idgoal": 0, "ec_id": "o-1", "revenue": 3000, "ec_items": items, "uid": "u-1"}
    query = urlencode(hit)
    assert 8_190 < len(query) < 32_000
    for method in ("POST", "GET"):
        assert request(service.it.port, method, f"/matomo.php?{query}")[0] == 200
    assert [(row["event"], row["value"], len(row["items"])) for row in service.rows(name)] == [
        ("purchase", 3000.0, 120)
    ] * 2
