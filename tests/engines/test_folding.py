"""Making months of the journey table: by itself when enough came, cut off anywhere, and never with what was erased."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from loading import T0, Road, event

from tracker.analytics import funnel
from tracker.core.errors import TryLater
from tracker.core.identity import user_key, visitor_key
from tracker.loader import folding, folding_site
from tracker.loader.folding import Folds
from tracker.store import erase, journeys
from tracker.store.engine import Engine, Query
from tracker.store.erase import Names

DAY = 86_400_000
BODY = {
    "site": "shop",
    "from": "2020-01-01T00:00:00Z",
    "to": "2030-01-01T00:00:00Z",
    "steps": [{"event": "view_item"}, {"event": "purchase"}],
}


@pytest.fixture
def road(data: Path, engine: Engine) -> Road:
    return Road(data, engine)


def visits(first: int, people: int) -> list[Any]:
    """Everybody looks, every other one buys in the same millisecond, later by sequence number."""
    found = []
    for person in range(people):
        number = first + 2 * person
        visitor = f"v{person}"
        found.append(event(number, name="view_item", visitor=visitor, ts=T0, seq=1))
        if person % 2:
            found.append(event(number + 1, name="purchase", visitor=visitor, ts=T0, seq=2))
    return found


def counts(engine: Engine) -> tuple[str, list[int]]:
    said = funnel.run(engine, funnel.parse(BODY))
    return said["road"], [step["count"] for step in said["steps"]]


def states(engine: Engine) -> set[int]:
    return {month.state for month in journeys.months(engine, "shop")[1]}


def test_an_event_is_in_the_answer_as_soon_as_it_is_loaded(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.analytics.funnel_journeys.MAX_SHARE", 0.5)
    road.load(visits(0, 40))
    assert counts(road.engine) == ("events", [40, 20])
    assert Folds(road.engine).make() == 1
    assert counts(road.engine) == ("journeys", [40, 20])
    road.load([event(1000, name="purchase", visitor="v0", ts=T0 + 5)], lineage="c1")
    assert counts(road.engine) == ("journeys", [40, 21])
    road.load([event(1001, name="view_item", visitor="new", ts=T0 + 5, user="u1")], lineage="c2")
    assert counts(road.engine) == ("journeys", [41, 21])
    road.load([event(1002, name="other", visitor="v1", user="u1", ts=T0 - 1)], lineage="c3")  # v1 is u1 from now on
    assert counts(road.engine) == ("journeys", [40, 21])
    road.load([event(2000 + n, name="view_item", visitor=f"w{n}") for n in range(60)], lineage="c4")
    assert counts(road.engine) == ("events", [100, 21])  # too much came since


def test_a_month_is_made_by_itself_when_enough_came(road: Road) -> None:
    folds = Folds(road.engine, least=30, share=0.5)
    folds.when_due()
    assert folds._thread is None
    road.load(visits(0, 40))
    folds._next = 0.0
    folds.when_due()
    assert folds._thread is not None
    folds._thread.join()
    assert counts(road.engine) == ("journeys", [40, 20])
    assert states(road.engine) == {journeys.READY}
    road.load([event(500, visitor="v0")], lineage="c1")
    folds._next = 0.0
    folds.when_due()
    assert not folds._thread.is_alive()  # one event is not enough
    folds.stop()


STEPS = ["keep_persons", "sites", "make", "keep_lanes"]


@pytest.mark.parametrize("step", [*STEPS, *(f"alter {n}" for n in range(1, 6)), *(f"mark {n}" for n in range(1, 5))])
def test_cut_off_anywhere_it_is_made_good(road: Road, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Whatever the last thing is that was done, answers are right at once and the next making closes the month."""
    road.load(visits(0, 20))
    folds = Folds(road.engine)
    assert folds.make() == 1
    road.load([event(1000 + n, name="purchase", visitor=f"v{2 * n}", ts=T0 + 5) for n in range(3)], lineage="c1")
    with monkeypatch.context() as patched:
        cut(patched, folds, step)
        with pytest.raises(TryLater, match="killed"):
            folds.make()
    assert counts(road.engine)[1] == [20, 13]
    fresh = Folds(road.engine)
    fresh.make()
    assert fresh.make() == 0
    assert counts(road.engine) == ("journeys", [20, 13])
    left = "select (select count() from journey_folding) + (select count() from journey_tail)"
    assert road.engine.ask(Query(text=f"{left} + (select count() from journeys_made)")).rows == [(0,)]


def cut(patched: pytest.MonkeyPatch, folds: Folds, step: str) -> None:
    """Let a step be done, then die."""
    name, _, number = step.partition(" ")
    owner: Any = folding_site if not number else folds
    name = {"alter": "_command", "mark": "_mark"}.get(name, name)
    real, left = getattr(owner, name), int(number or 1)

    def die(*given: Any) -> None:
        nonlocal left
        left -= 1
        real(*given)
        if left == 0:
            raise TryLater("killed")

    patched.setattr(owner, name, die)


def test_who_is_erased_while_a_month_is_made_does_not_come_back(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    road.load([*visits(0, 20), event(900, name="view_item", visitor="v3", user="ann", ts=T0 + 1)])
    folds = Folds(road.engine, least=1, share=0.0)
    reached, go_on, real = threading.Event(), threading.Event(), folding_site.make

    def slow(*given: Any) -> Any:
        made = real(*given)
        reached.set()
        assert go_on.wait(30)
        return made

    monkeypatch.setattr(folding_site, "make", slow)
    folds.when_due()
    assert reached.wait(30)  # everybody is in `journeys_made` now
    threading.Timer(0.2, go_on.set).start()
    folds.stop()
    gone = Names(visitors=("v3",), users=("ann",))
    erase.delete(road.engine, "shop", gone, [])
    monkeypatch.setattr(folding_site, "make", real)
    for made in (False, True):
        if made:
            folds.make()
        holds(road.engine, gone.keys, 0)
        assert counts(road.engine)[1] == [19, 9]
    assert counts(road.engine)[0] == "journeys"


def holds(engine: Engine, keys: list[int], rows: int) -> None:
    for table, column in (
        ("journeys", "unit"),
        ("journeys_made", "unit"),
        ("journey_tail", "key"),
        ("journey_folding", "key"),
        ("journey_persons", "key"),
        ("journey_persons", "person"),
    ):
        text = f"select count() from {table} where {column} in {{keys:Array(UInt64)}}"
        assert engine.ask(Query(text=text, params={"keys": keys})).rows == [(rows,)], table


def test_a_person_who_was_another_one_when_the_month_was_made_is_erased_from_that_ones_journey(road: Road) -> None:
    """v1 was u1 then and is u2 by an event that came late; u1 stays, without what v1 did."""
    road.load([*visits(0, 4), event(50, name="identify", visitor="v1", user="u1", ts=T0 + 9)])
    road.load([event(51, name="view_item", visitor="v9", user="u1", ts=T0 + 9)], lineage="c1")
    Folds(road.engine).make()
    road.load([event(60, name="identify", visitor="v1", user="u2", ts=T0 - 9)], lineage="c2")
    erase.delete(road.engine, "shop", Names(visitors=("v1",), users=("u2",)), [])
    holds(road.engine, [visitor_key("v1"), user_key("u2")], 0)
    assert counts(road.engine)[1] == [4, 1]  # v0, v2, v3 and u1
    assert road.engine.ask(Query(text="select count() from journeys where unit = xxHash64('u:u1')")).rows == [(0,)]
    Folds(road.engine).make()
    assert counts(road.engine) == ("journeys", [4, 1])


def test_a_month_that_lost_everybody_is_emptied(road: Road) -> None:
    road.load(visits(0, 1))
    Folds(road.engine).make()
    erase.delete(road.engine, "shop", Names(visitors=("v0",)), [])
    folds = Folds(road.engine)
    road.engine.command(Query(text=folding._MARK, params={"month": month_now(), "state": journeys.MISSING, "now": 1}))
    assert counts(road.engine) == ("events", [0, 0])
    assert folds.make() == 1
    assert counts(road.engine)[1] == [0, 0]
    assert road.engine.ask(Query(text="select count() from journeys")).rows == [(0,)]


def month_now() -> int:
    import time

    moment = time.gmtime(T0 // 1000)
    return moment.tm_year * 100 + moment.tm_mon


def test_events_from_before_there_were_journeys_are_read_from_events_until_their_month_is_made(road: Road) -> None:
    road.load(visits(0, 10))
    for table in ("journey_tail", "journey_months"):
        road.engine.command(Query(text=f"truncate table {table}"))
    listing = "insert into journey_months (month, state, version) select distinct toYYYYMM(ts), 2, 1 from events"
    road.engine.command(Query(text=listing))  # as the migration does
    assert counts(road.engine) == ("events", [10, 5])
    assert Folds(road.engine).make() == 1
    assert counts(road.engine) == ("journeys", [10, 5])
