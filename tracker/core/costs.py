"""What advertising cost: one row a day and channel, source or campaign. Pure: texts in, checked rows out.

A CSV has a header with the columns of `COLUMNS` in any order; `date`, `cost` and `currency` must be there and at least
one of `channel`, `source`, `campaign`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.core import dated_rows
from tracker.core.dated_rows import day, known_only, number, wrong
from tracker.core.errors import BadRequest
from tracker.core.event import LARGEST_AMOUNT

NAMES = ("channel", "source", "campaign")
COLUMNS = ("date", *NAMES, "cost", "clicks", "impressions", "currency")
MAX_ROWS = 5_000
"""Most rows of one request."""

_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


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
    rows, places = dated_rows.read_csv(text, _wrong_header)
    checked(rows, places)
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


def _wrong_header(header: Sequence[str]) -> str:
    unknown = sorted(set(header) - set(COLUMNS))
    if missing := [name for name in ("date", "cost", "currency") if name not in header]:
        return f"the columns {', '.join(missing)} are missing"
    if not set(header) & set(NAMES):
        return "one of the columns channel, source and campaign is needed"
    if unknown:
        return f"unknown columns {', '.join(repr(name) for name in unknown)}; known are {', '.join(COLUMNS)}"
    return "a column is there twice" if len(set(header)) < len(header) else ""


def _one(row: Mapping[str, Any], place: str) -> Cost:
    known_only(row, COLUMNS, place)
    names = dict(_names(row, place))
    if not any(names.values()):
        raise BadRequest(f"{place}: one of channel, source and campaign is needed", code="bad_value", field=place)
    currency = str(row.get("currency", "")).upper()
    if not _CURRENCY.fullmatch(currency):
        raise wrong(place, "currency", "must be a code of three letters, like EUR")
    return Cost(
        date=day(row.get("date"), place),
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
            raise wrong(place, name, "must be a text of at most 255 characters")
        yield name, value


def _number(row: Mapping[str, Any], name: str, place: str) -> float:
    return number(row.get(name), name, place, (0, LARGEST_AMOUNT), "from 0 on")


def _whole(row: Mapping[str, Any], name: str, place: str) -> int:
    if row.get(name, "") == "":
        return 0
    found = _number(row, name, place)
    if not found.is_integer():
        raise wrong(place, name, "must be a whole number")
    return int(found)
