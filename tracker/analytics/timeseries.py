"""One number an hour, day, week or month: events, people, or the sum of `value`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tracker.analytics import period_sets, request, timeseries_rollups
from tracker.analytics.calendar import Calendar, calendar
from tracker.analytics.compare import COMPARES, before
from tracker.analytics.money import NO_MONEY, Money, by_currency, split
from tracker.analytics.request import Range
from tracker.core.errors import BadRequest
from tracker.store import persons, rollups
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param
from tracker.store.filters import Condition, parse_condition
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import condition, counted

KEYS = ("site", "from", "to", "interval", "event", "measure", "compare", "timezone", "currency")
INTERVALS = ("hour", "day", "week", "month")
MEASURES = ("events", "people", "value")
MAX_POINTS = 20_000
MAX_SET = 512
"""Most days, weeks or months that are kept as a set for each person."""

_BUCKETS = {
    # the moment the wall clock's hour began, or would have, had the clocks not been changed by half an hour in it
    "hour": "toUnixTimestamp(ts) - (toUnixTimestamp(ts) + timezoneOffset(toTimeZone(ts, {timezone:String}))) % 3600",
    "day": "toDate(ts, {timezone:String})",
    "week": "toStartOfWeek(ts, 1, {timezone:String})",
    "month": "toStartOfMonth(ts, {timezone:String})",
}
_FIGURES = {
    "events": "toFloat64(count())",
    # by day and currency
    "value": "sumMapIf(map(concat(toString(toDate(ts, {timezone:String})), toString(currency)), assumeNotNull(value)),"
    " isNotNull(value))",
}
_QUARTER = 900  # seconds: no zone differs from UTC by anything finer
_SHORTEST = {"hour": 3600, "day": 86_400, "week": 7 * 86_400, "month": 28 * 86_400}


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request."""

    site: str
    range: Range
    interval: str
    event: Condition
    measure: str
    compare: str = ""
    timezone: str = "UTC"
    money: Money = NO_MONEY


def parse(body: object) -> Spec:
    """Check a request with the keys `KEYS`. Raises BadRequest."""
    given = request.fields(body, KEYS)
    between, interval = request.time_range(given), request.choice(given, "interval", INTERVALS, "day")
    if (between.end - between.start) / 1000 / _SHORTEST[interval] > MAX_POINTS:
        raise BadRequest(f"that is more than {MAX_POINTS} points; take a longer interval", field="interval")
    return Spec(
        site=request.site(given),
        range=between,
        interval=interval,
        event=parse_condition(given["event"], "event") if given.get("event") is not None else Condition("*"),
        measure=request.choice(given, "measure", MEASURES, "events"),
        compare=request.choice(given, "compare", COMPARES, "") if given.get("compare") is not None else "",
        timezone=request.timezone(given),
        money=Money(request.currency(given)),
    )


def run(engine: Engine, spec: Spec, *, events_only: bool = False) -> dict[str, Any]:
    """`{"series": [{"start", "value"}], "previous"?: [...]}`: every interval that touches the range, empty ones too.

    Weeks start on Monday. The first and the last interval count only what lies in the range. Days that are counted
    already are not counted again; `events_only` counts everything from events.
    """
    answer: dict[str, Any] = {"currency": spec.money.currency or None} if spec.measure == "value" else {}
    answer["series"] = _series(engine, spec, spec.range, events_only)
    if spec.compare:
        answer["previous"] = _series(engine, spec, before(spec.range, spec.timezone, spec.compare), events_only)
    return answer


def _series(engine: Engine, spec: Spec, between: Range, events_only: bool) -> list[dict[str, Any]]:
    how = rollups.Road()
    rolled = spec.interval in timeseries_rollups.INTERVALS and not spec.event.where and not events_only
    if rolled:
        how = rollups.road(engine, spec.site, spec.timezone, between.start, between.end)
    if rolled and how.empty:
        found: dict[str, Any] = {}
    elif how.used:
        asked = {"interval": spec.interval, "event": spec.event.event, "measure": spec.measure}
        found = timeseries_rollups.found(engine, how, spec.site, spec.timezone, between, **asked)
    else:
        found = _from_events(engine, spec, between)
    if spec.measure == "value":
        return [{"start": start, **_worth(spec, found.get(key))} for key, start in _starts(spec, between)]
    return [{"start": start, "value": int(found.get(key, 0))} for key, start in _starts(spec, between)]


def _worth(spec: Spec, amounts: Any) -> dict[str, Any]:
    """Amounts by currency, and one figure: all that could be converted, or the plain sum where nothing is to be."""
    parts = split(amounts)
    values: dict[str, Any] = {"values": by_currency(parts)}
    if not spec.money.currency:
        return {"value": round(sum(amount for _, _, amount in parts), 4), **values}
    made = spec.money.converted(parts)
    return {"value": made["amount"], **values, "unconverted": made["unconverted"]}


def _from_events(engine: Engine, spec: Spec, between: Range) -> dict[str, Any]:
    slots = {"events": events_source(engine), "counted": counted([spec.event]), "event": condition(spec.event)}
    params: dict[str, Param] = {"site": spec.site, "from": between.start, "to": between.end, "timezone": spec.timezone}
    if spec.measure != "people":
        slots |= {"bucket": Fragment(_BUCKETS[spec.interval]), "figure": Fragment(_FIGURES[spec.measure])}
        return dict(engine.ask(fill(load(__package__, "timeseries"), slots, params)).rows)
    linked = persons.linked(engine, spec.site)
    slots["persons"] = persons.join() if linked else Fragment("")
    slots["person"] = Fragment(persons.PERSON if linked else "key")
    if spec.interval != "hour":
        days = _calendar(spec, between)
        if len(days.starts) <= MAX_SET:
            slots["periods"] = Fragment(period_sets.gathered(days, "true"))
            slots["united"] = Fragment(period_sets.united(days, "periods"))
            slots["positions"] = Fragment(period_sets.positions(days, "periods"))
            found = engine.ask(fill(load(__package__, "timeseries_people"), slots, params)).rows
            return {days.starts[number].isoformat(): people for number, people in found}
    slots["bucket"] = Fragment(_BUCKETS[spec.interval])
    return dict(engine.ask(fill(load(__package__, "timeseries_hours"), slots, params)).rows)


def _calendar(spec: Spec, between: Range) -> Calendar:
    return calendar(between, spec.interval, timezone=spec.timezone, week_start="monday", most=MAX_POINTS + 2)


def _starts(spec: Spec, between: Range) -> list[tuple[str, str]]:
    """Key as SQL writes it and RFC 3339 start of every interval."""
    zone = ZoneInfo(spec.timezone)
    if spec.interval == "hour":
        return _hours(between, zone)
    days = _calendar(spec, between).starts
    return [(day.isoformat(), datetime.combine(day, time(), zone).isoformat()) for day in days]


def _hours(between: Range, zone: ZoneInfo) -> list[tuple[str, str]]:
    """The same for hours of the wall clock. Where the clocks are changed within one (by half an hour, on Lord Howe
    Island), another begins.
    """
    first, last = between.start // 1000, (between.end - 1) // 1000
    hours: list[tuple[str, str]] = []
    seen: tuple[int, timedelta | None] | None = None
    for second in range(first - first % _QUARTER - 3600, last + 1, _QUARTER):
        local = datetime.fromtimestamp(second, zone)
        begun = second - local.minute * 60 - local.second
        if seen != (begun, local.utcoffset()):
            seen = begun, local.utcoffset()
            hours.append((str(begun), local.isoformat()))
            if second <= first:  # so far it is the one that the range begins in
                del hours[:-1]
    return hours
