"""Exchange rates: one row a day and currency. Pure: texts in, checked rows out.

A CSV has a header with the columns `date`, `currency` and `rate` in any order.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tracker.core.errors import BadRequest

COLUMNS = ("date", "currency", "rate")
MAX_ROWS = 20_000
"""Most rows of one request."""

_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_LEAST, _MOST = 1e-12, 1e12


@dataclass(frozen=True)
class Rate:
    """What one unit of `currency` was worth in the base on `date` (YYYY-MM-DD of the site's time zone)."""

    date: str
    currency: str
    rate: float


def currency(value: object, field: str) -> str:
    """An ISO 4217 code in capitals. Raises BadRequest."""
    text = value.upper() if isinstance(value, str) else ""
    if not _CURRENCY.fullmatch(text):
        raise BadRequest(f"{field} must be a code of three letters, like EUR", code="bad_value", field=field)
    return text


def read_csv(text: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The lines of a CSV as objects, and where each stands. Raises BadRequest that names the line."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if sorted(header) != sorted(COLUMNS):
            raise BadRequest(f"line 1: the columns must be {', '.join(COLUMNS)}", code="bad_value")
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise BadRequest(f"line {reader.line_num}: {error}", code="bad_value") from None
    if not lines:
        raise BadRequest("the file has a header and nothing below it", code="bad_value")
    for number, cells in lines:
        if len(cells) != len(header):
            raise BadRequest(f"line {number}: there must be {len(header)} columns", code="bad_value")
    rows = [{name: cell.strip() for name, cell in zip(header, cells, strict=True)} for _, cells in lines]
    return rows, [f"line {number}" for number, _ in lines]


def checked(rows: Sequence[Mapping[str, Any]], places: Sequence[str], *, base: str, inverse: bool) -> list[Rate]:
    """Check rows; `places` says where each stands. Two rows of one day and currency are an error. Raises BadRequest.

    `inverse`: the rows say how much of the currency one unit of the base buys, as central banks often write it.
    """
    found: dict[tuple[str, str], Rate] = {}
    for place, row in zip(places, rows, strict=True):
        for name in row:
            if name not in COLUMNS:
                raise _wrong(place, name, f"is unknown; known are {', '.join(COLUMNS)}")
        given = _number(row.get("rate"), place)
        one = Rate(
            date=_day(row.get("date"), place),
            currency=currency(row.get("currency"), f"{place}.currency"),
            rate=1 / given if inverse else given,
        )
        if one.currency == base:
            raise _wrong(place, "currency", f"is the base itself, {base}")
        if (one.date, one.currency) in found:
            raise BadRequest(f"{place}: this day and currency were there already", code="bad_value", field=place)
        found[one.date, one.currency] = one
    return list(found.values())


def _day(value: object, place: str) -> str:
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise _wrong(place, "date", "must be a day written YYYY-MM-DD")


def _number(value: object, place: str) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not _LEAST <= number <= _MOST:
        raise _wrong(place, "rate", "must be a number above 0, with a point and without thousands separators")
    return number


def _wrong(place: str, name: str, what: str) -> BadRequest:
    return BadRequest(f"{place}: {name} {what}", code="bad_value", field=f"{place}.{name}")
