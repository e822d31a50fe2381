"""Lengths of time and instants as the API writes them."""

from __future__ import annotations

import functools
import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tracker.core.errors import BadRequest

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d|w)", re.ASCII)


def duration_ms(text: object, *, field: str) -> int:
    """`"30m"`, `"24h"`, `"7d"` -> milliseconds. Elapsed time: a day is always 24 h. Raises BadRequest."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match[1]) == 0:
        raise BadRequest(
            f"{field} must be a positive whole number and a unit ms, s, m, h, d or w, like 30m, 24h or 7d",
            code="bad_duration",
            field=field,
        )
    return int(match[1]) * _UNITS_MS[match[2]]


def instant_ms(text: object, *, field: str) -> int:
    """RFC 3339 with an offset -> milliseconds since the epoch. Raises BadRequest.

    Events have whole milliseconds and ranges are half open, so a bound between two milliseconds is the later one: that
    way it parts the same events as the bound itself.
    """
    try:
        moment = datetime.fromisoformat(text.upper()) if isinstance(text, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 1970 <= moment.year < 2200:
        raise BadRequest(
            f"{field} must be an RFC 3339 time of the years 1970 to 2199 with an offset, like 2026-11-01T00:00:00Z",
            code="bad_time",
            field=field,
        )
    return max(0, -((_EPOCH - moment) // timedelta(milliseconds=1)))


def rfc3339(ms: int) -> str:
    """Milliseconds since the epoch -> RFC 3339 in UTC with milliseconds, ending in Z."""
    day, left = divmod(ms, 86_400_000)
    minutes, rest = divmod(left, 60_000)
    return f"{_day(day)}T{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}Z"


@functools.lru_cache(maxsize=1_000)
def _day(number: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(number)).date().isoformat()


def instant(day: date, timezone: str, hour: int = 0) -> int:
    """An hour of a day of an IANA time zone -> milliseconds since the epoch.

    One that is left out because clocks go forward is the instant at which they do; of one that comes twice it is the
    first (PEP 495, fold = 0).
    """
    return round(datetime.combine(day, time(hour), ZoneInfo(timezone)).timestamp() * 1000)


def next_month(day: date) -> date:
    """The first day of the month after."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
