"""What a filter may say, and which field the refusal names."""

from __future__ import annotations

import math

import pytest

from tracker.core.errors import BadRequest
from tracker.store.filters import Condition, Filter, parse_condition, parse_filter, parse_filters

GOOD = {"property": "country", "op": "eq", "value": "DE"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"property": "nope"}, "f.property"),
        ({"property": "props."}, "f.property"),
        ({"property": "props.a..b"}, "f.property"),
        ({"property": "props"}, "f.property"),
        ({"property": "items.secret"}, "f.property"),
        ({"property": "key"}, "f.property"),
        ({"property": "ip"}, "f.property"),
        ({"property": ""}, "f.property"),
        ({"property": None}, "f.property"),
        ({"property": "country) or 1=1 --"}, "f.property"),
        ({"op": "like"}, "f.op"),
        ({"op": ["eq"]}, "f.op"),
        ({"op": None}, "f.op"),
        ({"value": None}, "f.value"),
        ({"value": {}}, "f.value"),
        ({"value": math.nan}, "f.value"),
        ({"value": 10**400}, "f.value"),
        ({"value": "\ud800"}, "f.value"),
        ({"value": "a\0b"}, "f.value"),
        ({"value": "x" * 4097}, "f.value"),
        ({"op": "in"}, "f.value"),
        ({"op": "in", "value": []}, "f.value"),
        ({"op": "in", "value": ["a", {}]}, "f.value[1]"),
        ({"op": "exists"}, "f.value"),
        ({"op": "contains", "value": 5}, "f.value"),
        ({"op": "gt", "value": True}, "f.value"),
        ({"op": "regex", "value": "("}, "f.value"),
        ({"op": "regex", "value": "(?=a)"}, "f.value"),
        ({"op": "regex", "value": "(a)\\1"}, "f.value"),
        ({"op": "regex", "value": "a{2,1}"}, "f.value"),
        ({"values": []}, "f.values"),
    ],
)
def test_bad_filters_name_the_field(change, field):
    with pytest.raises(BadRequest) as caught:
        parse_filter({**GOOD, **change}, "f")
    assert caught.value.field == field


def test_good_filters():
    assert parse_filter(GOOD, "f") == Filter("country", "eq", ("DE",))
    assert parse_filter({**GOOD, "property": "props.a b.ä"}, "f").property == "props.a b.ä"
    assert parse_filter({"property": "value", "op": "in", "value": [1, "a", True]}, "f").values == (1, "a", True)
    assert parse_filter({"property": "value", "op": "exists"}, "f").values == ()
    assert parse_filter({"property": "value", "op": "not_exists", "value": True}, "f").values == ()
    assert parse_filter({"property": "url", "op": "regex", "value": "\\pL+\\d"}, "f").op == "regex"
    assert parse_filters(None, "f") == ()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (None, "c"),
        ("purchase", "c"),
        ({}, "c.event"),
        ({"event": ""}, "c.event"),
        ({"event": 5}, "c.event"),
        ({"event": "a", "name": "x"}, "c.name"),
        ({"event": "a", "where": {}}, "c.where"),
        ({"event": "a", "where": "x"}, "c.where"),
        ({"event": "a", "where": [GOOD, 5]}, "c.where[1]"),
        ({"event": "a", "where": [GOOD, {**GOOD, "op": "is"}]}, "c.where[1].op"),
        ({"event": "a", "where": [GOOD] * 101}, "c.where"),
    ],
)
def test_bad_conditions_name_the_field(body, field):
    with pytest.raises(BadRequest) as caught:
        parse_condition(body, "c")
    assert caught.value.field == field


def test_good_conditions():
    assert parse_condition({"event": "*"}, "c") == Condition("*")
    assert parse_condition({"event": "a", "where": [GOOD]}, "c").where[0].property == "country"
