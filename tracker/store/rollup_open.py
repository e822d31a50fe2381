"""Days that are not over: a build of what had come before a moment (its `cut`), and what came since, out of `recent`.

What came since is told by when it came, never by its own time: late events are among it. Numbers, sums and sets are
added to those of the build; a visit that goes on is put together again, because its first channel may be another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from tracker.store import persons, rollup_cells
from tracker.store.engine import Engine, Param, Query, Session
from tracker.store.site_days import midnight
from tracker.store.sql import Fragment, fill, load

MOST_SINCE = 200_000
"""Events that a question adds to a build; where more came the day is counted from events."""

_GOING = """
select build, visit, on_page, first_channel, first_ts, first_seq, first_arrival, one,
    toUInt64(0) as bought, map()::Map(String, Float64) as amounts, emptyArrayUInt32() as others
from rollup_visits
where build in {open_builds:Array(UInt64)} and more = 0 and visit in (select visit from came)
union all
select build, visit, on_page, first_channel, first_ts, first_seq, first_arrival, one, bought, amounts, others
from rollup_visits
where build in {open_builds:Array(UInt64)} and more != 0 and visit in (select visit from came)
"""
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
    found = []
    for number, build, cut, came in builds:
        span: dict[str, Param] = {"from": midnight(number, timezone), "to": midnight(number + 1, timezone)}
        [(had, since)] = engine.ask(
            fill(load(__package__, "rollup_came"), params={"site": site, "cut": cut, **span})
        ).rows
        if had == came and since <= MOST_SINCE:
            found.append(Open(number, build, cut, int(since)))
    return found


@contextmanager
def beside(
    engine: Engine, site: str, timezone: str, opened: Sequence[Open], kinds: Sequence[str], *, visits: bool = True
) -> Iterator[Engine | Session]:
    """Whom to ask for `parts`: a session that has counted what came since, where something did.

    ClickHouse would otherwise plan and read that ten times in one question, which costs more than all the rest.
    visits: sessions and channels are asked for.
    """
    if not opened:
        yield engine
        return
    base: dict[str, Param] = {"site": site, "timezone": timezone, "kinds": list(kinds), **_params(timezone, opened)}
    with closing(engine.session()) as session:
        for name, rows in _steps(_since(engine, timezone, opened), kinds, visits=visits):
            text = f"create temporary table {name} engine = Memory as {rows.text}"
            session.command(Query(text=text, params={**base, **rows.params}))
        yield session


def _steps(since: Fragment, kinds: Sequence[str], *, visits: bool) -> Iterator[tuple[str, Fragment]]:
    """Tables one after the other: rows that came; with their persons; what builds know of their visits; the lists."""
    yield "came_rows", since
    join = persons.join(Fragment("(select key from came_rows)"))
    yield "came", rollup_cells.seen(Fragment("came_rows"), Fragment("true"), recent=True, join=join)
    came = Fragment("select * from came")
    counted = rollup_cells.cells(came)
    lists = [Fragment(f"select * replace (0 as sessions) from ({counted.text})", counted.params)]  # noqa: S608
    if visits:
        yield "going", Fragment(_GOING)
        lists.append(rollup_cells.filled("rollup_sessions", {}))
        if "channel" in kinds:
            going = rollup_cells.filled("rollup_going", {"fresh": rollup_cells.visits(came)})
            lists.append(rollup_cells.filled("rollup_open", {"going": rollup_cells.channels(going)}))
    yield "lately", rollup_cells.together(lists)


def parts(timezone: str, opened: Sequence[Open]) -> Fragment:
    """What came since the builds, in the columns of `rollup_cells.COLUMNS`, to be asked `beside`.

    Of `channel` it has all, because visits go on: the builds' own rows of it do not count.
    """
    return Fragment("select * from lately", _params(timezone, opened))


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
    """The rows of `recent` that came after the cuts, each event once and none that a build has."""
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
    return Fragment(text, {**_params(timezone, opened), "cut": min(one.cut for one in opened)})


def _params(timezone: str, opened: Sequence[Open]) -> dict[str, Param]:
    numbers = [one.number for one in opened]
    return {
        **rollup_cells.between(timezone, numbers, name="open_").params,
        "open_builds": [one.build for one in opened],
        "cuts": [one.cut for one in opened],
    }
