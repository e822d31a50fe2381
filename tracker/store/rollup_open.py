"""Days that are not over: a build of what had come before a moment (its `cut`), and what came since, out of `recent`.

What came since is told by when it came, never by its own time: late events are among it. Numbers, sums and sets are
added to those of the build. A visit that goes on may turn out to have been brought by another channel: then the rows of
the channel that it leaves are made anew (`rollup_replaced.sql`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracker.store.engine import Engine, Param, Query
from tracker.store.site_days import midnight
from tracker.store.sql import Fragment, fill, load

MOST_SINCE = 200_000
"""Events that a question adds to a build; where more came the day is counted from events."""

_HAD = """
select toUInt64({build}) as build, count() as had, 0 as came
from recent
where site = {{site:String}} and toDate(ts) >= toDate({{date{n}:UInt16}}) and toDate(ts) <= toDate({{until{n}:UInt16}})
    and at < fromUnixTimestamp64Milli({{cut{n}:Int64}})
"""
_CAME = """
select toUInt64({build}), 0, count()
from recent
where site = {{site:String}} and at >= fromUnixTimestamp64Milli({{cut{n}:Int64}})
    and ts >= fromUnixTimestamp64Milli({{from{n}:Int64}}) and ts < fromUnixTimestamp64Milli({{to{n}:Int64}})
"""
_DOUBTS = "select toUInt64(0) as build, intDiv(max(version), 1000000000) as had, 0 as came from doubts"
_DAY = 86_400_000  # ms


Build = tuple[int, int, int, int]
"""Of a day that was not over: day, build, cut, and how many rows came before that."""


@dataclass(frozen=True)
class Open:
    """A build of a day that is not over. `cut`: ms; `since`: how many events came after it.

    doubted: `recent` may hold some of these twice.
    """

    number: int
    build: int
    cut: int
    since: int
    doubted: bool = False


def held(engine: Engine, site: str, timezone: str, builds: Sequence[Build]) -> list[Open]:
    """Those of some builds of which `recent` has each row yet, neither more nor fewer.

    Fewer: some were erased, or have run out of their time.
    """
    if not builds:
        return []
    each = [_DOUBTS]
    params: dict[str, Param] = {"site": site}
    for n, (number, build, cut, _) in enumerate(builds):
        each += [_HAD.format(build=int(build), n=n), _CAME.format(build=int(build), n=n)]
        first, last = _dates(timezone, number)
        span: dict[str, Param] = {"from": midnight(number, timezone), "to": midnight(number + 1, timezone)}
        given: dict[str, Param] = {**span, "cut": cut, "date": first, "until": last}
        params |= {f"{name}{n}": value for name, value in given.items()}
    slots = {"each": Fragment(" union all ".join(each))}
    now = {build: (had, since) for build, had, since in engine.ask(fill(_load("rollup_came"), slots, params)).rows}
    return [
        Open(number, build, cut, int(now[build][1]), _near(now[0][0], timezone, number))
        for number, build, cut, came in builds
        if now[build][0] == came and now[build][1] <= MOST_SINCE
    ]


def came_before(engine: Engine, site: str, timezone: str, number: int, cut: int) -> int:
    """How many rows `recent` has from before a moment, of the calendar days (UTC) that a day touches."""
    first, last = _dates(timezone, number)
    params: dict[str, Param] = {"site": site, "cut0": cut, "date0": first, "until0": last}
    return int(engine.ask(Query(text=_HAD.format(build=0, n=0), params=params)).rows[0][1])


def before(timezone: str, number: int, cut: int, *, once: bool) -> Fragment:
    """The rows of `recent` that came for a day before a moment, as a table; needs `site`. once: each event once."""
    some = " limit 1 by key, ts, id" if once else ""
    return Fragment(
        "(select *, '' as bot from recent where site = {site:String} and at < fromUnixTimestamp64Milli({cut:Int64})"  # noqa: S608
        " and ts >= fromUnixTimestamp64Milli({day_from:Int64}) and ts < fromUnixTimestamp64Milli({day_to:Int64})"
        f"{some}) as came",
        {"cut": cut, "day_from": midnight(number, timezone), "day_to": midnight(number + 1, timezone)},
    )


def doubted(engine: Engine, timezone: str, number: int) -> bool:
    """Whether an insert had to be repeated since the day before, so that `recent` may hold an event twice."""
    return _near(engine.ask(Query(text=_DOUBTS)).rows[0][1], timezone, number)


def _near(last: int, timezone: str, number: int) -> bool:
    """Whether a moment (s) lies after the start of the day before."""
    return last > (midnight(number, timezone) - _DAY) // 1000


def _dates(timezone: str, number: int) -> tuple[int, int]:
    """The first and the last calendar day (UTC) that a day of a zone touches."""
    return midnight(number, timezone) // _DAY, (midnight(number + 1, timezone) - 1) // _DAY


def _load(name: str) -> str:
    return load(__package__, name)
