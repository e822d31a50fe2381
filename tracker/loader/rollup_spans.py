"""Makes the spans of `tracker.store.rollup_spans` out of days that are built: months, the last as far as it is over,
and the days of the dashboard's periods. None has yesterday or today: events still come for these.

A span is noted after its rows are written, so one that was cut off is none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from tracker.loader.rollup_build import run_each
from tracker.store import rollup_cells, rollup_spans, rollups
from tracker.store.engine import Engine, Param, Query, Rows
from tracker.store.rollup_spans import Span
from tracker.store.site_days import FIRST, local_days
from tracker.store.sql import fill, load

LEAST = 4
"""Fewer days are as quickly read one by one."""

_RECENT = (5, 28, 88)  # days before yesterday: with it and today they are a week, 30 and 90 days
_NOTE = """
insert into rollup_span_days (site, zone, name, build, days, builds)
select {site:String}, {timezone:String}, {name:String}, {build:UInt64}, {days:Array(UInt16)}, {builds:Array(UInt64)}
"""
_KEPT = "select site, zone, name, max(build) from rollup_span_days group by site, zone, name"
# As with days, a question that has just begun may still read the one before.
SUPERSEDED = f"""
(site, zone, name) in (
        select site, zone, name from rollup_span_days group by site, zone, name having max(build) < {{before:UInt64}}
    )
    and (site, zone, name, build) not in ({_KEPT})
"""  # noqa: S608 - text of our own
NOBODYS = "(site, zone, name) not in (select site, zone, name from rollup_span_days) and build < {before:UInt64}"


@dataclass(frozen=True)
class Due:
    """A span to be made. Of no days: the one of this name is to be forgotten."""

    site: str
    timezone: str
    name: str
    days: tuple[tuple[int, int], ...]


def due(engine: Engine, site: str, timezone: str, now_ms: int, most: int) -> list[Due]:
    """Spans that are to be made anew, because of other days or builds than the last of their name; `most` days back."""
    end = local_days(now_ms, now_ms + 1, timezone).start - 1
    first = max(FIRST, end - most)
    built = [day for day in rollups.days(engine, site, timezone, range(first, end)).days if day.built]
    found = {span.name: span.days for span in rollup_spans.noted(engine, site, timezone)}
    wanted: dict[str, tuple[tuple[int, int], ...]] = dict.fromkeys(found, ())
    for name, span in _named(first, end):
        days = tuple((day.number, day.build) for day in built if day.number in span)
        if len(days) >= LEAST and days not in wanted.values():
            wanted[name] = days
    return [Due(site, timezone, name, days) for name, days in wanted.items() if days != found.get(name, ())]


def make(engine: Engine, asked: Due, rest: Callable[[float], bool] = lambda _: True) -> Span | None:
    """Make one, a list at a time. `rest` as in `rollup_build.build`; None: it was not made. Raises TryLater."""
    build = time.time_ns()
    [(last,)] = engine.ask(Query(text="select max(build) from rollup_span_days")).rows
    build = max(build, int(last) + 1)
    base: dict[str, Param] = {"site": asked.site, "timezone": asked.timezone, "name": asked.name, "build": build}
    used = {"used": Rows(columns=[("day", "UInt16"), ("build", "UInt64")], data=asked.days)}
    text, kinds = load(__package__, "rollup_spans"), rollup_cells.KINDS[1:] if asked.days else ()
    if not run_each(engine, (fill(text, params={**base, "kind": kind}, tables=used) for kind in kinds), rest):
        return None
    days, builds = ([one[at] for one in asked.days] for at in (0, 1))
    engine.command(Query(text=_NOTE, params={**base, "days": days, "builds": builds}))
    rollup_spans.changed(asked.site, asked.timezone)
    return Span(asked.name, build, asked.days)


def _named(first: int, end: int) -> Iterator[tuple[str, range]]:
    """Names and days of the spans that are kept, months in the order of time."""
    epoch = date(1970, 1, 1)
    month = (epoch + timedelta(days=first)).replace(day=1)
    while (start := (month - epoch).days) < end:
        after = (month + timedelta(days=31)).replace(day=1)
        yield f"{month:%Y-%m}", range(start, min(end, (after - epoch).days))
        month = after
    for days in _RECENT:
        yield f"last {days}", range(end - days, end)
