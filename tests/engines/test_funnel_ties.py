"""Steps in the same millisecond: the narrow road of the funnel says whose they are, and these are asked about apart."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import funnel_oracle
from test_funnel_random import answer, history, mark_entries, same
from world import load

from tracker.analytics import funnel
from tracker.store.engine import Query
from tracker.store.sql import Fragment


def test_the_narrow_road_sees_ties_and_is_exact_without(engine):
    chance = random.Random(7)
    events = history(chance, 60)
    body = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:20Z", "window": "9s"}
    asked = funnel.parse({**body, "steps": [{"event": name} for name in "abc"], "breakdown": {"property": "country"}})
    load(engine, events)
    tied = engine.ask(funnel.query(engine, asked, Fragment("events"), road="narrow")).dicts()
    assert sum(row["ties"] for row in tied if row["part"]) > 5
    for place, one in enumerate(events):  # the same, a few milliseconds apart
        one["ts"] += place % 700
    engine.command(Query(text="truncate table events"))
    load(engine, events)
    narrow = engine.ask(funnel.query(engine, asked, Fragment("events"), road="narrow")).dicts()
    assert not any(row["ties"] or row["tied_units"] for row in narrow)
    wide = engine.ask(funnel.query(engine, asked, Fragment("events"))).dicts()
    told = ("part", "value", "counts", "drops", "sums", "medians")
    assert [[row[name] for name in told] for row in narrow] == [[row[name] for name in told] for row in wide]
    assert narrow[0]["counts"][0] > 20


@pytest.mark.parametrize(("most_tied", "most_values"), [(50_000, 250), (3, 250), (50_000, 1)])
def test_people_with_ties_are_asked_about_apart_or_all_together(engine, monkeypatch, most_tied, most_values):
    chance = random.Random(17)
    events = history(chance, 150)
    for place, one in enumerate(events):  # some keep their ties
        one["ts"] += place % 700 if chance.random() < 0.2 else 0
        if one["event"] == "x":
            one.update(event="page_view", path=chance.choice(["/", "/a"]), type="track")
    events = load(engine, events)
    entry = {"event": "page_view", "entry": True}
    mark_entries(events)
    asked = []
    query = funnel.query

    def spy(*given, **named):
        asked.append((named.get("road"), named.get("only")))
        return query(*given, **named)

    monkeypatch.setattr(funnel, "query", spy)
    monkeypatch.setattr(funnel, "MAX_TIED", most_tied)
    monkeypatch.setattr(funnel, "MAX_VALUES", most_values)
    body = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:20Z", "window": "9s"}
    steps = [[{"event": name} for name in "abc"], [entry, {"event": "b"}, {"event": "c"}]]
    apart = []
    for count_by in ("person", "visitor", "session"):
        for touch in (None, "first", "last", "all"):
            one = {**body, "count_by": count_by, "steps": chance.choice(steps)}
            if touch:
                one["breakdown"] = {"property": chance.choice(["country", "props.n"]), "touch": touch}
            asked.clear()
            said, expected = answer(engine, one), funnel_oracle.report(one, events)
            if touch and most_values == 1:
                (shown,) = said["breakdown"]  # the biggest, people with ties among them
                most = max(steps[0]["count"] for steps in expected["breakdown"].values())
                assert said["breakdown"][shown][0]["count"] == most
                expected["breakdown"] = {shown: expected["breakdown"][shown]}
            same(said, expected)
            assert asked[0] == ("narrow", None)
            apart += [len(only or ()) for road, only in asked if road is None]
    assert len(apart) > 6
    assert (0 in apart) == (most_tied == 3)
    assert max(apart) > 4 or most_tied == 3


def test_many_people_with_ties_fit_into_one_question(engine):
    insert = """
        insert into events (site, event, key, ts, id, arrival, seq, type, visitor, country)
        select 'shop', if(number % 2 = 0, 'a', 'b'), xxHash64(concat('v:', who)), toDateTime64('2026-01-01', 3, 'UTC'),
            toUUID(concat('00000000-0000-4000-8000-', leftPad(toString(number), 12, '0'))), number,
            if(number < 30000, number % 2, 1 - number % 2), 'track', who, concat('C', toString(number % 7))
        from (select number, toString(intDiv(number, 2)) as who from numbers({events:UInt64}))"""
    engine.command(Query(text=insert, params={"events": 2 * funnel.MAX_TIED}))
    body = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "window": "1d"}
    body["steps"] = [{"event": "a"}, {"event": "b"}]
    for change in ({}, {"count_by": "visitor"}, {"breakdown": {"property": "country", "touch": "all"}}):
        said = answer(engine, {**body, **change})
        assert [step["count"] for step in said["steps"]] == [funnel.MAX_TIED, 15_000]
        for steps in said.get("breakdown", {}).values():
            assert steps[0]["count"] in (funnel.MAX_TIED // 7, funnel.MAX_TIED // 7 + 1)
