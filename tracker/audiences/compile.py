"""A checked rule -> SQL over all events of one person at once (`group by person`).

Every part of a rule becomes an aggregate, so `not` is plain negation and the complement is by construction that of the
persons seen on the site. Bots' events count for nothing. A property's filter is asked of every event that carries the
property, and the answer of the latest (or first) such event counts; where none carries it, that of a missing property.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tracker.audiences.buyers import Buyers
from tracker.audiences.rules import (
    All,
    AnyOf,
    Bounds,
    Did,
    Journey,
    Ltv,
    Not,
    Property,
    Rfm,
    Rule,
    Within,
)
from tracker.core.errors import Broken
from tracker.store.filters import Filter
from tracker.store.where import Params, condition_sql, filter_sql, property_text

_SIGNS = {"gte": ">=", "lte": "<=", "eq": "="}
_TRUE_WHEN_MISSING = ("ne", "not_in", "not_exists")
_ORDER = "(ts, seq, arrival)"

Journeys = Callable[[Journey], str]
"""A journey -> whether `who` fulfils it."""


class Once(Protocol):
    """What writes down once what several rules of one statement ask."""

    def did(self, rule: Did) -> str:
        """Whether so many events match, whatever they are worth."""
        ...

    def once(self, aggregate: str) -> str:
        """A name for an aggregate."""
        ...


def compile_rule(
    rule: Rule, params: Params, *, now_ms: int, journeys: Journeys, buyers: Buyers, once: Once | None = None
) -> str:
    """A boolean expression for HAVING, over rows of `events` grouped by `who`. `in` must be resolved before.

    `once`: of what it has written down, the expression says the names.
    """
    named = once.once if once is not None else str

    def go(part: Rule) -> str:
        if isinstance(part, All):
            return "(" + " and ".join(go(inner) for inner in part.parts) + ")"
        if isinstance(part, AnyOf):
            return "(" + " or ".join(go(inner) for inner in part.parts) + ")"
        if isinstance(part, Not):
            return f"not ({go(part.part)})"
        if isinstance(part, Did):
            counted = once.did(part) if once is not None else _counted(part, params, now_ms)
            return (
                counted if part.value is None else f"({counted} and {_worth(part, part.value, params, now_ms, named)})"
            )
        if isinstance(part, Property):
            return named(_property(part, params))
        if isinstance(part, Journey):
            return journeys(part)
        if isinstance(part, Rfm):
            return f"who global in ({buyers.segments(part)})"
        if isinstance(part, Ltv):
            return _bounds(named(buyers.value()), part.value, params, "Float64")
        raise Broken("a rule was compiled before its audiences were resolved")

    return go(rule)


def did_matches(rule: Did, params: Params, now_ms: int) -> str:
    """A boolean expression over a row of `events`: it is one of those that `did` counts."""
    tests = ["bot = ''", condition_sql(rule.condition, params)]
    if rule.within is not None:
        tests.append(_time(rule.within, params, now_ms))
    return " and ".join(f"({test})" for test in tests)


def _counted(rule: Did, params: Params, now_ms: int) -> str:
    return _bounds(f"countIf({did_matches(rule, params, now_ms)})", rule.count, params, "Int64")


def _worth(rule: Did, value: Bounds, params: Params, now_ms: int, named: Callable[[str], str]) -> str:
    matches = did_matches(rule, params, now_ms)
    number = "ifNull(value, 0)"
    if rule.value_of != "value":
        number = f"ifNull(toFloat64OrNull({property_text(rule.value_of, params)}), 0)"
    # Rounded to a millionth: sums of floats depend on the order, and 0.1 + 0.2 must be at least 0.3.
    total = f"round(sumIf(if(isFinite({number}), {number}, 0), {matches}), 6)"
    return _bounds(named(total), value, params, "Float64")


def _property(rule: Property, params: Params) -> str:
    there = f"bot = '' and ({filter_sql(Filter(rule.filter.property, 'exists', ()), params)})"
    pick = "argMaxIf" if rule.touch == "last" else "argMinIf"
    answer = f"{pick}(({filter_sql(rule.filter, params)}), {_ORDER}, {there})"
    missing = "true" if rule.filter.op in _TRUE_WHEN_MISSING else "false"
    return f"if(countIf({there}) = 0, {missing}, {answer})"


def _time(within: Within, params: Params, now_ms: int) -> str:
    start, end = within.at(now_ms)
    return (
        f"ts >= fromUnixTimestamp64Milli({params.put(start, 'Int64')})"
        f" and ts < fromUnixTimestamp64Milli({params.put(end, 'Int64')})"
    )


def _bounds(number: str, bounds: Bounds, params: Params, kind: str) -> str:
    limits = (
        f"{number} {_SIGNS[word]} {params.put(float(limit) if kind == 'Float64' else int(limit), kind)}"
        for word, limit in bounds.comparisons
    )
    return "(" + " and ".join(limits) + ")"
