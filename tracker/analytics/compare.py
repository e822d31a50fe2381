"""The time that a report is compared with, and by how much its figures differ."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tracker.analytics.request import Range

COMPARES = ("previous", "year")
_WEEKS = timedelta(weeks=52)


def before(between: Range, timezone: str, compare: str) -> Range:
    """`previous`: as long a time just before. `year`: 52 weeks earlier, so that weekdays meet.

    Whole calendar days of the time zone stay whole days where the clocks change in between; other times are moved by
    elapsed time.
    """
    zone = ZoneInfo(timezone)
    start, end = (datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone) for ms in (between.start, between.end))
    if start.time() == end.time() == time():
        back = _WEEKS if compare == "year" else timedelta(days=(end.date() - start.date()).days)
        first, last = start.date() - back, end.date() - back
        return Range(*(round(datetime.combine(day, time(), zone).timestamp() * 1000) for day in (first, last)))
    gap = round(_WEEKS.total_seconds() * 1000) if compare == "year" else between.end - between.start
    return Range(between.start - gap, between.end - gap)


def change(now: Mapping[str, Any], past: Mapping[str, Any]) -> dict[str, Any]:
    """Of each figure (now - before) / before, None where there was nothing before; of amounts, currency by currency."""
    return {name: _change(value, past.get(name)) for name, value in now.items() if name != "converted"} | (
        {"converted": _change(now["converted"]["amount"], past["converted"]["amount"])} if "converted" in now else {}
    )


def _change(now: Any, past: Any) -> Any:
    if isinstance(now, Mapping):
        earlier = past if isinstance(past, Mapping) else {}
        return {name: _change(now.get(name, 0), earlier.get(name)) for name in sorted({*now, *earlier})}
    return (now - past) / past if past else None
