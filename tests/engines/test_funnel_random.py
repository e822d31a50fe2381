"""Small random histories: every road of the funnel equals the oracle."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import funnel_oracle
from depth import seeds
from world import arrive, event, flat, load, load_hard

from tracker.analytics import funnel
from tracker.store.sql import Fragment

START = funnel_oracle.instant("2026-01-01T00:00:00Z")
NAMES = ["a", "b", "c", "x"]


def history(chance, people):
    """Few times, so that many are equal; some visitors are identified, some twice."""
    events = []
    for person in range(people):
        for _ in range(chance.randint(1, 9)):
            events.append(
                event(
                    chance.choice(NAMES),
                    START + 1000 * chance.randint(-2, 22),
                    f"v{person}" if chance.random() < 0.9 else "",
                    user=f"u{chance.randint(0, people // 3)}" if chance.random() < 0.15 else "",
                    session=chance.choice(["", "s1", "s2"]),
                    seq=chance.randint(0, 2),
                    type=chance.choice(["track"] * 9 + ["identify"]),
                    country=chance.choice(["", "DE", "US"]),
                    props={"n": chance.randint(0, 2)} if chance.random() < 0.7 else {},
                    bot="crawler" if chance.random() < 0.03 else "",
                )
            )
            if not events[-1]["visitor"] and not events[-1]["user"]:
                events[-1]["user"] = "u0"
    return arrive(chance, events)


def some_step(chance, names):
    if chance.random() < 0.15:
        return {"any_of": [{"event": chance.choice(names)}, {"event": chance.choice(names), "where": where(chance)}]}
    step = {"event": chance.choice([*names, "*"]) if chance.random() < 0.2 else chance.choice(names)}
    if chance.random() < 0.3:
        step["where"] = where(chance)
    return step


def where(chance):
    op = chance.choice(["eq", "ne", "gte", "exists"])
    return [{"property": "props.n", "op": op, **({} if op == "exists" else {"value": chance.randint(0, 2)})}]


def some_funnel(chance):
    mode = chance.choice(["ordered", "ordered", "strict", "unordered"])
    steps = [some_step(chance, NAMES[:3]) for _ in range(chance.randint(2, 4))]
    if mode == "ordered" and chance.random() < 0.3:
        steps = [{"event": name} for name in chance.sample(NAMES[:3], chance.randint(2, 3))]
    body = {
        "site": "shop",
        "from": "2026-01-01T00:00:00Z",
        "to": f"2026-01-01T00:00:{chance.choice([8, 20])}Z".replace(":8Z", ":08Z"),
        "steps": steps,
        "mode": mode,
        "window": chance.choice(["3s", "10s", "1h"]),
        "count_by": chance.choice(["person", "person", "visitor", "session"]),
    }
    if mode != "unordered":
        for step in steps[1:]:
            if chance.random() < 0.2:
                step["optional"] = True
    if chance.random() < 0.3:
        first = chance.randint(1, len(steps) - 1)
        one = {
            "event": chance.choice(["x", "x", "b"]),
            "from_step": first,
            "to_step": chance.randint(first + 1, len(steps)),
        }
        if mode == "unordered":
            one = {"event": "x"}
        body["exclude"] = [one]
        if chance.random() < 0.3:
            body["exclude"].append({"event": "x", "where": where(chance)})
    if chance.random() < 0.4:
        name = chance.choice(["country", "props.n"])
        body["breakdown"] = {"property": name, "touch": chance.choice(["first", "last", "all"])}
    return body


def mark_entries(events):
    """Say of each session's first page view that it is one, for the oracle."""
    first = {}
    for one in sorted(events, key=lambda one: (one["ts"], one["seq"], one["arrival"])):
        if one["event"] == "page_view" and one["session"] and not one["bot"]:
            first.setdefault((one["visitor"] or one["user"], one["session"]), one)
    for one in first.values():
        one["entry"] = True


def answer(engine, body):
    said = funnel.run(engine, funnel.parse(body))
    parts = {part["value"]: flat(part["steps"]) for part in said.get("breakdown", [])}
    return {"steps": flat(said["steps"]), **({"breakdown": parts} if "breakdown" in body else {})}


def same(left, right):
    assert left.keys() == right.keys()
    assert [pytest.approx(step) for step in left["steps"]] == right["steps"]
    if "breakdown" in left:
        assert left["breakdown"].keys() == right["breakdown"].keys()
        for value, steps in left["breakdown"].items():
            assert [pytest.approx(step) for step in steps] == right["breakdown"][value], value


@pytest.mark.parametrize("seed", seeds(1, 3))
def test_random_histories_equal_the_oracle(unmerged, seed):
    chance = random.Random(seed)
    events = load_hard(unmerged, chance, history(chance, 120))
    for number in range(25):
        body = some_funnel(chance)
        expected = funnel_oracle.report(body, events)
        try:
            same(answer(unmerged, body), expected)
        except AssertionError as error:
            raise AssertionError(f"funnel {number}: {body}") from error


def test_roads_that_can_do_the_same_give_the_same(engine):
    chance = random.Random(99)
    load(engine, history(chance, 80))
    for mode, names in (
        ("ordered", "abc"),
        ("ordered", "aab"),
        ("ordered", "bca"),
        ("strict", "ab"),
        ("strict", "aba"),
    ):
        body = {
            "site": "shop",
            "from": "2026-01-01T00:00:00Z",
            "to": "2026-01-01T00:00:20Z",
            "mode": mode,
            "window": "6s",
        }
        asked = funnel.parse({**body, "steps": [{"event": name} for name in names]})
        asked = replace(asked, breakdown=None)
        answers = [
            engine.ask(funnel.query(engine, asked, Fragment("events"), road=road)).rows
            for road in (None, "overlapping", "fold", "within")
        ]
        assert answers[0][0][2][0] > 5
        assert all(one == answers[0] for one in answers)


def timed(chance, body):
    """The funnel with times of its own for some steps, in a mode that knows them."""
    if body["mode"] == "unordered":
        body = {**body, "mode": "ordered", "exclude": [{"event": "x", "from_step": chance.randint(1, 2)}]}
        body["steps"] = body["steps"] if len(body["steps"]) > 2 else [*body["steps"], {"event": "b"}]
    if body["mode"] == "strict":
        body.pop("exclude", None)
    for step in body["steps"]:
        step.pop("optional", None)
    for at in chance.sample(range(1, len(body["steps"])), chance.randint(1, len(body["steps"]) - 1)):
        body["steps"][at]["within"] = chance.choice(["0s", "1s", "2s", "4s"]).replace("0s", "1ms")
    return body


@pytest.mark.parametrize("seed", seeds(3, 8))
def test_steps_with_a_time_of_their_own_equal_the_oracle(engine, seed):
    chance = random.Random(1000 + seed)
    events = load(engine, history(chance, 40))
    differs = 0
    for number in range(12):
        body = timed(chance, some_funnel(chance))
        expected = funnel_oracle.report(body, events)
        try:
            same(answer(engine, body), expected)
        except AssertionError as error:
            raise AssertionError(f"funnel {number}: {body}") from error
        plain = {**body, "steps": [{**step, "within": None} for step in body["steps"]]}
        differs += expected["steps"] != funnel_oracle.report(plain, events)["steps"]
    assert differs > 2


def test_a_later_event_serves_where_the_first_is_too_early_for_the_next_step(engine):
    events = load(
        engine, [event(name, START + 60_000 * at, "v") for name, at in (("a", 0), ("b", 10), ("b", 50), ("c", 90))]
    )
    body = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "window": "1d"}
    body["steps"] = [{"event": "a"}, {"event": "b"}, {"event": "c", "within": "60m"}]
    said = answer(engine, body)["steps"]
    assert [(step["count"], step["average"]) for step in said] == [(1, None), (1, 50 * 60.0), (1, 40 * 60.0)]
    body["steps"][1]["within"] = "40m"
    assert [step["count"] for step in answer(engine, body)["steps"]] == [1, 1, 0]
    assert funnel_oracle.report(body, events)["steps"][2]["count"] == 0


def test_twenty_steps_with_times_are_still_a_question(engine):
    load(engine, [event("a", START + 1000 * at, "v") for at in range(25)])
    body = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "window": "1d"}
    said = answer(engine, {**body, "steps": [{"event": "a"}, *[{"event": "a", "within": "1s"}] * 19]})["steps"]
    assert [step["count"] for step in said] == [1] * 20


def test_entry_pages_as_the_first_step(engine):
    chance = random.Random(5)
    events = history(chance, 60)
    for one in events:
        if one["event"] == "a":
            one.update(event="page_view", path=chance.choice(["/", "/a"]), type="track")
    load(engine, events)
    mark_entries(events)
    entered = {"event": "page_view", "entry": True}
    body = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:20Z", "window": "9s"}
    for count_by in ("person", "visitor", "session"):
        for start in (entered, {**entered, "where": [{"property": "path", "op": "eq", "value": "/"}]}):
            asked = {**body, "count_by": count_by, "steps": [start, {"event": "b"}, {"event": "page_view"}]}
            asked["breakdown"] = {"property": "path", "touch": "first"}
            said = answer(engine, asked)
            same(said, funnel_oracle.report(asked, events))
            assert said["steps"][0]["count"] > said["steps"][1]["count"] > 0
