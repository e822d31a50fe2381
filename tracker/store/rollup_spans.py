"""Several days of `tracker.store.rollups` in one, and which of them a question may take instead of their days.

A span is the sum of some builds of some days. It says the same as these, so a question may take it exactly where it
would take each of them; nothing else can make it stale.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tracker.store.engine import Engine, Query
from tracker.store.rollups import Day
from tracker.store.sql import Fragment

_NOTED = """
select name, argMax(build, build), argMax(days, build), argMax(builds, build)
from rollup_span_days
where site = {site:String} and zone = {zone:String}
group by name
order by name
settings max_threads = 1
"""
_KEPT = 60.0  # seconds: what is noted anew meanwhile is taken up later, and what it replaces is there for ten minutes
_SITES = 1000
_noted: dict[tuple[str, str], tuple[float, list[Span]]] = {}  # site, zone -> when it was looked up, and what was found


@dataclass(frozen=True)
class Span:
    """Days (since 1970) with their builds, in one. `build` is its own number, the highest one of its `name`."""

    name: str
    build: int
    days: tuple[tuple[int, int], ...]


def noted(engine: Engine, site: str, timezone: str) -> list[Span]:
    """The spans of a site by name. One without days is gone."""
    rows = engine.ask(Query(text=_NOTED, params={"site": site, "zone": timezone})).rows
    return [
        Span(str(name), int(build), tuple(zip(map(int, days), map(int, builds), strict=True)))
        for name, build, days, builds in rows
    ]


def noted_lately(engine: Engine, site: str, timezone: str) -> list[Span]:
    """The same, as of a minute ago at most; what this process makes is there at once."""
    when, found = _noted.get((site, timezone), (0.0, []))
    if not when or time.monotonic() - when > _KEPT:
        asked = time.monotonic()
        found = noted(engine, site, timezone)
        _noted[site, timezone] = (asked, found)
        while len(_noted) > _SITES:
            _noted.pop(next(iter(_noted)), None)
    return found


def changed(site: str, timezone: str) -> None:
    """Another span was noted."""
    _noted.pop((site, timezone), None)


def chosen(noted: Sequence[Span], used: Sequence[Day]) -> list[Span]:
    """Those of the site's spans that stand for some of the days a question uses, the longest first; no day twice."""
    left = {(day.number, day.build) for day in used}
    found = []
    for span in sorted(noted, key=lambda one: (-len(one.days), one.name)):
        if span.days and left.issuperset(span.days):
            left.difference_update(span.days)
            found.append(span)
    return found


def parts(spans: Sequence[Span]) -> Fragment:
    """Rows in the columns of `rollups.parts`; needs `site`, `timezone` and `kinds`.

    Without buyers: nobody asks for those of a list.
    """
    return Fragment(
        "select toDate(0) as day, kind, entry, events, page_views, purchases, sessions, revenue, people,"
        " bitmapBuild(emptyArrayUInt32()) as buyers,"
        " emptyArrayUInt64() as strangers, emptyArrayUInt64() as strange_buyers from rollup_spans"
        " where site = {site:String} and zone = {timezone:String} and kind in {kinds:Array(String)}"
        " and build in {spans:Array(UInt64)}",
        {"spans": [span.build for span in spans]},
    )
