"""When something is to happen again and again: each day, week or month at an hour of a site's time zone. Pure.

The clock of the site counts; `period.instant` says which instant an hour is on a day on which clocks change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tracker.core.errors import BadRequest
from tracker.core.period import instant, next_month

EVERY = ("day", "week", "month")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_KEYS = {"day": ("every", "hour"), "week": ("every", "weekday", "hour"), "month": ("every", "day", "hour")}


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """`weekday`: 0 is Monday. `day`: of the month; one that a month does not have is its last."""

    every: str
    hour: int
    weekday: int = 0
    day: int = 1

    def latest(self, timezone: str, at_ms: int) -> int:
        """The last moment of the rhythm that is not after `at_ms`; milliseconds since the epoch."""
        day = self._day_of(_local(at_ms, timezone) + timedelta(days=1))  # a day more: zones jump over midnight, too
        while (moment := instant(day, timezone, self.hour)) > at_ms:
            day = self._day_of(day - timedelta(days=1))
        return moment

    def following(self, timezone: str, at_ms: int) -> int:
        """The first moment of the rhythm after `at_ms`; milliseconds since the epoch."""
        day = self._day_of(_local(at_ms, timezone) - timedelta(days=1))
        while (moment := instant(day, timezone, self.hour)) <= at_ms:
            day = self._next(day)
        return moment

    def _day_of(self, day: date) -> date:
        """The day of the rhythm that is `day`, or the last one before."""
        if self.every == "day":
            return day
        if self.every == "week":
            return day - timedelta(days=(day.weekday() - self.weekday) % 7)
        found = _in_month(day, self.day)
        return found if found <= day else _in_month(day.replace(day=1) - timedelta(days=1), self.day)

    def _next(self, day: date) -> date:
        if self.every == "month":
            return _in_month(next_month(day), self.day)
        return day + timedelta(days=7 if self.every == "week" else 1)


def parse(given: object, field: str = "rhythm") -> Rhythm:
    """`{"every": "day|week|month", "hour": 0-23, "weekday"?: "monday".., "day"?: 1-31}`. Raises BadRequest."""
    if not isinstance(given, Mapping):
        like = '{"every": "week", "weekday": "monday", "hour": 8}'
        raise BadRequest(f"{field} must be an object like {like}", field=field)
    every = given.get("every")
    if not isinstance(every, str) or every not in EVERY:
        raise BadRequest(f"{field}.every must be one of {', '.join(EVERY)}", field=f"{field}.every")
    for name in given:
        if name not in _KEYS[every]:
            raise BadRequest(
                f"{field} of every {every} takes {', '.join(_KEYS[every])}", field=f"{field}.{str(name)[:40]}"
            )
    weekday = given.get("weekday", WEEKDAYS[0])
    if weekday not in WEEKDAYS:
        raise BadRequest(f"{field}.weekday must be one of {', '.join(WEEKDAYS)}", field=f"{field}.weekday")
    return Rhythm(
        every=every,
        hour=_whole(given, "hour", None, (0, 23), field),
        weekday=WEEKDAYS.index(weekday),
        day=_whole(given, "day", 1, (1, 31), field),
    )


def shown(rhythm: Rhythm) -> dict[str, Any]:
    """As `parse` takes it."""
    said = {"every": rhythm.every, "hour": rhythm.hour, "weekday": WEEKDAYS[rhythm.weekday], "day": rhythm.day}
    return {name: said[name] for name in _KEYS[rhythm.every]}


def _local(at_ms: int, timezone: str) -> date:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(timezone)).date()


def _in_month(day: date, wanted: int) -> date:
    return day.replace(day=min(wanted, (next_month(day) - timedelta(days=1)).day))


def _whole(given: Mapping[str, Any], name: str, default: int | None, bounds: tuple[int, int], field: str) -> int:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not bounds[0] <= value <= bounds[1]:
        raise BadRequest(
            f"{field}.{name} must be a whole number from {bounds[0]} to {bounds[1]}", field=f"{field}.{name}"
        )
    return value
