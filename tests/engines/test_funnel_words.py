"""Columns and filters in funnels whose names could clash with our own words; breakdowns by every kind of property."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

from funnel_oracle import instant
from world import event, load

from tracker.analytics import funnel

BODY = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "window": "1h"}
T = instant(BODY["from"])


def counts(steps):
    return [step["count"] for step in steps]


@pytest.fixture
def shop(engine):
    load(
        engine,
        [
            event(
                "buy", T, "a", value=10.0, currency="EUR", items=[{"item_id": "i1"}], props={"unit": "kg", "value": 1}
            ),
            event("buy", T + 1, "a", value=20.0, currency="EUR", items=[{"item_id": "i2"}], props={"unit": "g"}),
            event("buy", T, "b", value=10.0),
            event("leave", T + 5, "b"),
        ],
    )
    return engine


@pytest.mark.parametrize("mode", ["ordered", "strict", "unordered"])
def test_filters_on_value(shop, mode):
    steps = [{"event": "buy", "where": [{"property": "value", "op": "lt", "value": 15}]}]
    steps.append(
        {"any_of": [{"event": "leave"}, {"event": "buy", "where": [{"property": "value", "op": "gt", "value": 15}]}]}
    )
    said = funnel.run(shop, funnel.parse({**BODY, "steps": steps, "mode": mode}))
    assert counts(said["steps"]) == [2, 2]


@pytest.mark.parametrize(
    ("name", "touch", "expected"),
    [
        ("value", "first", {"10": [2, 1]}),
        ("value", "last", {"20": [1, 1], "10": [1, 0]}),
        ("value", "all", {"10": [2, 0], "20": [1, 0]}),
        ("props.unit", "first", {"kg": [1, 1], "": [1, 0]}),
        ("props.unit", "last", {"g": [1, 1], "": [1, 0]}),
        ("props.value", "last", {"1": [1, 1], "": [1, 0]}),
        ("items.item_id", "last", {"i2": [1, 1], "": [1, 0]}),
        ("user", "first", {"": [2, 1]}),
        ("event", "first", {"buy": [2, 1]}),
    ],
)
def test_breakdowns(shop, name, touch, expected):
    body = {**BODY, "steps": [{"event": "buy"}, {"event": "buy"}], "breakdown": {"property": name, "touch": touch}}
    said = funnel.run(shop, funnel.parse(body))
    assert counts(said["steps"]) == [2, 1]
    assert {part["value"]: counts(part["steps"]) for part in said["breakdown"]} == expected
    assert [part["steps"][0]["count"] for part in said["breakdown"]] == sorted(
        (part["steps"][0]["count"] for part in said["breakdown"]), reverse=True
    )


def test_twenty_steps_of_every_mode(shop):
    load(shop, [event(f"e{at}", T + 100 * at, "x") for at in range(20)])
    for mode in ("ordered", "strict", "unordered"):
        steps = [{"event": f"e{at}"} for at in range(20)]
        body = {**BODY, "steps": steps, "mode": mode}
        assert counts(funnel.run(shop, funnel.parse(body))["steps"]) == [1] * 20
        if mode != "unordered":
            for step in steps[1::2]:
                step["optional"] = True
        body["exclude"] = [{"event": "never"}]
        said = funnel.run(shop, funnel.parse(body))
        assert counts(said["steps"]) == [1] * 20
        assert said["steps"][-1]["seconds_from_previous"]["median"] == pytest.approx(0.1)


def test_an_empty_site(engine):
    body = {**BODY, "steps": [{"event": "a"}, {"event": "*"}], "breakdown": {"property": "country"}}
    for mode in ("ordered", "strict", "unordered"):
        said = funnel.run(engine, funnel.parse({**body, "mode": mode}))
        assert counts(said["steps"]) == [0, 0]
        assert said["breakdown"] == []
