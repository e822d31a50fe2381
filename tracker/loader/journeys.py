"""Makes the journey table that `tracker.store.journeys` tells how to read: persons to whom something happened, in bulk.

Nothing of it may be taken for the truth. Whose rows are changed is fixed before it is announced (a new version of the
site's state), and announced before anything is changed; and these persons are read from `events` until the state says
that they were made. So a crash anywhere costs a repetition and no more. One maker a store; nobody is erased meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from tracker.store import journeys, persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param, Query
from tracker.store.journeys import CODED, LANES, SPAN_MS, Held
from tracker.store.sql import Fragment, fill, load

LEAST = 200_000
"""Events a site must have; fewer are asked about quickly anyway."""
SHARE = 0.02
"""Of a site's persons to whom something must have happened."""
GRACE_NS = 600_000_000_000
"""An insert may become visible so long after the time it carries (`audiences.marks.LATE_NS`)."""
DAYS = 92
"""What is older than this before the newest event need not be held; whole months are."""
RENEW_NS = 30 * 86_400_000_000_000
"""After which a site's names, texts and first month are chosen anew."""
LINGER_NS = 6 * 3_600_000_000_000
"""After which few persons are made, too: `touched` forgets."""
AT_ONCE = 6_000_000
"""Events in one statement where everybody is made: some 300 MB."""

_NEWEST = """
select max(toUnixTimestamp(slot)) from touched_slots where site = {site:String} and slot <= now('UTC') + interval 1 day
"""
_NEWS = """
select uniqExact(key) + (
    select uniqExact(key) from person_map
    where site = {site:String} and version > {moved:UInt64} and version <= {late:UInt64}
) from touched where site = {site:String} and at > {seen:UInt64} and at <= {late:UInt64}
"""
_SIZES = """
select max(seq), min(arrival), max(arrival) from /*events*/
where site = {site:String} and ts >= fromUnixTimestamp64Milli({since:Int64}) and /*part*/
"""
_OF_OWNED = Fragment("key in (select key from journey_owned)")
_OUTDATED = "site = {site:String} and made != {made:UInt64}"
_LAST_READERS = 600_000_000_000  # ns


class Journeys:
    """For one thread. `least`, `share`, `grace` (ns): see the module's constants."""

    def __init__(self, engine: Engine, *, least: int = LEAST, share: float = SHARE, grace: int = GRACE_NS) -> None:
        self._engine = engine
        self._least = least
        self._share = share
        self._grace = grace

    def keep(self, site: str) -> bool:
        """Make of a site what is due; gives whether anything was. Raises TryLater."""
        return sum(self.steps(site)) > 0

    def steps(self, site: str) -> Iterator[bool]:
        """As `keep`, bit by bit: whoever wants to erase somebody may do so between two. Raises TryLater."""
        if self._engine.cluster is not None:
            return
        state, now = journeys.held(self._engine, site), journeys.clock(self._engine)
        if not state.made or now - state.made > RENEW_NS or now - state.seen > journeys.KEPT_NS:
            if self._events(site) >= self._least:
                yield from self._anew(site, state, now)
            return
        if self._due(state, now):
            self._some(state, now)
            yield True
        if state.version * 1000 < now - _LAST_READERS:
            yield self._tidy(state)

    def _events(self, site: str) -> int:
        text = "select count() from events where site = {site:String}"
        return int(self._engine.ask(Query(text=text, params={"site": site})).rows[0][0])

    def _due(self, state: Held, now: int) -> bool:
        late = now - self._grace
        found = self._engine.ask(Query(text=_NEWS, params={**state.params, "late": late}))
        news = int(found.rows[0][0])
        return news >= max(1, self._share * state.units) or late - state.seen > LINGER_NS

    def _marks(self, state: Held, now: int) -> Held:
        """What is surely to be seen now."""
        text = "select max(version) from person_map where site = {site:String}"
        moved = int(self._engine.ask(Query(text=text, params={"site": state.site})).rows[0][0])
        late = now - self._grace
        return replace(state, seen=max(state.seen, late), moved=max(state.moved, min(moved, late)))

    def _anew(self, site: str, before: Held, now: int) -> Iterator[bool]:
        """Everybody, with the names and texts of today, beside what there was."""
        engine = self._engine
        newest = int(engine.ask(Query(text=_NEWEST, params={"site": site})).rows[0][0])
        since = _month_start(newest - DAYS * 86_400) * 1000
        state = self._marks(Held(site, made=max(now, before.made + 1), since=since), now)
        named: dict[str, Param] = {"site": site, "since": since, "until": since + SPAN_MS}
        rows = engine.ask(fill(load(__package__, "journeys_names"), {"events": events_source(engine)}, named)).rows
        texts = {one.column: _most(rows, one.texts, one.most - 1) for one in CODED}
        state = replace(state, names=_most(rows, "names", LANES), texts=texts)
        parts = sum(int(count) for kind, _, count in rows if kind == "names") // AT_ONCE + 1
        joined = Fragment(persons.join().text)
        for part in range(parts):
            some = Fragment(f"{persons.PERSON} % {parts:d} = {part:d}")
            self._make(state, joined, some)
            yield True
        journeys.hold(engine, replace(state, units=self._units(state)))
        yield True

    def _some(self, state: Held, now: int) -> None:
        engine, site = self._engine, state.site
        after = self._marks(state, now)
        for table in ("journey_units", "journey_owned"):
            engine.command(Query(text=f"truncate table {table}"))
        found = journeys.changed(state)
        engine.command(Query(text=f"insert into journey_units (unit) {found.text}", params=found.params))
        keys = journeys.owned("journey_units", site)
        engine.command(Query(text=f"insert into journey_owned (key, person) {keys.text}", params=keys.params))
        state = journeys.hold(engine, state)  # from here on whoever looks takes all of these persons from `events`
        where = "site = {site:String} and unit in (select unit from journey_units)"
        engine.command(Query(text=f"delete from journeys where {where}", params={"site": site}))  # noqa: S608
        self._make(after, Fragment("any left join journey_owned as persons using (key)"), _OF_OWNED)
        journeys.hold(engine, replace(after, units=self._units(after)))
        for table in ("journey_units", "journey_owned"):
            engine.command(Query(text=f"truncate table {table}"))

    def _make(self, state: Held, joined: Fragment, part: Fragment) -> None:
        engine = self._engine
        params: dict[str, Param] = {
            "site": state.site,
            "made": state.made,
            "since": state.since,
            "until": state.since + SPAN_MS,
            "names": list(state.names),
            "lanes": list(range(1, len(state.names) + 1)),
        }
        source = events_source(engine)
        sizes = fill(_SIZES, {"events": source, "part": part if part is _OF_OWNED else Fragment("true")}, params)
        [(sequence, first, last)] = engine.ask(sizes).rows
        narrow = sequence < 2**16 and last - first < 2**51
        wide, seq_shift, time_shift = ("UInt128", 76, 92) if narrow else ("UInt256", 96, 128)
        lanes = [f"arrayFilter((m, l) -> l = {at}, moments, lane)" for at in range(1, len(state.names) + 1)]
        columns = [f"l{at}" for at in range(1, len(state.names) + 1)]
        slots = {
            "columns": Fragment(", ".join(columns)),
            "unit": Fragment(persons.PERSON),
            "wide": Fragment(wide),
            "codes": self._codes(state, params),
            "events": source,
            "persons": joined,
            "part": part,
            "lanes": Fragment(", ".join(lanes)),
        }
        params |= {"seq_shift": seq_shift, "time_shift": time_shift, "arrival": first}
        settings: dict[str, str | int] = {"join_algorithm": "hash"}
        engine.command(fill(load(__package__, "journeys_make"), slots, params, settings=settings))

    def _codes(self, state: Held, params: dict[str, Param]) -> Fragment:
        """A text that has no code sets bit 24."""
        found = "toUInt32(0)"
        for one in CODED:
            texts = ["", *state.texts.get(one.column, ())]
            params |= {one.texts: texts, f"{one.column}_codes": [at << one.shift for at in range(len(texts))]}
            lists = f"{{{one.texts}:Array(String)}}, {{{one.column}_codes:Array(UInt32)}}"
            found = f"bitOr({found}, transform(toString({one.column}), {lists}, toUInt32({2**24})))"
        return Fragment(found)

    def _units(self, state: Held) -> int:
        text = "select count() from journeys where site = {site:String} and made = {made:UInt64}"
        params: dict[str, Param] = {"site": state.site, "made": state.made}
        return int(self._engine.ask(Query(text=text, params=params)).rows[0][0])

    def _tidy(self, state: Held) -> bool:
        """Delete rows of generations that nobody reads any more; gives whether there were any."""
        params: dict[str, Param] = {"site": state.site, "made": state.made}
        text = f"select count() from journeys where {_OUTDATED}"  # noqa: S608 - our own names only
        if not self._engine.ask(Query(text=text, params=params)).rows[0][0]:
            return False
        self._engine.command(Query(text=f"delete from journeys where {_OUTDATED}", params=params))  # noqa: S608
        return True


def _most(rows: list[tuple[object, ...]], kind: str, most: int) -> tuple[str, ...]:
    return tuple(str(text) for of, text, _ in rows if of == kind)[:most]


def _month_start(seconds: int) -> int:
    """Of the month that a time (seconds since 1970) is in; not before 1970."""
    moment = datetime.fromtimestamp(max(seconds, 0), UTC)
    return int(moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp())
