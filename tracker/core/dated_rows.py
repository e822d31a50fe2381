"""Rows with a day each, as people import them: a CSV with a header, and cells that are days and numbers. Pure.

Errors are BadRequest and name the place: "line 7: rate must be ...".
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from tracker.core.errors import BadRequest


def read_csv(text: str, wrong_header: Callable[[Sequence[str]], str]) -> tuple[list[dict[str, Any]], list[str]]:
    """The lines of a CSV as objects, and where each stands. `wrong_header`: what is wrong with these columns, or ''."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if wrong := wrong_header(header):
            raise BadRequest(f"line 1: {wrong}", code="bad_value")
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise BadRequest(f"line {reader.line_num}: {error}", code="bad_value") from None
    if not lines:
        raise BadRequest("the file has a header and nothing below it", code="bad_value")
    for number, cells in lines:
        if len(cells) != len(header):
            raise BadRequest(
                f"line {number}: {len(cells)} columns where the header has {len(header)}", code="bad_value"
            )
    rows = [{name: cell.strip() for name, cell in zip(header, cells, strict=True)} for _, cells in lines]
    return rows, [f"line {number}" for number, _ in lines]


def known_only(row: Mapping[str, Any], columns: Sequence[str], place: str) -> None:
    """Refuse a row with anything but `columns`."""
    for name in row:
        if name not in columns:
            raise wrong(place, name, f"is unknown; known are {', '.join(columns)}")


def day(value: object, place: str) -> str:
    """A day written YYYY-MM-DD."""
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise wrong(place, "date", "must be a day written YYYY-MM-DD")


def number(value: object, name: str, place: str, allowed: tuple[float, float], said: str) -> float:
    """A number of the range `allowed`; `said`: which those are, for the reader."""
    try:
        found = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        found = math.nan
    if not allowed[0] <= found <= allowed[1]:
        raise wrong(place, name, f"must be a number {said}, with a point and without thousands separators")
    return found


def wrong(place: str, name: str, what: str) -> BadRequest:
    """The error for one cell."""
    return BadRequest(f"{place}: {name} {what}", code="bad_value", field=f"{place}.{name}")
