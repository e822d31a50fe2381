"""The journey table's road gives what the road over `events` gives and the oracle counts, whatever happened since."""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import funnel_oracle
from test_funnel_random import same
from world import event, flat, load

from tracker.analytics import funnel, funnel_journeys
from tracker.core.identity import user_key, visitor_key
from tracker.loader import journeys as making
from tracker.loader.doubts import Doubts
from tracker.loader.journeys import Journeys
from tracker.store import erase, journeys
from tracker.store.engine import Query
from tracker.store.erase import Names

EDGE = funnel_oracle.instant("2026-02-01T00:00:00Z")  # two months meet in the middle of every other history
NAMES = ["a", "b", "c", "x"]
SITES, TURNS, PERSONS = 3, 7, 60
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
    return road


def without_times(report):
    def plain(steps):
        return [{**step, "average": None, "median": None} for step in steps]

    parts = {value: plain(steps) for value, steps in report.get("breakdown", {}).items()}
    return {"steps": plain(report["steps"]), **({"breakdown": parts} if "breakdown" in report else {})}


@pytest.mark.parametrize("seed", range(3))
def test_a_hundred_histories_with_all_that_may_happen(engine, monkeypatch, seed):
    """Ten sites in ten states each: made, then new and late events, repeats, identifications and erasures since."""
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
            assert doubts.settle() == 0
        else:
            before = [one for events in held.values() for one in events]
            for site in sites:
                held[site] = held[site] + some_events(chance, site, PERSONS, 1, 1000 * turn)
            everything = [one for events in held.values() for one in events]
            load(engine, news(held, before), known=everything, version=turn + 1)
            doubts.open([202601, 202602])  # an insert is repeated
            load(engine, chance.sample(everything, 20), known=[])
            for site in chance.sample(sites, 2):
                held[site] = forget(engine, chance, site, held[site])
        roads += [check(engine, chance, site, held[site], monkeypatch) for site in sites]
    assert len(roads) == SITES * TURNS
    assert roads.count("journeys") == len(roads)


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
