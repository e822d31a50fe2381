"""Builds the days that `tracker.store.rollups` answers from: one day a step, off events, each event once.

Days that are over are built from `events` once nothing comes for them any more. Today and yesterday are built from
`recent` while events come, from all that had come before a moment by which it certainly was to be seen.

What a day has seen is noted before it is read, so whatever comes meanwhile makes it stale at once; the note is written
last, so a build that was cut off is none. One builder a store, like the loader: it gives out numbers.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from tracker.loader import rollup_spans
from tracker.store import clock, persons, rollup_cells, rollup_open, rollups
from tracker.store.clean import events_source
from tracker.store.clock import LAST_READERS
from tracker.store.engine import Engine, Param, Query, Rows
from tracker.store.site_days import FIRST, local_days, midnight
from tracker.store.sql import Fragment, fill, load

DAYS = 800
"""Days before today that are kept built; older ones are counted from events."""

ENOUGH = 5_000
"""So many events may come before a day that is not over is built anew: a question adds them in milliseconds."""

_QUIET = """
select toUInt16(toDate(slot, {timezone:String})) as day, sum(amount)
from touched_slots
where site = {site:String} and slot >= toDateTime({since:UInt32}, 'UTC') and slot < toDateTime({until:UInt32}, 'UTC')
    and at + 10 + {grace:Int32} <= now('UTC')
group by day
"""
_STORE = """
insert into rollups
    (site, zone, day, build, kind, entry, events, page_views, purchases, sessions, revenue, people, buyers,
    strangers)
select {site:String}, {timezone:String}, day, {build:UInt64}, kind, entry, events, page_views, purchases, sessions,
    revenue, people, buyers, length(strangers)
from (/*cells*/)
"""
_NAMELESS = "select sum(strangers) from rollups where site = {site:String} and build = {build:UInt64}"
_NOTE = """
insert into rollup_days (site, zone, day, build, touched, version, cut, came)
select {site:String}, {timezone:String}, toDate({number:UInt16}), {build:UInt64}, {touched:UInt64}, {version:UInt64},
    {cut:UInt64}, {came:UInt64}
"""
_VISITS = """
select toDate({number:UInt16}) as day, toString(first_channel) as first_channel, on_page, bought, amounts, one, others,
    emptyArrayUInt64() as strangers
from rollup_visits where build = {build:UInt64}
"""
_LEFT = """
select distinct build from rollup_visits
where build < {before:UInt64} and build not in (select max(build) from rollup_days group by site, zone, day)
"""
_SUPERSEDED = """
(site, zone, day) in (
        select site, zone, day from rollup_days group by site, zone, day having max(build) < {before:UInt64}
    )
    and (site, zone, day, build) not in (select site, zone, day, max(build) from rollup_days group by site, zone, day)
"""
_NOBODYS = "(site, zone, day) not in (select site, zone, day from rollup_days) and build < {before:UInt64}"


@dataclass(frozen=True)
class Due:
    """A day to be built, and how much came for it until now. cut: of one that is not over, what came before it (ms)."""

    site: str
    timezone: str
    number: int
    touched: int
    cut: int = 0


class Rollups:
    """For one thread. `grace`: seconds after which an insert is certainly to be seen whole."""

    def __init__(self, engine: Engine, *, grace: int = 60) -> None:
        self._engine = engine
        self._grace = grace

    def due(self, site: str, timezone: str, now_ms: int) -> list[Due]:
        """Days that are to be built, the newest first. Today and yesterday are not among them (`open_due`), and what
        came just now is waited for.
        """
        today = local_days(now_ms, now_ms + 1, timezone).start
        span = range(max(FIRST, today - DAYS), today - 1)
        known = rollups.newest(self._engine, site)
        found = rollups.days(self._engine, site, timezone, span)
        believed, _ = rollups.believed(self._engine, site, timezone, [day for day in found if day.built], known)
        fine = {day.number for day in believed}
        quiet = self._quiet(site, timezone, span)
        wanted = [day for day in found if day.number not in fine and quiet.get(day.number) == day.touched]
        return [Due(site, timezone, day.number, day.touched) for day in reversed(wanted)]

    def open_due(self, site: str, timezone: str, now_ms: int) -> list[Due]:
        """Today and yesterday, where much came since they were built, or their build does not hold any more."""
        today = local_days(now_ms, now_ms + 1, timezone).start
        known = rollups.newest(self._engine, site)
        found = rollups.days(self._engine, site, timezone, range(max(FIRST, today - 1), today + 1))
        opened = rollups.not_over(self._engine, site, timezone, found)
        builds = [day for day in found if day.built or day.build in opened]
        believed, _ = rollups.believed(self._engine, site, timezone, builds, known)
        fine = {day.number for day in believed if day.built or opened[day.build].since < ENOUGH}
        cut = clock.now(self._engine) // 1_000_000 - 1000 * self._grace
        return [Due(site, timezone, day.number, 0, cut) for day in reversed(found) if day.number not in fine]

    def build(self, due: Due) -> bool:
        """Build one day. False: it is still to be built, because something came meanwhile or nothing yet.

        Raises TryLater.
        """
        start, end = midnight(due.number, due.timezone), midnight(due.number + 1, due.timezone)
        version = rollups.newest(self._engine, due.site)
        [(last,)] = self._engine.ask(Query(text="select max(build) from rollup_days")).rows
        build = max(time.time_ns(), int(last) + 1)
        base: dict[str, Param] = {"site": due.site, "timezone": due.timezone, "build": build, "number": due.number}
        came = 0
        events = events_source(self._engine)
        if due.cut:
            came = rollup_open.came_before(self._engine, due.site, due.timezone, due.number, due.cut)
            once = rollup_open.doubted(self._engine, due.timezone, due.number)
            events = rollup_open.before(due.timezone, due.number, due.cut, once=once)
            if not came:
                return False
        whom = {"events": events, "persons": persons.join(), "person": Fragment(persons.PERSON)}
        span: dict[str, Param] = {"from": start, "to": end}
        self._engine.command(fill(load(__package__, "rollup_numbers"), whom, {"site": due.site, **span}))
        days = rollup_cells.between(due.timezone, [due.number])
        seen = rollup_cells.seen(events, days, recent=due.cut > 0)
        kinds: dict[str, Param] = {"kinds": rollup_cells.KINDS}
        if due.cut:
            self._engine.command(fill(load(__package__, "rollup_visits"), {"visits": rollup_cells.visits(seen)}, base))
            cells = rollup_cells.together([rollup_cells.cells(seen), rollup_cells.channels(Fragment(_VISITS))])
        else:
            cells = rollup_cells.lists(seen)
        self._engine.command(fill(_STORE, {"cells": cells}, {**base, **kinds}))
        self._engine.command(fill(load(__package__, "rollup_mapped"), whom, {**base, **span}))
        known: dict[str, Param] = {"site": due.site, "build": build}
        if self._engine.ask(Query(text=_NAMELESS, params=known)).rows[0][0]:
            return False  # somebody came after the numbers had been given out
        self._engine.command(
            Query(
                text=_NOTE,
                params={**base, "touched": due.touched, "version": version, "cut": due.cut, "came": came},
            )
        )
        return True

    def forget_visits(self) -> int:
        """Drop the visits of builds that nobody reads any more; gives of how many builds."""
        left = self._engine.ask(Query(text=_LEFT, params={"before": time.time_ns() - LAST_READERS})).rows
        for (build,) in left:
            self._engine.command(Query(text=f"alter table rollup_visits drop partition {int(build):d}"))
        return len(left)

    def tidy(self, zones: Mapping[str, str]) -> int:
        """Delete builds that nobody reads any more, and those of zones that sites had once; gives how many.

        `zones`: the time zone of every site there is.
        """
        before: dict[str, Param] = {"before": time.time_ns() - LAST_READERS}
        gone = 0
        for table, one, wheres in (
            ("rollups", "site, zone, day, build", (_SUPERSEDED, _NOBODYS)),
            ("rollup_spans", "site, zone, build", (rollup_spans.SUPERSEDED, rollup_spans.NOBODYS)),
        ):
            for where in wheres:
                count = f"select count() from (select distinct {one} from {table} where {where})"  # noqa: S608
                if found := self._engine.ask(Query(text=count, params=before)).rows[0][0]:
                    self._engine.command(Query(text=f"delete from {table} where {where}", params=before))  # noqa: S608
                    gone += int(found)
        kept = Rows(columns=[("site", "String"), ("zone", "String")], data=sorted(zones.items()))
        for table in ("rollup_days", "rollup_span_days"):
            foreign = (
                f"select distinct site, zone from {table}"  # noqa: S608 - text of our own
                " where (site, zone) not in (select site, zone from /*table:kept*/)"
            )
            for site, zone in self._engine.ask(Query(text=foreign, tables={"kept": kept})).rows:
                text = f"delete from {table} where site = {{site:String}} and zone = {{zone:String}}"  # noqa: S608
                self._engine.command(Query(text=text, params={"site": site, "zone": zone}))
        return gone

    def _quiet(self, site: str, timezone: str, span: range) -> dict[int, int]:
        """Of each day how much had come for it `grace` seconds ago."""
        since, until = midnight(span.start, timezone), midnight(span.stop, timezone)
        params: dict[str, Param] = {
            "site": site,
            "timezone": timezone,
            "since": since // 1000,
            "until": until // 1000,
            "grace": self._grace,
        }
        return {int(day): int(amount) for day, amount in self._engine.ask(Query(text=_QUIET, params=params)).rows}
