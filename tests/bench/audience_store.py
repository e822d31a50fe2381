"""A large site with a hundred audiences in a store of this process: made, refreshed, judged as a whole, exported."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import crowd
import msgspec
from loading import Road, event
from running import until

from tracker.audiences.by_key import ByKey
from tracker.audiences.definition import Definition, stored
from tracker.audiences.export import run_export
from tracker.audiences.marks import basis, main_currency, marks
from tracker.audiences.order import Order
from tracker.audiences.refresh import CAUSES, Found, Refreshed, Refresher
from tracker.catalog.audiences import StoredAudience
from tracker.catalog.memberships import Membership
from tracker.core.identifiers import keys_of
from tracker.core.identity import user_key, visitor_key
from tracker.core.site import Site
from tracker.store.engine import Engine, Query, Rows
from tracker.store.sql import Fragment
from tracker.store.sql import load as load_sql
from tracker.wiring.segment_files import SegmentFiles

WHOLE = 6  # the audience for which everybody is judged, too: viewed but not bought, or the like


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long this takes, here and in the embedded store, and the most memory meanwhile."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    wall, work = time.perf_counter(), time.process_time()
    yield
    wall, work = time.perf_counter() - wall, time.process_time() - work
    print(f"{what:66} {wall:8.2f} s wall {work:8.2f} s work {peak('self'):6.2f} GB", flush=True)


def peak(process: int | str) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e6


class Watched:
    """An engine that notes how long each kind of statement takes, by the first words of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._took: dict[str, list[float]] = {}

    def __getattr__(self, name: str) -> object:
        found = getattr(self._engine, name)
        return found if name not in ("ask", "command") else lambda query: self._timed(found, query)

    def _timed(self, does: Callable[[Query], object], query: Query) -> object:
        text = " ".join(line for line in query.text.splitlines() if not line.startswith("--"))
        wall, work = time.perf_counter(), time.process_time()
        try:
            return does(query)
        finally:
            sums = self._took.setdefault(" ".join(text.split())[:60], [0.0, 0.0, 0.0])
            for at, more in enumerate((1, time.perf_counter() - wall, time.process_time() - work)):
                sums[at] += more

    def begin(self) -> None:
        """Forget those so far."""
        self._took.clear()

    def tell(self) -> None:
        """The dearest; the processor's seconds are of everything that ran meanwhile."""
        for what, (times, wall, work) in sorted(self._took.items(), key=lambda one: -one[1][1])[:14]:
            print(f"    {wall:7.2f} s wall {work:7.2f} s work {times:4.0f} x {what}", flush=True)


class Bench:
    """One site on one data folder."""

    def __init__(self, data: Path, engine: Engine, asked: argparse.Namespace) -> None:
        self.engine, self.asked = engine, asked
        self.statements = Watched(engine)
        self.road = Road(data, engine)
        self.now = time.time_ns() // 1_000_000
        there = any(one.name == crowd.SITE for one in self.road.catalog.sites.list())
        sites = self.road.catalog.sites
        self.site: Site = sites.get(crowd.SITE) if there else sites.create(crowd.SITE, consent="opt-out")
        self.refresher = Refresher(cast("Engine", self.statements))
        self.files = SegmentFiles(engine, data)
        self.states: dict[str, Membership] = {}
        self.definitions: list[Definition] = []

    def fill(self) -> None:
        with timed(f"{self.asked.persons:,} persons put into the store"):
            crowd.fill(self.engine, self.asked.persons, self.now, each=self.asked.each)
        with timed("the store's own merges after that"):
            self._merged()
        self.copy()
        accounts = range(0, min(self.asked.persons, 10 * self.asked.export), 10)
        with timed(f"{len(accounts):,} sealed addresses put into the vault"):
            keys = keys_of(self.site.name, self.site.write_key, self.site.identifier_key)
            crowd.fill_vault(self.road.catalog, keys, (f"u:u{n}" for n in accounts))
        more = {"duration": "540d", "holdout": 0.1, "refresh": "1m"}
        made = [
            self.road.catalog.audiences.create(crowd.SITE, f"audience {at}", rule, **more)
            for at, rule in enumerate(crowd.rules(self.asked.audiences))
        ]
        self._define(made)

    def copy(self) -> None:
        """Events in the order of keys, as the chore copies them, some at a time."""
        copies = self.refresher.by_key = ByKey(self.engine, settles_s=0.0)
        if not copies.whole(crowd.SITE):
            with timed("events copied in the order of keys"):
                while copies.copy(crowd.SITE):
                    pass

    def _define(self, made: list[StoredAudience]) -> None:
        self.definitions = [stored(one, lambda other: self.road.catalog.audiences.get(other).rule) for one in made]

    def go_on(self) -> None:
        """With what an earlier run left."""
        self.copy()
        made = [one for one in self.road.catalog.audiences.list(crowd.SITE) if one.name.startswith("audience")]
        self._define(made)
        self.states = self.road.catalog.memberships.of(crowd.SITE)
        self.states = {one.id: self.states[one.id] for one in made}
        self.refresher.settled(self.states)
        self.refresher.sizes.trust(self.states)
        if not list((self.road.data / "segments").glob("*/*.bin")):
            self._files()

    def _files(self) -> None:
        with timed("all files of members, from the store"):
            self.files.put(crowd.SITE, [Refreshed(one, changed=True, everybody=True) for one in self.states.values()])

    def begin(self) -> None:
        """Those who will be judged again are judged; of all others as large a share is in each audience, by chance.

        So the store holds as many members as the rules would find, without the hour that judging everybody takes here.
        """
        currency = main_currency(self.engine, crowd.SITE, self.definitions, self.now)
        some = self.asked.persons if self.asked.sizes == "rules" else 2 * self.asked.events
        known = sorted({self._visitor(n) for n in range(some)})
        ids = [one.id for one in self.definitions]
        with timed(f"{len(ids)} audiences begin, {len(known):,} persons judged"):
            self._judge(known, currency)
        found = marks(self.engine, crowd.SITE, 0)
        sizes = self._counted()
        print(f"  {sum(members for members, _ in sizes.values()) / len(known):.1f} audiences a person", flush=True)
        if self.asked.persons > len(known):
            with timed("members by chance among all others"):
                shares = {one: sizes.get(one, (0, 0))[0] / len(known) for one in ids} | {ids[0]: -1.0}
                if self.asked.sizes == "spread":  # from 100 members to half of all persons
                    widest = math.log(self.asked.persons / 200)
                    shares = {
                        one: 100 / self.asked.persons * math.exp(widest * at / (len(ids) - 1))
                        for at, one in enumerate(reversed(ids))
                    }
                crowd.stand_in(self.engine, shares, self.asked.persons, self.now)
            with timed("the store's own merges after that"):
                self._merged()
            sizes = self._counted()
        self.refresher.touched.empty()
        for one in self.definitions:
            members, exportable = sizes.get(one.id, (0, 0))
            self.states[one.id] = Membership(
                audience=one.id, site=crowd.SITE, basis=basis(self.site, one, currency), as_of=self.now,
                block=found.block, inserts=len(found.blocks), moved=found.moved, listed=found.listed,
                whole_at=self.now, members=members, exportable=exportable,
            )  # fmt: skip
        self.refresher.settled(self.states)
        self.refresher._seen.update((one, found.recent(found.block)) for one in self.states)
        self.refresher.sizes.trust(self.states)
        self.road.catalog.memberships.save(self.states.values())
        print(f"  {sum(one.members for one in self.states.values()):,} members", flush=True)
        self._files()

    def _merged(self) -> None:
        merging = Query(text="select count() from system.merges where database = currentDatabase()")
        until(lambda: not self.engine.ask(merging).rows[0][0], 3600)

    def _counted(self) -> dict[str, tuple[int, int]]:
        """Members of each audience; none of them has two versions yet."""
        text = "select audience, count(), countIf(verdict = 'exportable') from members group by audience"
        return {str(one): (int(some), int(may)) for one, some, may in self.engine.ask(Query(text=text)).rows}

    def _visitor(self, n: int) -> int:
        return n * 7919 % self.asked.persons

    def _judge(self, persons: list[int], currency: str | None) -> None:
        self.refresher.touched.empty()
        keys = [(user_key(f"u{n}") if n % 10 == 0 else visitor_key(f"v{n}"),) for n in persons]
        given = Rows(columns=[("person", "UInt64")], data=keys)
        text = "insert into touched_people (person, cause) select person, 5 from /*table:given*/"
        self.engine.command(Query(text=text, tables={"given": given}))
        owned = load_sql("tracker.audiences", "touched_owned")
        self.engine.command(Query(text=owned, params={"site": crowd.SITE}))
        cause = Fragment(f"{CAUSES.index('definition') + 1}")
        for _ in self.refresher.rejudged(
            self.site, self.definitions, self.now, currency, people=len(persons), cause=cause
        ):
            pass

    def refresh(self, again: bool) -> None:
        """As the chore does: find out what happened, judge, write files, say how far it is."""
        with timed(f"{self.asked.events:,} events loaded"):
            self.road.load(self._fresh(again))
        now = time.time_ns() // 1_000_000
        self.statements.begin()
        with timed(f"a refresh of {len(self.definitions)} audiences after them"):
            currency = main_currency(self.engine, crowd.SITE, self.definitions, now)
            began, told = time.perf_counter(), list[float]()

            def tell(found: Found) -> None:
                took = time.perf_counter()
                self.files.note(crowd.SITE, found)
                told.append(time.perf_counter() - began)
                written.append(time.perf_counter() - took)

            written = list[float]()
            done = self.refresher.some(self.site, self.definitions, self.states, now, currency, tell=tell)
            self.files.put(crowd.SITE, done)
            self.road.catalog.memberships.save(one.state for one in done)
            self.refresher.settled(self.states)
        self.states |= {one.state.audience: one.state for one in done}
        judged, changed = done[0].state.judged, sum(one.changed for one in done)
        print(
            f"  {judged:,} persons judged, {changed} audiences changed, in look-ups after {told[0]:.2f} s,"
            f" files {sum(written):.2f} s of it",
            flush=True,
        )
        self.statements.tell()
        with timed("files of audiences take over what changed"):
            self.files.fold(crowd.SITE)

    def whole(self) -> None:
        """Everybody judged for the first audience of `WHOLE`, in shares."""
        one = self.definitions[WHOLE]
        currency = main_currency(self.engine, crowd.SITE, [one], self.now)
        began, worst = time.perf_counter(), 0.0
        with timed("everybody judged for one audience, in shares"):
            state = Membership(audience=one.id, site=crowd.SITE)
            going = self.refresher.begin(self.site, one, state, self.now, currency)
            while True:
                share = time.perf_counter()
                done = self.refresher.go_on(self.site, going, state, self.now, currency)
                worst = max(worst, time.perf_counter() - share)
                if done is not None:
                    break
        print(f"  {going.shares} shares, the longest {worst:.2f} s of {time.perf_counter() - began:.2f} s", flush=True)
        with timed(f"its file anew from the store, {done.state.exportable:,} members"):
            self.files.put(crowd.SITE, [done])

    def _fresh(self, again: bool) -> list[object]:
        now = time.time_ns() // 1_000_000
        first = now * 1_000_000
        names = ("view_item", "add_to_cart", "begin_checkout", "purchase", "search")
        made = [
            event(
                first + n, name=names[n % 5], visitor=f"v{self._visitor(n + again * self.asked.events)}",
                ts=now - (n % 20 == 0) * (n % 5 + 1) * 86_400_000,
                received=now, arrival=now * 16_000 + n, props={"category": f"c{n % 50}"}, ads=1, analytics=1,
            )
            for n in range(self.asked.events)
        ]  # fmt: skip
        twice = [msgspec.structs.replace(one, arrival=one.arrival + 1_000_000) for one in made[::50]]
        return [*made, *twice]

    def export(self, folder: Path) -> None:
        """To Meta: an address's hash for each member."""
        catalog, definition = self.road.catalog, self.definitions[0]
        made = catalog.exports.create(crowd.SITE, definition.id, network="meta", mode="full", actor="bench", min_size=1)
        clock = lambda: time.time_ns() // 1_000_000  # noqa: E731
        order = Order(
            export=made, site=self.site, definition=definition, rule_changed=0, days=30, now_ms=clock, version="bench"
        )
        folder.mkdir(exist_ok=True)
        with timed("an export of the accounts, with hash forms"):
            run_export(self.engine, catalog, folder, order)
        done = catalog.exports.get(made.id)
        size = sum(one.bytes for one in done.files) / 1e6
        print(f"  {done.state}: {done.counts}, {size:.0f} MB", flush=True)
