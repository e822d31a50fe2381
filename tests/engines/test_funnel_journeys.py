"""The journey table's road gives what the road over `events` gives and the oracle counts, whatever happened since."""

from __future__ import annotations

import os
import random
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import funnel_oracle
import paths_oracle
import test_paths_random as walked
from depth import DEEP
from test_funnel_random import same
from world import event, flat, load

from tracker.analytics import funnel, funnel_journeys, paths, paths_journeys
from tracker.api.bounded import Bounded
from tracker.core.errors import TryLater
from tracker.core.identity import user_key, visitor_key
from tracker.loader import journey_costs as costs
from tracker.loader import journeys as making
from tracker.loader.doubts import Doubts
from tracker.loader.journeys import Journeys
from tracker.store import erase, journeys
from tracker.store.embedded import Embedded
from tracker.store.engine import Query
from tracker.store.erase import Names

EDGE = funnel_oracle.instant("2026-02-01T00:00:00Z")  # two months meet in the middle of every other history
NAMES = ["a", "b", "c", "x"]
FIRST_TWO = [{"event": "a"}, {"event": "b"}]
SITES, TURNS, PERSONS = 1, 4, 40
SEEDS = max(1, int(os.environ.get("TRACKER_HISTORIES", "16")) // 16)
LEFT = "select count() from touched where site = {site:String} and at > {seen:UInt64}"


def some_events(chance, site, people, most, first):
    """Few times, so that many are equal; some visitors are identified, some twice; numbered by arrival."""
    middle = EDGE if site.endswith(("1", "3", "5", "7", "9")) else EDGE + 86_400_000
    events = []
    for person in range(people):
        for _ in range(chance.randint(0, most)):
            visitor = f"v{person}" if chance.random() < 0.9 else ""
            known = chance.random() < 0.15 or not visitor
            events.append(
                event(
                    chance.choice(NAMES),
                    middle + chance.choice([1, 1000]) * chance.randint(-11, 11),
                    visitor,
                    site=site,
                    user=f"u{chance.randint(0, people // 3)}" if known else "",
                    seq=chance.choice([0, 0, 1, 2, 70_000]),
                    type=chance.choice(["track"] * 9 + ["identify"]),
                    country=chance.choice(["", "DE", "US", "FR"]),
                    device=chance.choice(["", "mobile", "desktop"]),
                    channel=chance.choice(["", "", "Direct", "Email"]),
                    bot="crawler" if chance.random() < 0.03 else "",
                )
            )
    chance.shuffle(events)
    for place, one in enumerate(events, first):
        one["arrival"] = 1_000_000 + 16 * place
    return events


def some_funnel(chance, site):
    middle = "2026-02-01" if site.endswith(("1", "3", "5", "7", "9")) else "2026-02-02"
    before = "2026-01-31" if middle == "2026-02-01" else "2026-02-01"
    steps = [{"event": name} for name in chance.sample(NAMES[:3], chance.randint(2, 3))]
    if chance.random() < 0.2:
        steps[-1] = {"any_of": [steps[-1], {"event": "x"}]}
    body = {
        "site": site,
        "from": chance.choice(
            [f"{before}T23:59:5{chance.randint(0, 9)}Z", f"{middle}T00:00:00Z", "2026-01-01T00:00:00Z"]
        ),
        "to": chance.choice(
            [f"{middle}T00:00:0{chance.randint(1, 9)}Z", f"{middle}T00:00:00.004Z", "2026-04-01T00:00:00Z"]
        ),
        "steps": steps,
        "window": chance.choice(["3s", "10s", "1h", "30d", "5ms"]),
    }
    if chance.random() < 0.5:
        property_ = chance.choice(["country", "device", "channel"])
        body["breakdown"] = {"property": property_, "touch": chance.choice(["first", "last"])}
    return body


def said(engine, body):
    answer = funnel.run(engine, funnel.parse(body))
    parts = {part["value"]: flat(part["steps"]) for part in answer.get("breakdown", [])}
    return answer["road"], {"steps": flat(answer["steps"]), **({"breakdown": parts} if "breakdown" in body else {})}


def check(engine, chance, site, events, monkeypatch):
    """One funnel over both roads; gives the road that was taken by itself."""
    body = some_funnel(chance, site)
    monkeypatch.setattr(funnel_journeys, "MAX_TIES", chance.choice([0, 1, 100]))
    expected = funnel_oracle.report(body, events)
    road, answer = said(engine, body)
    with monkeypatch.context() as patched:
        patched.setattr(funnel_journeys, "suits", lambda asked: False)
        plain, other = said(engine, body)
    assert plain == "events"
    counted = said(engine, {**body, "times": False})
    try:
        same(answer, expected)
        same(other, expected)
        assert counted == (road, without_times(expected))
    except AssertionError as error:
        raise AssertionError(f"{road}: {body}") from error
    check_paths(engine, chance, site, events, monkeypatch)
    return road


def check_paths(engine, chance, site, events, monkeypatch):
    """The same table answers paths by event."""
    monkeypatch.setattr(paths_journeys, "MAX_SHARE", 100.0)
    body = {
        **{name: one for name, one in some_funnel(chance, site).items() if name in ("site", "from", "to")},
        "by": "event",
        "steps": chance.randint(2, 5),
        "session_gap": chance.choice(["30m", "1s", "5ms", None]),
        **{name: chance.choice(NAMES) for name in ("start", "end") if chance.random() < 0.2},
    }
    said = paths.run(engine, paths.parse(body))
    try:
        walked.same(walked.flat(said), paths_oracle.report(body, events))
    except AssertionError as error:
        raise AssertionError(f"{said['road']}: {body}") from error
    assert said["road"] == "journeys"


def without_times(report):
    def plain(steps):
        return [{**step, "average": None, "median": None} for step in steps]

    parts = {value: plain(steps) for value, steps in report.get("breakdown", {}).items()}
    return {"steps": plain(report["steps"]), **({"breakdown": parts} if "breakdown" in report else {})}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_histories_with_all_that_may_happen(engine, monkeypatch, seed):
    """Sites in all states: made, then new and late events, repeats, identifications and erasures since."""
    monkeypatch.setattr(funnel_journeys, "MAX_SHARE", 100.0)
    monkeypatch.setattr(making, "WANTED_SHARE", 1.0)
    chance, maker, doubts = (
        random.Random(seed),
        Journeys(engine, least=1, grace=0, eager=True),
        Doubts(engine, patience=0),
    )
    sites = [f"shop{number}" for number in range(SITES)]
    held = {site: some_events(chance, site, PERSONS, 8, 0) for site in sites}
    load(engine, [one for events in held.values() for one in events])
    roads = []
    for turn in range(TURNS):
        if turn % 3 == 0:
            for site in sites:
                assert maker.keep(site, NAMES)
                state = journeys.held(engine, site)
                assert engine.ask(Query(text=LEFT, params=state.params)).rows == [(0,)]
                assert state.tied and not state.apart
            assert doubts.settle() == 0
        else:
            if chance.random() < 0.7:
                wait(engine, chance.sample(sites, 1), monkeypatch)
            before = [one for events in held.values() for one in events]
            for site in sites:
                held[site] = held[site] + some_events(chance, site, PERSONS, 1, 1000 * turn)
            everything = [one for events in held.values() for one in events]
            load(engine, news(held, before), known=everything, version=turn + 1)
            doubts.open([202601, 202602])  # an insert is repeated
            load(engine, chance.sample(everything, 20), known=[])
            for site in sites:
                held[site] = forget(engine, chance, site, held[site])
        roads += [check(engine, chance, site, held[site], monkeypatch) for site in sites]
    assert len(roads) == SITES * TURNS
    assert roads.count("journeys") == len(roads)


def wait(engine, sites, monkeypatch, **cut):
    """Time goes by, nothing pays for making anybody, and `touched` forgets."""
    with monkeypatch.context() as patched:
        patched.setattr(making, "LINGER_NS", -1)
        patched.setattr(costs, "HELD", 1e9)
        for site in sites:
            Journeys(engine, least=1, grace=0).keep(site, NAMES)
            state = journeys.held(engine, site)
            assert state.late or not state.made
            text = "alter table touched delete where site = {site:String} and at <= {seen:UInt64}"
            engine.command(Query(text=text, params={"site": site, "seen": state.seen}))


def test_who_waits_is_read_from_events_until_it_pays_to_make_them(engine, monkeypatch):
    """Keys are noted before `touched` forgets, also those that went over; a cut on the way changes nothing."""
    monkeypatch.setattr(funnel_journeys, "MAX_SHARE", 100.0)
    monkeypatch.setattr(making, "WANTED_SHARE", 1.0)
    chance, site = random.Random(8), "shop0"
    events = load(engine, some_events(chance, site, 40, 8, 0))
    assert Journeys(engine, least=1, grace=0, eager=True).keep(site, NAMES)
    for turn in range(1, 5):
        news = some_events(chance, site, 20, 1, 1000 * turn)
        load(engine, news, known=(events := events + news), version=turn + 1)
        with monkeypatch.context() as patched, pytest.raises(TryLater):
            patched.setattr(making, "LINGER_NS", -1)
            patched.setattr(costs, "HELD", 1e9)
            Journeys(Cut(engine, turn % 2), least=1, grace=0).keep(site, NAMES)
        assert check(engine, chance, site, events, monkeypatch) == "journeys"
        wait(engine, [site], monkeypatch)
        state = journeys.held(engine, site)
        assert journeys.news(engine, state)[0] > 0
        assert engine.ask(Query(text=LEFT, params=state.params)).rows == [(0,)]
        assert check(engine, chance, site, events, monkeypatch) == "journeys"
    maker = Journeys(engine, least=1, grace=0)
    waiting = journeys.news(engine, state)[0]
    monkeypatch.setattr(costs, "ONCE", 0)
    with monkeypatch.context() as patched:
        patched.setattr(costs, "earned", lambda engine, state: waiting)
        assert not maker.keep(site, NAMES)
        patched.setattr(costs, "earned", lambda engine, state: 4 * waiting)
        assert maker.keep(site, NAMES)
    state = journeys.held(engine, site)
    assert (state.late, journeys.news(engine, state)) == (0, (0, 0))
    assert 2 * waiting < state.spent < 3 * waiting
    assert costs.earned(engine, replace(state, paid=state.paid - 3600 * 10**9)) == len(events)
    assert check(engine, chance, site, events, monkeypatch) == "journeys"
    monkeypatch.setattr(making, "LAST_READERS", 0)
    maker.keep(site, NAMES)
    marks = engine.ask(Query(text="select mark from journey_late")).rows
    assert marks == []


class Cut:
    """An engine that fails after so many commands, as if the process had died."""

    def __init__(self, whole, after):
        self.whole, self.left = whole, after

    def __getattr__(self, name):
        return getattr(self.whole, name)

    def session(self):
        return CutSession(self, self.whole.session())

    def command(self, query):
        self.count()
        self.whole.command(query)

    def count(self):
        if not self.left:
            raise TryLater("cut off", code="cut")
        self.left -= 1


class CutSession:
    """A session of it."""

    def __init__(self, engine, whole):
        self.engine, self.whole = engine, whole

    def __getattr__(self, name):
        return getattr(self.whole, name)

    def command(self, query):
        self.engine.count()
        self.whole.command(query)


def test_a_cut_between_any_two_steps_of_the_upkeep_changes_no_answer(engine, monkeypatch):
    monkeypatch.setattr(funnel_journeys, "MAX_SHARE", 100.0)
    monkeypatch.setattr(making, "WANTED_SHARE", 1.0)
    chance, site, roads = random.Random(5), "shop0", []
    events = load(engine, some_events(chance, site, 40, 8, 0))
    assert Journeys(engine, least=1, grace=0, eager=True).keep(site, NAMES)
    for after in range(24) if DEEP else range(isinstance(engine, Embedded), 24, 2):  # every other one on each engine
        news = some_events(chance, site, 20, 1, 1000 * (after + 1))
        events = events + news
        load(engine, news, known=events, version=after + 2)
        try:
            Journeys(Cut(engine, after), least=1, grace=0, eager=True).keep(site, NAMES)
        except TryLater:
            roads.append(check(engine, chance, site, events, monkeypatch))
        else:
            break
    assert len(roads) > (10 if DEEP else 5)  # the state, the rows, and those of persons with ties
    assert journeys.held(engine, site).tied
    assert set(roads) == {"journeys"}
    assert check(engine, chance, site, events, monkeypatch) == "journeys"


def test_a_range_that_ends_with_the_last_quarter_of_an_hour_needs_no_look_at_times(engine, monkeypatch):
    """Made again after news, the state says when the last held event may be, to the millisecond, and no later."""
    monkeypatch.setattr(funnel_journeys, "MAX_SHARE", 100.0)
    monkeypatch.setattr(making, "WANTED_SHARE", 1.0)
    site, end, maker = "shop0", EDGE + 900_000, Journeys(engine, least=1, grace=0, eager=True)
    events = load(engine, [event(name, EDGE - 9000, "v1", site=site, seq=at) for at, name in enumerate("ab")])
    assert maker.keep(site, NAMES)
    news = [event("a", end - 1, "v2", site=site), event("b", end + 1, "v2", site=site)]
    for place, one in enumerate(news, 9000):
        one["arrival"] = place
    load(engine, news[:1], known=(events := events + news[:1]), version=2)
    assert maker.keep(site, NAMES)
    state = journeys.held(engine, site)
    body = {
        "site": site,
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-02-01T00:15:00Z",
        "steps": FIRST_TWO,
        "window": "7d",
    }
    counted = {**body, "times": False}
    assert "upper" not in funnel_journeys.Asked(engine, funnel.parse(counted), state).query(0).text
    for last, known in ((end - 1, events), (end + 899_999, events + news[1:])):
        if last > end:
            load(engine, news[1:], known=known, version=3)
            assert maker.keep(site, NAMES)
        assert journeys.held(engine, site).last == last
        expected = funnel_oracle.report(body, known)
        road, answer = said(engine, body)
        same(answer, expected)
        assert said(engine, counted) == (road, without_times(expected)) == ("journeys", without_times(answer))


def test_a_request_of_the_api_takes_the_same_road_within_its_limits(engine, monkeypatch):
    """It makes temporary tables for who has news, and notes the names that the table lacks."""
    monkeypatch.setattr(funnel_journeys, "MAX_SHARE", 100.0)
    monkeypatch.setattr(making, "WANTED_SHARE", 1.0)
    chance, site, maker = random.Random(6), "shop0", Journeys(engine, least=1, grace=0, eager=True)
    events = load(engine, some_events(chance, site, 20, 8, 0))
    spec = funnel.parse(
        {"site": site, "from": "2026-01-01T00:00:00Z", "to": "2026-04-01T00:00:00Z", "steps": FIRST_TWO}
    )
    assert maker.keep(site, ["x"])
    assert funnel.run(Bounded(engine, 60, 1_900_000_000), spec)["road"] == "events"
    assert journeys.wanted(engine, site) == {"a", "b"}
    assert maker.keep(site, NAMES)
    load(engine, news := some_events(chance, site, 10, 1, 1000), known=events + news, version=2)
    said = funnel.run(Bounded(engine, 60, 1_900_000_000), spec)
    assert said["road"] == "journeys"
    assert said == funnel.run(engine, spec)


def test_what_the_table_cannot_hold_is_read_from_events(engine, monkeypatch):
    """Events after the span, texts without a code, names that are not held: those are held from the next making on."""
    monkeypatch.setattr(making, "WANTED_SHARE", 1.0)
    monkeypatch.setattr(making, "RARE_SHARE", 0.0)
    monkeypatch.setattr(making, "MOST_TEXTS", 2)
    monkeypatch.setattr(funnel_journeys, "MAX_SHARE", 1.0)
    far, events = EDGE + journeys.SPAN_MS, []
    for person in range(40):
        countries = ["DE", "US", ["FR", "DE"][person % 5 > 0]]
        for at, name in enumerate("abc"):
            when = (far if person % 7 == 0 and at else EDGE) + 1000 * at + person
            events.append(event(name, when, f"v{person}", site="shop", country=countries[at]))
    for place, one in enumerate(events):
        one["arrival"] = 1000 + place
    load(engine, events)
    monkeypatch.setattr(Journeys, "_newest", lambda self, site: EDGE)
    maker = Journeys(engine, least=1, grace=0, eager=True)
    assert maker.keep("shop", ["a", "b"])
    body = {"site": "shop", "from": "2026-02-01T00:00:00Z", "to": "2026-05-01T00:00:00Z", "window": "60d"}
    for names, road in (("ab", "journeys"), ("ac", "events")):
        for more in ({}, {"breakdown": {"property": "country", "touch": "last"}}):
            asked = {**body, "steps": [{"event": name} for name in names], **more}
            given, answer = said(engine, asked)
            assert given == road
            same(answer, funnel_oracle.report(asked, events))
    state = journeys.held(engine, "shop")
    assert state.apart == len(
        [one for one in range(40) if one % 7 == 0]
    )  # whose countries have no code lack name c, too
    assert journeys.wanted(engine, "shop") == {"c"}
    assert maker.keep("shop", ["a", "b"])
    assert said(engine, asked)[0] == "journeys"
    assert journeys.held(engine, "shop").apart == len([one for one in range(40) if one % 7 == 0 or one % 5 == 0])
    same(said(engine, asked)[1], funnel_oracle.report(asked, events))


def news(held, before):
    """Events that are not among those before."""
    known = {id(one) for one in before}
    return [one for events in held.values() for one in events if id(one) not in known]


def forget(engine, chance, site, events):
    """Erase one person; gives the events that are left."""
    owners = funnel_oracle.persons(events)
    unit = chance.choice([funnel_oracle.unit_of(one, {}, owners) for one in events])
    groups = defaultdict(list)
    for one in events:
        groups[funnel_oracle.unit_of(one, {}, owners)].append(one)
    gone = groups.pop(unit)
    visitors = {one["visitor"] for one in gone if one["visitor"] and not one["user"]}
    users = {one["user"] for one in gone if one["user"]}
    erase.delete(engine, site, Names(tuple(visitors), tuple(users)), [])
    keys = [visitor_key(one) for one in visitors] + [user_key(one) for one in users]
    text = "select count() from journeys where site = {site:String} and unit in {keys:Array(UInt64)}"
    assert engine.ask(Query(text=text, params={"site": site, "keys": keys})).rows == [(0,)]
    return [one for rest in groups.values() for one in rest]
