"""Days, weeks and months of a site's time zone as numbers 0, 1, 2 ... within one report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tracker.analytics.request import Range
from tracker.core.errors import BadRequest
from tracker.core.period import instant, next_month

PERIODS = ("day", "week", "month")
WEEK_STARTS = ("monday", "sunday")


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The periods of `timezone` (IANA) that a range touches; the first and the last may lie in it only partly."""

    period: str
    timezone: str
    week_start: str
    starts: tuple[date, ...]

    def bounds(self, at: int) -> Range:
        """Milliseconds of period `at`, from its first midnight to that of the next period."""
        return Range(*(instant(day, self.timezone) for day in (self.starts[at], _next(self.starts[at], self.period))))

    def number(self, moment: str) -> str:
        """SQL: the number of the period that `moment` (a DateTime64) lies in; needs the parameter `timezone`."""
        local, first = f"toDate({moment}, {{timezone:String}})", self.starts[0]
        if self.period == "month":
            return f"toInt32(toYear({local}) * 12 + toMonth({local})) - {first.year * 12 + first.month}"
        days = f"toInt32({local}) - {first.toordinal() - date(1970, 1, 1).toordinal()}"
        return days if self.period == "day" else f"toInt32(floor(({days}) / 7))"  # before the range too


def calendar(
    between: Range, period: str, *, timezone: str, week_start: str, most: int, field: str = "period"
) -> Calendar:
    """The periods that `between` touches. Raises BadRequest (`field`) where they are more than `most`."""
    zone = ZoneInfo(timezone)
    day = datetime.fromtimestamp(between.start / 1000, UTC).astimezone(zone).date()
    last = datetime.fromtimestamp((between.end - 1) / 1000, UTC).astimezone(zone).date()
    if period == "week":
        day -= timedelta(days=(day.weekday() + (week_start == "sunday")) % 7)
    elif period == "month":
        day = day.replace(day=1)
    starts = []
    while day <= last:
        starts.append(day)
        if len(starts) > most:
            raise BadRequest(f"that is more than {most} periods; take longer ones or a shorter range", field=field)
        day = _next(day, period)
    return Calendar(period=period, timezone=timezone, week_start=week_start, starts=tuple(starts))


def _next(day: date, period: str) -> date:
    if period == "month":
        return next_month(day)
    return day + timedelta(days=7 if period == "week" else 1)
