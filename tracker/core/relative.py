"""Periods that are said from where one stands, like `last_7_days`, as days of a site's time zone. Pure.

today, yesterday
last_N_days, last_N_weeks, last_N_months    whole ones, up to the last midnight, end of a week or end of a month
last_week, last_month, last_quarter, last_year
this_week, this_month, this_quarter, this_year    from its first midnight until the moment; so is today
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tracker.core.errors import BadRequest
from tracker.core.period import instant

MOST = {"day": 400, "week": 60, "month": 24}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_WORD = re.compile(r"(last|this)_(week|month|quarter|year)|last_([1-9]\d{0,3})_(day|week|month)s", re.ASCII)


def check(text: object, field: str = "period") -> str:
    """The text, if it says such a period. Raises BadRequest."""
    match = _WORD.fullmatch(text) if isinstance(text, str) else None
    if not isinstance(text, str) or (text not in ("today", "yesterday") and match is None):
        raise BadRequest(
            f"{field} must be like yesterday, last_7_days, last_8_weeks, last_month, last_quarter or this_month",
            field=field,
        )
    if match is not None and match[3] and int(match[3]) > MOST[match[4]]:
        raise BadRequest(f"{field} may be at most {MOST[match[4]]} {match[4]}s", field=field)
    return text


def resolve(text: str, timezone: str, at_ms: int, *, week_start: str = "monday") -> tuple[int, int]:
    """From and to, in milliseconds since the epoch, of a checked period as seen from `at_ms`; `to` is not included.

    `this_...` and `today` end at the moment, but are at least one second long.
    """
    today = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(timezone)).date()
    start, end = _days(text, today, week_start)
    begin = instant(start, timezone)
    if end is None:
        return begin, max(at_ms, begin + 1000)
    return begin, instant(end, timezone)


def _days(text: str, today: date, week_start: str) -> tuple[date, date | None]:
    """The first day, and the one after the last; None: it is not over."""
    if text == "today":
        return today, None
    if text == "yesterday":
        return today - timedelta(days=1), today
    [(which, one, several, units)] = _WORD.findall(check(text))
    number, unit = int(several or 1), one or units
    if unit == "day":
        return today - timedelta(days=number), today
    if unit == "week":
        begin = today - timedelta(days=(today.weekday() + (week_start == "sunday")) % 7)
        before = begin - timedelta(days=7 * number)
    else:
        length = _MONTHS[unit]
        begin = today.replace(month=(today.month - 1) // length * length + 1, day=1)
        months = begin.year * 12 + begin.month - 1 - length * number
        before = date(months // 12, months % 12 + 1, 1)
    return (begin, None) if which == "this" else (before, begin)
