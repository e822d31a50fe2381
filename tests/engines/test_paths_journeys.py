"""Paths by event from the journey table give what `events` gives and the oracle counts, whatever happened since."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import paths_oracle
from depth import DEEP, seeds
from funnel_oracle import instant
from journeys_world import histories
from test_paths_random import WHEN, flat, same, some_request
from world import event, load, load_hard

from tracker.analytics import paths, paths_journeys
from tracker.api.bounded import Bounded
from tracker.loader import journeys as making
from tracker.loader.journeys import Journeys
from tracker.store import journeys
from tracker.store.engine import Query
from tracker.store.migrate import migrate

START = instant("2026-03-01T00:00:00Z")
SHORT = {"from": "2026-03-02T07:00:00.001Z", "to": "2026-03-04T06:00:00Z"}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Sites of few persons, of whom any number may be read from `events`."""
    monkeypatch.setattr(paths_journeys, "MAX_SHARE", 100.0)


def made(engine, *names):
    """The table, made now; gives its state."""
    assert Journeys(engine, least=1, grace=0, eager=True).keep("shop", names)
    return journeys.held(engine, "shop")


def asked(engine, events, body, road="journeys"):
    """A right answer, read where it should be."""
    try:
        said = paths.run(engine, paths.parse(body))
        kept = {key for key in flat(said)["nodes"] if key[1] != "other"} if "max_nodes" in body else None
        same(flat(said), paths_oracle.report(body, events, kept))
        assert said["road"] == road
    except AssertionError as error:
        raise AssertionError(f"{road}: {body}") from error
    return said


def by_event(chance):
    """A question by event: half of them about a part of the time, some with few nodes."""
    body = some_request(chance)
    names = ["a", "b"] if "groups" in body else ["a", "b", "page_view"]
    body |= {"by": "event"} | {name: chance.choice(names) for name in ("start", "end") if name in body}
    if chance.random() < 0.5:
        body |= SHORT
    if chance.random() < 0.2:
        body["max_nodes"] = 2
    if "groups" in body:
        body["groups"] = [{"match": "page*", "name": "b"}, {"match": "a"}]
    return body


def test_random_histories_equal_the_oracle(unmerged, monkeypatch):
    """Persons in parts, some of whose keys are others'; then news of some, and of names that came since."""
    monkeypatch.setattr(making, "AT_ONCE", 300)
    chance = random.Random(41)
    people = 320 if DEEP else 120
    events = load_hard(unmerged, chance, histories(chance, people, START, 5 * 86_400_000))
    state = made(unmerged, "a", "c")
    assert state.tied
    assert set(state.names) | set(state.others) == {"a", "b", "c", "page_view"}
    for _ in seeds(5, 10):
        asked(unmerged, events, by_event(chance))
    news = histories(chance, people // 4, START, 5 * 86_400_000)
    for place, one in enumerate(news):
        one["arrival"] = 9_000_000 + place
    events = [*events, *load(unmerged, news, known=[*events, *news], version=3)]
    for _ in seeds(5, 10):
        asked(unmerged, events, by_event(chance))
    late = [event("late", START + 86_400_000, "v1", arrival=9_500_000)]
    events = [*events, *load(unmerged, late, known=[*events, *late], version=4)]
    asked(unmerged, events, {**WHEN, "by": "event"}, "journeys" if "late" in state.others else "events")


def test_who_was_at_a_name_without_a_code_or_too_late_is_read_from_events(engine, monkeypatch):
    """Only that person, and only for paths; a question about such a name is one for `events`."""
    monkeypatch.setattr(making, "MOST_NAMES", 2)
    monkeypatch.setattr(making, "RARE_SHARE", 0.0)
    chance = random.Random(42)
    events = histories(chance, 40, START, 5 * 86_400_000)
    events += [event("rare", START + 90_000_000 + at, f"v{at}") for at in range(5)]
    events += [event("page_view", START + journeys.SPAN_MS + 50 * 86_400_000, "v7", path="/")]
    for place, one in enumerate(events):
        one["arrival"] = 1_000_000 + place
    load(engine, events)
    monkeypatch.setattr(Journeys, "_newest", lambda self, site: START + making.BACK_MS)
    state = made(engine, "a")
    assert (state.names, state.others) == (("a",), ("page_view",))
    assert 5 < state.untold < state.units
    assert not state.apart
    rows = paths_journeys.rows(engine, paths.parse({**WHEN, "by": "event"}), 1000)
    assert rows is None  # somebody was at a node that has no code
    for start in ("a", "page_view"):
        asked(engine, events, {**WHEN, "by": "event", "start": start}, "events")
    groups = [{"match": "*", "name": "any"}]
    asked(engine, events, {**WHEN, "by": "event", "groups": groups})
    asked(engine, events, {**WHEN, "to": "2026-06-30T00:00:00Z", "by": "event", "groups": groups, "session_gap": None})
    asked(engine, events, {**WHEN, "by": "event", "end": "rare"}, "events")
    monkeypatch.setattr(paths_journeys, "MAX_SHARE", 0.0)
    asked(engine, events, {**WHEN, "by": "event", "groups": groups}, "events")


def test_what_the_table_cannot_give_is_read_from_events(engine, monkeypatch):
    chance = random.Random(43)
    events = load(engine, histories(chance, 30, START, 5 * 86_400_000))
    body = {**WHEN, "by": "event"}
    asked(engine, events, body, "events")
    made(engine)
    asked(engine, events, body)
    asked(engine, events, {**WHEN, "by": "page"}, "events")
    asked(engine, events, {**body, "from": "2026-01-01T00:00:00Z"}, "events")
    monkeypatch.setattr(paths, "MAX_ROWS", 2)
    asked(engine, events, {**body, "max_nodes": 2}, "events")
    monkeypatch.undo()
    monkeypatch.setattr(paths_journeys, "MAX_SHARE", 0.0)
    news = [event("a", START + 86_400_000, "new", arrival=9_000_000)]
    events = [*events, *load(engine, news, known=[*events, *news], version=2)]
    asked(engine, events, body, "events")
    monkeypatch.setattr(paths_journeys, "MAX_SHARE", 1.0)
    said = asked(engine, events, body)
    assert said == paths.run(Bounded(engine, 60, 1_900_000_000), paths.parse(body))
    monkeypatch.setattr(journeys, "version", lambda engine, site: 0)  # somebody was made anew meanwhile
    asked(engine, events, body, "events")


def test_a_table_made_before_paths_were_held_is_made_anew(engine):
    """An upgrade forgets what lacks them; until it is made again, `events` answers."""
    events = load(engine, histories(random.Random(44), 20, START, 5 * 86_400_000))
    made(engine, "a")
    engine.command(Query(text="alter table schema_migrations delete where version = 18"))
    assert migrate(engine) == ["0018_journey_paths"]
    assert not journeys.held(engine, "shop").made
    asked(engine, events, {**WHEN, "by": "event"}, "events")
    made(engine, "a")
    asked(engine, events, {**WHEN, "by": "event"})
