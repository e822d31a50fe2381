"""A report's answer in plain text: its main figures, and the beginning of its table. For mails.

Everything that visitors sent (names of events, addresses of pages) is put on one line and cut, so that it cannot look
like a part of the text around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tracker.analytics import tables
from tracker.core.lines import one_line

ROWS = 20
"""Rows that are shown; the file that goes with the text has all."""
COLUMNS = 8
WIDTH = 28
SHARES = frozenset(("conversion_rate", "from_previous", "from_first", "share", "dropped_share", "went_on_share"))
"""Columns and figures that are shown in percent."""
CODES = frozenset(("segment", "list", "part"))
"""Columns of our own words, which the API writes with underscores."""
LEFT_OUT = frozenset(("road",))
"""Figures about how the answer was counted, which say nothing to who reads a mail."""

Row = Mapping[str, Any]
_SECONDS = "seconds_"


def lines(report: str, answer: Row) -> list[str]:
    """Figures, an empty line, the table. Raises BadRequest where the report has no table."""
    columns, rows = SHAPES[report](answer) if report in SHAPES else tables.table(report, answer)
    rows = _dated(rows)
    figures = _figures(answer)
    said = [f"{name}: {value}" for name, value in figures] + ([""] if figures else [])
    if not rows:
        return [*said, "The table is empty: nothing fits in this period."]
    return said + _drawn(list(columns), rows)


def _figures(answer: Row) -> list[tuple[str, str]]:
    """What stands beside the table: numbers and texts of the answer itself, totals with the period before."""
    before, totals = answer.get("previous"), answer.get("totals")
    found = []
    if isinstance(totals, Mapping):
        for name, value in totals.items():
            was = before.get(name) if isinstance(before, Mapping) else None
            before_it = "" if was is None else f" (before: {_money(was, name)})"
            found.append((_words(name), _money(value, name) + before_it))
    plain = [
        (name, value) for name, value in answer.items() if isinstance(value, str | int | float) and name not in LEFT_OUT
    ]
    return found + [(_words(name), _text(value, name)) for name, value in plain if value != ""]


def _dated(rows: Sequence[Row]) -> Sequence[Row]:
    """`start` as a day, or as day and hour where one begins within a day; the text around says the time zone."""
    if not all(isinstance(row.get("start"), str) and "T" in row["start"] for row in rows):
        return rows
    hours = {row["start"][11:16] for row in rows} != {"00:00"}
    return [{**row, "start": row["start"][:10] + (f" {row['start'][11:16]}" if hours else "")} for row in rows]


def _time_to(answer: Row) -> tuple[list[str], list[dict[str, Any]]]:
    """The histogram of times, whose ends are seconds."""
    names = [f"{_SECONDS}from", f"{_SECONDS}to", "count"]
    return names, [dict(zip(names, (one["from"], one["to"], one["count"]), strict=True)) for one in answer["bins"]]


def _retention(answer: Row) -> tuple[list[str], list[dict[str, Any]]]:
    """A row a cohort instead of one a cohort and period: what most people know as the triangle."""
    names = [f"+{at}" for at in range(COLUMNS - 2)]
    rows = [
        {"cohort": one["start"], "size": one["size"], **dict(zip(names, one["returned"], strict=False))}
        for one in answer["cohorts"]
    ]
    return ["cohort", "size", *names], rows


SHAPES: Mapping[str, Callable[[Row], tuple[Any, Sequence[Row]]]] = {"retention": _retention, "funnel/time": _time_to}
"""Reports whose table is another one here than in a file."""


def _drawn(columns: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Columns that say something, aligned: numbers to the right."""
    shown = rows[:ROWS]
    said = [name for name in columns if any(_text(row.get(name)) for row in shown)]
    alike = {name for name in said if len({_text(row.get(name)) for row in rows}) == 1}
    if len(said) > COLUMNS:  # what is the same in every row says least
        said = [name for name in said if name not in alike or len(rows) == 1]
    said = said[:COLUMNS]
    cells = [[_words(name) for name in said], *([_text(row.get(name), name) for name in said] for row in shown)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(said))]
    right = [all(_number(row.get(name)) for row in shown) for name in said]
    drawn = [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    ]
    more = len(rows) - len(shown)
    return drawn + ([f"... and {more:,} more rows"] if more else [])


def _number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _text(value: object, name: str = "") -> str:
    """One cell: short, on one line."""
    if value is None:
        return ""
    if name in SHARES and isinstance(value, int | float):
        return f"{value * 100:.1f} %"
    if name.startswith(_SECONDS) and isinstance(value, int | float):
        return _time(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}"
    plain = one_line(str(value).replace("_", " ") if name in CODES else str(value))
    return plain if len(plain) <= WIDTH else plain[: WIDTH - 3] + "..."


def _time(seconds: float) -> str:
    """`40 s`, `5 min`, `14.1 h`, `3.2 days`."""
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"


def _money(value: object, name: str) -> str:
    """A number, or amounts by currency."""
    if isinstance(value, Mapping) and "amount" in value:
        return f"{_text(value['amount'])} {value.get('currency', '')}".strip()
    if isinstance(value, Mapping):
        return ", ".join(f"{_text(amount)} {currency}" for currency, amount in sorted(value.items())) or "0"
    return _text(value, name)


def _words(name: str) -> str:
    return name.replace(_SECONDS, "time_").replace("_", " ")
