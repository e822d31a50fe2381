"""Days that are not over: a build of what had come before a moment (its `cut`), and what came since, out of `recent`.

What came since is told by when it came, never by its own time: late events are among it. Numbers, sums and sets are
added to those of the build. A visit that goes on may turn out to have been brought by another channel: then the rows of
the channel that it leaves are made anew (`rollup_replaced.sql`).
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
select build, toDate(transform(build, {open_builds:Array(UInt64)}, {open_days:Array(UInt16)}, toUInt16(0))) as day,
    visit, on_page, toString(first_channel) as first_channel, first_ts, first_seq, first_arrival, one
from rollup_visits
prewhere visit in (select visit from came)
where build in {open_builds:Array(UInt64)}
"""
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
_PERSONS = """
select toDate(ts, {{timezone:String}}) as day, event, path, country, device, channel, on_page, visit, in_session,
    value, currency, ts, seq, arrival, if(persons.person = 0, key, persons.person) as person
from ({since}) as came_rows
"""
_NUMBERS = """
select * from came_persons
any left join (
    select key as person, number from rollup_numbers
    prewhere key in (select person from came_persons)
    where site = {site:String}
) as numbers using (person)
"""
_CHANGED = "select distinct was from went where build != 0 and was != entry"
PAGES = "select entry from lately where kind = 'page'"
"""Pages that were seen since the builds, to be asked `beside`."""

_DOUBTED = Query(text="select intDiv(max(version), 1000000000) from doubts")
_DAY = 86_400_000  # ms


@dataclass(frozen=True)
class Open:
    """A build of a day that is not over. `cut`: ms; `since`: how many events came after it."""

    number: int
    build: int
    cut: int
    since: int


@dataclass(frozen=True)
class Beside:
    """Whom to ask for `parts`. changed: channels of which the builds' own rows do not count any more."""

    whom: Engine | Session
    changed: Sequence[str] = ()


def held(engine: Engine, site: str, timezone: str, builds: Sequence[tuple[int, int, int, int]]) -> list[Open]:
    """Those of some builds (day, build, cut, came) of which `recent` has each row yet, neither more nor fewer.

    Fewer: some were erased, or have run out of their time.
    """
    if not builds:
        return []
    each: list[str] = []
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
        Open(number, build, cut, int(now[build][1]))
        for number, build, cut, came in builds
        if now[build][0] == came and now[build][1] <= MOST_SINCE
    ]


def came_before(engine: Engine, site: str, timezone: str, number: int, cut: int) -> int:
    """How many rows `recent` has from before a moment, of the calendar days (UTC) that a day touches."""
    first, last = _dates(timezone, number)
    params: dict[str, Param] = {"site": site, "cut0": cut, "date0": first, "until0": last}
    return int(engine.ask(Query(text=_HAD.format(build=0, n=0), params=params)).rows[0][1])


@contextmanager
def beside(
    engine: Engine, site: str, timezone: str, opened: Sequence[Open], kinds: Sequence[str], *, visits: bool = True
) -> Iterator[Beside]:
    """Whom to ask for `parts`: a session that has counted what came since, where something did.

    It goes in small steps, because ClickHouse would plan and read the rows that came ten times in one statement, which
    costs more than all the rest. visits: sessions and channels are asked for.
    """
    if not opened:
        yield Beside(engine)
        return
    base: dict[str, Param] = {"site": site, "timezone": timezone, "kinds": list(kinds), **_params(timezone, opened)}
    with closing(engine.session()) as session:

        def keep(name: str, rows: Fragment) -> None:
            text = f"create temporary table {name} engine = Memory as {rows.text}"
            session.command(Query(text=text, params={**base, **rows.params}))

        since = _since(engine, timezone, opened)
        join = persons.join(Fragment(f"(select key from ({since.text}))"))  # noqa: S608 - text of our own
        keep("came_persons", Fragment(_PERSONS.format(since=since.text) + join.text, since.params))
        keep("came", Fragment(_NUMBERS))
        came = Fragment("select * from came")
        counted = rollup_cells.cells(came)
        lists = [Fragment(f"select * replace (0 as sessions) from ({counted.text})", counted.params)]  # noqa: S608
        changed: list[str] = []
        if visits:
            keep("going", Fragment(_GOING))
            keep("went", rollup_cells.filled("rollup_went", {"fresh": rollup_cells.visits(came)}))
            lists.append(rollup_cells.filled("rollup_sessions", {}))
            if "channel" in kinds:
                lists.append(rollup_cells.channels(Fragment("select * from went")))
                changed = [str(was) for (was,) in session.ask(Query(text=_CHANGED)).rows]
                if changed:
                    keep("moved", rollup_cells.filled("rollup_moved", {}))
                    lists.append(rollup_cells.filled("rollup_replaced", {}))
        keep("lately", rollup_cells.together(lists))
        yield Beside(session, changed)


def parts(timezone: str, opened: Sequence[Open]) -> Fragment:
    """What came since the builds, in the columns of `rollup_cells.COLUMNS`, to be asked `beside`."""
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
    return int(engine.ask(_DOUBTED).rows[0][0]) > (midnight(number, timezone) - _DAY) // 1000


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


def _dates(timezone: str, number: int) -> tuple[int, int]:
    """The first and the last calendar day (UTC) that a day of a zone touches."""
    return midnight(number, timezone) // _DAY, (midnight(number + 1, timezone) - 1) // _DAY


def _load(name: str) -> str:
    return load(__package__, name)
