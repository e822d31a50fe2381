"""Checked filters and conditions -> SQL over one row of `events`. Values always travel as parameters.

What each operator means for missing values and for numbers against texts stands in `filters.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tracker.store.engine import Param
from tracker.store.filters import ITEM_NUMBERS, NUMBERS, Condition, Filter, Value
from tracker.store.sql import Fragment

_ORDER = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_POSITIVE = {"ne": "eq", "not_in": "in", "not_exists": "exists"}


class Params:
    """Names for parameters, unique within one query."""

    def __init__(self, prefix: str = "w") -> None:
        self._prefix = prefix
        self.values: dict[str, Param] = {}

    def put(self, value: Param, kind: str) -> str:
        """Remember the value; give its placeholder. The same value gets the same placeholder."""
        for name, known in self.values.items():
            if type(known) is type(value) and known == value and name.endswith(f"_{_letter(kind)}"):
                return f"{{{name}:{kind}}}"
        name = f"{self._prefix}{len(self.values)}_{_letter(kind)}"
        self.values[name] = value
        return f"{{{name}:{kind}}}"


def _letter(kind: str) -> str:
    return re.sub(r"\W", "", kind).lower()


class _Cell:
    """One property of a row: SQL for its text, for its number (null where it is none) and for whether it is there."""

    def __init__(self, text: str, number: str, there: str) -> None:
        self.text = text
        self.number = number
        self.there = there


def filter_sql(one: Filter, params: Params) -> str:
    """A boolean expression (never null) over a row of `events`."""
    op = _POSITIVE.get(one.op, one.op)
    if one.property.startswith("items."):
        name = one.property.removeprefix("items.")
        column = f"item.{name}"
        number = f"toNullable({column})" if name in ITEM_NUMBERS else _number(column)
        text = f"toString({column})" if name in ITEM_NUMBERS else column
        there = "true" if name in ITEM_NUMBERS else f"{column} != ''"
        test = f"arrayExists(item -> {_test(op, one.values, _Cell(text, number, there), params)}, items)"
    else:
        test = _test(op, one.values, _cell(one.property, params), params)
    return f"not ({test})" if one.op in _POSITIVE else test


def condition_sql(one: Condition, params: Params) -> str:
    """A boolean expression that holds where the row is such an event."""
    tests = [] if one.event == "*" else [f"event = {params.put(one.event, 'String')}"]
    tests += [filter_sql(each, params) for each in one.where]
    return " and ".join(f"({test})" for test in tests) if tests else "true"


def any_of_sql(conditions: Sequence[Condition], params: Params) -> str:
    """Holds where the row is any of these events. Plain names make one `in`, which the primary key can use."""
    plain = sorted({one.event for one in conditions if not one.where})
    if "*" in plain:
        return "true"
    tests = [condition_sql(one, params) for one in conditions if one.where]
    if plain:
        tests.append(f"event in {params.put(plain, 'Array(String)')}")
    return " or ".join(f"({test})" for test in tests)


def property_text(name: str, params: Params) -> str:
    """The property as text, '' where it is missing: what a breakdown groups by. `items.x` is that of the first item."""
    if name.startswith("items."):
        column = name.removeprefix("items.")
        return f"if(empty(items), '', toString(items[1].{column}))"
    cell = _cell(name, params)
    return f"if({cell.there}, toString({cell.text}), '')"


def where(filters: Sequence[Filter], prefix: str = "f") -> Fragment:
    """All filters at once, as a fragment of its own."""
    params = Params(prefix)
    text = " and ".join(f"({filter_sql(one, params)})" for one in filters) or "true"
    return Fragment(text, params.values)


def condition(one: Condition, prefix: str = "c") -> Fragment:
    """One condition as a fragment of its own."""
    params = Params(prefix)
    text = condition_sql(one, params)
    return Fragment(text, params.values)


def counted(conditions: Sequence[Condition], prefix: str = "p") -> Fragment:
    """Which events a report looks at: those of people, and those of bots that a condition asks for by name (`bot`)."""
    asking = [one for one in conditions if any(each.property == "bot" for each in one.where)]
    if not asking:
        return Fragment("bot = ''")
    params = Params(prefix)
    return Fragment(f"(bot = '' or {any_of_sql(asking, params)})", params.values)


def _cell(name: str, params: Params) -> _Cell:
    head, _, rest = name.partition(".")
    if head in ("props", "traits") and rest:
        keys = ", ".join(params.put(key, "String") for key in rest.split("."))
        raw = f"JSONExtractRaw({head}, {keys})"
        text = f"if(startsWith({raw}, '\"'), JSONExtractString({head}, {keys}), {raw})"
        if "." in rest:  # a key that is itself written with dots comes before objects inside objects
            whole = params.put(rest, "String")
            raw = f"if(JSONHas({head}, {whole}), JSONExtractRaw({head}, {whole}), {raw})"
            text = f"if(startsWith({raw}, '\"'), JSONExtractString({raw}), {raw})"
        return _Cell(text, _number(text), f"{raw} not in ('', 'null')")
    if name == "value":
        return _Cell("ifNull(toString(value), '')", "value", "isNotNull(value)")
    if name in ("analytics", "ads"):
        return _Cell(f"toString({name})", f"toNullable(toFloat64({name}))", f"{name} >= 0")
    if name in NUMBERS:
        return _Cell(f"toString({name})", f"toNullable(toFloat64({name}))", "true")
    column = f"`{name}`"
    return _Cell(column, _number(column), f"{column} != ''")


def _number(text: str) -> str:
    """The number that a text reads as, null where it is none: `inf`, `nan` and what is beyond all numbers are none."""
    return f"if(isFinite(toFloat64OrNull({text})), toFloat64OrNull({text}), null)"


def _test(op: str, values: Sequence[Value], cell: _Cell, params: Params) -> str:
    if op == "exists":
        return cell.there
    if op in ("eq", "in"):
        return f"({cell.there}) and ({_equals(values, cell, params)})"
    value = values[0]
    if op == "contains":
        return f"({cell.there}) and position({cell.text}, {params.put(value, 'String')}) > 0"
    if op == "regex":
        return f"({cell.there}) and match({cell.text}, {params.put(value, 'String')})"
    sign = _ORDER[op]
    if isinstance(value, str):
        return f"({cell.there}) and {cell.text} {sign} {params.put(value, 'String')}"
    return f"({cell.there}) and ifNull({cell.number} {sign} {params.put(value, 'Float64')}, false)"


def _equals(values: Sequence[Value], cell: _Cell, params: Params) -> str:
    texts = [str(value).lower() if isinstance(value, bool) else value for value in values if not _is_number(value)]
    numbers = [float(value) for value in values if _is_number(value)]
    tests = []
    if len(texts) == 1:
        tests.append(f"{cell.text} = {params.put(texts[0], 'String')}")
    elif texts:
        tests.append(f"has({params.put([str(text) for text in texts], 'Array(String)')}, {cell.text})")
    if len(numbers) == 1:
        tests.append(f"ifNull({cell.number} = {params.put(numbers[0], 'Float64')}, false)")
    elif numbers:
        tests.append(f"has({params.put(numbers, 'Array(Float64)')}, ifNull({cell.number}, nan))")
    return " or ".join(tests)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
