"""Takes a person out of the store, whole: the ids they go by, the rows they have, and the deleting of those rows.

Deleting rewrites parts (`alter table ... delete`): no mask over bytes that stay. Its text names the table `erasing` and
never a person, because ClickHouse keeps the text of mutations on disk. Everything here may be repeated.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tracker.core.errors import TryLater
from tracker.core.identity import user_key, visitor_key
from tracker.store import journeys, persons
from tracker.store.engine import Engine, Param, Query, Rows
from tracker.store.sql import fill, load

_LINKS = (
    "(toString(site), 'key', xxHash64(concat(if(kind = 'alias', 'u:', 'v:'), source))) in erasing"
    " or (toString(site), 'key', xxHash64(concat('u:', target))) in erasing"
)
_OWNED = "(toString(site), 'key', key) in erasing"
_THEIRS = (
    "arrayExists(number -> number in (select number from rollup_numbers where (toString(site), 'key', key) in erasing),"
    " arrayPushFront(others, one))"
)
_THEIR_ROWS = "number in (select number from rollup_numbers where (toString(site), 'key', key) in erasing)"
# Whose journeys may hold events of the person, by an identification that has changed since.
_HELD_BY = """
select distinct arrayJoin([key, if(found.owner = 0, key, found.owner)]) as unit
from (
    select xxHash64(concat('u:', target)) as key from identity_links
    where site = {site:String} and kind = 'identify' and xxHash64(concat('v:', source)) in {keys:Array(UInt64)}
) as seen
any left join (
    select key, argMax(person, version) as owner from person_map where site = {site:String} group by key
) as found using (key)
"""
_TOUCH_UNITS = """
insert into touched (site, at, key)
select {site:String}, toUInt64(toUnixTimestamp64Nano(now64(9))), number from /*table:given*/
"""
_JOURNEYS = "(toString(site), 'key', unit) in erasing or (toString(site), 'unit', unit) in erasing"
_COLUMNS = [("site", "String"), ("kind", "String"), ("number", "UInt64")]
_FILL = "insert into erasing (site, kind, number) select site, kind, number from /*table:given*/"
_RUNNING = """
select count(), any(latest_fail_reason) from system.mutations
where database = currentDatabase() and table = {table:String} and not is_done
"""
_DAYS = """
select splitByChar(':', erasure)[2] as day, sum(events), max(endsWith(erasure, ':done'))
from erased where site = {site:String} and startsWith(erasure, 'day:') group by day
"""
_DAY_MS = 86_400_000
_TOUCH = """
insert into touched_slots (site, slot, at, amount)
select {site:String}, slot, toStartOfInterval(now('UTC'), interval 10 second), 1 from /*table:slots*/
"""
_SLOTS = """
select distinct toUnixTimestamp(toStartOfFifteenMinutes(toDateTime(ts, 'UTC'))) from events
where site = {site:String} and key in {keys:Array(UInt64)}
"""
_BUILT = """
select distinct toUnixTimestamp(toDateTime(day, {zone:String}))
from rollups
where site = {site:String} and zone = {zone:String} and kind = 'day' and bitmapHasAny(people, (
    select groupBitmapState(number) from rollup_numbers where site = {site:String} and key in {keys:Array(UInt64)}
))
"""
_NEEDLES = 200  # multiSearchAny takes 255
_PAUSE = 0.02  # seconds between two looks at a mutation


@dataclass(frozen=True)
class Names:
    """Ids as events hold them. A person goes by any number of both kinds."""

    visitors: tuple[str, ...] = ()
    users: tuple[str, ...] = ()

    @property
    def keys(self) -> list[int]:
        """The keys of `core.identity`, sorted."""
        return sorted({visitor_key(one) for one in self.visitors} | {user_key(one) for one in self.users})

    @property
    def subjects(self) -> list[str]:
        """As the vault and the consent log know them."""
        return [f"u:{one}" for one in self.users] + [f"v:{one}" for one in self.visitors]


def all_names(engine: Engine, site: str, known: Names) -> Names:
    """Every id of the person or persons behind the known ones, those themselves included."""
    text = (
        "select key, argMax(person, version) from person_map"
        " where site = {site:String} and key in {keys:Array(UInt64)} group by key"
    )
    keys = known.keys
    owners = dict(engine.ask(Query(text=text, params={"site": site, "keys": keys})).rows)
    everybody = sorted({int(owners.get(key, key)) for key in keys})
    theirs = persons.keys_of("units").text
    found = engine.ask(Query(text=f"select distinct key from {theirs}", params={"site": site, "units": everybody}))  # noqa: S608
    wider = sorted({int(key) for (key,) in found.rows} | set(keys))
    names = set(engine.ask(fill(load(__package__, "erase_names"), params={"site": site, "keys": wider})).rows)
    return Names(
        visitors=tuple(sorted({name for kind, name in names if kind == "visitor"} | set(known.visitors))),
        users=tuple(sorted({name for kind, name in names if kind == "user"} | set(known.users))),
    )


def held(engine: Engine, site: str, names: Names) -> int:
    """How many events the person has, each counted once."""
    text = "select count() from events final where site = {site:String} and key in {keys:Array(UInt64)}"
    return int(engine.ask(Query(text=text, params={"site": site, "keys": names.keys})).rows[0][0])


def rejected_with(engine: Engine, site: str, spellings: Sequence[str]) -> list[tuple[int, str]]:
    """(arrival, text) of rejected events whose text holds one of these, as a part of a word too."""
    text = (
        "select arrival, raw from rejected final"
        " where site = {site:String} and multiSearchAny(raw, {spellings:Array(String)})"
    )
    found: dict[int, str] = {}
    for start in range(0, len(spellings), _NEEDLES):
        part = list(spellings[start : start + _NEEDLES])
        found |= dict(engine.ask(Query(text=text, params={"site": site, "spellings": part})).rows)
    return sorted(found.items())


def note(engine: Engine, site: str, erasure: str, events: int) -> None:
    """Tell the ledger's audit how many events an erasure takes away. Telling it again changes nothing."""
    known = engine.ask(
        Query(text="select count() from erased where erasure = {erasure:String}", params={"erasure": erasure})
    )
    if known.rows[0][0] == 0:
        _tell(engine, site, erasure, events)


def delete(engine: Engine, site: str, names: Names, arrivals: Iterable[int]) -> None:
    """Delete events, identity and audience marks of a person, and these rejected events, on every node.

    Returns once nothing of it is left. Raises TryLater where something is; it may then be repeated.
    """
    data = [(site, "key", key) for key in names.keys] + [(site, "arrival", one) for one in arrivals]
    if engine.cluster is None:
        data += _touch_journeys(engine, site, names.keys)
    given = Rows(columns=_COLUMNS, data=data)
    events = "events_local" if engine.cluster else "events"
    nodes = engine.nodes()
    theirs: dict[str, Param] = {"site": site, "keys": names.keys}
    slots = {int(row[0]) for row in engine.ask(Query(text=_SLOTS, params=theirs)).rows}
    for node in nodes:
        node.command(Query(text="truncate table erasing"))
        node.command(Query(text=_FILL, tables={"given": given}))
    for node in nodes:
        _drop(node, events, _OWNED)
        _drop(node, "person_map", f"{_OWNED} or (toString(site), 'key', person) in erasing")
        _drop(node, "suppressed", _OWNED)
        _drop(node, "touched_local" if engine.cluster else "touched", _OWNED)
    if engine.cluster is None:
        _drop(engine, "journeys", _JOURNEYS)
        _drop(engine, "journey_late", _OWNED)
        _drop(engine, "events_by_key", _OWNED)
    _drop(engine, "recent", _OWNED)
    _drop(engine, "rollup_visits", _THEIRS)
    _drop(engine, "rollup_rows", _THEIR_ROWS)
    for table in ("members_by_person", "members", "expiring"):  # the second is brought to the first
        _drop(engine, table, "(toString(site), 'key', person) in erasing")
    _drop(engine, "identity_links", _LINKS)
    _drop(engine, "rejected", "(toString(site), 'arrival', arrival) in erasing")
    _outdate(engine, site, names.keys, slots)
    _drop(engine, "rollup_numbers", _OWNED)
    for node in nodes:
        node.command(Query(text="truncate table erasing"))


def drop_older(engine: Engine, site: str, day: int) -> int:
    """Hide a site's events from before a day (number since 1970, UTC) and tell the audit how many; gives their number.

    For events of our own, which say nothing about anybody: masked (`delete from`), which costs a column and rewrites no
    big parts; merges take them away. What is told but not done is finished first, and a day is done once: so what a
    crash cut off is told once, and what comes late is told with a later day. Nobody may write events meanwhile. Raises
    TryLater.
    """
    rows = engine.ask(Query(text=_DAYS, params={"site": site})).rows
    told = {int(name): (int(events), bool(done)) for name, events, done in rows}
    unfinished = [one for one, (_, done) in sorted(told.items()) if not done and one < day]
    return sum(_drop_before(engine, site, one, *told.get(one, (0, False))) for one in (*unfinished, day))


def _drop_before(engine: Engine, site: str, day: int, told: int, done: bool) -> int:
    params: dict[str, str | int] = {"site": site, "before": day * _DAY_MS}
    where = "site = {site:String} and ts < fromUnixTimestamp64Milli({before:Int64}, 'UTC')"
    query = Query(text=f"select count() from events final where {where}", params=params)  # noqa: S608 - our own text
    held = 0 if done else int(engine.ask(query).rows[0][0])
    if not held and (done or not told):
        return 0
    if held > told:
        _tell(engine, site, f"day:{day}", held - told)
    events = "events_local" if engine.cluster else "events"
    for node in engine.nodes():
        node.command(Query(text=f"delete from {events} where {where}", params=params))  # noqa: S608 - our own text
        _settled(node, events)
    journeys.forget(engine, site)
    _tell(engine, site, f"day:{day}:done", 0)
    return held


def _tell(engine: Engine, site: str, erasure: str, events: int) -> None:
    text = "insert into erased (site, events, erasure) select {site:String}, {events:UInt64}, {erasure:String}"
    engine.command(Query(text=text, params={"site": site, "events": events, "erasure": erasure}))


def _touch_journeys(engine: Engine, site: str, keys: list[int]) -> list[tuple[str, str, int]]:
    """Have all who may hold events of the person read from `events` until their journeys are made anew; for `erasing`.

    Nobody makes journeys meanwhile. Who asks at this moment sees another version afterwards, and asks again.
    """
    found = engine.ask(Query(text=_HELD_BY, params={"site": site, "keys": keys})).rows
    others = [(site, "unit", int(unit)) for (unit,) in found if int(unit) not in set(keys)]
    if others:
        given = Rows(columns=_COLUMNS, data=others)
        engine.command(Query(text=_TOUCH_UNITS, params={"site": site}, tables={"given": given}))
    if (state := journeys.held(engine, site)).made:
        journeys.hold(engine, state)
    return others


def _outdate(engine: Engine, site: str, keys: list[int], slots: set[int]) -> None:
    """Days that were built, or are being built, with events that are gone now are to be built again.

    `slots`: quarters of an hour that had such events. After a crash these are gone, and the builds themselves tell.
    """
    zones = engine.ask(
        Query(text="select distinct zone from rollup_days where site = {site:String}", params={"site": site})
    )
    for (zone,) in zones.rows:
        found = engine.ask(Query(text=_BUILT, params={"site": site, "keys": keys, "zone": zone}))
        slots = slots | {int(row[0]) for row in found.rows}
    if slots:
        given = Rows(columns=[("slot", "DateTime('UTC')")], data=[(one,) for one in sorted(slots)])
        engine.command(Query(text=_TOUCH, params={"site": site}, tables={"slots": given}))


def _drop(node: Engine, table: str, where: str) -> None:
    left = Query(text=f"select count() from {table} where {where}")  # noqa: S608 - our own names only
    if node.ask(left).rows[0][0] == 0:
        return
    node.command(Query(text=f"alter table {table} delete where {where}", settings={"mutations_sync": 0}))
    _settled(node, table)
    if node.ask(left).rows[0][0]:  # the store was started again meanwhile, and `erasing` is empty
        raise TryLater("the store was started again while it deleted", code="not_erased")


def _settled(node: Engine, table: str) -> None:
    """Wait until no mutation of the table runs any more. Raises TryLater where one cannot go on."""
    running = Query(text=_RUNNING, params={"table": table})
    while (state := node.ask(running).rows[0])[0]:
        if state[1]:
            raise TryLater("the store cannot delete at this moment", code="not_erased")
        time.sleep(_PAUSE)
