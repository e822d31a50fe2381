"""Which days `tracker.store.rollups` answers from are to be built (`rollup_build`), and what nobody reads any more.

Days that are over are built from `events` once nothing comes for them any more. Today and yesterday are built from
`recent` while events come, from all that had come before a moment by which it certainly was to be seen.

What a day has seen is noted before it is read, so whatever comes meanwhile makes it stale at once. One builder a store,
like the loader: it gives out numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from tracker.loader import rollup_build, rollup_spans
from tracker.loader.rollup_build import Due
from tracker.store import clock, rollups
from tracker.store.clock import LAST_READERS
from tracker.store.engine import Engine, Param, Query, Rows
from tracker.store.site_days import FIRST, local_days, midnight

DAYS = 800
"""Days before today that are kept built; older ones are counted from events."""

ENOUGH = 2_000
"""So many events may come before a day that is not over is built anew: a question adds them in milliseconds."""

_QUIET = """
select toUInt16(toDate(slot, {timezone:String})) as day, sum(amount)
from touched_slots
where site = {site:String} and slot >= toDateTime({since:UInt32}, 'UTC') and slot < toDateTime({until:UInt32}, 'UTC')
    and at + 10 + {grace:Int32} <= now('UTC')
group by day
"""
_SUPERSEDED = """
(site, zone, day) in (
        select site, zone, day from rollup_days group by site, zone, day having max(build) < {before:UInt64}
    )
    and (site, zone, day, build) not in (select site, zone, day, max(build) from rollup_days group by site, zone, day)
"""
_NOBODYS = "(site, zone, day) not in (select site, zone, day from rollup_days) and build < {before:UInt64}"


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
        known = rollups.days(self._engine, site, timezone, span)
        built = [day for day in known.days if day.built]
        believed, _ = rollups.believed(self._engine, site, timezone, built, known.newest)
        fine = {day.number for day in believed}
        quiet = self._quiet(site, timezone, span)
        wanted = [day for day in known.days if day.number not in fine and quiet.get(day.number) == day.touched]
        return [Due(site, timezone, day.number, day.touched) for day in reversed(wanted)]

    def open_due(self, site: str, timezone: str, now_ms: int) -> list[Due]:
        """Today and yesterday, where much came since they were built, or their build does not hold any more."""
        today = local_days(now_ms, now_ms + 1, timezone).start
        known = rollups.days(self._engine, site, timezone, range(max(FIRST, today - 1), today + 1))
        found = known.days
        opened = rollups.not_over(self._engine, site, timezone, found)
        builds = [day for day in found if day.built or day.build in opened]
        believed, _ = rollups.believed(self._engine, site, timezone, builds, known.newest)
        fine = {day.number for day in believed if day.built or opened[day.build].since < ENOUGH}
        cut = clock.now(self._engine) // 1_000_000 - 1000 * self._grace
        return [Due(site, timezone, day.number, 0, cut) for day in reversed(found) if day.number not in fine]

    def build(self, due: Due, rest: Callable[[float], bool] = lambda _: True) -> bool:
        """As `rollup_build.build`."""
        return rollup_build.build(self._engine, due, rest)

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
