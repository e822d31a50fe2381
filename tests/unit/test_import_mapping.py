from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.errors import BadRequest
from tracker.imports.mapping import FieldMap, time_ms


def one(fields: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    (event,) = FieldMap({"fields": fields}).events(row)
    return event


def test_columns_become_fields_groups_and_items() -> None:
    event = one(
        {
            "type": {"const": "track"},
            "name": {"column": "action", "values": {"orders": "purchase"}, "default": "other"},
            "visitor": {"column": "who", "prefix": "v"},
            "ts": "when",
            "value": "total",
            "props.cohort": "cohort",
            "traits.city": "city",
            "item.item_id": "aid",
            "item.quantity": "n",
        },
        {
            "action": "orders",
            "who": 7,
            "when": "1659304800",
            "total": "12.50",
            "cohort": "a",
            "city": "",
            "aid": "9",
            "n": 2,
        },
    )
    assert event == {
        "type": "track",
        "name": "purchase",
        "visitor": "v7",
        "ts": 1659304800000,
        "value": 12.5,
        "props": {"cohort": "a"},
        "items": [{"item_id": "9", "quantity": 2}],
    }


def test_each_makes_one_event_of_every_entry_and_looks_outside_it() -> None:
    fields = FieldMap({"each": "events", "fields": {"visitor": "session", "name": "type", "props.deep": "a.b"}})
    row = {"session": 5, "a": {"b": 1}, "events": [{"type": "x"}, {"type": "y", "a": {"b": 2}}]}
    assert list(fields.events(row)) == [
        {"visitor": "5", "name": "x", "props": {"deep": 1}},
        {"visitor": "5", "name": "y", "props": {"deep": 2}},
    ]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "fields"),
        ({"fields": {}}, "fields"),
        ({"fields": {"name": "a"}, "extra": 1}, "extra"),
        ({"fields": {"nmae": "a"}}, "nmae"),
        ({"fields": {"props.": "a"}}, "props."),
        ({"fields": {"name": {"column": "a", "const": 1}}}, "name"),
        ({"fields": {"name": {"col": "a"}}}, "name"),
        ({"fields": {"name": {"column": "a", "values": []}}}, "name"),
        ({"fields": {"name": 1}}, "name"),
    ],
)
def test_a_wrong_mapping_is_refused_naming_the_entry(document: object, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        FieldMap(document)


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        (1659304800025, 1659304800025),
        ("1659304800025", 1659304800025),
        (1659304800, 1659304800000),
        ("1659304800.5", 1659304800500),
        ("2022-07-31T22:00:00Z", 1659304800000),
        ("2022-08-01T00:00:00+02:00", 1659304800000),
        ("2022-07-31 22:00:00", 1659304800000),
    ],
)
def test_times(value: object, ms: int) -> None:
    assert time_ms(value) == ms


def test_a_row_that_does_not_fit_is_refused_without_repeating_it() -> None:
    for fields, row in [({"value": "v"}, {"v": "much"}), ({"ts": "t"}, {"t": "much"})]:
        with pytest.raises(BadRequest) as caught:
            one(fields, row)
        assert "much" not in caught.value.message


CELLS = st.none() | st.text(max_size=9) | st.integers() | st.floats() | st.booleans() | st.just("1e999")


@given(st.fixed_dictionaries({}, optional=dict.fromkeys("atvs", CELLS)))
def test_any_row_gives_events_or_a_refusal(row: dict[str, Any]) -> None:
    fields = FieldMap({"fields": {"name": "a", "ts": "t", "value": "v", "props.x": "x.y", "seq": "s"}})
    try:
        events = list(fields.events(row))
    except BadRequest as error:
        assert error.field in {"ts", "value", "seq"}
    else:
        assert len(events) == 1
        assert all(math.isfinite(event[name]) for event in events for name in ("ts", "value", "seq") if name in event)
