"""Days of a site's time zone, as ClickHouse's Date numbers them: since 1970."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_EPOCH = date(1970, 1, 1)
FIRST = (date(1980, 1, 1) - _EPOCH).days
"""Zones have differed from UTC by whole quarters of an hour since then; no day before it is rolled up."""


def day_number(day: date) -> int:
    """Days since 1970, as ClickHouse's Date."""
    return (day - _EPOCH).days


def midnight(number: int, timezone: str) -> int:
    """Milliseconds of a day's start in a zone."""
    day = _EPOCH + timedelta(days=number)
    return round(datetime.combine(day, time(), ZoneInfo(timezone)).timestamp() * 1000)


def local_days(start: int, end: int, timezone: str) -> range:
    """The days that [start, end) (ms) touches."""
    zone = ZoneInfo(timezone)
    first, last = (datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).date() for ms in (start, end - 1))
    return range(day_number(first), day_number(last) + 1)


def dates(start: int, end: int, timezone: str) -> list[date]:
    """As `local_days`."""
    return [_EPOCH + timedelta(days=number) for number in local_days(start, end, timezone)]
