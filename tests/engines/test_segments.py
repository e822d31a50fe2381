"""`GET /v1/segments` on the collector: from the store over the engine's files to a page's question."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from api_client import serve
from loading import T0, event
from running import until
from test_suppression_road import Choosing, decision

from tracker.api import audiences
from tracker.audiences import by_key, definition, membership, stored
from tracker.collector import segments as collected
from tracker.collector import suppressions
from tracker.collector.app import make_app
from tracker.collector.settings import CollectorSettings
from tracker.core import membership as files
from tracker.core.errors import Broken
from tracker.core.identity import visitor_key
from tracker.store import persons
from tracker.store.engine import Engine, Query
from tracker.store.sql import Fragment
from tracker.store.wrapped import Wrapped
from tracker.wiring import segments as rounds_of
from tracker.wiring.segments import Segments

CLICKED = {"did": {"event": "click"}}
T = TypeVar("T")


class Shop(Choosing):
    """A road, the engine's files and a collector on the same folder."""

    client: TestClient

    def audience(self, rule: dict, name: str = "all", **more: str) -> str:
        given = {"duration": "30d", "holdout": 0.0, "refresh": "1m", **more}
        return self.catalog.audiences.create("shop", name, rule, **given).id

    async def inside(self, visitor: str | None, **headers: str) -> list[str]:
        params = {"site": self.site.write_key} | ({} if visitor is None else {"visitor": visitor})
        answer = await self.client.get("/v1/segments", params=params, headers=headers)
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store, private"
        return (await answer.json())["segments"]


@pytest_asyncio.fixture
async def shop(engine: Engine, data: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    for module in (collected, suppressions):
        monkeypatch.setattr(module, "_LOOK_EVERY", 0.0)
    monkeypatch.setattr(rounds_of, "_WHOLE_S", 600.0)  # a slow machine does in one round what any other does
    road = Shop(data, engine)
    road.catalog.sites.update("shop", domains=["shop.example"])
    async with TestClient(TestServer(make_app(CollectorSettings(data=data, worker=9)))) as client:
        road.client = client
        yield road


async def test_a_visitor_is_in_the_audiences_of_its_person(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds_of, "_PAUSES", (600.0,))  # longer than a slow machine takes from one round to the next
    monkeypatch.setattr(membership, "ROWS_AT_ONCE", 2)  # in several parts
    clicked = shop.audience(CLICKED)
    never = shop.audience({"did": {"event": "never"}}, "nobody")
    others = shop.audience({"not": {"in": clicked}}, "the others", refresh="2h")
    rounds = Segments(shop.engine, shop.catalog, shop.data, stop=NEVER)
    assert rounds.round() == 3
    assert await shop.inside("v1") == []
    visitors = [event(n, visitor=f"v{n}", name="view" if n == 5 else "click") for n in range(1, 8)]
    shop.load(
        [
            *visitors,
            event(20, visitor="v6", gpc=1, ads=0),
            event(8, visitor="own-visitor"),
            event(21, visitor="laptop", user="u1", name="view"),
        ]
    )
    shop.load([event(22, visitor="v5", user="u1", name="view"), event(23, visitor="v4", user="u1")])
    rounds._rest_until.clear()
    assert rounds.round() == 2  # those of a minute, at once; the other's turn is in two hours
    rounds._rest_until.clear()
    assert rounds.round() == 0  # nothing is due
    rounds._turns.clear()
    assert rounds.round() == 3
    assert await shop.inside("v1") == [clicked]
    assert [await shop.inside(one) for one in ("v4", "v5", "laptop")] == [[clicked]] * 3  # one person on three devices
    assert [await shop.inside(one) for one in ("v6", "v99", "u1", "\udc80x".encode("utf-8", "replace").decode())] == [
        []
    ] * 4
    assert await shop.inside("v1", **{"Sec-GPC": "1"}) == []
    assert await shop.inside(None, Cookie="a=b; jt_vid=own-visitor") == [clicked]
    assert await shop.inside(None) == []
    assert never not in await shop.inside("v1")
    shop.load([decision(30, 10, 0, visitor="v1")])
    assert await shop.inside("v1") == []  # at once, whenever the files are computed again
    shop.catalog.audiences.delete(clicked)  # a rule that names it cannot be computed any more; its old file stays
    shop.catalog.audiences.update(never, name="all", rule=CLICKED, duration="30d", holdout=0.0, refresh="1m")
    rounds._rest_until.clear()
    rounds._turns.clear()
    assert rounds.round() == 1
    failing = shop.catalog.memberships.get(others)
    assert failing is not None and failing.failures == 1
    assert failing.error == {"code": "no_such_audience", "message": "the rule names an audience that is gone"}
    assert rounds.round() == 0  # not before its pause is over
    rounds._turns.clear()
    rounds.round()
    assert shop.catalog.memberships.get(others).failures == 2
    shop.catalog.audiences.update(others, name="o", rule=CLICKED, duration="30d", holdout=0.0, refresh="2h")
    rounds._rest_until.clear()
    assert rounds.round() == 1  # changed, so at once
    assert shop.catalog.memberships.get(others).error is None
    shop.catalog.audiences.delete(others)
    rounds.round()
    assert await shop.inside("v2") == [never]
    assert {path.stem for path in (shop.data / "segments" / "shop").iterdir()} == {never, files.RECENT}
    left = shop.engine.ask(Query(text="select distinct audience from members final"))
    assert left.rows == [(never,)]


async def test_the_api_is_exact_where_audiences_are_few(
    engine: Engine, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = Shop(data, engine)
    clicked = road.audience(CLICKED, refresh="2h")
    road.load([event(1, visitor="v1", name="click")])
    rounds = Segments(engine, road.catalog, data, stop=NEVER)
    assert rounds.round() == 1
    async with serve(engine, data) as api:

        async def inside(visitor: str) -> list[str]:
            return list((await api.ask("GET", f"/api/v1/segments?site=shop&visitor={visitor}"))[1]["segments"])

        assert (await inside("v1"), await inside("v2")) == ([clicked], [])
        road.load([event(2, visitor="v2", name="click")])  # the next refresh is in two hours
        assert await inside("v2") == [clicked]
        monkeypatch.setattr(audiences, "_EXACT", 0)
        assert (await inside("v1"), await inside("v2")) == ([clicked], [])


async def test_news_of_one_person_leave_the_stored_answers_about_others(shop: Shop) -> None:
    clicked, slow = shop.audience(CLICKED), shop.audience({"did": {"event": "buy"}}, "slow", refresh="2h")
    shop.load([event(1, visitor="v1", name="click"), event(2, visitor="v2", name="view"), event(3, visitor="v3")])
    rounds = Segments(shop.engine, shop.catalog, shop.data, stop=NEVER)
    rounds.round()
    audiences = shop.catalog.audiences.list("shop")
    definitions = [definition.stored(one, lambda _: {}) for one in audiences]
    states = shop.catalog.memberships.of("shop")
    now_ms = max(one.as_of for one in states.values())

    def ready(visitor: str, behind_ms: int = -1) -> set[str]:
        people, behind = [visitor_key(visitor)], dict.fromkeys(states, behind_ms)
        return stored.fresh_for(
            shop.engine, shop.site, definitions, states, people=people, now_ms=now_ms + 5_000, behind=behind
        )

    def inside(visitor: str, behind_ms: int = -1) -> dict[str, str]:
        people, behind = [visitor_key(visitor)], dict.fromkeys(states, behind_ms)
        return stored.inside(
            shop.engine, shop.site, definitions, states, people=people, now_ms=now_ms + 5_000, behind=behind
        )

    assert ready("v1") == ready("v2") == {clicked, slow}
    shop.load([event(4, visitor="v2", name="click"), event(5, visitor="v3", user="u3", type="identify")])
    assert ready("v1") == {clicked, slow}  # nothing happened to this one
    assert ready("v2") == ready("v3") == set()
    assert (inside("v2"), inside("v2", 60_000)) == ({clicked: "exportable"}, {})
    assert ready("v2", 60_000) == {clicked, slow}
    assert ready("v2", 1_000) == set()  # too far behind
    shop.load([event(6, visitor="v1", name="view")])
    persons.suppress(shop.engine, "shop", [visitor_key("v1")], listed=True, version=time.time_ns() // 1_000_000)
    assert ready("v1", 60_000) == set()  # that is known at once
    assert inside("v1", 60_000) == {clicked: "suppressed"}


class Counting(Wrapped):
    """Counts how often the site's purchases are read for their main currency."""

    asked = 0

    def through(self, query: Query, run: Callable[[Query], T]) -> T:
        self.asked += "group by currency" in query.text
        return run(query)


async def test_the_main_currency_is_asked_for_once_between_refreshes(shop: Shop) -> None:
    """Where members may be behind, it is that of their refresh; where not, the one of now. A list is never behind."""
    rich = shop.audience({"ltv": {"gte": 10}}, "rich", refresh="2h")
    bought = {"name": "purchase", "currency": "EUR", "value": 20.0}
    shop.load([event(n, visitor=f"v{n}", **bought) for n in (1, 2, 3)])
    rounds = Segments(shop.engine, shop.catalog, shop.data, stop=NEVER)
    rounds.round()
    audiences = shop.catalog.audiences.list("shop")
    definitions = [definition.stored(one, lambda _: {}) for one in audiences]
    engine, kept = Counting(shop.engine), dict[str, str | None]()

    def inside(visitor: str, behind_ms: int = 60_000) -> dict[str, str]:
        states = shop.catalog.memberships.of("shop")
        return stored.inside(
            engine,
            shop.site,
            definitions,
            states,
            people=[visitor_key(visitor)],
            now_ms=states[rich].as_of + 5_000,
            behind={rich: behind_ms},
            currencies=kept,
        )

    assert [inside(f"v{n}") for n in (1, 2, 9)] == [{rich: "exportable"}, {rich: "exportable"}, {}]
    assert (engine.asked, kept) == (1, {"shop": "EUR"})
    dollars = {"name": "purchase", "currency": "USD", "value": 20.0}
    shop.load([event(n, visitor="v9", **dollars) for n in range(10, 16)])  # now most purchases are in dollars
    assert (inside("v1"), inside("v9"), engine.asked) == ({rich: "exportable"}, {}, 1)  # as of the refresh
    assert (inside("v1", -1), inside("v9", -1)) == ({}, {rich: "exportable"})  # as of now
    for kept_there in (rounds._turns, rounds._rest_until, rounds._money):
        kept_there.clear()
    rounds.round()
    kept["shop"] = "EUR"  # what was found before the refresh
    engine.asked = 0
    assert (inside("v1"), inside("v9"), engine.asked) == ({}, {rich: "exportable"}, 1)
    assert kept == {"shop": "USD"}
    persons.suppress(shop.engine, "shop", [visitor_key("v9")], listed=True, version=time.time_ns() // 1_000_000)
    assert inside("v9") == {rich: "suppressed"}


async def test_times_that_have_run_out_are_forgotten(shop: Shop) -> None:
    shop.audience({"did": {"event": "click", "within": "1d"}})
    rounds = Segments(shop.engine, shop.catalog, shop.data, stop=NEVER)
    rounds.round()
    shop.load([event(1, visitor="v1", name="click", ts=time.time_ns() // 1_000_000)])
    for at in (1, 2):
        text = "insert into expiring (site, at, person) values ('shop', {at:Int64}, 7), ('other', {at:Int64}, 7)"
        shop.engine.command(Query(text=text.replace("{at:Int64}", str(at))))
    rounds._rest_until.clear()
    assert rounds.round() == 1
    kept = "select site, at < 10, count() from expiring final group by all order by all"
    until(lambda: shop.engine.ask(Query(text=kept)).rows == [("other", 1, 2), ("shop", 0, 1)], 60)


async def test_events_are_copied_between_rounds(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_key, "AT_ONCE", 2)
    clicked = shop.audience(CLICKED)
    shop.load([event(n, visitor=f"v{n}", name="click") for n in range(1, 6)])
    rounds = Segments(shop.engine, shop.catalog, shop.data, stop=NEVER)
    assert rounds.round() == 1
    refresher = rounds._ready()
    refresher.by_key._settles_s = 0.0  # nobody else loads
    pieces = 0
    while not refresher.by_key.whole("shop"):
        rounds._rest_until.clear()
        rounds.round()
        pieces += 1
    assert pieces >= 3
    shop.load([event(7, visitor="v7", name="click"), event(8, visitor="v1", name="view")])
    rounds._rest_until.clear()
    rounds.round()
    assert [await shop.inside(one) for one in ("v1", "v5", "v7")] == [[clicked]] * 3
    twice = "select visitor, uniqExact(id) from {} group by visitor order by visitor"
    [events, copy] = [shop.engine.ask(Query(text=twice.format(one))).rows for one in ("events", "events_by_key")]
    assert copy == events
    wanted, keys = ["visitor", "arrival"], Fragment("select key from events")
    source = refresher.by_key.events("shop", wanted, keys)
    assert source is not None
    asked = Query(
        text=f"select visitor, count() from {source.text} group by visitor order by visitor", params={"site": "shop"}
    )
    assert shop.engine.ask(asked).rows == events
    assert refresher.by_key.events("shop", ["url"], keys) is None  # that is not in the copy


async def test_a_ranking_is_asked_of_everybody_only(shop: Shop) -> None:
    first = shop.audience({"rfm": {"segment": ["champions", "loyal", "at_risk", "hibernating"]}})
    clicked = shop.audience(CLICKED, "clicked")
    bought = [event(n, visitor=f"v{n}", name="purchase", value=n * 9.0, currency="EUR") for n in range(1, 12)]
    shop.load(bought)
    rounds = Segments(shop.engine, shop.catalog, shop.data, stop=NEVER)
    assert rounds.round() == 2
    before = shop.catalog.memberships.get(first)
    shop.load([event(20, visitor="v5"), event(21, visitor="v5", name="purchase", value=9.0, currency="EUR")])
    rounds._rest_until.clear()
    assert rounds.round() == 1  # among one buyer everybody is the best
    assert shop.catalog.memberships.get(first) == before
    assert shop.catalog.memberships.get(clicked).members == 1


async def test_who_may_ask(shop: Shop) -> None:
    key = shop.site.write_key
    ask = shop.client.get
    assert (await ask("/v1/segments?site=nobody&visitor=v1")).status == 401
    for visitor in ("", "v" * 256):
        refused = await ask(f"/v1/segments?site={key}&visitor={visitor}")
        assert (refused.status, (await refused.json())["error"]["field"]) == (400, "visitor")
    foreign = await ask(f"/v1/segments?site={key}&visitor=v1", headers={"Origin": "https://evil.example"})
    assert foreign.status == 403
    own = await ask(f"/v1/segments?site={key}&visitor=v1", headers={"Origin": "https://shop.example"})
    assert (own.status, own.headers["Access-Control-Allow-Origin"]) == (200, "https://shop.example")


async def test_a_damaged_file_is_no_answer_and_no_failure(shop: Shop) -> None:
    audience = shop.audience(CLICKED)
    shop.load([event(1, visitor="v1", ads=1, analytics=1, ts=T0)])
    rounds = Segments(shop.engine, shop.catalog, shop.data, stop=NEVER)
    rounds.round()
    path = files.path_of(shop.data, "shop", audience)
    whole = path.read_bytes()
    for damaged in (whole[:-1], b"", b"x" * 300, whole[:255]):
        path.unlink()
        path.write_bytes(damaged)
        assert await shop.inside("v1") == []
        with pytest.raises(Broken):
            files.read(memoryview(damaged))
    path.unlink()
    path.write_bytes(whole)
    assert await shop.inside("v1") == [audience]


def test_a_key_is_found_where_it_is() -> None:
    chance = random.Random(1)
    for size in (0, 1, 2, 3, 1000):
        numbers = sorted({chance.randrange(2**64) for _ in range(size)} | ({0, 2**64 - 1} if size > 2 else set()))
        members = files.read(memoryview(files.head("shop", "aud_1", 1, len(numbers)) + files.keys(numbers)))
        for number in {*numbers, *(n + 1 for n in numbers), *(n - 1 for n in numbers), 5}:
            assert members.hold(number) == (number in numbers)


class _Never:
    def is_set(self) -> bool:
        return False


NEVER = _Never()
