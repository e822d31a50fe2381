"""New, returning, resurrecting and dormant people of each day, week or month. Definitions: `docs/reports.md`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tracker.analytics import request
from tracker.analytics.request import Range
from tracker.core.errors import BadRequest
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.filters import Condition, parse_condition
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import condition, counted

PERIODS = ("day", "week", "month")
MAX_PERIODS = 1_000
STATES = ("new", "returning", "resurrecting", "dormant")

_EPOCH = date(1970, 1, 1)  # a Thursday
_DAY = "toUInt32(toDate(ts, {timezone:String}))"
_NUMBERS = {
    "day": _DAY,
    "week": f"intDiv({_DAY} + {{shift:UInt8}}, 7)",
    "month": "toYear(ts, {timezone:String}) * 12 + toMonth(ts, {timezone:String}) - 1",
}
_SHIFTS = {"monday": 3, "sunday": 4}  # days from the start of a week to the epoch


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request."""

    site: str
    range: Range
    period: str
    week_start: str
    event: Condition
    timezone: str = "UTC"


def parse(body: object) -> Spec:
    """Check `{"site", "from", "to", "period", "week_start", "event", "timezone"}`. Raises BadRequest."""
    given = request.fields(body, ("site", "from", "to", "period", "week_start", "event", "timezone"))
    spec = Spec(
        site=request.site(given),
        range=request.time_range(given),
        period=request.choice(given, "period", PERIODS, "week"),
        week_start=request.choice(given, "week_start", tuple(_SHIFTS), "monday"),
        event=parse_condition(given["event"], "event") if given.get("event") is not None else Condition("*"),
        timezone=request.timezone(given),
    )
    first, last = _first_and_last(spec)
    if last - first >= MAX_PERIODS:
        raise BadRequest(f"that is more than {MAX_PERIODS} periods; take longer ones", field="period")
    return spec


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"periods": [{"start": "2026-11-02", "new", "returning", "resurrecting", "dormant"}]}`, empty ones too."""
    first, last = _first_and_last(spec)
    query = fill(
        load(__package__, "lifecycle"),
        {
            "number": Fragment(
                _NUMBERS[spec.period], {"shift": _SHIFTS[spec.week_start]} if spec.period == "week" else {}
            ),
            "person": Fragment(persons.PERSON),
            "events": events_source(engine),
            "persons": persons.join(),
            "counted": counted([spec.event]),
            "event": condition(spec.event),
        },
        {"site": spec.site, "to": spec.range.end, "timezone": spec.timezone, "first": first, "last": last},
    )
    found: dict[int, dict[str, int]] = {}
    for number, state, people in engine.ask(query).rows:
        found.setdefault(number, {})[state] = people
    return {
        "periods": [
            {"start": _start(spec, number), **{state: found.get(number, {}).get(state, 0) for state in STATES}}
            for number in range(first, last + 1)
        ]
    }


def _first_and_last(spec: Spec) -> tuple[int, int]:
    """Numbers of the periods that hold the range's first and last millisecond."""
    zone = ZoneInfo(spec.timezone)
    days = [
        datetime.fromtimestamp(moment / 1000, UTC).astimezone(zone).date()
        for moment in (spec.range.start, spec.range.end - 1)
    ]
    return _number(spec, days[0]), _number(spec, days[1])


def _number(spec: Spec, day: date) -> int:
    if spec.period == "month":
        return day.year * 12 + day.month - 1
    since = (day - _EPOCH).days
    return since if spec.period == "day" else (since + _SHIFTS[spec.week_start]) // 7


def _start(spec: Spec, number: int) -> str:
    if spec.period == "month":
        return date(number // 12, number % 12 + 1, 1).isoformat()
    days = number if spec.period == "day" else number * 7 - _SHIFTS[spec.week_start]
    return (_EPOCH + timedelta(days=days)).isoformat()
