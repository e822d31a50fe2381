"""On how many days of a week or month people are active, and DAU / WAU / MAU. Definitions: `docs/reports.md`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from tracker.analytics import calendar, request
from tracker.analytics.calendar import Calendar
from tracker.analytics.request import Range
from tracker.core.errors import BadRequest
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.filters import Condition, parse_condition
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import condition, counted

MAX_PERIODS = 400
PERIODS = ("week", "month")
UNITS = ("day", "week")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request: `units` are the days or weeks that are counted in each of `periods`."""

    site: str
    range: Range
    periods: Calendar
    units: Calendar
    event: Condition


def parse(body: object) -> Spec:
    """Check `{"site", "from", "to", "period", "unit", "week_start", "event", "timezone"}`. Raises BadRequest."""
    given = request.fields(body, ("site", "from", "to", "period", "unit", "week_start", "event", "timezone"))
    between, zone = request.time_range(given), request.timezone(given)
    period = request.choice(given, "period", PERIODS, "month")
    unit = request.choice(given, "unit", UNITS, "day")
    if unit == period:
        raise BadRequest("unit must be shorter than period", field="unit")
    start = request.choice(given, "week_start", calendar.WEEK_STARTS, "monday")
    return Spec(
        site=request.site(given),
        range=between,
        periods=calendar.calendar(between, period, timezone=zone, week_start=start, most=MAX_PERIODS),
        units=calendar.calendar(between, unit, timezone=zone, week_start=start, most=MAX_PERIODS * 32),
        event=parse_condition(given["event"], "event") if given.get("event") is not None else Condition("*"),
    )


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"periods": [{"start", "units", "people", "active", "average", "per_unit", "ratio"}]}`, empty ones too."""
    query = fill(
        load(__package__, "stickiness"),
        {
            "person": Fragment(persons.PERSON),
            "period": Fragment(spec.periods.number("ts"), {"timezone": spec.periods.timezone}),
            "unit": Fragment(spec.units.number("ts")),
            "events": events_source(engine),
            "persons": persons.join(),
            "counted": counted([spec.event]),
            "event": condition(spec.event),
        },
        {"site": spec.site, "from": spec.range.start, "to": spec.range.end},
    )
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for period, units, people in engine.ask(query).rows:
        found[period][units] = people
    return {"periods": [_period(spec, at, found[at]) for at in range(len(spec.periods.starts))]}


def _period(spec: Spec, at: int, by_units: dict[int, int]) -> dict[str, Any]:
    units, people = _units_in(spec, at), sum(by_units.values())
    active = sum(number * count for number, count in by_units.items())
    return {
        "start": spec.periods.starts[at].isoformat(),
        "units": units,
        "people": people,
        "active": [by_units.get(number, 0) for number in range(1, units + 1)],
        "average": active / people if people else None,
        "per_unit": active / units,
        "ratio": active / units / people if people else None,
    }


def _units_in(spec: Spec, at: int) -> int:
    """How many days or weeks of the range touch a period."""
    period = spec.periods.bounds(at)
    start, end = max(period.start, spec.range.start), min(period.end, spec.range.end)
    bounds = (spec.units.bounds(number) for number in range(len(spec.units.starts)))
    return sum(unit.start < end and unit.end > start for unit in bounds)
