"""Exchange rates: one row a day and currency. Pure: texts in, checked rows out.

A CSV has a header with the columns `date`, `currency` and `rate` in any order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.core import dated_rows
from tracker.core.dated_rows import day, known_only, number, wrong
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
    return dated_rows.read_csv(text, _wrong_header)


def checked(rows: Sequence[Mapping[str, Any]], places: Sequence[str], *, base: str, inverse: bool) -> list[Rate]:
    """Check rows; `places` says where each stands. Two rows of one day and currency are an error. Raises BadRequest.

    `inverse`: the rows say how much of the currency one unit of the base buys, as central banks often write it.
    """
    found: dict[tuple[str, str], Rate] = {}
    for place, row in zip(places, rows, strict=True):
        known_only(row, COLUMNS, place)
        given = number(row.get("rate"), "rate", place, (_LEAST, _MOST), "above 0")
        one = Rate(
            date=day(row.get("date"), place),
            currency=currency(row.get("currency"), f"{place}.currency"),
            rate=1 / given if inverse else given,
        )
        if one.currency == base:
            raise wrong(place, "currency", f"is the base itself, {base}")
        if (one.date, one.currency) in found:
            raise BadRequest(f"{place}: this day and currency were there already", code="bad_value", field=place)
        found[one.date, one.currency] = one
    return list(found.values())


def _wrong_header(header: Sequence[str]) -> str:
    return "" if sorted(header) == sorted(COLUMNS) else f"the columns must be {', '.join(COLUMNS)}"
