"""A funnel day by day, week by week or month by month. Definitions: `docs/reports.md`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from tracker.analytics import funnel, funnel_spec, funnel_worth, request
from tracker.analytics.calendar import PERIODS, WEEK_STARTS, Calendar, calendar
from tracker.analytics.funnel_spec import Funnel
from tracker.analytics.money import NO_MONEY, Money
from tracker.analytics.request import Range
from tracker.store.engine import Engine
from tracker.store.filters import Condition

MAX_INTERVALS = 100
"""Each interval is a funnel of its own: one query or two."""

AT_ONCE = 2
"""So many are asked together: of a small one most is planning, which ClickHouse does in one thread."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request. `worth`: the events that carry the money, in the currency of `money`; () asks for none."""

    funnel: Funnel
    calendar: Calendar
    worth: tuple[Condition, ...] = ()
    money: Money = NO_MONEY

    @property
    def site(self) -> str:
        """Its name."""
        return self.funnel.site

    @property
    def timezone(self) -> str:
        """Whose days the rates are of."""
        return self.calendar.timezone

    @property
    def range(self) -> Range:
        """In which purchases of the funnel may lie."""
        return Range(self.funnel.range.start, self.funnel.range.end + self.funnel.window)


def parse(body: object) -> Spec:
    """Check a funnel (flat, or as `funnel`) with `interval`, `week_start`, `timezone`, `worth` and `currency`.

    Raises BadRequest.
    """
    asked, _, given = funnel_spec.parse_with(body, ("interval", "week_start", *funnel_worth.KEYS))
    return Spec(
        funnel=asked,
        calendar=calendar(
            asked.range,
            request.choice(given, "interval", PERIODS, "day"),
            timezone=request.timezone(given),
            week_start=request.choice(given, "week_start", WEEK_STARTS, "monday"),
            most=MAX_INTERVALS,
            field="interval",
        ),
        worth=funnel_worth.parse(given, asked),
        money=Money(request.currency(given)),
    )


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"series": [{"start", "entered", "converted", "conversion", "steps", "breakdown"?}]}`, empty intervals too."""
    parts = [_part(spec, at) for at in range(len(spec.calendar.starts))]
    with ThreadPoolExecutor(AT_ONCE, "trend") as pool:
        answers = list(pool.map(lambda part: funnel.run(engine, part), parts))
        if not spec.worth:
            return {"series": [_point(spec, at, answer) for at, answer in enumerate(answers)]}
        found = list(
            pool.map(
                lambda part, answer: funnel_worth.of_answer(engine, part, spec.worth, spec.timezone, answer),
                parts,
                answers,
            )
        )
    rows = [row for one in found for row in one]
    money = Money(funnel_worth.main_currency(rows, spec.money.currency), spec.money.rates)
    worth = [funnel_worth.beside(answer, theirs, money) for answer, theirs in zip(answers, found, strict=True)]
    return {
        "series": [_point(spec, at, answer) for at, answer in enumerate(worth)],
        "worth": {"currency": money.currency, "unconverted": funnel_worth.unconverted(rows, money)},
    }


def _part(spec: Spec, at: int) -> Funnel:
    whole, bounds = spec.funnel.range, spec.calendar.bounds(at)
    return replace(spec.funnel, range=Range(max(whole.start, bounds.start), min(whole.end, bounds.end)))


def _point(spec: Spec, at: int, answer: dict[str, Any]) -> dict[str, Any]:
    last = answer["steps"][-1]
    return {
        "start": spec.calendar.starts[at].isoformat(),
        "entered": answer["steps"][0]["count"],
        "converted": last["count"],
        "conversion": last["from_first"],
        **answer,
    }
