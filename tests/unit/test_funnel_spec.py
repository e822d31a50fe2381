"""What a funnel may say, and which field the refusal names."""

from __future__ import annotations

import pytest

from tracker.analytics.funnel_spec import Breakdown, parse, parse_part
from tracker.analytics.request import Range
from tracker.core.errors import BadRequest

GOOD = {
    "site": "shop",
    "from": "2026-11-01T00:00:00Z",
    "to": "2026-11-08T00:00:00Z",
    "steps": [{"event": "a"}, {"event": "b"}, {"event": "c"}],
}
A, B = {"event": "a"}, {"event": "b"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"site": None}, "site"),
        ({"from": "2026-11-01"}, "from"),
        ({"from": "2026-11-01T00:00:00"}, "from"),
        ({"to": "2026-11-01T00:00:00Z"}, "to"),
        ({"from": "1990-11-01T00:00:00Z"}, "from"),
        ({"steps": [A]}, "steps"),
        ({"steps": [A] * 21}, "steps"),
        ({"steps": "ab"}, "steps"),
        ({"steps": [A, {}]}, "steps[1].event"),
        ({"steps": [A, "b"]}, "steps[1]"),
        ({"steps": [A, {**B, "nmae": "x"}]}, "steps[1].nmae"),
        ({"steps": [A, {**B, "name": 5}]}, "steps[1].name"),
        ({"steps": [A, {**B, "optional": "yes"}]}, "steps[1].optional"),
        ({"steps": [{**A, "optional": True}, B]}, "steps[0].optional"),
        ({"steps": [A, {**B, "optional": True}], "mode": "unordered"}, "steps[1].optional"),
        ({"steps": [A, {"any_of": []}]}, "steps[1].any_of"),
        ({"steps": [A, {"any_of": [B], "event": "b"}]}, "steps[1].any_of"),
        ({"steps": [A, {"any_of": [B, {"event": ""}]}]}, "steps[1].any_of[1].event"),
        (
            {"steps": [{"event": "a", "where": [{"property": "url", "op": "is", "value": "x"}]}, B]},
            "steps[0].where[0].op",
        ),
        ({"mode": "any"}, "mode"),
        ({"window": "7 d"}, "window"),
        ({"window": "0d"}, "window"),
        ({"window": "400d"}, "window"),
        ({"count_by": "user"}, "count_by"),
        ({"exclude": {}}, "exclude"),
        ({"exclude": [{"event": "x", "from_step": 0}]}, "exclude[0].from_step"),
        ({"exclude": [{"event": "x", "from_step": 3}]}, "exclude[0].from_step"),
        ({"exclude": [{"event": "x", "from_step": 2, "to_step": 2}]}, "exclude[0].to_step"),
        ({"exclude": [{"event": "x", "to_step": 4}]}, "exclude[0].to_step"),
        ({"exclude": [{"where": []}]}, "exclude[0].event"),
        ({"exclude": [{"event": "x", "to_step": 2}], "mode": "unordered"}, "exclude[0]"),
        ({"breakdown": "country"}, "breakdown"),
        ({"breakdown": {"property": "secret"}}, "breakdown.property"),
        ({"breakdown": {"property": "country", "touch": "every"}}, "breakdown.touch"),
        ({"steps": [{**A, "within": "2h"}, B]}, "steps[0].within"),
        ({"steps": [A, {**B, "within": "2"}]}, "steps[1].within"),
        ({"steps": [A, {**B, "within": "2h"}], "mode": "unordered"}, "steps[1].within"),
        ({"steps": [A, {**B, "within": "2h"}, {**B, "optional": True}]}, "steps[1].within"),
        ({"steps": [A, {**B, "within": "2h"}], "mode": "strict", "exclude": [{"event": "x"}]}, "exclude"),
        ({"steps": [{**A, "entry": True}, B]}, "steps[0].entry"),
        (
            {"steps": [{"event": "page_view", "where": [{"property": "entry", "op": "exists"}]}, B]},
            "steps[0].where[0].property",
        ),
        ({"brakdown": None}, "brakdown"),
    ],
)
def test_bad_funnels_name_the_field(change, field):
    with pytest.raises(BadRequest) as caught:
        parse({**GOOD, **change})
    assert caught.value.field == field
    with pytest.raises(BadRequest) as caught:
        parse({**GOOD, **change}, "funnel.")
    assert caught.value.field == f"funnel.{field}"


def test_defaults():
    funnel = parse(GOOD)
    assert (funnel.mode, funnel.window, funnel.count_by) == ("ordered", 14 * 86_400_000, "person")
    assert [step.name for step in funnel.steps] == ["a", "b", "c"]
    assert funnel.range == Range(1_793_491_200_000, 1_794_096_000_000)
    exclude = parse({**GOOD, "exclude": [{"event": "x"}]}).exclude[0]
    assert (exclude.from_step, exclude.to_step) == (1, 3)
    assert parse({**GOOD, "breakdown": {"property": "country"}}).breakdown == Breakdown("country", "first")


def test_a_step_of_alternatives_has_a_name():
    steps = [A, {"any_of": [{"event": "b"}, {"event": "c"}, {"event": "b", "where": []}]}]
    assert parse({**GOOD, "steps": steps}).steps[1].name == "b or c"
    assert parse({**GOOD, "steps": [A, {**steps[1], "name": "Went on"}]}).steps[1].name == "Went on"


def test_which_steps_may_follow():
    optional = [
        A,
        {**B, "optional": True},
        {"event": "c", "optional": True},
        {"event": "d"},
        {"event": "e", "optional": True},
    ]
    funnel = parse({**GOOD, "steps": optional})
    assert [funnel.next_steps(step) for step in range(1, 6)] == [[4, 2, 3], [4, 3], [4], [5], []]
    assert [funnel.required_before(step) for step in range(1, 6)] == [0, 1, 1, 1, 4]


def test_a_funnel_inside_a_rule():
    part = parse_part({"steps": [A, B], "window": "1h"}, "shop", Range(0, 10), "rule.dropped.funnel.")
    assert (part.site, part.range, part.window) == ("shop", Range(0, 10), 3_600_000)
    with pytest.raises(BadRequest) as caught:
        parse_part({"steps": [A, B], "from": "x"}, "shop", Range(0, 10), "rule.dropped.funnel.")
    assert caught.value.field == "rule.dropped.funnel.from"
