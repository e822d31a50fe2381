"""Keeps the stored members of audiences at what the rules say, judging again only whom something happened to.

Judged again are persons with newly stored events, persons who won or lost a key or whose place on the suppression list
changed, and those for whom a time in a rule ran out (`expiry.py`). Everybody is judged where the audience is new, its
definition or what it rests on has changed, its rule depends on others (`rfm`), or a day has passed: that also mends
what should never happen. What is found is told (`Found`) before it is stored: look-ups wait for nothing that history
needs. Every step may be cut off and repeated. One refresher a store.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import structlog

from tracker.audiences import everybody, expiry, judging
from tracker.audiences.by_key import ByKey
from tracker.audiences.definition import Definition
from tracker.audiences.everybody import Pass
from tracker.audiences.expiry import NEVER
from tracker.audiences.judging import Base
from tracker.audiences.marks import LATE_NS, Marks, basis, marks
from tracker.catalog.memberships import Membership
from tracker.core.site import Site
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param, Query, Rows
from tracker.store.sql import Fragment, fill, load

log = structlog.get_logger()

CAUSES = ("event", "identity", "suppression", "time", "definition")
LISTED_MARGIN = 60_000
"""Versions of the suppression list are clocks of several processes (ms): the last minute's are looked at again."""

WHOLE_EVERY_MS = 86_400_000
DEPENDENT_EVERY_MS = 3_600_000
"""How often everybody is judged where the rule depends on other people's purchases."""

_SIZES = [
    ("audience", "String"), ("members", "UInt64"), ("exportable", "UInt64"), ("entered", "UInt64"), ("gone", "UInt64"),
]  # fmt: skip
AT_ONCE = 20_000
"""Persons judged together, for all audiences: about half a gigabyte with a hundred of them."""

SOON = 20_000
"""Keys with new events in one refresh: where more wait, the latest inserts come first, and one of them at least."""

_SIDE_BY_SIDE = 2  # statements
_COUNTED_AT_ONCE = (
    1  # audiences whose members are counted in one refresh; the others keep the sum of what came and went
)
_MANY, _COUNTING_RESTS = 100_000, 50  # members; counting more rests so many times as long as it took
_ALL = Fragment("")
_SHARE = ("touched_events", "judged", "stays")
_BY_PERSON = "members_by_person"
_STAY = "site, audience, person, entered, entered_by, left_at, left_by, verdict, granted, arm, armed, version"
_SCRATCH = ("touched_keys", "touched_people", "touched_owned", *_SHARE)
_ONLY_SHARE = " and person in (select person from touched_people where person % {shares:UInt64} = {share:UInt64})"


@dataclass(frozen=True)
class Refreshed:
    """How an audience is after a refresh; `changed`: its members. `everybody`: all were judged, and anybody may have
    come or gone. `left`: how many inserts are still to be looked at.
    """

    state: Membership
    changed: bool
    everybody: bool = False
    left: int = 0


@dataclass(frozen=True)
class Found:
    """What was found of some persons, before it is stored: all keys of theirs, and of each audience that was asked
    those of its members who may leave the house.
    """

    keys: Sequence[int]
    inside: Mapping[str, Sequence[int]]


class Refresher:
    """For one thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seen: dict[str, frozenset[int]] = {}  # audience -> inserts it has seen, of those that still may be late
        self._counted: set[str] = set()
        self._count_again = 0.0  # not before, monotonic seconds
        self._settled: set[str] = set()
        self._passed: set[str] = set()
        self._version = 0
        self._levelled = False
        self._columns: list[str] = []
        self.by_key = ByKey(engine)

    def recount(self) -> None:
        """Count sizes anew next time: somebody else (an erasure) took rows away."""
        self._counted.clear()

    def forget_times(self, site: str, before_ms: int) -> None:
        """Delete moments at which a time ran out before all audiences of the site were refreshed.

        Where they are a quarter of all: deleting rewrites the rest.
        """
        params: dict[str, Param] = {"site": site, "before": before_ms}
        query = Query(text=load(__package__, "expired"), params=params)
        [(past, times)] = self._engine.ask(query).rows
        if past and 4 * past >= times:
            text = "alter table expiring delete where site = {site:String} and at <= {before:Int64}"
            self._engine.command(Query(text=text, params=params))

    def settled(self, audiences: Iterable[str]) -> None:
        """How these are after their last refresh was written down by whoever asked for it.

        Until then, and after a start, their members are counted, not reckoned from who came and went.
        """
        self._settled.update(audiences)

    def passed(self, done: Refreshed) -> None:
        """What judging everybody found was written down by whoever asked for it."""
        self._passed.add(done.state.audience)
        if done.changed:
            self._settled.add(done.state.audience)

    def whole(
        self, site: Site, definition: Definition, state: Membership, now_ms: int, currency: str | None
    ) -> Refreshed:
        """Judge everybody for one audience. Raises TrackerError; it may then be repeated."""
        going = self.begin(site, definition, state, now_ms, currency)
        while True:
            done = self.go_on(site, going, state, now_ms, currency)
            if done is not None:
                return done

    def begin(self, site: Site, definition: Definition, state: Membership, now_ms: int, currency: str | None) -> Pass:
        """Judging everybody for one audience begins; it comes to an end with `go_on`. Raises TrackerError."""
        rests_on, sure = basis(site, definition, currency), definition.id in self._passed
        self._passed.discard(definition.id)
        shares, known = everybody.shares(self._engine, site.name)
        return Pass(
            sure=sure,
            definition=definition,
            basis=rests_on,
            cause="definition" if state.basis != rests_on else "time",
            found=marks(self._engine, site.name, 0),
            began_ms=now_ms,
            shares=shares,
            known=known,
        )

    def go_on(self, site: Site, going: Pass, state: Membership, now_ms: int, currency: str | None) -> Refreshed | None:
        """Judge the next share; None: there are more. `state`: how the audience is by now; it may have been refreshed
        since the pass began. Raises TrackerError; then the pass must begin anew.
        """
        definition, one = going.definition, going.definition.id
        read = going.base(self._engine)
        self._empty()
        self._judge(site, read, definition, now_ms=now_ms, currency=currency)
        cause = Fragment(f"{CAUSES.index(going.cause) + 1}")
        found = self._store(site, [one], now_ms, cause=cause, only=going.only).get(one)
        going.judged(int(self._engine.ask(Query(text="select count() from judged")).rows[0][0]), found)
        self._empty()
        return self._gone_through(going, state, now_ms) if going.over else None

    def _gone_through(self, going: Pass, state: Membership, now_ms: int) -> Refreshed:
        one, seen = going.definition.id, self._seen.get(going.definition.id, frozenset())
        if not going.sure:
            self._counted.discard(one)
        moved = {one: going.moved} if going.changed else {}
        [done] = self._ended([state], moved, found=going.found, people=going.people, began=going.began, now_ms=now_ms)
        after = replace(done.state, basis=going.basis, whole_at=going.began_ms)
        if state.basis == going.basis and state.as_of > going.began_ms:  # was refreshed meanwhile: that is further on
            kept = {name: getattr(state, name) for name in ("as_of", "block", "inserts", "moved", "listed")}
            after = replace(after, **kept)
        else:
            seen = going.found.recent(going.found.block)
            after = replace(
                after,
                as_of=going.began_ms,
                block=going.found.block,
                inserts=len(seen),
                moved=going.found.moved,
                listed=going.found.listed,
            )
        self._seen[one] = seen
        return Refreshed(after, changed=going.changed or not going.sure, everybody=True)

    def some(
        self,
        site: Site,
        definitions: Sequence[Definition],
        states: Mapping[str, Membership],
        now_ms: int,
        currency: str | None,
        *,
        tell: Callable[[Found], None] | None = None,
    ) -> list[Refreshed]:
        """Judge for several audiences of a site whom something happened to. Raises TrackerError; may be repeated.

        `tell` is told what was found, some persons at a time, before it is stored.
        """
        began = time.monotonic()
        before = [states[one.id] for one in definitions]
        self._unsettle(definitions)
        found = marks(self._engine, site.name, min(state.block for state in before))
        for state in before:
            self._seen.setdefault(state.audience, found.all_of(state))
        people, later = self._set_apart(site, before, found, now_ms)
        moved: dict[str, tuple[int, int, int]] = {}
        for share in self.rejudged(
            site, definitions, now_ms, currency, people=people, cause=Fragment("min(cause)"), tell=tell
        ):
            for audience, some in share.items():
                moved[audience] = _sum(moved.get(audience, (0, 0, 0)), some)
        self._empty()
        return self._ended(before, moved, found=found, people=people, began=began, now_ms=now_ms, later=later)

    def _unsettle(self, definitions: Sequence[Definition]) -> None:
        audiences = {one.id for one in definitions}
        self._counted -= audiences - self._settled
        self._settled -= audiences

    def rejudged(
        self,
        site: Site,
        definitions: Sequence[Definition],
        now_ms: int,
        currency: str | None,
        *,
        people: int,
        cause: Fragment,
        tell: Callable[[Found], None] | None = None,
    ) -> Iterator[dict[str, tuple[int, int, int]]]:
        """Judge the `people` of `touched_people`, whose keys are in `touched_owned`, and store what has changed.

        In shares, so that it needs the same memory for a thousand persons as for all of a site; after each it gives
        audience -> how many came and went, change of the exportable.
        """
        base, engine = judging.apart(site.name), self._engine
        queries = list(judging.statements(engine, site, base, definitions, now_ms=now_ms, currency=currency))
        shares = -(-people // AT_ONCE)
        for share in range(shares):
            for name in _SHARE:
                engine.command(Query(text=f"truncate table {name}"))
            mine: dict[str, Param] = {"shares": shares, "share": share}
            self._copy(site, queries, mine)
            # Most of the time of a small refresh goes into reading the rules, on one core for each statement.
            with ThreadPoolExecutor(_SIDE_BY_SIDE, "judging") as pool:
                list(pool.map(lambda query: self._into("judged", query), queries))
            if tell is not None:
                tell(self._found([one.id for one in definitions], mine))
            only = Fragment(_ONLY_SHARE, mine)
            yield self._store(site, [one.id for one in definitions], now_ms, cause=cause, only=only, apart=True)

    def _found(self, audiences: Sequence[str], share: Mapping[str, Param]) -> Found:
        keys = Query(text=load(__package__, "touched_all"), params=share)
        [(everybody,)] = self._engine.ask(keys).rows
        query = Query(text=load(__package__, "touched_inside"), params={"audiences": list(audiences), **share})
        inside: dict[str, Sequence[int]] = dict.fromkeys(audiences, ())
        inside |= {str(audience): some for audience, some in self._engine.ask(query).rows}
        return Found(everybody, inside)

    def _set_apart(
        self, site: Site, before: Sequence[Membership], found: Marks, now_ms: int
    ) -> tuple[int, frozenset[int]]:
        """How many persons these are, and inserts that must wait."""
        self._empty()
        waiting = {at for state in before for at in found.recent(state.block) - self._seen[state.audience]}
        blocks = self._newest(site, waiting)
        params: dict[str, Param] = {
            "site": site.name,
            "blocks": sorted(blocks),
            "moved": min(state.moved for state in before),
            "listed": max(0, min(state.listed for state in before) - LISTED_MARGIN),
            "after": min(state.as_of for state in before),
            "now": now_ms,
        }
        for name in ("touched_keys", "touched_people", "touched_owned"):
            text = about_happened(name)
            self._engine.command(
                Query(text=text, params={key: one for key, one in params.items() if f"{{{key}:" in text})
            )
        people = int(self._engine.ask(Query(text="select count() from touched_people")).rows[0][0])
        return people, frozenset(waiting - blocks)

    def _newest(self, site: Site, waiting: set[int]) -> set[int]:
        """Of some inserts those to look at now: who did something just now is not kept waiting by an import."""
        query = Query(text=load(__package__, "touched_sizes"), params={"site": site.name, "blocks": sorted(waiting)})
        chosen, keys = set[int](), 0
        for at, size in self._engine.ask(query).rows if len(waiting) > 1 else ():
            if chosen and keys + int(size) > SOON:
                return chosen
            chosen.add(int(at))
            keys += int(size)
        return waiting

    def _copy(self, site: Site, queries: Sequence[Query], share: Mapping[str, Param]) -> None:
        text = " ".join(query.text for query in queries)
        if not self._columns:
            columns = "select name from system.columns where database = currentDatabase() and table = 'touched_events'"
            names = (str(name) for (name,) in self._engine.ask(Query(text=columns)).rows)
            self._columns = [name for name in names if name not in ("site", "key", "own")]
        wanted = [name for name in self._columns if _mentions(text, name)]
        keys = Fragment("select key from touched_owned where person % {shares:UInt64} = {share:UInt64}")
        slots = {
            "columns": Fragment("".join(f", `{name}`" for name in wanted)),
            "events": self.by_key.events(site.name, wanted, keys) or events_source(self._engine),
        }
        params = {"site": site.name, "apart": judging.name_apart(site.name), **share}
        self._engine.command(fill(load(__package__, "touched_events"), slots, params))

    def _judge(self, site: Site, base: Base, definition: Definition, *, now_ms: int, currency: str | None) -> None:
        for query in judging.statements(self._engine, site, base, [definition], now_ms=now_ms, currency=currency):
            self._into("judged", query)

    def _into(self, table: str, query: Query) -> None:
        columns = "audience, person, inside, lapsed, until, verdict, granted"
        text = f"insert into {table} ({columns}) {query.text}"
        self._engine.command(replace(query, text=text))

    def _store(
        self,
        site: Site,
        audiences: Sequence[str],
        now_ms: int,
        *,
        cause: Fragment,
        only: Fragment = _ALL,
        apart: bool = False,
    ) -> dict[str, tuple[int, int, int]]:
        """Changes against what is stored; gives audience -> how many came and went, change of the exportable.

        `apart`: of those in `touched_people`.
        """
        engine = self._engine
        self._level()
        self._version = max(time.time_ns(), self._version + 1)
        params: dict[str, Param] = {
            "site": site.name,
            "audiences": list(audiences),
            "now": now_ms,
            "version": self._version,
            "causes": list(CAUSES),
        }
        touch = Fragment(" any left join touched_people as touch using (person)" if apart else "")
        # Of a few persons the stays stand side by side, of a whole audience those in its own order do.
        stored = Fragment(_BY_PERSON if touch.text else "members")
        slots = {"cause": cause, "stored": stored, "only": only, "touch": touch}
        engine.command(fill(load(__package__, "diff"), slots, params))
        expire = load(__package__, "expire")
        engine.command(Query(text=expire, params={"site": site.name, "never": NEVER}))
        sizes = engine.ask(Query(text=load(__package__, "moved_sizes"), params={"now": now_ms})).rows
        if sizes:
            self._levelled = False
            for table in (_BY_PERSON, "members"):
                self._insert_stays(table)
            self._levelled = True
        return {str(audience): (int(came), int(went), int(more)) for audience, came, went, more in sizes}

    def _insert_stays(self, table: str) -> None:
        self._engine.command(Query(text=f"insert into {table} ({_STAY}) select {_STAY} from stays"))  # noqa: S608

    def _level(self) -> None:
        """Before anything is compared: what was written in one order and not in the other is written there, too.

        Writing may have been cut off between both, or in the midst of the second. What was written last has the highest
        version; writing it again changes nothing.
        """
        if self._levelled:
            return
        text = load(__package__, "level")
        self._engine.command(Query(text=text))
        # a clock that was set back must not make what is stored now look old
        last = int(self._engine.ask(Query(text="select max(version) from members")).rows[0][0])
        self._version = max(self._version, last)
        self._levelled = True

    def _ended(
        self,
        before: Sequence[Membership],
        moved: Mapping[str, tuple[int, int, int]],
        *,
        found: Marks,
        people: int,
        began: float,
        now_ms: int,
        later: frozenset[int] = frozenset(),
    ) -> list[Refreshed]:
        took = round((time.monotonic() - began) * 1000)
        recount = [state.audience for state in before if state.audience not in self._counted][:_COUNTED_AT_ONCE]
        if time.monotonic() < self._count_again:
            recount = []
        counted = self._sizes(before[0].site, recount)
        after = []
        for state in before:
            mine = (found.recent(state.block) - self._seen.get(state.audience, frozenset())) & later
            # What waits stays within the time in which inserts are remembered.
            block = max(state.block, min(found.block, min(mine, default=found.block) + LATE_NS - 1))
            seen = found.recent(block) - mine
            came, went, more = moved.get(state.audience, (0, 0, 0))
            if state.audience in recount:
                members, exportable = counted.get(state.audience, (0, 0))
            else:
                members, exportable = state.members + came - went, state.exportable + more
            fresh = replace(
                state,
                as_of=now_ms,
                block=block,
                inserts=sum(at <= block for at in seen),
                moved=max(state.moved, found.moved),
                listed=max(state.listed, found.listed),
                took_ms=took,
                judged=people,
                members=members,
                exportable=exportable,
                error=None,
                failed_at=None,
                failures=0,
            )
            after.append(Refreshed(fresh, state.audience in moved, left=len(mine)))
            self._seen[state.audience] = seen
        self._counted.update(recount)
        self._note([one.state for one in after if one.changed], moved, now_ms)
        return after

    def _sizes(self, site: str, audiences: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Of five million members this takes a third of a second, while pages wait: then the next ones have time."""
        if not audiences:
            return {}
        began = time.monotonic()
        query = Query(text=load(__package__, "size_of"), params={"site": site, "audiences": list(audiences)})
        found = {str(one): (int(members), int(may)) for one, members, may in self._engine.ask(query).rows}
        if sum(members for members, _ in found.values()) > _MANY:
            self._count_again = began + _COUNTING_RESTS * (time.monotonic() - began)
        return found

    def _note(self, states: Sequence[Membership], moved: Mapping[str, tuple[int, int, int]], now_ms: int) -> None:
        """The history of sizes: one row for each refresh that changed something."""
        if not states:
            return
        rows = [(state.audience, state.members, state.exportable, *moved[state.audience][:2]) for state in states]
        params: dict[str, Param] = {"site": states[0].site, "at": now_ms}
        text = load(__package__, "note_sizes")
        self._engine.command(Query(text=text, params=params, tables={"sizes": Rows(columns=_SIZES, data=rows)}))

    def _empty(self) -> None:
        for name in _SCRATCH:
            self._engine.command(Query(text=f"truncate table {name}"))


def about_happened(name: str) -> str:
    """The text of a statement about those to whom something happened (`happened.sql`, slot `happened`)."""
    happened = fill(load(__package__, "happened"), {"moved": persons.moved()}).text
    return load(__package__, name).replace("/*happened*/", happened)


def due_whole(site: Site, definition: Definition, state: Membership, now_ms: int, currency: str | None) -> bool:
    """Whether everybody must be judged."""
    if state.basis != basis(site, definition, currency):
        return True
    every = WHOLE_EVERY_MS if expiry.foreseeable(definition.rule) else DEPENDENT_EVERY_MS
    return now_ms - state.whole_at >= every or now_ms < state.as_of


def _sum(one: tuple[int, int, int], other: tuple[int, int, int]) -> tuple[int, int, int]:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _mentions(text: str, name: str) -> bool:
    """Whether a statement may read a column of this name; a name that stands for something else does no harm."""
    return re.search(rf"\b{re.escape(name)}\b", text) is not None
