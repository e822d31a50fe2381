"""What advertising cost: one row a day and channel, source or campaign. Pure: texts in, checked rows out.

A CSV has a header with the columns of `COLUMNS` in any order; `date`, `cost` and `currency` must be there and at least
one of `channel`, `source`, `campaign`.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tracker.core.errors import BadRequest

NAMES = ("channel", "source", "campaign")
COLUMNS = ("date", *NAMES, "cost", "clicks", "impressions", "currency")
MAX_ROWS = 5_000
"""Most rows of one request."""

_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_MOST = 10**15


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One day's cost. `date` is YYYY-MM-DD in the site's time zone; a name that does not apply is ''."""

    date: str
    channel: str = ""
    source: str = ""
    campaign: str = ""
    cost: float
    clicks: int = 0
    impressions: int = 0
    currency: str

    @property
    def key(self) -> tuple[str, ...]:
        """What the row is about; a later row with the same key replaces it."""
        return self.date, self.channel, self.source, self.campaign, self.currency


def read_csv(text: str) -> list[dict[str, Any]]:
    """The lines of a CSV as objects for `checked`, after all of them were. Raises BadRequest that names the line."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(header)
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
    checked(rows, [f"line {number}" for number, _ in lines])
    return rows


def checked(rows: Sequence[Mapping[str, Any]], places: Sequence[str]) -> list[Cost]:
    """Check rows; `places` says where each stands. Two rows about the same thing are an error. Raises BadRequest."""
    found: dict[tuple[str, ...], str] = {}
    costs = []
    for place, row in zip(places, rows, strict=True):
        cost = _one(row, place)
        if cost.key in found:
            raise BadRequest(
                f"{place}: {found[cost.key]} is about the same day, names and currency: add them up first",
                code="bad_value",
                field=place,
            )
        found[cost.key] = place
        costs.append(cost)
    return costs


def _check_header(header: Sequence[str]) -> None:
    unknown = sorted(set(header) - set(COLUMNS))
    missing = [name for name in ("date", "cost", "currency") if name not in header]
    wrong = ""
    if missing:
        wrong = f"the columns {', '.join(missing)} are missing"
    elif not set(header) & set(NAMES):
        wrong = "one of the columns channel, source and campaign is needed"
    elif unknown:
        wrong = f"unknown columns {', '.join(repr(name) for name in unknown)}; known are {', '.join(COLUMNS)}"
    elif len(set(header)) < len(header):
        wrong = "a column is there twice"
    if wrong:
        raise BadRequest(f"line 1: {wrong}", code="bad_value")


def _one(row: Mapping[str, Any], place: str) -> Cost:
    for name in row:
        if name not in COLUMNS:
            raise _wrong(place, name, f"is unknown; known are {', '.join(COLUMNS)}")
    names = dict(_names(row, place))
    if not any(names.values()):
        raise BadRequest(f"{place}: one of channel, source and campaign is needed", code="bad_value", field=place)
    currency = str(row.get("currency", "")).upper()
    if not _CURRENCY.fullmatch(currency):
        raise _wrong(place, "currency", "must be a code of three letters, like EUR")
    return Cost(
        date=_day(row.get("date"), place),
        **names,
        cost=_number(row, "cost", place),
        clicks=_whole(row, "clicks", place),
        impressions=_whole(row, "impressions", place),
        currency=currency,
    )


def _names(row: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    for name in NAMES:
        value = row.get(name) or ""
        if not isinstance(value, str) or len(value) > 255:
            raise _wrong(place, name, "must be a text of at most 255 characters")
        yield name, value


def _day(value: object, place: str) -> str:
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise _wrong(place, "date", "must be a day written YYYY-MM-DD")


def _number(row: Mapping[str, Any], name: str, place: str) -> float:
    value = row.get(name)
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not 0 <= number <= _MOST:
        raise _wrong(place, name, "must be a number from 0 on, with a point and without thousands separators")
    return number


def _whole(row: Mapping[str, Any], name: str, place: str) -> int:
    if row.get(name, "") == "":
        return 0
    number = _number(row, name, place)
    if not number.is_integer():
        raise _wrong(place, name, "must be a whole number")
    return int(number)


def _wrong(place: str, name: str, what: str) -> BadRequest:
    return BadRequest(f"{place}: {name} {what}", code="bad_value", field=f"{place}.{name}")
