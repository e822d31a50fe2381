"""New, returning, resurrecting and dormant people of each day, week or month. Definitions: `docs/reports.md`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracker.analytics import calendar, request
from tracker.analytics.calendar import Calendar
from tracker.analytics.request import Range
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.filters import Condition, parse_condition
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import condition, counted

MAX_PERIODS = 1_000
STATES = ("new", "returning", "resurrecting", "dormant")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request."""

    site: str
    range: Range
    calendar: Calendar
    event: Condition


def parse(body: object) -> Spec:
    """Check `{"site", "from", "to", "period", "week_start", "event", "timezone"}`. Raises BadRequest."""
    given = request.fields(body, ("site", "from", "to", "period", "week_start", "event", "timezone"))
    between = request.time_range(given)
    period = request.choice(given, "period", calendar.PERIODS, "week")
    week_start = request.choice(given, "week_start", calendar.WEEK_STARTS, "monday")
    return Spec(
        site=request.site(given),
        range=between,
        calendar=calendar.calendar(
            between, period, timezone=request.timezone(given), week_start=week_start, most=MAX_PERIODS
        ),
        event=parse_condition(given["event"], "event") if given.get("event") is not None else Condition("*"),
    )


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"periods": [{"start": "2026-11-02", "new", "returning", "resurrecting", "dormant"}]}`, empty ones too."""
    query = fill(
        load(__package__, "lifecycle"),
        {
            "number": Fragment(spec.calendar.number("ts"), {"timezone": spec.calendar.timezone}),
            "person": Fragment(persons.PERSON),
            "events": events_source(engine),
            "persons": persons.join(),
            "counted": counted([spec.event]),
            "event": condition(spec.event),
        },
        {"site": spec.site, "to": spec.range.end, "last": len(spec.calendar.starts) - 1},
    )
    found: dict[tuple[int, str], int] = {(number, state): people for number, state, people in engine.ask(query).rows}
    return {
        "periods": [
            {"start": start.isoformat(), **{state: found.get((number, state), 0) for state in STATES}}
            for number, start in enumerate(spec.calendar.starts)
        ]
    }
