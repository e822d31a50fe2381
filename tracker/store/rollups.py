"""Days that are counted already, and which of them may be believed now (`docs/decisions/rollups.md`).

A day is believed where nothing came for it after it was built (`touched_slots` says how much came), or where what came
can be added (`rollup_open`), and no key that already belonged to somebody else has moved on since. Whoever only became
known since then is put right when the question is asked: `moves`. Everything else is counted from events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from tracker.store import rollup_cells, rollup_open
from tracker.store.among import Among
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param, Query, Rows
from tracker.store.rollup_beside import Beside
from tracker.store.rollup_open import Open
from tracker.store.site_days import FIRST, local_days, midnight
from tracker.store.sql import Fragment, fill, load

MOST_MOVES = 20_000
"""Keys that a question puts right; a day for which there are more is counted from events until it is built again."""

IN_PARALLEL = Fragment(
    "settings merge_tree_min_rows_for_concurrent_read = 1, merge_tree_min_bytes_for_concurrent_read = 1,"
    " max_threads = 0"
)
"""There are few rows, but each may be hundreds of kilobytes: by itself ClickHouse would read them in one thread. Said
in the text, because an embedded connection takes a setting only by a statement of its own.
"""

_LAST = 2**32  # seconds since 1970: ClickHouse's DateTime ends in February 2106
_BY_DAY = "mapApply((unit, amount) -> (concat(toString(day), unit), amount), revenue) as revenue"
_NEWEST = "select max(version) from person_map where site = {site:String} settings max_threads = 1"
_CUT = """
select max(version) from (
    select version from person_map where site = {site:String} and version > {since:UInt64}
    order by version desc limit 1 offset {most:UInt32}
)
"""
_SITES = 1000
_lately: dict[tuple[str, str], Sequence[rollup_open.Build]] = {}  # site, zone -> builds of days that are not over
_USED = [("day", "UInt16"), ("build", "UInt64"), ("version", "UInt64")]
_MOVES = [("number", "UInt32"), ("version", "UInt64"), ("owner", "UInt32"), ("person", "UInt64")]


@dataclass(frozen=True)
class Day:
    """A day that has events. `number`: days since 1970. `build` is 0 where it was never built.

    cut: of a build of a day that was not over, it holds the `came` rows of `recent` from before this moment (ms).
    """

    number: int
    touched: int
    seen: int
    build: int
    version: int
    cut: int = 0
    came: int = 0

    @property
    def built(self) -> bool:
        """Whether it was built when it was over, and nothing came since."""
        return self.build > 0 and not self.cut and self.touched == self.seen and self.number >= FIRST


@dataclass(frozen=True)
class Road:
    """How a range can be answered: `used` days from their builds, `counted` from events. No events: in neither.

    opened: builds among those of `used` that something came for since, which is to be added.

    beyond: the range leaves what a DateTime can hold, and is answered from events whatever is known of its days.

    moves: (number, version, number of the person it is now or 0, key of that person).
    """

    used: Sequence[Day] = ()
    counted: Sequence[Day] = ()
    opened: Sequence[Open] = ()
    moves: Sequence[tuple[int, int, int, int]] = field(default=())
    beyond: bool = False

    @property
    def empty(self) -> bool:
        """Whether no day of the range has an event."""
        return not self.used and not self.counted and not self.beyond

    @property
    def tables(self) -> dict[str, Rows]:
        """What `people` reads."""
        return {"moves": Rows(columns=_MOVES, data=self.moves)} if self.moves else {}


@dataclass(frozen=True)
class Known:
    """Days that have events. newest: the highest version of the map of persons, if there is such a day.

    held: of some builds of days that are not over, which hold (`not_over`), where that was asked beside.
    """

    days: Sequence[Day] = ()
    newest: int = 0
    held: Mapping[rollup_open.Build, Open | None] = field(default_factory=dict)


def days(engine: Engine, site: str, timezone: str, span: range) -> Known:
    """The days of a span that have events, with what is known of their builds."""
    since, until = midnight(span.start, timezone), midnight(span.stop, timezone)
    params: dict[str, Param] = {
        "site": site,
        "timezone": timezone,
        "since": max(0, since // 1000),
        "until": max(1, until // 1000),
    }
    rows = [[int(cell) for cell in row] for row in engine.ask(fill(_load("rollup_state"), params=params)).rows]
    return Known([Day(*row[:-1]) for row in rows], rows[0][-1]) if rows else Known()


def known(
    engine: Engine, site: str, timezone: str, start: int, end: int, *, aside: Executor | None = None
) -> Known | None:
    """The days of [start, end) (ms), which questions about times side by side ask for once; None: see `Road.beyond`.

    aside: to ask beside whether the builds hold that there were when it was asked last; they are so still mostly.
    """
    span = _span(engine, timezone, start, end)
    if span is None:
        return None
    builds = _lately.get((site, timezone), ())
    ahead = aside.submit(rollup_open.held, engine, site, timezone, builds) if aside and builds else None
    found = days(engine, site, timezone, span)
    if now := _open(found.days):
        _lately[site, timezone] = now
        while len(_lately) > _SITES:
            _lately.pop(next(iter(_lately)), None)
    if ahead is None:
        return found
    held = {one.build: one for one in ahead.result()}
    return replace(found, held={one: held.get(one[1]) for one in builds})


def _span(engine: Engine, timezone: str, start: int, end: int) -> range | None:
    """The days that a range touches. A segment's events are counted: days hold all."""
    span = local_days(start, end, timezone)
    beyond = midnight(span.start, timezone) < 0 or midnight(span.stop, timezone) // 1000 >= _LAST
    return None if isinstance(engine, Among) or beyond else span


def road(engine: Engine, site: str, timezone: str, start: int, end: int, *, of: Known | None = None) -> Road:
    """How to answer for [start, end) (ms). Takes a few milliseconds. of: what is known of it and more already."""
    span = _span(engine, timezone, start, end)
    of = of or known(engine, site, timezone, start, end)
    if span is None or of is None:
        return Road(beyond=True)
    whole = whole_days(engine, timezone, start, end)
    found = [day for day in of.days if day.number in span]
    inside = [day for day in found if day.number in whole]
    opened = not_over(engine, site, timezone, inside, of.held)
    built = [day for day in inside if day.built or day.build in opened]
    used, moves = believed(engine, site, timezone, built, of.newest)
    chosen = {day.number for day in used}
    return Road(
        used=used,
        counted=[day for day in found if day.number not in chosen],
        opened=[opened[day.build] for day in used if day.build in opened and opened[day.build].since],
        moves=moves,
    )


def whole_days(engine: Engine, timezone: str, start: int, end: int) -> range:
    """The days that lie in [start, end) (ms); none where days do not help."""
    span = _span(engine, timezone, start, end)
    if span is None:
        return range(0)
    first = span.start + (midnight(span.start, timezone) != start)
    return range(first, max(first, span.stop - (midnight(span.stop, timezone) != end)))


def newest(engine: Engine, site: str) -> int:
    """The highest version of the map of persons: who became known after it is not in it."""
    return int(engine.ask(Query(text=_NEWEST, params={"site": site})).rows[0][0])


def not_over(
    engine: Engine,
    site: str,
    timezone: str,
    found: Sequence[Day],
    held: Mapping[rollup_open.Build, Open | None] | None = None,
) -> dict[int, Open]:
    """By build: those of days that were not over, as far as they hold. held: what is known of some."""
    builds = _open(found)
    if held and all(one in held for one in builds):
        return {one[1]: known for one in builds if (known := held[one]) is not None}
    return {one.build: one for one in rollup_open.held(engine, site, timezone, builds)}


def _open(found: Sequence[Day]) -> list[rollup_open.Build]:
    """Builds of days that were not over."""
    return [(day.number, day.build, day.cut, day.came) for day in found if day.cut and day.number >= FIRST]


def believed(
    engine: Engine, site: str, timezone: str, built: Sequence[Day], last: int
) -> tuple[list[Day], list[tuple[int, int, int, int]]]:
    """Those of the built days that identity has not made stale, and the moves that put them right. last: `newest`."""
    if not built or last <= min(day.version for day in built):
        return list(built), []
    since = min(day.version for day in built)
    query = Query(text=_CUT, params={"site": site, "since": since, "most": MOST_MOVES})
    cut = int(engine.ask(query).rows[0][0])
    used = [day for day in built if day.version >= cut]
    if not used:
        return [], []
    params: dict[str, Param] = {"site": site, "since": min(day.version for day in used)}
    rows = engine.ask(fill(_load("rollup_moves"), params=params)).dicts()
    if not rows:
        return used, []
    moves = [(row["number"], row["version"], row["owner"], row["person"]) for row in rows]
    tables = {"used": _used(used), "moves": Rows(columns=_MOVES, data=moves)}
    asked = fill(_load("rollup_stale"), params={"site": site, "timezone": timezone}, tables=tables)
    stale = {int(row[0]) for row in engine.ask(asked).rows}
    return [day for day in used if day.number not in stale], moves


def parts(
    road: Road,
    more: Sequence[Fragment] = (),
    spans: Fragment | None = None,
    within: Sequence[int] = (),
    beside: Beside | None = None,
) -> Fragment:
    """Rows of both roads in the columns of `rollup_cells`; needs `site`, `timezone` and `kinds`.

    `revenue` is by day and currency. more: rows to be added (`fresh`). spans: the same rows of the days `within`, all
    kinds but `day`. beside: what came since builds of days that are not over, to be asked where it says.
    """
    stored = (
        f"select day, kind, entry, events, page_views, purchases, sessions, {_BY_DAY}, people, buyers,"  # noqa: S608 - text of our own
        " emptyArrayUInt64() as strangers, emptyArrayUInt64() as strange_buyers from rollups"
        " where site = {site:String} and zone = {timezone:String} and kind in {kinds:Array(String)}"
        " and toUInt16(day) in {used_days:Array(UInt16)}"
        " and has(arrayZip({used_days:Array(UInt16)}, {used_builds:Array(UInt64)}), (toUInt16(day), build))"
    )
    texts: list[str] = []
    params: dict[str, Param] = {
        "used_days": [day.number for day in road.used],
        "used_builds": [day.build for day in road.used],
    }
    if spans is not None:
        stored += " and (kind = 'day' or toUInt16(day) not in {within:Array(UInt16)})"
        texts.append(spans.text)
        params |= {"within": list(within), **spans.params}
    if beside is not None and beside.changed:
        stored += (
            " and not (kind = 'channel' and build in {open_builds:Array(UInt64)} and entry in {changed:Array(String)})"
        )
        params["changed"] = list(beside.changed)
    for rows in (*more, *([beside.rows] if beside is not None and beside.rows is not None else [])):
        texts.append(
            f"select day, kind, entry, events, page_views, purchases, sessions, {_BY_DAY}, people, buyers, strangers,"  # noqa: S608
            f" strange_buyers from ({rows.text}) where kind in {{kinds:Array(String)}}"
        )
        params |= rows.params
    return Fragment(f"({' union all '.join([stored, *texts])})", params)


def fresh(engine: Engine, road: Road, timezone: str, kinds: Sequence[str], within: tuple[int, int]) -> list[Fragment]:
    """What a question adds to builds: days that it counts, or what of them is `within` (ms)."""
    if not road.counted:
        return []
    days = rollup_cells.between(timezone, [day.number for day in road.counted], within)
    return [rollup_cells.lists(rollup_cells.seen(events_source(engine), days), kinds)]


def people(road: Road, bitmap: str, strangers: str) -> Fragment:
    """How many persons there are behind the merged columns `bitmap` and `strangers`; needs `Road.tables`."""
    joined, others = f"groupBitmapMergeState({bitmap})", f"groupUniqArrayArray({strangers})"
    if not road.moves:
        return Fragment(f"bitmapCardinality({joined}) + length({others})")
    column = "(select groupArray({}) from (select * from /*table:moves*/ order by number))"
    moved = "(select groupBitmapState(number) from /*table:moves*/)"
    numbers, owners = (column.format(name) for name in ("number", "owner"))
    hit = f"bitmapToArray(bitmapAnd({joined}, {moved}))"
    known = f"arrayFilter(one -> one != 0, arrayMap(one -> transform(one, {numbers}, {owners}, toUInt32(0)), {hit}))"
    nameless = "(select groupArray(if(owner = 0, person, 0)) from (select * from /*table:moves*/ order by number))"
    new = f"arrayFilter(one -> one != 0, arrayMap(one -> transform(one, {numbers}, {nameless}, toUInt64(0)), {hit}))"
    return Fragment(
        f"bitmapCardinality(bitmapOr(bitmapAndnot({joined}, {moved}), bitmapBuild({known})))"
        f" + length(arrayDistinct(arrayConcat({others}, {new})))"
    )


def _used(used: Sequence[Day]) -> Rows:
    return Rows(columns=_USED, data=[(day.number, day.build, day.version) for day in used])


def _load(name: str) -> str:
    return load(__package__, name)
