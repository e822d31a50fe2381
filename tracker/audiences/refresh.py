"""Keeps the stored members of audiences at what the rules say, judging again only whom something happened to.

Judged again are persons with newly stored events, persons who won or lost a key or whose place on the suppression list
changed, and those for whom a time in a rule ran out (`expiry.py`). Everybody is judged where the audience is new, its
definition or what it rests on has changed, its rule depends on others (`rfm`), or a day has passed: that also mends
what should never happen. What is found is told (`Found`) before it is stored: look-ups wait for nothing that history
needs. Every step may be cut off and repeated. One refresher a store.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from tracker.audiences import everybody, expiry, judging
from tracker.audiences.by_key import ByKey
from tracker.audiences.definition import Definition
from tracker.audiences.everybody import Pass
from tracker.audiences.marks import LATE_NS, Marks, basis, marks
from tracker.audiences.sizes import Sizes
from tracker.audiences.stays import CAUSES, Moved, Stays, both
from tracker.audiences.touched import Found, Touched
from tracker.catalog.memberships import Membership
from tracker.core.site import Site
from tracker.store.engine import Engine, Param, Query
from tracker.store.sql import Fragment, load

WHOLE_EVERY_MS = 86_400_000
DEPENDENT_EVERY_MS = 3_600_000
"""How often everybody is judged where the rule depends on other people's purchases."""

AT_ONCE = 20_000
"""Persons judged together, for all audiences: about half a gigabyte with a hundred of them."""

_SIDE_BY_SIDE = 2  # statements
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


class Refresher:
    """For one thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seen: dict[str, frozenset[int]] = {}  # audience -> inserts it has seen, of those that still may be late
        self._passed: set[str] = set()
        self.touched, self.sizes, self._stays = Touched(engine), Sizes(engine), Stays(engine)
        self.by_key = ByKey(engine)

    def recount(self) -> None:
        """Count sizes anew next time: somebody else (an erasure) took rows away."""
        self.sizes.recount()

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
        self.sizes.settled(audiences)

    def passed(self, done: Refreshed) -> None:
        """What judging everybody found was written down by whoever asked for it."""
        self._passed.add(done.state.audience)
        if done.changed:
            self.sizes.settled([done.state.audience])

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
        self.touched.empty()
        self._judge(judging.statements(self._engine, site, read, [definition], now_ms=now_ms, currency=currency))
        cause = Fragment(f"{CAUSES.index(going.cause) + 1}")
        found = self._stays.store(site.name, [one], now_ms, cause=cause, only=going.only).get(one)
        going.judged(int(self._engine.ask(Query(text="select count() from judged")).rows[0][0]), found)
        self.touched.empty()
        return self._gone_through(going, state, now_ms) if going.over else None

    def _gone_through(self, going: Pass, state: Membership, now_ms: int) -> Refreshed:
        one, seen = going.definition.id, self._seen.get(going.definition.id, frozenset())
        if not going.sure:
            self.sizes.doubt(one)
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
        self.sizes.begin(one.id for one in definitions)
        found = marks(self._engine, site.name, min(state.block for state in before))
        for state in before:
            self._seen.setdefault(state.audience, found.all_of(state))
        waiting = {at for state in before for at in found.recent(state.block) - self._seen[state.audience]}
        people, later = self.touched.set_apart(site.name, before, waiting=waiting, now_ms=now_ms)
        moved: dict[str, Moved] = {}
        for share in self.rejudged(
            site, definitions, now_ms, currency, people=people, cause=Fragment("min(cause)"), tell=tell
        ):
            for audience, some in share.items():
                moved[audience] = both(moved.get(audience, (0, 0, 0)), some)
        self.touched.empty()
        return self._ended(before, moved, found=found, people=people, began=began, now_ms=now_ms, later=later)

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
    ) -> Iterator[dict[str, Moved]]:
        """Judge the `people` of `touched_people`, whose keys are in `touched_owned`, and store what has changed.

        In shares, so that it needs the same memory for a thousand persons as for all of a site; after each it gives
        audience -> how many came and went, change of the exportable.
        """
        base, audiences = judging.apart(site.name), [one.id for one in definitions]
        queries = list(judging.statements(self._engine, site, base, definitions, now_ms=now_ms, currency=currency))
        shares = -(-people // AT_ONCE)
        for share in range(shares):
            mine: dict[str, Param] = {"shares": shares, "share": share}
            self.touched.copy(site.name, queries, mine, self.by_key)
            self._judge(queries)
            if tell is not None:
                tell(self.touched.found(audiences, mine))
            only = Fragment(_ONLY_SHARE, mine)
            yield self._stays.store(site.name, audiences, now_ms, cause=cause, only=only, apart=True)

    def _judge(self, queries: Iterable[Query]) -> None:
        """Most of the time of a small refresh goes into reading the rules, on one core for each statement."""
        columns = "audience, person, inside, lapsed, until, verdict, granted"
        into = [replace(query, text=f"insert into judged ({columns}) {query.text}") for query in queries]
        with ThreadPoolExecutor(_SIDE_BY_SIDE, "judging") as pool:
            list(pool.map(self._engine.command, into))

    def _ended(
        self,
        before: Sequence[Membership],
        moved: Mapping[str, Moved],
        *,
        found: Marks,
        people: int,
        began: float,
        now_ms: int,
        later: frozenset[int] = frozenset(),
    ) -> list[Refreshed]:
        took = round((time.monotonic() - began) * 1000)
        sizes = self.sizes.after(before, moved)
        after = []
        for state in before:
            mine = (found.recent(state.block) - self._seen.get(state.audience, frozenset())) & later
            # What waits stays within the time in which inserts are remembered.
            block = max(state.block, min(found.block, min(mine, default=found.block) + LATE_NS - 1))
            seen = found.recent(block) - mine
            members, exportable = sizes[state.audience]
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
        self.sizes.note([one.state for one in after if one.changed], moved, now_ms)
        return after


def due_whole(site: Site, definition: Definition, state: Membership, now_ms: int, currency: str | None) -> bool:
    """Whether everybody must be judged."""
    if state.basis != basis(site, definition, currency):
        return True
    every = WHOLE_EVERY_MS if expiry.foreseeable(definition.rule) else DEPENDENT_EVERY_MS
    return now_ms - state.whole_at >= every or now_ms < state.as_of
