"""The journey table as `tracker.loader.folding` writes it and reports read it. Why: `docs/decisions/journeys.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tracker.store.engine import Engine, Query
from tracker.store.sql import load

LANES = 24
"""Names that have a lane of a site's month: the most frequent ones. What is rare costs little in `events` too."""

CHANGING, READY, MISSING = 0, 1, 2
"""States of a month in `journey_months`."""

TIME_SHIFT, ORDER_SHIFT = 32, 24
"""Where the milliseconds and the place among those of one millisecond stand in a number."""


@dataclass(frozen=True)
class Coded:
    """A property whose values are kept as codes: a column of `events`, its list in `journey_lanes`, its bits."""

    column: str
    texts: str
    shift: int
    bits: int

    @property
    def most(self) -> int:
        """How many texts have a code; 0 is none, all ones nobody's."""
        return int(2**self.bits - 2)

    @property
    def mask(self) -> int:
        """All bits."""
        return int(2**self.bits - 1)


CODED = (
    Coded("channel", "channels", 18, 6),
    Coded("device", "devices", 13, 5),
    Coded("country", "countries", 5, 8),
)


@dataclass(frozen=True)
class Month:
    """A month of a site. `made`: version of its rows, 0 where it has none; `texts`: by column."""

    number: int
    state: int
    made: int = 0
    names: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    others: int = 0
    texts: Mapping[str, tuple[str, ...]] | None = None
    crowded: tuple[str, ...] = ()
    uneven: int = 0
    persons: int = 0

    @property
    def start(self) -> int:
        """Milliseconds since the epoch."""
        return month_start(self.number)


def month_start(month: int) -> int:
    """YYYYMM -> milliseconds since the epoch, UTC."""
    return int(datetime(month // 100, month % 100, 1, tzinfo=UTC).timestamp()) * 1000


def next_month(month: int) -> int:
    """YYYYMM of the month after."""
    return month + 89 if month % 100 == 12 else month + 1


def version(engine: Engine) -> int:
    """Grows with every change: what was read between two equal ones fits together, unless a month was `CHANGING`."""
    return int(engine.ask(Query(text="select max(version) from journey_months")).rows[0][0])


def months(engine: Engine, site: str) -> tuple[int, list[Month]]:
    """`version` and every month of a site that was made or must be, or is being changed."""
    found = engine.ask(Query(text=load(__package__, "journeys"), params={"site": site})).dicts()
    known = [
        Month(
            number=row["month"],
            state=row["state"],
            made=row["made"],
            names=tuple(row["names"]),
            counts=tuple(row["counts"]),
            others=row["others"],
            texts={one.column: tuple(row[one.texts]) for one in CODED},
            crowded=tuple(row["crowded"]),
            uneven=row["uneven"],
            persons=row["persons"],
        )
        for row in found
    ]
    return max((row["changed"] for row in found), default=0), known
