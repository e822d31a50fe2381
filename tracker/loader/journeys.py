"""Makes the journey table that `tracker.store.journeys` tells how to read: persons to whom something happened, in bulk.

Nothing of it may be taken for the truth. Whose rows are changed is fixed before it is announced (a new version of the
site's state), and announced before anything is changed; and these persons are read from `events` until the state says
that they were made. So a crash anywhere costs a repetition and no more. One maker a store; nobody is erased meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import accumulate

from tracker.loader import journey_costs as costs
from tracker.loader.journey_rows import make, settle
from tracker.loader.journey_waits import Waits
from tracker.store import clock, journeys, persons
from tracker.store.clean import events_source
from tracker.store.clock import LAST_READERS
from tracker.store.engine import Engine, Param, Query
from tracker.store.journeys import CODED, MOST_NAMES, MOST_TEXTS, NAMES, Held
from tracker.store.shares import share
from tracker.store.sql import Fragment, fill, load

LEAST = 200_000
"""Events a site must have; fewer are asked about quickly anyway."""
GRACE_NS = 600_000_000_000
"""An insert may become visible so long after the time it carries (`audiences.marks.LATE_NS`)."""
BACK_MS = 35 * 86_400_000
"""What is older than this before the newest event need not be held when everything is made anew."""
RENEW_MS = 13 * 86_400_000
"""After which everything is made anew, so that what happens now lies within the span that can be held."""
RENAME_NS = 3_600_000_000_000
"""For so long names that are wanted newly wait."""
LINGER_NS = 12 * 3_600_000_000_000
"""After which keys that wait are noted in `journey_late`: `touched` forgets."""
AT_ONCE = 3_000_000
"""Events in one statement where everybody is made: a second of one core, after which others have their turn."""
WANTED_SHARE, RARE_SHARE = 0.5, 0.3
"""Of all events that key names may have: those that are wanted, and those with the site's rarer names."""

_NEWEST = """
select max(toUnixTimestamp(slot)) from touched_slots where site = {site:String} and slot <= now('UTC') + interval 1 day
"""
_NEWS = """
select (
    select uniqExact(key) from touched where site = {site:String} and at > {seen:UInt64} and at <= {until:UInt64}
) + (
    select uniqExact(key) from person_map
    where site = {site:String} and version > {moved:UInt64} and version <= {until:UInt64}
) + (
    select count() from journey_late where site = {site:String} and mark = {late:UInt64}
)
"""
_COME = """
select sum(amount), toUnixTimestamp(min(slot)) * 1000, toUnixTimestamp(max(slot)) * 1000 + 899999
from touched_slots where site = {site:String} and toUnixTimestamp(at) + 20 >= intDiv({seen:UInt64}, 1000000000)
"""
_COUNTED = """
select count(), countIf(codes >= {apart:UInt64}), countIf(codes >= {tied:UInt64} and codes < {apart:UInt64}),
    countIf(bitAnd(codes, {untold:UInt64}) != 0)
from journeys
where site = {site:String} and made = {made:UInt64} and codes < {tied:UInt64} + {apart:UInt64}
"""
_KEYS_OF_SEVERAL = "select arrayJoin([key, person]) from person_map where site = {site:String}"
_LINKED = f"select count() from events where site = {{site:String}} and key in ({_KEYS_OF_SEVERAL})"  # noqa: S608
_OWNERS = Fragment("any left join journey_owned as persons using (key)")
_OF_OWNED = Fragment("key in (select key from journey_owned)")
_OF_UNITS = Fragment("unit in (select unit from journey_units)")


class Journeys:
    """For one thread. `least`, `grace` (ns): see the module's constants; `eager`: whatever it costs."""

    def __init__(self, engine: Engine, *, least: int = LEAST, grace: int = GRACE_NS, eager: bool = False) -> None:
        self._engine = engine
        self._least = least
        self._grace = grace
        self._eager = eager
        self._waits = Waits()

    def keep(self, site: str, wanted: Collection[str] = ()) -> bool:
        """Make of a site what is due; gives whether anything was. Raises TryLater."""
        return sum(self.steps(site, wanted)) > 0

    def steps(self, site: str, wanted: Collection[str] = ()) -> Iterator[bool]:
        """As `keep`, bit by bit: whoever wants to erase somebody may do so between two. Raises TryLater.

        `wanted`: names that saved funnels ask for; those that funnels asked for in vain are known.
        """
        if self._engine.cluster is not None:
            return
        state, asked = journeys.held(self._engine, site), wanted
        if not self._eager and self._waits.holds(self._engine, state, asked):
            return
        now, wanted = clock.now(self._engine), {*wanted, *journeys.wanted(self._engine, site)}
        of_all = costs.for_all(state, self._events(site)) if state.made and self._far(state) else None
        if self._outdated(state, now, wanted, of_all):
            if self._events(site) >= self._least:
                yield from self._anew(site, state, now, wanted)
            return
        keys = self._changed(state, now)
        of_some = costs.for_some(state, keys)
        if keys and self._pays(state, of_some):
            self._some(state, now, keys)
            yield True
        elif now - self._grace - state.seen > LINGER_NS:
            self._put_off(state, now)
            yield True
        else:
            self._waits.note(state, asked, min(of_some, of_some if of_all is None else of_all))
        if state.version * 1000 < now - LAST_READERS:
            yield self._tidy()

    def _outdated(self, state: Held, now: int, wanted: Collection[str], of_all: int | None) -> bool:
        if not state.made or now - state.seen > journeys.KEPT_NS:
            return True
        other = bool(set(wanted) - {*state.names, *state.left_out})
        if other and now - state.made > (0 if self._eager else RENAME_NS):
            return True
        return of_all is not None and self._pays(state, of_all)

    def _pays(self, state: Held, enough: int) -> bool:
        return self._eager or costs.earned(self._engine, state) >= enough

    def _far(self, state: Held) -> bool:
        """Whether what happens now will soon be too late for what is held."""
        return self._newest(state.site) - BACK_MS - state.since > RENEW_MS

    def _newest(self, site: str) -> int:
        return int(self._engine.ask(Query(text=_NEWEST, params={"site": site})).rows[0][0]) * 1000

    def _events(self, site: str) -> int:
        text = "select count() from events where site = {site:String}"
        return int(self._engine.ask(Query(text=text, params={"site": site})).rows[0][0])

    def _changed(self, state: Held, now: int) -> int:
        """How many keys something happened to that is surely to be seen now, at most."""
        until = now - self._grace
        return int(self._engine.ask(Query(text=_NEWS, params={**state.params, "until": until})).rows[0][0])

    def _marks(self, state: Held, now: int) -> Held:
        """What is surely to be seen now."""
        text = "select max(version) from person_map where site = {site:String}"
        moved = int(self._engine.ask(Query(text=text, params={"site": state.site})).rows[0][0])
        late = now - self._grace
        return replace(state, seen=max(state.seen, late), moved=max(state.moved, min(moved, late)))

    def _anew(self, site: str, before: Held, now: int, wanted: Collection[str]) -> Iterator[bool]:
        """Everybody, with the names and texts of today, beside what there was."""
        engine = self._engine
        since = max(self._newest(site) - BACK_MS, 0)
        made = max(now, before.made + 1)
        spent = costs.owed(engine, before, self._events(site) * self._far(before)) if before.made else 0
        state = self._marks(Held(site, made=made, since=since, paid=made, spent=spent), now)
        asked = fill(
            load(__package__, "journeys_names"), {"events": events_source(engine)}, {"site": site, "since": since}
        )
        rows = engine.ask(asked).rows
        counts = {str(text): int(count) for kind, text, count, _, _ in rows if kind == "names"}
        names, left_out = chosen(counts, wanted)
        texts = {
            one.column: tuple(str(text) for kind, text, *_ in rows if kind == one.texts)[:MOST_TEXTS] for one in CODED
        }
        first, last = min((row[3] for row in rows), default=since), max((row[4] for row in rows), default=since)
        others = tuple(name for name in counts if name not in names)[: MOST_NAMES - len(names)]
        state = replace(state, names=names, others=others, left_out=left_out, texts=texts)
        state = replace(state, first=int(first), last=int(last))
        for joined, part in self._parts(site, sum(counts.values())):
            make(engine, state, joined, part)
            yield True
        settle(engine, state)
        journeys.hold(engine, self._counted(state))
        yield True

    def _parts(self, site: str, events: int) -> Iterator[tuple[Fragment, Fragment]]:
        """Everybody in parts, for `make`: those who have one key by ranges of keys, in the order of which events are
        stored, and the others, whose keys may be anywhere.
        """
        linked = int(self._engine.ask(Query(text=_LINKED, params={"site": site})).rows[0][0])
        for number in range(parts := max(events - linked, 0) // AT_ONCE + 1):
            first, last = share(number, parts)
            text = f"key between {{first:UInt64}} and {{last:UInt64}} and key not in ({_KEYS_OF_SEVERAL})"
            yield Fragment(""), Fragment(text, {"first": first, "last": last})
        for number in range(parts := linked // AT_ONCE + 1 if linked else 0):
            of_part = f"key in ({_KEYS_OF_SEVERAL} and person % {parts:d} = {number:d})"
            yield Fragment(persons.join().text), Fragment(f"{of_part} and {persons.PERSON} % {parts:d} = {number:d}")

    def _ahead(self, state: Held, now: int) -> Held:
        """The state once what has come is held, or noted to be late."""
        after = self._marks(state, now)
        [(came, first, last)] = self._engine.ask(Query(text=_COME, params=state.params)).rows
        if not came:
            return after
        return replace(after, first=min(after.first, max(int(first), after.since)), last=max(after.last, int(last)))

    def _put_off(self, state: Held, now: int) -> None:
        """Note who is to be made, because `touched` forgets; they are read from `events` as before."""
        after = replace(self._ahead(state, now), late=now)
        keys = journeys.touched(state, over=True)
        chosen = f"select {{site:String}}, {{mark:UInt64}}, key, went from ({keys.text})"  # noqa: S608 - our own text
        text = f"insert into journey_late (site, mark, key, went) {chosen}"
        self._engine.command(Query(text=text, params={**keys.params, "mark": now}))
        journeys.hold(self._engine, after)

    def _some(self, state: Held, now: int, changed: int) -> None:
        engine, site = self._engine, state.site
        after = self._ahead(state, now)
        after = replace(after, late=0, spent=after.spent + costs.of_some(state, changed))
        for table in ("journey_units", "journey_owned"):
            engine.command(Query(text=f"truncate table {table}"))
        session = engine.session()
        try:
            keys = journeys.touched(state, over=True)
            text = f"create temporary table journey_touched engine = Memory as {keys.text}"
            session.command(Query(text=text, params=keys.params))
            found = journeys.changed(Fragment("journey_touched"), site)
            session.command(Query(text=f"insert into journey_units (unit) {found.text}", params=found.params))
        finally:
            session.close()
        keys = journeys.owned(Fragment("journey_units"), site)
        engine.command(Query(text=f"insert into journey_owned (key, person) {keys.text}", params=keys.params))
        state = journeys.hold(engine, state)  # from here on whoever looks takes all of these persons from `events`
        where = "site = {site:String} and made = {made:UInt64} and unit in (select unit from journey_units)"
        given: dict[str, Param] = {"site": site, "made": state.made}
        engine.command(Query(text=f"delete from journeys where {where}", params=given))  # noqa: S608
        make(engine, after, _OWNERS, _OF_OWNED)
        settle(engine, after, _OF_UNITS)
        journeys.hold(engine, self._counted(after))
        for table in ("journey_units", "journey_owned"):
            engine.command(Query(text=f"truncate table {table}"))

    def _counted(self, state: Held) -> Held:
        [counted] = self._engine.ask(Query(text=_COUNTED, params=state.rows)).rows
        units, apart, tied, untold = map(int, counted)
        return replace(state, units=units, apart=apart, tied=tied, untold=untold)

    def _tidy(self) -> bool:
        """Drop generations and notes that nobody reads any more; gives whether there were any."""
        before, done = clock.now(self._engine) - LAST_READERS, False
        for table, kept in (("journeys", "made"), ("journey_late", "late")):
            text = (
                "select distinct toUInt64(partition) as number from system.parts"  # noqa: S608 - our own names
                f" where active and database = currentDatabase() and table = '{table}' and number < {{before:UInt64}}"
                f" and number not in (select argMax({kept}, version) from journey_sites group by site)"
            )
            for (number,) in self._engine.ask(Query(text=text, params={"before": before})).rows:
                self._engine.command(Query(text=f"alter table {table} drop partition {int(number):d}"))
                done = True
        return done


def chosen(counts: dict[str, int], wanted: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Key names, of the number of events of each name, and what was wanted and is too frequent.

    Room is for wanted names first, the rarer the sooner; then for the site's rarer names, and of those the more
    frequent ones. They are given in reverse: rows are sorted by the names' bits, the last name's bit first, so that
    those who have what funnels begin with stand together, and the arrays of others are passed over.
    """
    room, names, left_out = WANTED_SHARE * sum(counts.values()), list[str](), list[str]()
    for name in sorted(wanted, key=lambda name: (counts.get(name, 0), name)):
        room -= counts.get(name, 0)
        (names if room >= 0 and len(names) < NAMES else left_out).append(name)
    others = sorted((count, name) for name, count in counts.items() if name not in {*names, *left_out})
    held, most = sum(counts.get(name, 0) for name in names), RARE_SHARE * sum(counts.values())
    fits = [
        one for one, total in zip(others, accumulate(count for count, _ in others), strict=True) if held + total <= most
    ]
    names += [name for _, name in reversed(fits)][: NAMES - len(names)]
    return tuple(reversed(names)), tuple(left_out)
