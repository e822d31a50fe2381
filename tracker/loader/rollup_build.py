"""Counts one day for `tracker.store.rollups`, in pieces, so that no statement of it keeps others waiting for long.

Its events are taken over into `rollup_rows` a few keys at a time, each with the number of its person; then a few visits
at a time are counted into `rollup_pieces`, because a visit may have several keys; then the pieces are added up. Which
builds count is said in `rollup_days`, last of all: one that was cut off has not happened, and is begun again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tracker.store import persons, rollup_cells, rollup_open, rollups
from tracker.store.clean import events_source
from tracker.store.clock import LAST_READERS
from tracker.store.engine import Engine, Param, Query
from tracker.store.shares import share
from tracker.store.sql import Fragment, fill, load

PIECE = 200_000
"""Events that a statement counts, about, and twice as many of `recent`: less than a second of one core. With fewer,
looking for numbers costs more.
"""

_SEEN = """
select toDate({number:UInt16}) as day, event, path, country, device, channel, on_page, visit, in_session,
    value, currency, ts, seq, arrival, number, toUInt64(0) as person
from rollup_rows
where build = {build:UInt64} and visit >= {low:UInt64} and visit <= {high:UInt64}
"""
_VISITS = """
select toDate({number:UInt16}) as day, toString(first_channel) as first_channel, on_page, bought, amounts, one, others,
    emptyArrayUInt64() as strangers
from rollup_visits
where build = {build:UInt64} and visit >= {low:UInt64} and visit <= {high:UInt64}
"""
_NAMELESS = "select 1 from rollup_rows where build = {build:UInt64} and number = 0 limit 1"
_NOTE = """
insert into rollup_days (site, zone, day, build, touched, version, cut, came)
select {site:String}, {timezone:String}, toDate({number:UInt16}), {build:UInt64}, {touched:UInt64}, {version:UInt64},
    {cut:UInt64}, {came:UInt64}
"""
_LEFT = """
select distinct build from rollup_visits
where build < {before:UInt64} and build not in (select max(build) from rollup_days group by site, zone, day)
"""
_MADE = ("rollup_rows", "rollup_pieces")


@dataclass(frozen=True)
class Due:
    """A day to be built, and how much came for it until now. cut: of one that is not over, what came before it (ms)."""

    site: str
    timezone: str
    number: int
    touched: int
    cut: int = 0


def build(engine: Engine, due: Due, rest: Callable[[float], bool] = lambda _: True) -> bool:
    """Build one day. False: it is still to be built, because something came meanwhile or nothing yet.

    rest: told after each statement how many seconds it took; builds no further where it says False. Raises TryLater.
    """
    version = rollups.newest(engine, due.site)
    [(last,)] = engine.ask(Query(text="select max(build) from rollup_days")).rows
    number = max(time.time_ns(), int(last) + 1)
    came, events = 0, events_source(engine)
    if due.cut:
        came = rollup_open.came_before(engine, due.site, due.timezone, due.number, due.cut)
        once = rollup_open.doubted(engine, due.timezone, due.number)
        events = rollup_open.before(due.timezone, due.number, due.cut, once=once)
        if not came:
            return False
    pieces = _Pieces(due, number, events, (came // 2 or due.touched) // PIECE + 1)
    known: dict[str, Param] = {"build": number}
    done = run_each(engine, pieces.taken(), rest)
    if done and engine.ask(Query(text=_NAMELESS, params=known)).rows:
        done = False  # somebody came after the numbers had been given out
    done = done and run_each(engine, pieces.counted(), rest)
    if done:
        note = {"touched": due.touched, "version": version, "cut": due.cut, "came": came}
        engine.command(Query(text=_NOTE, params={**pieces.base, **note}))
    for table in _MADE:
        _drop(engine, table, number)
    return done


def run_each(engine: Engine, statements: Iterable[Query], rest: Callable[[float], bool]) -> bool:
    """Run statements, and tell `rest` how many seconds each took; whether it let all of them run."""
    for statement in statements:
        began = time.monotonic()
        engine.command(statement)
        if not rest(time.monotonic() - began):
            return False
    return True


def forget(engine: Engine) -> int:
    """Drop what builds have left that were cut off, and visits that nobody reads any more; gives of how many builds.

    Not while a day is built.
    """
    before: dict[str, Param] = {"before": time.time_ns() - LAST_READERS}
    gone = 0
    for table, text in (
        ("rollup_visits", _LEFT),
        *((table, f"select distinct build from {table} where build < {{before:UInt64}}") for table in _MADE),  # noqa: S608
    ):
        left = engine.ask(Query(text=text, params=before)).rows
        for (number,) in left:
            _drop(engine, table, int(number))
        gone += len(left)
    return gone


@dataclass(frozen=True)
class _Pieces:
    """The statements of a build, in their order. many: how many pieces."""

    due: Due
    build: int
    events: Fragment
    many: int

    @property
    def base(self) -> dict[str, Param]:
        """What every statement may name."""
        due = self.due
        return {"site": due.site, "timezone": due.timezone, "build": self.build, "number": due.number}

    def taken(self) -> Iterator[Query]:
        """Give out numbers, and take the events over."""
        for some in self._some("key"):
            yield self._of_events("rollup_numbers", some)
            seen = rollup_cells.seen(
                self.events, self._range(some), recent=self.due.cut > 0, join=persons.join(among=some)
            )
            yield fill(load(__package__, "rollup_rows"), {"seen": seen}, self.base)

    def counted(self) -> Iterator[Query]:
        """Count them, and add up. Visits of a day that is not over are kept.

        Who belongs to somebody else is asked after all persons: whoever moves from one to another must be found there.
        """
        for some in self._some("visit"):
            seen = Fragment(_SEEN, some.params)
            visits = rollup_cells.visits(seen)
            if self.due.cut:
                yield fill(load(__package__, "rollup_visits"), {"visits": visits}, self.base)
                visits = Fragment(_VISITS, some.params)
            cells = rollup_cells.together([rollup_cells.cells(seen), rollup_cells.channels(visits)])
            kinds: dict[str, Param] = {**self.base, "kinds": rollup_cells.KINDS}
            yield fill(load(__package__, "rollup_pieces"), {"cells": cells}, kinds)
        for some in self._some("key"):
            yield self._of_events("rollup_mapped", some)
        yield fill(load(__package__, "rollup_day"), params=self.base)

    def _of_events(self, name: str, some: Fragment) -> Query:
        slots = {
            "events": self.events,
            "persons": persons.join(among=some),
            "person": Fragment(persons.PERSON),
            "range": self._range(some),
        }
        return fill(load(__package__, name), slots, self.base)

    def _range(self, some: Fragment) -> Fragment:
        day = rollup_cells.between(self.due.timezone, [self.due.number])
        return Fragment(f"{day.text} and {some.text}", {**day.params, **some.params})

    def _some(self, column: str) -> Iterator[Fragment]:
        """Ranges of a column of hashes, one a piece."""
        for piece in range(self.many):
            low, high = share(piece, self.many)
            yield Fragment(f"{column} >= {{low:UInt64}} and {column} <= {{high:UInt64}}", {"low": low, "high": high})


def _drop(engine: Engine, table: str, number: int) -> None:
    engine.command(Query(text=f"alter table {table} drop partition {number:d}"))
