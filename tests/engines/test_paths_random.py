"""Paths equal their oracle on random histories: all of them are persons of one data set."""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path
from weakref import WeakKeyDictionary

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import paths_oracle
from depth import DEEP, seeds
from funnel_oracle import instant
from journeys_world import histories
from world import event, load, load_hard

from tracker.analytics import paths, paths_codes, paths_known, paths_slices
from tracker.core.errors import BadRequest

WHEN = {"site": "shop", "from": "2026-03-01T12:00:00Z", "to": "2026-03-05T12:00:00Z"}


def some_request(chance):
    by = chance.choice(["page", "event"])
    names = ["/", "/a", "/b/1", "/c", "/a/"] if by == "page" else ["a", "b", "page_view"]
    body = {**WHEN, "by": by, "steps": chance.randint(2, 6), "session_gap": chance.choice(["30m", "1s", "31m", None])}
    if chance.random() < 0.5:
        body["start"] = chance.choice(names)
    if chance.random() < 0.5:
        body["end"] = chance.choice(names)
    if chance.random() < 0.3:
        body["min_people"] = chance.randint(2, 5)
    if chance.random() < 0.3:
        body["groups"] = [{"match": "/b/*", "name": "/b"}, {"match": "/*a", "name": "/"}, {"match": "a"}]
    return body


def asked_of_the_oracle(body):
    """A page's trailing slash is no part of its name."""
    names = {name: body[name].rstrip("/") or "/" for name in ("start", "end") if name in body}
    return {**body, **(names if body["by"] == "page" else {})}


def flat(said):
    edges = {
        (one["step"], one["source"], one["target"]): (one["people"], one["seconds_average"]) for one in said["edges"]
    }
    nodes = {(one["step"], one["node"]): (one["people"], one["dropped"]) for one in said["nodes"]}
    assert (len(edges), len(nodes)) == (len(said["edges"]), len(said["nodes"]))
    return {"edges": edges, "nodes": nodes}


def same(said, expected):
    assert said["nodes"] == expected["nodes"]
    assert said["edges"] == {key: (people, pytest.approx(took)) for key, (people, took) in expected["edges"].items()}


def test_random_histories_equal_the_oracle(unmerged):
    chance = random.Random(21)
    events = load_hard(
        unmerged, chance, histories(chance, 320 if DEEP else 160, instant("2026-03-01T00:00:00Z"), 5 * 86_400_000)
    )
    for number in seeds(6, 14):
        body = some_request(chance)
        try:
            same(flat(paths.run(unmerged, paths.parse(body))), paths_oracle.report(asked_of_the_oracle(body), events))
        except AssertionError as error:
            raise AssertionError(f"paths {number}: {body}") from error
    for body in ({**WHEN, "by": "page", "steps": 4}, {**WHEN, "by": "event", "max_nodes": 2}):
        whole, most = paths_oracle.report(body, events), 2
        said = flat(paths.run(unmerged, paths.parse({**body, "max_nodes": most})))
        kept = {key for key in said["nodes"] if key[1] != "other"}
        assert max(Counter(step for step, _ in kept).values()) == most
        for step, node in kept:
            rest = [people for key, (people, _) in whole["nodes"].items() if key[0] == step and key not in kept]
            assert whole["nodes"][step, node][0] >= max(rest, default=0)
        same(said, paths_oracle.report(body, events, kept))


@pytest.mark.parametrize("most_tied", [5_000, 3])
def test_people_with_ties_are_asked_about_apart_or_all_together(engine, monkeypatch, most_tied):
    chance = random.Random(23)
    events = load(engine, histories(chance, 60, instant("2026-03-01T00:00:00Z"), 5 * 86_400_000))
    asked = []
    query = paths.query

    def spy(*given, **named):
        asked.append(named.get("only"))
        return query(*given, **named)

    monkeypatch.setattr(paths, "query", spy)
    monkeypatch.setattr(paths, "MAX_TIED", most_tied)
    body = {**WHEN, "by": "event", "steps": 5}
    same(flat(paths.run(engine, paths.parse(body))), paths_oracle.report(body, events))
    tied = asked[1:]
    assert tied == [None] if most_tied == 3 else 3 < len(tied[0]) < 60


@pytest.mark.parametrize("linked", [True, False])
def test_slice_by_slice_the_answer_is_the_same(engine, monkeypatch, linked):
    """Persons with keys in several slices, more nodes than are shown, too many ties, and too many hops for slices."""
    chance = random.Random(26)
    events = histories(chance, 60, instant("2026-03-01T00:00:00Z"), 5 * 86_400_000)
    if not linked:
        events = [{**one, "user": ""} for one in events if one["visitor"]]
    events = load_hard(engine, chance, events)
    monkeypatch.setattr(paths_slices, "SLICE", 100)
    found, rows = [], paths_slices.rows

    def spy(*given, **named):
        found.append(rows(*given, **named))
        return found[-1]

    monkeypatch.setattr(paths_slices, "rows", spy)
    bodies = [
        {**WHEN, "by": "event", "steps": 4},
        {**WHEN, "by": "page", "start": "/a", "session_gap": None},
    ]
    for body in bodies if DEEP else bodies[linked::2]:
        for most_tied, most_rows in ((5_000, 20_000), (3, 20_000), (5_000, 3), (3, 3)):
            monkeypatch.setattr(paths, "MAX_TIED", most_tied)
            monkeypatch.setattr(paths, "MAX_ROWS", most_rows)
            found.clear()
            same(flat(paths.run(engine, paths.parse(body))), paths_oracle.report(asked_of_the_oracle(body), events))
            assert (found[0] is None) == (most_tied + most_rows < 10)
        said = flat(paths.run(engine, paths.parse({**body, "max_nodes": 2})))
        same(
            said,
            paths_oracle.report(asked_of_the_oracle(body), events, {key for key in said["nodes"] if key[1] != "other"}),
        )


@pytest.mark.parametrize("by", ["page", "event"])
@pytest.mark.parametrize("trouble", ["too many nodes", "a node that came in between"])
def test_nodes_without_codes_are_told_apart_by_whole_hashes(engine, monkeypatch, by, trouble):
    events = load(engine, histories(random.Random(24), 60, instant("2026-03-01T00:00:00Z"), 5 * 86_400_000))
    known, asked = paths_codes.codes, []
    monkeypatch.setattr(paths_known, "_lists", WeakKeyDictionary())

    def one_too_few(*given):
        return paths_codes.Codes(dict(sorted(known(*given).listed.items(), key=lambda pair: pair[1])[1:]))

    def spy(spec, source, *given, query=paths.query, **named):
        asked.append(source.codes.whole)
        return query(spec, source, *given, **named)

    monkeypatch.setattr(paths, "query", spy)
    if trouble == "too many nodes":
        monkeypatch.setattr(paths_codes, "MAX_CODES", 2)
    else:
        monkeypatch.setattr(paths_known, "codes", one_too_few)
    for body in ({**WHEN, "by": by}, {**WHEN, "by": by, "session_gap": None, "end": "b" if by == "event" else "/b/1"}):
        asked.clear()
        same(flat(paths.run(engine, paths.parse(body))), paths_oracle.report(body, events))
        assert asked[-1]
        assert asked[0] == (trouble == "too many nodes")


def test_a_node_that_comes_in_between_is_never_taken_for_another(engine, monkeypatch):
    start = instant("2026-03-02T00:00:00Z")
    known = [event("a", start, "v"), event("b", start + 1000, "v")]
    load(engine, known)
    late, asked = event("late", start + 2000, "v", arrival=5_000_000), []

    def spy(spec, source, *given, query=paths.query, **named):
        if not asked:
            load(engine, [late], known=[*known, late], version=2)
        asked.append(source.codes.whole)
        return query(spec, source, *given, **named)

    monkeypatch.setattr(paths, "query", spy)
    monkeypatch.setattr(paths_known, "_lists", WeakKeyDictionary())
    said = flat(paths.run(engine, paths.parse({**WHEN, "by": "event"})))
    assert asked == [False, True]
    same(said, paths_oracle.report({**WHEN, "by": "event"}, [*known, late]))


def test_more_hops_than_are_fetched_are_merged_in_the_store(engine, monkeypatch):
    events = load(engine, histories(random.Random(22), 60, instant("2026-03-01T00:00:00Z"), 5 * 86_400_000))
    monkeypatch.setattr(paths, "MAX_ROWS", 3)
    body = {**WHEN, "by": "page", "steps": 3, "max_nodes": 2}
    said = flat(paths.run(engine, paths.parse(body)))
    same(said, paths_oracle.report(body, events, {key for key in said["nodes"] if key[1] != "other"}))
    assert any(node == "other" for _, node in said["nodes"])


def test_self_loops_are_merged_and_drop_offs_shown(engine):
    start = instant("2026-03-02T00:00:00Z")
    seen = [("/", 0), ("/", 5), ("/a/", 20), ("/a", 30), ("/c", 50)]
    load(engine, [event("page_view", start + 1000 * at, "v", path=path) for path, at in seen])
    said = paths.run(engine, paths.parse({**WHEN, "steps": 2}))
    assert said["edges"] == [{"step": 1, "source": "/", "target": "/a", "people": 1, "seconds_average": 20.0}]
    assert [node["dropped"] for node in said["nodes"]] == [0, 0]  # cut here, not over
    said = paths.run(engine, paths.parse({**WHEN, "start": "/a/"}))
    assert [(node["step"], node["node"], node["dropped"]) for node in said["nodes"]] == [(1, "/a", 0), (2, "/c", 1)]
    assert paths.run(engine, paths.parse({**WHEN, "end": "/nowhere"})) == {"edges": [], "nodes": [], "road": "events"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"by": "title"}, "by"),
        ({"start": ""}, "start"),
        ({"steps": 1}, "steps"),
        ({"session_gap": "0s"}, "session_gap"),
        ({"groups": "/a"}, "groups"),
        ({"groups": [{"name": "x"}]}, "groups[0].match"),
    ],
)
def test_mistakes_are_named(change, field):
    with pytest.raises(BadRequest) as caught:
        paths.parse({**WHEN, **change})
    assert caught.value.field == field
