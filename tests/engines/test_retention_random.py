"""Retention equals its oracle on random histories: all of them are persons of one data set."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import retention_oracle
from funnel_oracle import instant
from journeys_world import histories
from world import load_hard

from tracker.analytics import retention
from tracker.core.errors import BadRequest

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Auckland")
RANGES = {
    "day": [
        ("2026-03-25T00:00:00+01:00", "2026-04-01T00:00:00+02:00"),
        ("2026-03-27T09:30:00Z", "2026-03-31T17:00:00Z"),
    ],
    "week": [("2026-03-02T00:00:00Z", "2026-04-06T00:00:00Z"), ("2026-03-11T05:00:00Z", "2026-04-02T00:00:00Z")],
    "month": [("2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z"), ("2026-02-15T00:00:00Z", "2026-04-10T12:00:00Z")],
}


def some_request(chance):
    period = chance.choice(["day", "day", "week", "month"])
    start, end = chance.choice(RANGES[period])
    body = {
        "site": "shop",
        "from": start,
        "to": end,
        "period": period,
        "start": chance.choice([{"event": "a"}, {"event": "*"}, {"event": "b", "where": where(chance)}]),
        "return": chance.choice([{"event": "a"}, {"event": "b"}, {"event": "*", "where": where(chance)}]),
        "kind": chance.choice(["first_time", "recurring"]),
        "rolling": chance.random() < 0.4,
        "timezone": chance.choice(ZONES),
        "week_start": chance.choice(["monday", "sunday"]),
    }
    if chance.random() < 0.3:
        body["breakdown"] = {"property": chance.choice(["country", "props.n"])}
    return body


def where(chance):
    return [{"property": "props.n", "op": chance.choice(["eq", "ne"]), "value": chance.randint(0, 2)}]


def flat(cohorts):
    assert all(one["size"] == one["returned"][0] for one in cohorts)
    return {one["start"]: one["returned"] for one in cohorts}


def answer(engine, body):
    said = retention.run(engine, retention.parse(body))
    parts = {part["value"]: flat(part["cohorts"]) for part in said.get("breakdown", [])}
    return {None: flat(said["cohorts"]), **parts}


def test_random_histories_equal_the_oracle(unmerged):
    chance = random.Random(11)
    events = load_hard(unmerged, chance, histories(chance, 320, instant("2026-02-20T00:00:00Z"), 50 * 86_400_000))
    for number in range(24):
        body = some_request(chance)
        assert answer(unmerged, body) == retention_oracle.report(body, events), (number, body)
    long = {**some_request(chance), "period": "day", "from": "2025-12-01T00:00:00Z", "to": "2026-05-01T00:00:00Z"}
    for kind in ("first_time", "recurring"):  # more days than a word has bits
        body = {**long, "kind": kind, "rolling": False, "start": {"event": "*"}}
        body.pop("breakdown", None)
        assert answer(unmerged, body) == retention_oracle.report(body, events)


def test_empty_cohorts_are_there_and_nobody_is_in_them(engine):
    body = {"site": "shop", "from": "2026-11-01T00:00:00Z", "to": "2026-11-15T00:00:00Z", "period": "week"}
    said = retention.run(engine, retention.parse(body))
    assert [(one["start"], one["size"], one["returned"]) for one in said["cohorts"]] == [
        ("2026-10-26", 0, [0, 0, 0]),
        ("2026-11-02", 0, [0, 0]),
        ("2026-11-09", 0, [0]),
    ]
    sundays = retention.run(engine, retention.parse({**body, "week_start": "sunday"}))
    assert [one["start"] for one in sundays["cohorts"]] == ["2026-11-01", "2026-11-08"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"period": "hour"}, "period"),
        ({"rolling": "yes"}, "rolling"),
        ({"kind": "any"}, "kind"),
        ({"start": {}}, "start.event"),
        ({"breakdown": {"property": "nothing"}}, "breakdown.property"),
        ({"from": "2020-01-01T00:00:00Z"}, "period"),
    ],
)
def test_mistakes_are_named(change, field):
    body = {"site": "shop", "from": "2026-11-01T00:00:00Z", "to": "2026-11-15T00:00:00Z", "period": "day"}
    with pytest.raises(BadRequest) as caught:
        retention.parse({**body, **change})
    assert caught.value.field == field
