"""How an audience grew, day by day. Pure: the rows of the history in, what a chart and a table need out."""

from __future__ import annotations

from datetime import timedelta

from dashboard import formats
from dashboard.client import Json
from dashboard.state import Period

BY = {
    "event": "did something",
    "identity": "was recognised",
    "suppression": "the suppression list changed",
    "time": "a time in the rule ran out",
    "definition": "the audience was made or changed",
    "lapsed": "not heard of for too long",
    "gone": "is part of another person now",
}
"""Why somebody entered or left, in words that follow a dash or a comma."""


def reason(by: str | None) -> str:
    """Why, in words; a reason this page does not know as it is."""
    return BY.get(by or "", (by or "").replace("_", " "))


FEWEST = 10
"""A count of people below this is not shown (privacy rules, P-42); the API hides it in previews and histories."""


def told(people: int) -> str:
    """A count of stored members, hidden where they are few."""
    return formats.few(people if people == 0 or people >= FEWEST else None)


def by_day(rows: list[Json], period: Period, today: str) -> tuple[list[str], list[float | None]]:
    """The size at the end of each day of the period, until today; None before the first refresh, and for a few."""
    last: dict[str, int | None] = {}
    for row in rows:
        then = formats.moment(str(row["at"]))
        if then is not None:
            last[then.astimezone(period.zone).date().isoformat()] = row["members"]
    days, values = [], []
    size: float | None = None
    for at in range(period.days):
        day = (period.first + timedelta(days=at)).isoformat()
        if day > today:
            break
        size = last.get(day, size)
        days.append(day)
        values.append(size)
    return days, values


def latest(rows: list[Json], most: int) -> list[Json]:
    """The last refreshes in which somebody entered or left, the newest first."""
    return [row for row in reversed(rows) if (row["entered"], row["gone"]) != (0, 0)][:most]
