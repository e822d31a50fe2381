"""Many rules asked at once of few persons, those of one shape together, equal each asked alone of everybody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from depth import DEEP
from test_audiences_oracle import leaf
from test_members_incremental import Shop

from tracker.audiences import expiry, judging, marks, membership
from tracker.audiences.definition import Definition, define
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Query
from tracker.store.sql import load

VIEW, CART, BUY = ({"event": name} for name in ("view", "cart", "purchase"))
GERMAN = {"property": "country", "op": "eq", "value": "DE"}
SHAPES: list[list[dict[str, Any]]] = [  # of each list the second step of two lists of steps
    [{}],
    [{"mode": "strict"}],
    [{"mode": "unordered"}],
    [{"exclude": [{"event": "survey_answered"}]}],
    [{"exclude": [{"event": "survey_answered", "from_step": 1, "to_step": 2}]}],
]
TIMES = (("1d", "6d", "1h"), ("2d", "3d", "2h"), ("5h", "20d", "1h"))
STEPS: list[list[dict[str, Any]]] = [
    [VIEW, CART],
    [CART, BUY],
    [{"any_of": [VIEW, CART]}, BUY],
    [{**VIEW, "where": [GERMAN]}, BUY],
    [{**CART, "where": [GERMAN]}, BUY],
    [VIEW, {**CART, "within": "9h"}],
    [VIEW, {**BUY, "within": "2d"}],
    [VIEW, {**CART, "optional": True}, BUY],
]


def journeys() -> list[dict[str, Any]]:
    """Some of one shape and some of others: which they are is not for the test to know."""
    found: list[dict[str, Any]] = []
    for [more] in SHAPES:
        for at, steps in enumerate(STEPS):
            words = set().union(*steps)
            if more and words & {"within", "optional"}:
                continue
            window, within, wait = TIMES[at % 3]
            funnel = {"steps": steps, "window": window, **more}
            found.append({"dropped": {"funnel": funnel, "after_step": 1, "within": within, "wait": wait}})
            if not more:
                found.append({"sequence": {"steps": steps, "window": window, "within": within}})
    return found


def test_many_at_once_equal_each_alone(engine: Engine, data: Path) -> None:
    road = Shop(data, engine)
    for _ in range(12 if DEEP else 8):
        road.batch()
    bodies = journeys()
    bodies += [one for one in (leaf(road.dice) for _ in range(30)) if "rfm" not in one]
    definitions = [define("shop", body, lookup=lambda _: {}, id=f"aud_{at}") for at, body in enumerate(bodies)]
    definitions = [one for one in definitions if expiry.foreseeable(one.rule)]
    found = apart(road, definitions)
    queries = asked(road, judging.apart("shop"), definitions)
    assert len(queries) < 5  # or nothing was asked together
    everybody = judging.whole("shop", events_source(engine))
    judged = 0
    for one in definitions if DEEP else road.dice.sample(definitions, 8):
        rows = [row for query in asked(road, everybody, [one]) for row in engine.ask(query).rows]
        assert found.get(one.id, set()) == {row[1:] for row in rows}, one.rule
        alone = {(person, verdict) for person, verdict, _ in membership.judge(engine, road.site, one, road.now)}
        assert {(row[1], row[5]) for row in rows if row[2]} == alone, one.rule
        judged += 0 < len(alone) < len(rows)
    assert judged
    some = definitions if DEEP else road.dice.sample(definitions, len(definitions) // 2)
    people = sorted({person for rows in found.values() for person, *_ in rows})[:2]
    few = judging.few("shop", events_source(engine), people)
    alone = [row for query in asked(road, few, some) for row in engine.ask(query).rows]
    theirs = {(one.id, row) for one in some for row in found.get(one.id, ()) if row[0] in people}
    assert {(row[0], row[1:]) for row in alone} == theirs
    assert alone


def asked(road: Shop, base: judging.Base, definitions: list[Definition]) -> list[Query]:
    currency = marks.main_currency(road.engine, "shop", definitions, road.now)
    return list(judging.statements(road.engine, road.site, base, definitions, now_ms=road.now, currency=currency))


def apart(road: Shop, definitions: list[Definition]) -> dict[str, set[tuple[Any, ...]]]:
    """Everybody set apart as a refresh sets a few apart; audience -> what was judged of whom."""
    engine, touched = road.engine, road.refresher.touched
    touched.empty()
    people = "insert into touched_people (person, cause) select distinct key, 1 from events where site = 'shop'"
    engine.command(Query(text=people))
    engine.command(Query(text=load("tracker.audiences", "touched_owned"), params={"site": "shop"}))
    queries = asked(road, judging.apart("shop"), definitions)
    touched.copy("shop", queries, {"shares": 1, "share": 0}, road.refresher.by_key)
    found: dict[str, set[tuple[Any, ...]]] = {}
    for query in queries:
        for row in engine.ask(query).rows:
            found.setdefault(row[0], set()).add(row[1:])
    return found
