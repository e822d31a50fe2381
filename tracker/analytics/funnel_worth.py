"""What a funnel is worth in money, step by step, and an estimate of what is lost where. Definitions: `docs/reports.md`.

A unit that reached the last step has one converting purchase. Nothing is converted in the store: it adds up by day and
currency, and each sum is converted here at its day's rate.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tracker.analytics.funnel_attempts import attempts
from tracker.analytics.funnel_hits import NOBODY, UNITS
from tracker.analytics.funnel_spec import ENTRY, Funnel
from tracker.analytics.money import NO_CURRENCY, Money
from tracker.core.errors import BadRequest
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.filters import Condition, parse_condition
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import Params, any_of_sql, counted

KEYS = ("worth", "currency", "timezone")
"""What a request has beside the funnel's own fields."""

LEAST_ORDERS = 10
"""Purchases from which an estimate has an interval: below it the normal curve says nothing."""

_NINETY = 1.6448536269514722
"""90 % of a normal curve lie so many standard errors around its middle."""


@dataclass(frozen=True)
class Paid:
    """Converting purchases of one day and currency, by units that came equally far (`reached`: a bit a step).

    `part`: whether `value` is a value of the breakdown that the answer shows. `known`: they have an amount at all.
    """

    part: bool
    value: str
    reached: int
    day: str
    currency: str
    known: bool
    orders: int
    amount: float
    squares: float


def parse(given: Mapping[str, Any], funnel: Funnel, path: str = "") -> tuple[Condition, ...]:
    """`worth`: true (the last step's events carry the money), a condition (such an event does), or nothing: ().

    Raises BadRequest.
    """
    asked = given.get("worth")
    if asked is None or asked is False:
        return ()
    if asked is True:
        last = funnel.steps[-1].any_of
        return tuple(replace(one, where=tuple(each for each in one.where if each != ENTRY)) for one in last)
    if not isinstance(asked, Mapping):
        raise BadRequest(f'{path}worth must be true or an event like {{"event": "purchase"}}', field=f"{path}worth")
    return (parse_condition(asked, f"{path}worth"),)


def paid(
    engine: Engine, funnel: Funnel, events: Sequence[Condition], timezone: str, shown: Sequence[str] = ()
) -> list[Paid]:
    """The converting purchases; of the breakdown those of the values `shown` apart, of the others together.

    With touch `all` a unit may stand under several values: ask about the whole without a breakdown.
    """
    source, params = events_source(engine), Params("w")
    carries = Fragment(f"({any_of_sql(events, params)}){NOBODY[funnel.count_by]}", params.values)
    steps = len(funnel.steps)
    asked = fill(
        load(__package__, "funnel_worth"),
        {
            "attempts": attempts(engine, funnel, source, chosen=_buyers(funnel, events, carries, source)),
            "unit": Fragment(UNITS[funnel.count_by]),
            "events": source,
            "persons": persons.join() if funnel.count_by == "person" else Fragment(""),
            "counted": counted(events),
            "paid": carries,
            "since": Fragment("at[1]" if funnel.mode == "unordered" else f"at[{steps}]"),
            "last": Fragment(f"bitTest(reached, {steps - 1})"),
        },
        {"worth_window": funnel.window, "worth_zone": timezone, "shown": list(shown)},
        settings={"join_algorithm": "hash"},
    )
    return [_read(row) for row in engine.ask(asked).dicts()]


def _buyers(funnel: Funnel, events: Sequence[Condition], carries: Fragment, source: Fragment) -> Fragment:
    """Holds for the events of units that have such an event at all: nobody else's attempts are needed."""
    slots = {"did": carries, "events": source, "counted": counted(events)}
    if funnel.count_by == "person":
        who = fill(load(__package__, "who_did"), slots, {"to": funnel.range.end + funnel.window})
        return Fragment(f"key global in ({who.text})", who.params)
    unit = Fragment(UNITS[funnel.count_by])
    some = fill(load(__package__, "funnel_buyers"), {**slots, "unit": unit})
    return Fragment(f"{unit.text} global in ({some.text})", some.params)


def _read(row: Mapping[str, Any]) -> Paid:
    names = ("value", "reached", "orders", "amount", "squares")
    return Paid(
        part=bool(row["part"]),
        known=bool(row["known"]),
        day=row["money"][:10],
        currency=row["money"][10:],
        **{name: row[name] for name in names},
    )


def of_answer(
    engine: Engine, funnel: Funnel, events: Sequence[Condition], timezone: str, answer: Mapping[str, Any]
) -> list[Paid]:
    """The converting purchases of a funnel's answer: those with `part` are of its breakdown, the rest is the whole."""
    shown = [part["value"] for part in answer.get("breakdown", ())]
    if funnel.breakdown is None or not shown:
        return [replace(one, part=False) for one in paid(engine, replace(funnel, breakdown=None), events, timezone)]
    found = paid(engine, funnel, events, timezone, shown)
    parts = [one for one in found if one.part]
    if funnel.breakdown.touch == "all":
        return parts + paid(engine, replace(funnel, breakdown=None), events, timezone)
    return parts + [replace(one, part=False) for one in found]


def main_currency(rows: Iterable[Paid], asked: str) -> str:
    """The currency asked for, else that of most purchases."""
    often: Counter[str] = Counter()
    for one in rows:
        often[one.currency] += one.orders if one.known and not one.part else 0
    return asked or min(often, key=lambda name: (-often[name], name), default="")


def unconverted(rows: Iterable[Paid], money: Money) -> dict[str, float]:
    """Amounts of the whole that are not known in the currency, by their own."""
    left: dict[str, float] = {}
    for one in rows:
        if one.known and not one.part and money.rate(one.currency, one.day) is None:
            name = one.currency or NO_CURRENCY
            left[name] = left.get(name, 0.0) + one.amount
    return {name: round(amount, 4) for name, amount in sorted(left.items())}


def beside(answer: Mapping[str, Any], rows: Sequence[Paid], money: Money) -> dict[str, Any]:
    """A funnel's answer with `worth` in every step of the whole and of the breakdown."""
    whole = {**answer, "steps": _steps(answer["steps"], [one for one in rows if not one.part], money)}
    if "breakdown" in answer:
        theirs: dict[str, list[Paid]] = {}
        for one in rows:
            if one.part:
                theirs.setdefault(one.value, []).append(one)
        whole["breakdown"] = [
            {**part, "steps": _steps(part["steps"], theirs.get(part["value"], []), money)}
            for part in answer["breakdown"]
        ]
    return whole


def _steps(steps: Sequence[Mapping[str, Any]], rows: Sequence[Paid], money: Money) -> list[dict[str, Any]]:
    return [
        {**step, "worth": _worth(step, [one for one in rows if one.reached >> at & 1], money)}
        for at, step in enumerate(steps)
    ]


def _worth(step: Mapping[str, Any], rows: Sequence[Paid], money: Money) -> dict[str, Any]:
    """What those who reached the step brought, and an estimate of what those who dropped at it did not."""
    orders = unknown = 0
    value = squares = 0.0
    for one in rows:
        rate = money.rate(one.currency, one.day) if one.known else None
        if rate is None:
            unknown += one.orders
        else:
            orders += one.orders
            value += one.amount * rate
            squares += one.squares * rate * rate
    return {
        "value": round(value, 4) + 0.0,
        "orders": orders,
        "unknown": unknown,
        "average_order": value / orders if orders else None,
        "per_unit": value / step["count"] if step["count"] else None,
        "lost": _lost(step, orders, unknown, value, squares),
    }


def _lost(step: Mapping[str, Any], orders: int, unknown: int, value: float, squares: float) -> dict[str, Any] | None:
    """Dropped x share with a purchase of those who went on x average order, with a 90 % interval.

    The interval is that of the mean over those who went on, who are taken for independent draws (normal approximation).
    """
    dropped, went_on = step["dropped"], step["count"] - step["dropped"]
    if not dropped:
        return {"expected": 0.0, "low": 0.0, "high": 0.0}
    if not went_on or (unknown and not orders):
        return None
    scale = (orders + unknown) / orders if orders else 0.0  # purchases of unknown amount count as average ones
    mean = value * scale / went_on
    if orders < LEAST_ORDERS:
        return {"expected": dropped * mean, "low": None, "high": None}
    spread = _NINETY * math.sqrt(max(0.0, squares * scale / went_on - mean * mean) / went_on)
    return {"expected": dropped * mean, "low": dropped * (mean - spread), "high": dropped * (mean + spread)}
