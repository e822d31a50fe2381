"""Days that are not over: a build of what had come before a moment (its `cut`), and what came since, out of `recent`.

What came since is told by when it came, never by its own time: late events are among it. Numbers, sums and sets are
added to those of the build; a visit that goes on is put together again, because its first channel may be another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracker.store import persons, rollup_cells
from tracker.store.engine import Engine, Param, Query
from tracker.store.site_days import midnight
from tracker.store.sql import Fragment, fill, load

MOST_SINCE = 200_000
"""Events that a question adds to a build; where more came the day is counted from events."""

_DOUBTED = Query(text="select intDiv(max(version), 1000000000) from doubts")
_A_DAY = 86_400  # seconds


@dataclass(frozen=True)
class Open:
    """A build of a day that is not over. `cut`: ms; `since`: how many events came after it."""

    number: int
    build: int
    cut: int
    since: int


def held(engine: Engine, site: str, timezone: str, builds: Sequence[tuple[int, int, int, int]]) -> list[Open]:
    """Those of some builds (day, build, cut, came) of which `recent` has each row yet, neither more nor fewer.

    Fewer: some were erased, or have run out of their time.
    """
    if not builds:
        return []
    params = {"site": site, "timezone": timezone, **_params(timezone, [Open(*one) for one in builds])}
    rows = engine.ask(fill(load(__package__, "rollup_came"), params=params)).rows
    found = {int(build): (int(before), int(since)) for build, before, since in rows}
    return [
        Open(number, build, cut, found[build][1])
        for number, build, cut, came in builds
        if build in found and found[build][0] == came and found[build][1] <= MOST_SINCE
    ]


def parts(engine: Engine, timezone: str, opened: Sequence[Open], kinds: Sequence[str]) -> Fragment:
    """What came since the builds, in the columns of `rollup_cells.COLUMNS`; needs `site`, `timezone` and `kinds`.

    Of `channel` it has all, because visits go on: the builds' own rows of it do not count.
    """
    came = _since(engine, timezone, opened)
    join = persons.join(Fragment(f"(select key from {came.text})", came.params))  # noqa: S608 - text of our own
    days = rollup_cells.between(timezone, [one.number for one in opened], name="open_")
    seen = rollup_cells.seen(came, days, recent=True, join=join)
    counted = rollup_cells.cells(seen)
    rows = [Fragment(f"select * replace (0 as sessions) from ({counted.text})", counted.params)]  # noqa: S608
    if "day" in kinds:
        rows.append(rollup_cells.filled("rollup_sessions", {"came": came}))
    if "channel" in kinds:
        slots = {"came": came, "fresh": rollup_cells.visits(seen)}
        rows.append(rollup_cells.channels(rollup_cells.filled("rollup_open", slots)))
    return rollup_cells.together(rows)


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
    return int(engine.ask(_DOUBTED).rows[0][0]) > midnight(number, timezone) // 1000 - _A_DAY


def _since(engine: Engine, timezone: str, opened: Sequence[Open]) -> Fragment:
    """The rows of `recent` that came after the cuts, each event once and none that a build has, as a table."""
    days = rollup_cells.between(timezone, [one.number for one in opened], name="open_")
    cut = (
        "transform(toUInt16(toDate(ts, {timezone:String})), {open_days:Array(UInt16)}, {cuts:Array(Int64)},"
        " toInt64(9223372036854775807))"
    )
    mine = f"recent where site = {{site:String}} and {days.text}"
    since = f"at >= fromUnixTimestamp64Milli({{cut:Int64}}) and toUnixTimestamp64Milli(at) >= {cut}"
    text = f"select *, '' as bot from {mine} and {since}"  # noqa: S608 - text of our own
    if any(doubted(engine, timezone, one.number) for one in opened):
        again = f"select id from {mine} and {since}"  # noqa: S608
        had = f"select key, ts, id from {mine} and toUnixTimestamp64Milli(at) < {cut} and id in ({again})"  # noqa: S608
        text += f" and (key, ts, id) not in ({had}) limit 1 by key, ts, id"
    return Fragment(f"({text}) as came", {**_params(timezone, opened), "cut": min(one.cut for one in opened)})


def _params(timezone: str, opened: Sequence[Open]) -> dict[str, Param]:
    numbers = [one.number for one in opened]
    return {
        **rollup_cells.between(timezone, numbers, name="open_").params,
        "open_builds": [one.build for one in opened],
        "cuts": [one.cut for one in opened],
    }
