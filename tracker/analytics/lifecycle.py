"""New, returning, resurrecting and dormant people of each day, week or month. Definitions: `docs/reports.md`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracker.analytics import calendar, period_sets, request
from tracker.analytics.calendar import Calendar
from tracker.analytics.request import Range
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Query
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
    asked = query(engine, spec)
    found = {(number, STATES[state]): people for number, state, people in engine.ask(asked).rows}
    return {
        "periods": [
            {"start": start.isoformat(), **{state: found.get((number, state), 0) for state in STATES}}
            for number, start in enumerate(spec.calendar.starts)
        ]
    }


def query(engine: Engine, spec: Spec) -> Query:
    """The whole report as one query: each stored key's periods, then each person's, then the states."""
    before = spec.calendar.with_one_before()
    number = before.number("ts")
    keys = fill(
        load(__package__, "lifecycle_keys"),
        {
            "began": Fragment(number, {"timezone": before.timezone}),
            "periods": Fragment(period_sets.gathered(before, f"{number} >= 0")),
            "events": events_source(engine),
            "counted": counted([spec.event]),
            "event": condition(spec.event),
        },
    )
    gathered = Fragment(keys.text, keys.params)
    if persons.linked(engine, spec.site):
        slots = {
            "person": Fragment(persons.PERSON),
            "periods": Fragment(period_sets.united(before, "of_keys.periods")),
            "of_keys": gathered,
            "persons": persons.join(),
        }
        united = fill(load(__package__, "lifecycle_persons"), slots)
        gathered = Fragment(united.text, united.params)
    return fill(
        load(__package__, "lifecycle"),
        {"active": Fragment(period_sets.positions(before, "periods")), "gathered": gathered},
        {"site": spec.site, "to": spec.range.end, "last": len(spec.calendar.starts) - 1},
        settings={"join_algorithm": "hash"},  # as in funnels: the map of persons is small
    )
