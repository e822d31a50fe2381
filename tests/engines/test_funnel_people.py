"""Who dropped and who reached: worked cases, pages, ids."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

from funnel_oracle import instant
from world import event, load

from tracker.analytics import funnel, funnel_people
from tracker.core.errors import BadRequest

CASES = json.loads((Path(__file__).parent.parent / "data" / "funnel_cases.json").read_text())


def load_case(engine, case):
    load(
        engine,
        [
            event(one["event"], instant(one["timestamp"]), one["anonymousId"], props=one["properties"])
            for one in case["events"]
        ],
    )


def everybody(engine, body, step, state, limit=7):
    found, cursor, total = [], None, None
    while True:
        page = {"funnel": body, "step": step, "state": state, "limit": limit, "cursor": cursor}
        said = funnel_people.run(engine, funnel_people.parse(page))
        total = said["total"]
        found += [one["person"] for one in said["people"]]
        cursor = said["cursor"]
        if cursor is None:
            assert len(found) == total == len(set(found))
            return set(found)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_worked_cases(engine, case):
    load_case(engine, case)
    body, expected = case["funnel"], case["expected"]
    steps = funnel.run(engine, funnel.parse(body))["steps"]
    for step, count in zip(steps, expected["step_counts"], strict=True):
        assert count in (None, step["count"])
    for at, people in enumerate(expected.get("converted_visitors_by_step", []), 1):
        assert people is None or everybody(engine, body, at, "reached") == set(people)
    for at, people in enumerate(expected.get("dropped_visitors_by_step", [])):
        assert people is None or everybody(engine, body, at, "dropped") == set(people)
    for step, seconds in zip(steps, expected.get("average_seconds", []), strict=False):
        assert seconds in (None, step["seconds_from_previous"]["average"])


BODY = {
    "site": "shop",
    "from": "2026-01-01T00:00:00Z",
    "to": "2026-01-02T00:00:00Z",
    "steps": [{"event": "view"}, {"event": "buy"}],
    "window": "1h",
}
T = instant(BODY["from"])


def test_a_person_goes_by_the_user_id_once_known(engine):
    load(
        engine,
        [
            event("view", T, "phone", country="DE", device="mobile", channel="Direct", session="s1"),
            event("login", T + 1, "phone", user="ann", session="s1"),
            event("view", T + 5000, "desk", country="FR", device="desktop", channel="Email", session="s2"),
        ],
    )
    said = funnel_people.run(engine, funnel_people.parse({"funnel": BODY, "step": 1, "state": "dropped"}))
    assert said["total"] == 2
    assert said["cursor"] is None
    desk, ann = said["people"]
    assert ann == {
        "person": "ann",
        "visitor": "phone",
        "user": "ann",
        "last_seen": "2026-01-01T00:00:00.001Z",
        "last_event": "login",
        "props": {"country": "DE", "device": "mobile", "channel": "Direct", "visits": 1},
    }
    assert (desk["person"], desk["user"], desk["props"]["country"]) == ("desk", "", "FR")


def test_nobody_drops_at_the_last_step(engine):
    load(engine, [event("view", T, "a"), event("buy", T + 1, "a")])
    assert everybody(engine, BODY, 2, "dropped") == set()
    assert everybody(engine, BODY, 2, "reached") == {"a"}


def test_visitors_and_sessions_have_cards_too(engine):
    load(engine, [event("view", T, "a", user="ann", session="s1"), event("view", T + 9, "b", user="ann", session="s2")])
    assert everybody(engine, BODY, 1, "reached") == {"ann"}
    for count_by in ("visitor", "session"):
        asked = {"funnel": {**BODY, "count_by": count_by}, "step": 1, "state": "reached"}
        said = funnel_people.run(engine, funnel_people.parse(asked))
        assert [(one["visitor"], one["user"]) for one in said["people"]] == [("b", "ann"), ("a", "ann")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"step": 3}, "step"),
        ({"step": True}, "step"),
        ({"state": "lost"}, "state"),
        ({"limit": 0}, "limit"),
        ({"cursor": "!"}, "cursor"),
        ({"cursor": 5}, "cursor"),
        ({"page": 1}, "page"),
        ({"funnel": {**BODY, "window": "7 days"}}, "funnel.window"),
        ({"funnel": None}, "funnel"),
    ],
)
def test_bad_requests_name_the_field(change, field):
    with pytest.raises(BadRequest) as caught:
        funnel_people.parse({"funnel": BODY, "step": 1, "state": "dropped", **change})
    assert caught.value.field == field
