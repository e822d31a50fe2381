"""The numbers of a retention report as a table shows them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from dashboard import formats

Json = dict[str, Any]

PERIODS = {"day": "Day", "week": "Week", "month": "Month"}
MOST = 36  # cohorts and columns of one table: more cannot be read


def fitting(days: int) -> str:
    """The period that gives a table of some ten rows."""
    return "day" if days <= 14 else "week" if days <= 120 else "month"


def title(start: str, period: str) -> str:
    """`2 Nov`, `2–8 Nov 2026`, `Nov 2026`."""
    first = date.fromisoformat(start[:10])
    if period == "month":
        return f"{first:%b %Y}"
    return formats.days(first, first + timedelta(days=6)) if period == "week" else f"{first.day} {first:%b %Y}"


def shares(cohort: Json, columns: int) -> list[float | None]:
    """The share that came back in period 1, 2 ... `columns`; None where that is not yet, or where nobody began."""
    returned, size = cohort["returned"], cohort["size"]
    return [returned[column] / size if size and column < len(returned) else None for column in range(1, columns + 1)]


def together(cohorts: Sequence[Json], columns: int, *, last_is_open: bool) -> list[float | None]:
    """The same over all cohorts, the big ones weighing more. `last_is_open`: a cohort's last period is not counted."""
    found: list[float | None] = []
    for column in range(1, columns + 1):
        over = [cohort for cohort in cohorts if len(cohort["returned"]) - last_is_open > column]
        size = sum(cohort["size"] for cohort in over)
        found.append(sum(cohort["returned"][column] for cohort in over) / size if size else None)
    return found
