"""Lists of nodes are remembered between questions about paths, and no answer is ever wrong for it."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from weakref import WeakKeyDictionary

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import paths_oracle
from funnel_oracle import instant
from journeys_world import histories
from test_paths_random import WHEN, flat, same
from world import event, load

from tracker.analytics import paths, paths_codes, paths_known, paths_query

START = instant("2026-03-02T00:00:00Z")
LATER = {"from": "2026-03-03T00:00:00Z", "to": "2026-03-07T12:00:00Z"}


@pytest.fixture
def looked(monkeypatch):
    """What was looked through for nodes: "all" events, or only "news"."""
    monkeypatch.setattr(paths_known, "_lists", WeakKeyDictionary())
    found, listed = [], paths_codes.listed

    def spy(engine, spec, events, where):
        found.append("news" if "news" in where.params else "all")
        return listed(engine, spec, events, where)

    monkeypatch.setattr(paths_known, "listed", spy)
    monkeypatch.setattr(paths_codes, "listed", spy)
    return found


def asked(engine, events, looked, **change):
    """What was looked through for a question whose answer is right."""
    looked.clear()
    body = {**WHEN, **change}
    same(flat(paths.run(engine, paths.parse(body))), paths_oracle.report(body, events))
    return list(looked)


@pytest.mark.parametrize("by", ["page", "event"])
def test_a_list_is_made_once_and_only_what_came_since_is_looked_through(engine, looked, by):
    events = load(engine, histories(random.Random(31), 30, instant("2026-03-01T00:00:00Z"), 8 * 86_400_000))
    assert asked(engine, events, looked, by=by) == ["all"]
    assert asked(engine, events, looked, by=by, steps=3) == []
    late = [event("page_view", START + 1000, "late", path="/new", arrival=9_000_000)]
    late += [event("new", START + 2000, "late", arrival=9_000_016)]
    events = [*events, *load(engine, late, known=[*events, *late], version=2)]
    assert asked(engine, events, looked, by=by) == ["news"]
    assert asked(engine, events, looked, by=by, start="/new" if by == "page" else "new") == []
    assert asked(engine, events, looked, by=by, **LATER) == (["news"] if by == "page" else [])
    assert asked(engine, events, looked, by=by) == []


@pytest.mark.parametrize("most_rows", [20_000, 3])
@pytest.mark.parametrize("start", [None, "new"])
def test_what_a_list_lacks_is_never_taken_for_another_node(engine, monkeypatch, looked, start, most_rows):
    """Blocks may be seen out of order: here, not at all."""
    monkeypatch.setattr(paths, "MAX_ROWS", most_rows)
    events = load(engine, [event(name, START + 1000 * at, "v") for at, name in enumerate("abcd")])
    assert asked(engine, events, looked, by="event") == ["all"]
    monkeypatch.setattr(paths_known, "_parts", lambda _: [])
    late = [event("new", START + 5000, "v", arrival=9_000_000), event("a", START + 6000, "v", arrival=9_000_016)]
    events = [*events, *load(engine, late, known=[*events, *late], version=2)]
    assert asked(engine, events, looked, by="event", **({"start": start} if start else {})) == ["all"]


def test_lists_are_forgotten_when_they_are_old_or_many_or_long(engine, monkeypatch, looked):
    events = load(engine, [event(name, START + 1000 * at, "v") for at, name in enumerate("abcd")])
    assert asked(engine, events, looked, by="event") == ["all"]
    groups = {"groups": [{"match": "a*", "name": "as"}]}
    monkeypatch.setattr(paths_known, "MAX_NAMES", 5)
    paths.run(engine, paths.parse({**WHEN, **groups, "by": "event"}))
    assert asked(engine, events, looked, by="event") == ["all"]
    assert asked(engine, events, looked, by="event") == []
    monkeypatch.setattr(paths_known, "MAX_AGE", -1.0)
    assert asked(engine, events, looked, by="event") == ["all"]
    monkeypatch.setattr(paths_known, "MAX_AGE", 60.0)
    for module in (paths_known, paths_codes):
        monkeypatch.setattr(module, "MAX_CODES", 4)
    late = [event("new", START + 5000, "v", arrival=9_000_000)]
    events = [*events, *load(engine, late, known=[*events, *late], version=2)]
    assert asked(engine, events, looked, by="event") == ["news", "all"]  # and by whole hashes


def test_a_setting_that_this_clickhouse_does_not_know_is_not_said(engine, monkeypatch, looked):
    monkeypatch.setattr(paths_query, "_SHARED_OUT", {"no_such_setting": 0, "max_threads": 1})
    assert paths_query.settings_for(engine) == {"max_threads": 1}
    events = load(engine, [event(name, START + 1000 * at, "v") for at, name in enumerate("abcd")])
    assert asked(engine, events, looked, by="event") == ["all"]
