"""Steps in the same millisecond: the narrow road of the funnel says whose they are, and these are asked about apart."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import funnel_oracle
from test_funnel_random import answer, history, mark_entries, same
from world import arrive, event, load

from tracker.analytics import few_texts, funnel, funnel_few, funnel_ordered, funnel_ordered_query, funnel_ties
from tracker.analytics.funnel_ordered import Asked
from tracker.store.engine import Query
from tracker.store.sql import Fragment


def test_the_narrow_road_sees_ties_and_is_exact_without(engine):
    chance = random.Random(7)
    events = history(chance, 60)
    body = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:20Z", "window": "9s"}
    asked = funnel.parse({**body, "steps": [{"event": name} for name in "abc"], "breakdown": {"property": "country"}})
    load(engine, events)
    narrow = Asked(asked, Fragment("events"), linked=True, values=300)
    tied = funnel_ordered.ask(engine, narrow)
    assert sum(row["ties"] for row in tied if row["part"]) > 5
    for place, one in enumerate(events):  # the same, a few milliseconds apart
        one["ts"] += place % 700
    engine.command(Query(text="truncate table events"))
    load(engine, events)
    wide, coded = replace(narrow, narrow=False), replace(narrow, texts=("DE", "FR", "US", "none has it"))
    found = [funnel_ties.with_medians(funnel_ordered.ask(engine, one)) for one in (narrow, wide, coded)]
    found.append(engine.ask(funnel.query(engine, asked, Fragment("events"))).dicts())
    assert not any(row["ties"] or row["tied_units"] or row["doubts"] for rows in found[:3] for row in rows)
    told = [[(row["part"], row["value"], row["counts"], row["sums"]) for row in rows] for rows in found]
    medians = [[[one or 0 for one in row["medians"]] for row in rows] for rows in found]
    assert all(one == told[3] for one in told)
    assert all(one == medians[3] for one in medians)
    assert len(told[3]) > 2
    assert told[3][0][2][0] > 20


@pytest.mark.parametrize(("most_doubts", "most_values"), [(1000, 250), (1, 250), (1000, 1)])
def test_texts_of_one_millisecond_are_not_taken_from_the_code(engine, monkeypatch, most_doubts, most_values):
    chance = random.Random(23)
    events = [one for one in history(chance, 120) if one["event"] in "ab"]
    for place, one in enumerate(events):  # some texts are only those of people in doubt
        one["country"] = chance.choice(["DE", "US", "FR", "", f"C{place % 40}"])
    events = load(engine, events)
    asked = spied(monkeypatch)
    monkeypatch.setattr(funnel_ordered, "MAX_DOUBTS", most_doubts)
    monkeypatch.setattr(funnel, "MAX_VALUES", most_values)
    body = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:20Z", "window": "9s"}
    for touch in ("first", "last"):
        asked.clear()
        one = {
            **body,
            "steps": [{"event": name} for name in "ab"],
            "breakdown": {"property": "country", "touch": touch},
        }
        said, expected = answer(engine, one), funnel_oracle.report(one, events)
        if most_values == 1:
            (shown,) = said["breakdown"]
            expected["breakdown"] = {shown: expected["breakdown"][shown]}
        same(said, expected)
        narrow = [bool(each.texts) for each in asked if each.narrow]
        assert narrow == ([True] if most_doubts == 1000 and most_values == 250 else [True, False])


def test_a_text_that_came_after_the_texts_were_asked_is_seen(engine, monkeypatch):
    events = [one for one in history(random.Random(29), 40) if one["event"] in "ab"]
    for place, one in enumerate(events):
        one.update(country=["DE", "US"][place % 2], ts=one["ts"] + place % 700)
    events = load(engine, events)
    monkeypatch.setattr(funnel_ordered, "_texts", lambda *_: ["DE"])
    body = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:20Z", "window": "9s"}
    one = {**body, "steps": [{"event": name} for name in "ab"], "breakdown": {"property": "country"}}
    said = answer(engine, one)
    same(said, funnel_oracle.report(one, events))
    assert set(said["breakdown"]) == {"DE", "US"}


def test_columns_with_few_texts_are_dictionaries(engine):
    text = "select name, type from system.columns where database = currentDatabase() and table = 'events'"
    names = {name for name, kind in engine.ask(Query(text=text)).rows if kind == "LowCardinality(String)"}
    assert names - {"site"} == few_texts.FEW_TEXTS


def spied(monkeypatch):
    """The questions that are asked from now on."""
    asked, query = [], funnel_ordered.query

    def spy(one):
        asked.append(one)
        return query(one)

    monkeypatch.setattr(funnel_ordered, "query", spy)
    return asked


@pytest.mark.parametrize(
    ("most_tied", "most_values", "most_few"), [(50_000, 250, 0), (50_000, 250, 1000), (3, 250, 0), (50_000, 1, 1000)]
)
def test_people_with_ties_are_asked_about_apart_or_all_together(engine, monkeypatch, most_tied, most_values, most_few):
    chance = random.Random(17)
    events = history(chance, 150)
    for place, one in enumerate(events):  # some keep their ties
        one["ts"] += place % 700 if chance.random() < 0.2 else 0
        if one["event"] == "x":
            one.update(event="page_view", path=chance.choice(["/", "/a"]), type="track")
    events = load(engine, events)
    entry = {"event": "page_view", "entry": True}
    mark_entries(events)
    asked = spied(monkeypatch)
    for module in (funnel_ordered, funnel_ordered_query):
        monkeypatch.setattr(module, "MAX_TIED", most_tied)
    monkeypatch.setattr(funnel_ordered, "MAX_FEW", most_few)
    counted_here = []
    monkeypatch.setattr(
        funnel_ordered, "counted", lambda *a, **k: counted_here.append(1) or funnel_few.counted(*a, **k)
    )
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
            assert asked[0].narrow
            coded = (
                touch in ("first", "last") and one["breakdown"]["property"] == "country" and one["steps"] is steps[0]
            )
            assert bool(asked[0].texts) == coded
            apart += [len(each.only or ()) for each in asked if not each.narrow]
    if most_few:  # counted here, all of them
        assert not apart
        assert len(counted_here) > 6
        return
    assert not counted_here
    assert len(apart) > 6
    assert (0 in apart) == (most_tied == 3)
    assert max(apart) > 4 or most_tied == 3


@pytest.mark.parametrize("most_few", [2, 3, 1000])
def test_people_with_many_events_are_not_counted_here(engine, monkeypatch, most_few):
    events = [
        event(name, 1767225600000 + ms, who, seq=seq)
        for who in ("v1", "v2")
        for ms, seq, name in ((0, 1, "a"), (0, 2, "b"), (5, 0, "c"))
    ]
    events = load(engine, arrive(random.Random(3), events))
    asked = spied(monkeypatch)
    monkeypatch.setattr(funnel_ordered, "MAX_FEW", most_few)
    body = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:20Z", "window": "9s"}
    body |= {"count_by": "visitor", "steps": [{"event": name} for name in "abc"]}
    said = answer(engine, body)
    same(said, funnel_oracle.report(body, events))
    assert [step["count"] for step in said["steps"]] == [2, 2, 2]
    assert [one.narrow for one in asked] == ([True, False] if most_few == 2 else [True])


def test_many_people_with_ties_fit_into_one_question(engine):
    insert = """
        insert into events (site, event, key, ts, id, arrival, seq, type, visitor, country)
        select 'shop', if(number % 2 = 0, 'a', 'b'), xxHash64(concat('v:', who)), toDateTime64('2026-01-01', 3, 'UTC'),
            toUUID(concat('00000000-0000-4000-8000-', leftPad(toString(number), 12, '0'))), number,
            if(number < 30000, number % 2, 1 - number % 2), 'track', who, concat('C', toString(number % 7))
        from (select number, toString(intDiv(number, 2)) as who from numbers({events:UInt64}))"""
    engine.command(Query(text=insert, params={"events": 2 * funnel_ordered.MAX_TIED}))
    body = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "window": "1d"}
    body["steps"] = [{"event": "a"}, {"event": "b"}]
    for change in ({}, {"count_by": "visitor"}, {"breakdown": {"property": "country", "touch": "all"}}):
        said = answer(engine, {**body, **change})
        assert [step["count"] for step in said["steps"]] == [funnel_ordered.MAX_TIED, 15_000]
        for steps in said.get("breakdown", {}).values():
            assert steps[0]["count"] in (funnel_ordered.MAX_TIED // 7, funnel_ordered.MAX_TIED // 7 + 1)
