"""Existing clients, unmodified, against the real collector: every event arrives once, as it was meant."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clickhouse import ClickHouse
from real_clients import CLIENTS, each_client, send, stamp
from running import Role, Tracker, request, tracker, until

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]

# A spool so small that it is full at once when nobody empties it.
SMALL = {"TRACKER_SEGMENT_BYTES": "10000", "TRACKER_SPOOL_MAX_BYTES": "40000", "TRACKER_SEGMENT_SECONDS": "0.1"}
COLUMNS = (
    "if(message_id = '', toString(id), message_id), type, event, user, visitor, toUnixTimestamp64Milli(ts), value,"
    " currency, `group`, previous, props, traits, url, title, utm_source, library, source, bot,"
    " arrayMap(one -> (one.item_id, one.item_name, one.price, one.quantity), items)"
)
NAMES = (
    "id type event user visitor ts value currency group previous props traits url title utm_source library source bot"
    " items"
).split()


class Service:
    """A collector, a loader and an API on a ClickHouse server."""

    def __init__(self, it: Tracker) -> None:
        self.it = it
        self.collector: Role = it.collector().start()
        self.loader: Role = it.role("loader").start()
        it.role("api").start()
        it.ready()

    def sites(self) -> dict[str, tuple[str, str]]:
        """A site for each client, and one more: name and write key."""
        names = {who: f"{who.replace(' ', '-')}-{uuid.uuid4().hex[:8]}" for who in (*CLIENTS, "filler")}
        return {who: (name, self.site(name)) for who, name in names.items()}

    def site(self, name: str, consent: str = "opt-out") -> str:
        """Make a site; its write key."""
        made = self.it.api("POST", "/api/v1/sites", {"name": name, "domains": [], "consent": consent})
        return str(made["write_key"])

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self.it.port}"

    def rows(self, site: str) -> list[dict[str, Any]]:
        """What is stored, oldest first; read with FINAL only if reports would."""
        self.it.drained(site)
        doubts = "select countIf(last) from (select argMax(open, version) as last from doubts group by month)"
        [[(open_,)]] = self.it.sql(doubts)
        source = "events final" if open_ else "events"
        [rows] = self.it.sql(f"select {COLUMNS} from {source} where site = '{site}' order by ts, arrival")
        return [dict(zip(NAMES, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def service(clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with tracker(
        tmp_path_factory.mktemp("real"), clickhouse_url=clickhouse.url(f"real_{uuid.uuid4().hex[:8]}"), env=SMALL
    ) as it:
        yield Service(it)


@pytest.fixture
def site(service: Service) -> tuple[str, str]:
    """A site of its own for each test: name and write key."""
    name = f"shop-{uuid.uuid4().hex[:8]}"
    return name, service.site(name)


@each_client
def test_every_kind_of_call_arrives_as_it_was_meant(service: Service, site: tuple[str, str], client: str) -> None:
    name, key = site
    start = int(time.time() * 1000) - 3_600_000
    story = [dict(call, timestamp=stamp(start + n * 1000)) for n, call in enumerate(STORY)]
    send(client, service.host, key, story)

    rows = service.rows(name)
    assert [row["event"] for row in rows] == [
        "identify", "page_view", "screen_view", "view_item", "purchase", "group", "alias", "Asked a Question"
    ]  # fmt: skip
    assert [row["ts"] for row in rows] == [start + n * 1000 for n in range(len(STORY))]
    assert [row["user"] for row in rows] == ["u-1"] * 7 + [""]
    assert [row["visitor"] for row in rows] == ["a-1"] * 6 + [rows[6]["visitor"], "a-2"]
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["source"] for row in rows} == {"segment"}
    assert {row["bot"] for row in rows} == {""}, "a shop's server is no bot"
    assert {row["library"] for row in rows} == {rows[0]["library"]} and rows[0]["library"]

    identify, page, screen, view, purchase, group, alias, question = rows
    assert json.loads(identify["traits"])["plan"] == "pro"
    assert "example.com" not in json.dumps(rows)
    assert (page["url"], page["title"], page["utm_source"]) == ("https://shop.test/?utm_source=news", "Start", "news")
    assert json.loads(page["props"])["name"] == "Home"
    assert json.loads(screen["props"])["name"] == "Basket"
    assert [list(item) for item in view["items"]] == [["p-1", "Tea", 12.5, 2.0]]
    assert (view["value"], view["currency"]) == (25.0, "EUR")
    assert [list(item) for item in purchase["items"]] == [["p-1", "Tea", 12.5, 2.0], ["p-2", "Mug", 9.0, 1.0]]
    assert (purchase["value"], purchase["currency"]) == (99.5, "EUR")
    assert json.loads(purchase["props"])["order_id"] == "o-1"
    assert (group["group"], json.loads(group["props"])["employees"]) == ("g-1", 12)
    assert alias["previous"] == "old-1"
    assert json.loads(question["props"]) == {"topic": "délai", "words": 3}

    ledger = service.it.ledger(name)
    assert (ledger["received"], ledger["stored"], ledger["unexplained"]) == (len(STORY), len(STORY), 0)
    span = _last_days(name)
    funnel = span | {"steps": [{"event": "view_item"}, {"event": "purchase"}], "mode": "ordered", "window": "1h"}
    steps = service.it.api("POST", "/api/v1/reports/funnel", funnel)["steps"]
    assert [step["count"] for step in steps] == [1, 1]
    names = service.it.api("GET", f"/api/v1/events/names?site={name}")["events"]
    assert {one["event"]: one["count"] for one in names} == {row["event"]: 1 for row in rows}


def test_on_an_opt_in_site_a_server_is_not_taken_for_a_browser(service: Service) -> None:
    """Without consent a browser's event would be suppressed; a server's is kept for the site's own reports."""
    name = f"strict-{uuid.uuid4().hex[:8]}"
    key = service.site(name, consent="opt-in")
    for client in CLIENTS:
        send(client, service.host, key, _tracks(client, 1))
    assert sorted(row["event"] for row in service.rows(name)) == sorted(CLIENTS)
    assert service.it.ledger(name)["suppressed"] == 0


@each_client
def test_a_wrong_key_is_told_at_once(service: Service, client: str) -> None:
    """Nothing that the library could repeat with success: it gives up after one try, and says why."""
    before = _refused(service)
    with pytest.raises(AssertionError, match=r"unknown_key|401"):
        send(client, service.host, "no-such-key", _tracks("lost", 1))
    assert _refused(service) == before + 1


def test_clients_that_are_refused_for_a_while_come_again(service: Service) -> None:
    """The spool is full while the loader rests: 503 with Retry-After, then all is taken."""
    sites = service.sites()
    key = sites["filler"][1]
    assert service.loader.stop() == 0
    for size in (8000, 10):
        until(lambda size=size: _fill(service, key, size) == 503, 60)

    def make_room() -> None:
        time.sleep(2.0)
        assert _fill(service, key, 10) == 503
        assert [service.it.ledger(sites[client][0])["received"] for client in CLIENTS] == [0] * len(CLIENTS)
        service.loader.start()

    jobs = [
        lambda client=client: send(client, service.host, sites[client][1], _tracks("after 503", 30), batch=5)
        for client in CLIENTS
    ]
    _at_once(make_room, *jobs)
    for client in CLIENTS:
        _came_once(service, sites[client][0], "after 503", 30)


def test_a_collector_killed_in_between_costs_nothing(service: Service) -> None:
    sites = service.sites()

    def kill() -> None:
        for pause in (0.1, 0.3):
            time.sleep(pause)
            service.collector.kill()
            time.sleep(0.3)
            service.collector.start()
            service.it.ready(api=False)

    kills = service.collector.kills
    jobs = [
        lambda client=client: send(client, service.host, sites[client][1], _tracks("killed", 150), batch=2)
        for client in CLIENTS
    ]
    _at_once(kill, *jobs)
    assert service.collector.kills == kills + 2
    for client in CLIENTS:
        _came_once(service, sites[client][0], "killed", 150)


STORY: list[dict[str, Any]] = [
    {"method": "identify", "userId": "u-1", "anonymousId": "a-1", "traits": {"plan": "pro", "email": "jo@example.com"}},
    {
        "method": "page",
        "userId": "u-1",
        "anonymousId": "a-1",
        "name": "Home",
        "category": "Shop",
        "properties": {"url": "https://shop.test/?utm_source=news", "title": "Start"},
    },
    {"method": "screen", "userId": "u-1", "anonymousId": "a-1", "name": "Basket", "properties": {}},
    {
        "method": "track",
        "userId": "u-1",
        "anonymousId": "a-1",
        "event": "Product Viewed",
        "properties": {"product_id": "p-1", "name": "Tea", "price": 12.5, "quantity": 2, "currency": "EUR"},
    },
    {
        "method": "track",
        "userId": "u-1",
        "anonymousId": "a-1",
        "event": "Order Completed",
        "properties": {
            "order_id": "o-1",
            "revenue": 99.5,
            "currency": "EUR",
            "products": [
                {"product_id": "p-1", "name": "Tea", "price": 12.5, "quantity": 2},
                {"product_id": "p-2", "name": "Mug", "price": 9, "quantity": 1},
            ],
        },
    },
    {"method": "group", "userId": "u-1", "anonymousId": "a-1", "groupId": "g-1", "traits": {"employees": 12}},
    {"method": "alias", "userId": "u-1", "previousId": "old-1"},
    {
        "method": "track",
        "anonymousId": "a-2",
        "event": "Asked a Question",
        "properties": {"topic": "délai", "words": 3},
    },
]


def _tracks(event: str, count: int) -> list[dict[str, Any]]:
    now = int(time.time() * 1000)
    return [
        {
            "method": "track",
            "userId": f"u-{n % 7}",
            "event": event,
            "properties": {"n": n},
            "timestamp": stamp(now - 600_000 + n),
        }
        for n in range(count)
    ]


def _came_once(service: Service, site: str, event: str, count: int) -> None:
    rows = [row for row in service.rows(site) if row["event"] == event]
    assert sorted(json.loads(row["props"])["n"] for row in rows) == list(range(count))
    ledger = service.it.ledger(site)
    assert ledger["unexplained"] == 0 and ledger["rejected"] == {}
    series = service.it.api(
        "POST",
        "/api/v1/reports/timeseries",
        _last_days(site) | {"interval": "day", "event": {"event": event}, "measure": "events"},
    )["series"]
    assert sum(point["value"] for point in series) == count


def _refused(service: Service) -> int:
    """How many Segment requests were answered 401."""
    text = request(service.it.port, "GET", "/metrics")[1].decode()
    return sum(
        int(float(line.rpartition(" ")[2]))
        for line in text.splitlines()
        if "segment" in line and '"401"' in line and not line.startswith("#")
    )


def _fill(service: Service, key: str, size: int) -> int:
    """Send an event of a bit more than `size` bytes; the status."""
    event = {"id": str(uuid.uuid4()), "type": "track", "name": "filler", "visitor": "v", "props": {"x": "x" * size}}
    body = json.dumps({"site": key, "events": [event]}).encode()
    return request(service.it.port, "POST", "/e", body, {"Content-Type": "application/json"})[0]


def _at_once(*jobs: Callable[[], None]) -> None:
    """Run all at the same time; the first failure is raised once all have ended."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        running = [pool.submit(job) for job in jobs]
    for job in running:
        job.result()


def _last_days(site: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {"site": site, "from": _rfc(now - timedelta(days=2)), "to": _rfc(now + timedelta(days=1))}


def _rfc(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
