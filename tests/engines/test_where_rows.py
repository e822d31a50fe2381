"""Every operator on every kind of property, on both engines: which rows pass."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

from world import event, load

from tracker.core.errors import BadRequest
from tracker.store.engine import Query
from tracker.store.filters import Condition, parse_condition, parse_filter
from tracker.store.where import Params, condition, property_text, where

ROWS = {
    "plain": {
        "country": "DE",
        "value": 5.0,
        "props": {"n": 5, "s": "5", "t": "Ärger 'x'", "b": True, "a": {"b": "deep"}},
    },
    "text": {
        "country": "FR",
        "value": None,
        "props": {"n": "5.0", "s": "", "t": "plan%_\\", "b": "true", "a": {"b": 1.5}},
    },
    "other": {
        "country": "",
        "value": -1.5,
        "props": {"n": 50, "s": "zz", "b": False, "a": "b"},
        "traits": {"plan": "pro"},
    },
    "void": {"country": "DE", "value": 0.0, "props": {"n": None, "b": [1], "d": "2026-02-03"}},
    "items": {"items": [{"item_id": "i1", "price": 9.5}, {"item_id": "i2", "price": 30}], "props": {"n": "nan"}},
}


@pytest.fixture
def rows(engine):
    load(engine, [event(name, 1_767_225_600_000 + at, "v", **row) for at, (name, row) in enumerate(ROWS.items())])
    return engine


def passing(engine, filters):
    fragment = where([parse_filter(one, "where[0]") for one in filters])
    answer = engine.ask(Query(text=f"select event from events where {fragment.text}", params=fragment.params))
    return {name for (name,) in answer.rows}


ALL = set(ROWS)
CASES = [
    # property, op, value, who passes
    ("country", "eq", "DE", {"plain", "void"}),
    ("country", "eq", "", set()),
    ("country", "ne", "DE", ALL - {"plain", "void"}),
    ("country", "in", ["FR", "DE"], {"plain", "void", "text"}),
    ("country", "not_in", ["FR", "DE"], {"other", "items"}),
    ("country", "exists", None, {"plain", "text", "void"}),
    ("country", "not_exists", None, {"other", "items"}),
    ("country", "contains", "E", {"plain", "void"}),
    ("country", "contains", "", {"plain", "text", "void"}),
    ("country", "regex", "^(DE|FR)$", {"plain", "text", "void"}),
    ("country", "lt", "E", {"plain", "void"}),
    ("country", "gt", 1, set()),
    ("value", "eq", 5, {"plain"}),
    ("value", "eq", "5", {"plain"}),
    ("value", "ne", 5, ALL - {"plain"}),
    ("value", "lt", 0, {"other"}),
    ("value", "gte", 0, {"plain", "void"}),
    ("value", "exists", None, {"plain", "other", "void"}),
    ("value", "in", [0, -1.5], {"void", "other"}),
    ("props.n", "eq", 5, {"plain", "text"}),
    ("props.n", "eq", "5", {"plain"}),
    ("props.n", "in", ["5", 50], {"plain", "other"}),
    ("props.n", "in", [5, 50], {"plain", "text", "other"}),
    ("props.n", "ne", 5, {"other", "void", "items"}),
    ("props.n", "gt", 5, {"other"}),
    ("props.n", "gte", 5, {"plain", "text", "other"}),
    ("props.n", "lt", 1000, {"plain", "text", "other"}),
    ("props.n", "exists", None, {"plain", "text", "other", "items"}),
    ("props.n", "not_exists", None, {"void"}),
    ("props.s", "eq", 5, {"plain"}),
    ("props.s", "eq", "", {"text"}),
    ("props.s", "exists", None, {"plain", "text", "other"}),
    ("props.t", "eq", "Ärger 'x'", {"plain"}),
    ("props.t", "contains", "%_\\", {"text"}),
    ("props.t", "contains", "ärger", set()),
    ("props.t", "regex", "(?i)ÄRGER", {"plain"}),
    ("props.b", "eq", True, {"plain", "text"}),
    ("props.b", "eq", "true", {"plain", "text"}),
    ("props.b", "eq", 1, set()),
    ("props.b", "ne", True, {"other", "void", "items"}),
    ("props.b", "in", [False], {"other"}),
    ("props.a.b", "eq", "deep", {"plain"}),
    ("props.a.b", "gt", 1, {"text"}),
    ("props.a.b", "not_exists", None, {"other", "void", "items"}),
    ("props.a", "contains", '"deep"', {"plain"}),
    ("props.d", "gte", "2026-02-01", {"void"}),
    ("props.d", "lt", "2026-02-01", set()),
    ("traits.plan", "eq", "pro", {"other"}),
    ("items.item_id", "eq", "i2", {"items"}),
    ("items.item_id", "ne", "i2", ALL - {"items"}),
    ("items.price", "gt", 20, {"items"}),
    ("items.price", "gt", 40, set()),
    ("items.item_id", "not_exists", None, ALL - {"items"}),
    ("event", "in", ["plain", "void"], {"plain", "void"}),
    ("visitor", "eq", "v", ALL),
    ("analytics", "eq", 0, ALL),
    ("seq", "lte", 0, ALL),
]


def test_every_case(rows):
    for name, op, value, expected in CASES:
        one = {"property": name, "op": op, **({} if value is None else {"value": value})}
        assert passing(rows, [one]) == expected, one


def test_filters_must_all_hold(rows):
    both = [{"property": "country", "op": "eq", "value": "DE"}, {"property": "props.n", "op": "exists"}]
    assert passing(rows, both) == {"plain"}
    assert passing(rows, []) == ALL


def test_conditions(rows):
    for body, expected in (
        ({"event": "plain"}, {"plain"}),
        ({"event": "*"}, ALL),
        ({"event": "*", "where": [{"property": "value", "op": "lt", "value": 1}]}, {"other", "void"}),
        ({"event": "plain", "where": [{"property": "value", "op": "lt", "value": 1}]}, set()),
        ({"event": "plain' or 1=1 --"}, set()),
    ):
        fragment = condition(parse_condition(body, "event"))
        answer = rows.ask(Query(text=f"select event from events where {fragment.text}", params=fragment.params))
        assert {name for (name,) in answer.rows} == expected, body


def test_a_pattern_that_only_the_engine_can_refuse(rows):
    with pytest.raises(BadRequest):
        passing(rows, [{"property": "country", "op": "regex", "value": "\\pQ"}])


def test_texts_of_properties(rows):
    for name, expected in (
        ("country", ["DE", "FR", "", "DE", ""]),
        ("value", ["5", "", "-1.5", "0", ""]),
        ("props.n", ["5", "5.0", "50", "", "nan"]),
        ("props.a.b", ["deep", "1.5", "", "", ""]),
        ("items.item_id", ["", "", "", "", "i1"]),
    ):
        params = Params("p")
        text = property_text(name, params)
        answer = rows.ask(Query(text=f"select {text} from events order by ts", params=params.values))
        assert [value for (value,) in answer.rows] == expected, name


def test_the_primary_key_is_used_for_names(rows):
    fragment = condition(Condition("plain"))
    plan = rows.ask(
        Query(text=f"explain indexes = 1 select 1 from events where {fragment.text}", params=fragment.params)
    )
    assert any("event" in line for (line,) in plan.rows if "Condition" in line or line.strip() == "event")


def test_keys_written_with_dots_and_numbers_beyond_all(engine):
    """`props.a.b` is the key "a.b" where there is one, else `b` inside `a`; `inf` is no number."""
    props = {
        "whole": {"cart.total": 5, "cart": {"total": 7}},
        "inside": {"cart": {"total": 7}},
        "mixed": {"cart": {"sub.total": 1}},
        "quoted": {"cart.total": 'a"b', "n": "inf"},
        "nothing": {"cart.total": None, "cart": {"total": 7}, "n": "-Infinity"},
        "huge": {"n": "1e400"},
    }
    load(engine, [event(name, 1_767_225_600_000 + at, "v", props=one) for at, (name, one) in enumerate(props.items())])
    for name, op, value, expected in (
        ("props.cart.total", "eq", 5, {"whole"}),
        ("props.cart.total", "eq", 7, {"inside"}),
        ("props.cart.total", "eq", 'a"b', {"quoted"}),
        ("props.cart.total", "gt", 1, {"whole", "inside"}),
        ("props.cart.total", "exists", None, {"whole", "inside", "quoted"}),
        ("props.cart.total", "not_exists", None, {"mixed", "nothing", "huge"}),
        ("props.n", "gt", 5, set()),
        ("props.n", "lt", 5, set()),
        ("props.n", "exists", None, {"quoted", "nothing", "huge"}),
    ):
        one = {"property": name, "op": op, **({} if value is None else {"value": value})}
        assert passing(engine, [one]) == expected, one
    params = Params("p")
    text = property_text("props.cart.total", params)
    answer = engine.ask(Query(text=f"select {text} from events order by ts", params=params.values))
    assert [value for (value,) in answer.rows] == ["5", "7", "", 'a"b', "", ""]
