"""Members of audiences on a large site: a refresh, an export, the way from event to look-up, look-ups beside ingestion.

    python tests/bench/bench_audiences.py [--persons 200000] [--audiences 100] [--events 10000] [--export 1000000]
        [--each 3] [--sizes judged|spread|rules] [--parts refresh,whole,export,lookups,product] [--rate 500]
        [--lookups 500] [--api-lookups 5] [--batch 50] [--probes 3] [--rest 20] [--seconds 20] [--clickhouse URL]
        [--folder DIR [--keep]]

The site is made in the store with SQL (`crowd.py`): `--each` to two more events a person in 30 days, a tenth with an
account. First in this process: all audiences begin, are refreshed twice after new events (a twentieth of them days
late, a fiftieth sent twice), everybody is judged for one, and one is exported with hash forms (its members are the
accounts, at most `--export` of them have an address). Then real processes on the same data folder take `--rate` events
a second (`--batch` in a request) and `--lookups` questions a second, sent when they are due, while `--probes` single
events at a time are followed from their acknowledgement to the collector's answer; before that, for `--rest` seconds,
one at a time with nothing else to do. Embedded store, or a server's. Prints wall and processor seconds and the most
memory; asserts nothing. `--sizes rules`: everybody is judged for all audiences, no member is drawn by chance. `--keep`:
what is in `--folder` stays, and a later run goes on with it.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import multiprocessing
import random
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec
from xxhash import xxh64_intdigest

sys.path.insert(0, str(Path(__file__).parent.parent))

import crowd
import open_loop
from bench_freshness import batch
from loading import Road, event
from running import Tracker, answers, request, tracker, until

from tracker.audiences.by_key import ByKey
from tracker.audiences.definition import Definition, stored
from tracker.audiences.export import run_export
from tracker.audiences.marks import basis, main_currency, marks
from tracker.audiences.order import Order
from tracker.audiences.refresh import CAUSES, Found, Refreshed, Refresher
from tracker.audiences.standing import salt
from tracker.catalog.audiences import StoredAudience
from tracker.catalog.memberships import Membership
from tracker.core.identifiers import keys_of, person_id
from tracker.core.identity import user_key, visitor_key
from tracker.core.site import Site
from tracker.store.embedded import Embedded
from tracker.store.engine import Engine, Query, Rows
from tracker.store.migrate import migrate
from tracker.store.server import Server
from tracker.store.sql import Fragment
from tracker.store.sql import load as load_sql
from tracker.wiring.segment_files import SegmentFiles

WHOLE = 6  # the audience for which everybody is judged, too: viewed but not bought, or the like
LONGEST = 60.0  # seconds until an event counts as lost


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long this takes, here and in the embedded store, and the most memory meanwhile."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    wall, work = time.perf_counter(), time.process_time()
    yield
    wall, work = time.perf_counter() - wall, time.process_time() - work
    print(f"{what:66} {wall:8.2f} s wall {work:8.2f} s work {_peak('self'):6.2f} GB", flush=True)


def _peak(process: int | str) -> float:
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

    def tell(self) -> None:
        """The dearest; the processor's seconds are of everything that ran meanwhile."""
        for what, (times, wall, work) in sorted(self._took.items(), key=lambda one: -one[1][1])[:14]:
            print(f"    {wall:7.2f} s wall {work:7.2f} s work {times:4.0f} x {what}", flush=True)


class Bench:
    """One site on one data folder."""

    def __init__(self, data: Path, engine: Engine, asked: argparse.Namespace) -> None:
        self.engine, self.asked = engine, asked
        self.road = Road(data, engine)
        self.now = time.time_ns() // 1_000_000
        there = any(one.name == crowd.SITE for one in self.road.catalog.sites.list())
        sites = self.road.catalog.sites
        self.site: Site = sites.get(crowd.SITE) if there else sites.create(crowd.SITE, consent="opt-out")
        self.refresher, self.files = Refresher(engine), SegmentFiles(engine, data)
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
        self.refresher._counted.update(self.states)
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
        self.refresher._empty()
        for one in self.definitions:
            members, exportable = sizes.get(one.id, (0, 0))
            self.states[one.id] = Membership(
                audience=one.id, site=crowd.SITE, basis=basis(self.site, one, currency), as_of=self.now,
                block=found.block, inserts=len(found.blocks), moved=found.moved, listed=found.listed,
                whole_at=self.now, members=members, exportable=exportable,
            )  # fmt: skip
        self.refresher.settled(self.states)
        self.refresher._seen.update((one, found.recent(found.block)) for one in self.states)
        self.refresher._counted.update(self.states)
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
        self.refresher._empty()
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
        watched = Watched(self.engine)
        self.refresher._engine = cast("Engine", watched)
        with timed(f"a refresh of {len(self.definitions)} audiences after them"):
            currency = main_currency(cast("Engine", watched), crowd.SITE, self.definitions, now)
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
        self.refresher._engine = self.engine
        self.states |= {one.state.audience: one.state for one in done}
        judged, changed = done[0].state.judged, sum(one.changed for one in done)
        print(
            f"  {judged:,} persons judged, {changed} audiences changed, in look-ups after {told[0]:.2f} s,"
            f" files {sum(written):.2f} s of it",
            flush=True,
        )
        watched.tell()
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
        order = Order(export=made, site=self.site, definition=definition, days=30, now_ms=clock, version="bench")
        folder.mkdir(exist_ok=True)
        with timed("an export of the accounts, with hash forms"):
            run_export(self.engine, catalog, folder, order)
        done = catalog.exports.get(made.id)
        size = sum(one.bytes for one in done.files) / 1e6
        print(f"  {done.state}: {done.counts}, {size:.0f} MB", flush=True)

    def watched(self) -> Watching:
        """The audience of those who logged in, and whom its hold-out spares."""
        first = self.definitions[0]
        keys, drawn = keys_of(self.site.name, self.site.write_key, self.site.identifier_key), salt(self.site, first.id)
        share = int(first.holdout * 2**64)

        def spares(visitor: str) -> bool:
            return xxh64_intdigest(f"{drawn}:{visitor_key(person_id(keys, visitor))}".encode()) >= share

        return Watching(self.site.write_key, first.id, spares)


@dataclass(frozen=True)
class Watching:
    """Whose single events are followed into which audience."""

    key: str
    audience: str
    spares: Callable[[str], bool]

    def visitor(self) -> str:
        """Nobody yet, and not of the hold-out."""
        return next(name for _ in range(1000) if self.spares(name := f"probe-{random.random()}"))


def follow(it: Tracker, watching: Watching, stop: threading.Event, delays: list[float]) -> None:
    """Seconds from the acknowledgement of an event until the collector says that its visitor is in the audience."""
    while True:
        visitor = watching.visitor()
        event_of = {"id": str(uuid.uuid4()), "type": "track", "name": "login", "visitor": visitor}
        body = json.dumps({"site": watching.key, "events": [event_of]}).encode()
        assert request(it.port, "POST", "/e", body)[0] == 204
        began = time.perf_counter()
        path = f"/v1/segments?site={watching.key}&visitor={visitor}"
        while (waited := time.perf_counter() - began) < LONGEST:
            if watching.audience.encode() in request(it.port, "GET", path)[1]:
                break
            time.sleep(0.05)
        delays.append(waited)
        if stop.wait(random.random()):
            break


def lookups(path: bytes, head: bytes, rate: int, asked: argparse.Namespace, chance: random.Random) -> list[bytes]:
    """Questions about visitors all over the site."""
    return [
        b"GET %b&visitor=v%d HTTP/1.1\r\nHost: 127.0.0.1\r\n%b\r\n" % (path, chance.randrange(asked.persons), head)
        for _ in range(int(rate * (asked.seconds + 1)))
    ]


class Crowd:
    """Senders, each a process of its own (threads of this one would make them late), as urgent as they may be."""

    def __init__(self, it: Tracker, key: str, asked: argparse.Namespace) -> None:
        self._it, self._key, self._asked = it, key, asked
        self._pool = ProcessPoolExecutor(3, multiprocessing.get_context("spawn"), initializer=gc.freeze)
        self._sent: dict[str, Future[dict[str, float]]] = {}

    def ask_collector(self) -> None:
        """Look-ups at the collector's address."""
        self._ask("collector", self._it.port, self._asked.lookups, f"/v1/segments?site={self._key}", "")

    def ask_api(self) -> None:
        """Fewer of them at the API's, which asks the store."""
        token = f"Authorization: Bearer {self._it.env['TRACKER_ADMIN_TOKEN']}\r\n"
        self._ask("API", self._it.api_port, self._asked.api_lookups, f"/api/v1/segments?site={crowd.SITE}", token)

    def _ask(self, what: str, port: int, rate: int, path: str, head: str) -> None:
        if rate:
            made = lookups(path.encode(), head.encode(), rate, self._asked, random.Random(1))
            self._send(f"look-ups/s of the {what}", port, made, rate)

    def send_events(self) -> None:
        """`--rate` events a second, `--batch` in a request, of 5,000 visitors."""
        rate = self._asked.rate / self._asked.batch
        made = []
        for _ in range(int(rate * (self._asked.seconds + 1))):
            body = batch(self._key, ["view_item"] * self._asked.batch)
            head = b"POST /e HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
            made.append(head % len(body) + body)
        self._send(f"requests/s of {self._asked.batch} events", self._it.port, made, rate)

    def _send(self, what: str, port: int, made: list[bytes], rate: float) -> None:
        self._sent[what] = self._pool.submit(open_loop.run, port, made, rate, random.Random(2), links=32)

    def wait(self) -> None:
        """Until all is sent; says how it went."""
        for what, sent in self._sent.items():
            result = sent.result()
            print(
                f"{result['per_second']:.0f} {what}: {result['answered']:.0f} answers, p50 {result['p50_ms']:.2f} ms,"
                f" p99 {result['p99_ms']:.2f} ms, longest {result['longest_ms']:.1f} ms, failed {result['failed']:.0f};"
                f" in it the sender's own lateness, p99 {result['behind_p99_ms']:.2f} ms,"
                f" longest {result['behind_ms']:.2f} ms",
                flush=True,
            )
        self._pool.shutdown()


def collector_alone(it: Tracker, key: str, asked: argparse.Namespace) -> None:
    """Look-ups in the files that are there, beside ingestion; nobody loads."""
    role = it.collector().start()
    until(lambda: answers(it.port, "/readyz"), 30, it.tails)
    senders = Crowd(it, key, asked)
    senders.ask_collector()
    senders.send_events()
    senders.wait()
    print(f"  {_peak(role.pid):.2f} GB")
    role.stop()


def product(it: Tracker, watching: Watching, asked: argparse.Namespace) -> None:
    """The running product, first with nothing else to do, then beside ingestion and look-ups."""
    up = it.role("up", "--no-dashboard").start()
    it.ready()
    key, path = watching.key, f"/api/v1/audiences/{watching.audience}"
    while (it.api("GET", path)["membership"] or {}).get("state") != "ready":
        time.sleep(1.0)
    started = threading.Event()
    started.set()
    follow(it, watching, started, delays := list[float]())
    print(f"the first event after the start: {delays[0]:.2f} s", flush=True)
    for label, busy in (("at rest", False), (f"beside {asked.rate} events/s and {asked.lookups} look-ups/s", True)):
        stop, found = threading.Event(), list[float]()
        threads = [
            threading.Thread(target=follow, args=(it, watching, stop, found))
            for _ in range(asked.probes if busy else 1)
        ]
        senders = Crowd(it, key, asked)
        if busy:
            senders.ask_collector()
            senders.ask_api()
            senders.send_events()
        for thread in threads:
            thread.start()
        if busy:
            senders.wait()
        else:
            time.sleep(asked.rest)
        stop.set()
        for thread in threads:
            thread.join()
        found.sort()
        print(
            f"event to look-up {label}: {len(found)} probes, p50 {found[len(found) // 2]:.2f} s,"
            f" p90 {found[int(len(found) * 0.9)]:.2f} s, longest {found[-1]:.2f} s",
            flush=True,
        )
    shown = it.api("GET", path)["membership"]
    print(f"  the last refresh took {shown['took_ms']} ms; most memory of the processes: {_family(up.pid)}")
    up.stop()


def _family(parent: int) -> str:
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text, words = status.read_text(), (status.parent / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"PPid:\t{parent}\n" in text:
            found.append(f"{words[3].decode() if len(words) > 3 else '?'} {_peak(status.parent.name):.2f} GB")
    return ", ".join(sorted(found))


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, number in (
        ("persons", 200_000), ("audiences", 100), ("events", 10_000), ("export", 1_000_000), ("rate", 500),
        ("lookups", 500), ("api_lookups", 5), ("seconds", 20), ("rest", 20), ("batch", 50), ("probes", 3),
    ):  # fmt: skip
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=number)
    parser.add_argument("--each", type=int, default=3, help="least events a person")
    parser.add_argument(
        "--sizes", choices=("judged", "spread", "rules"), default="judged", help="how large audiences are"
    )
    parser.add_argument("--clickhouse", default="", help="URL of a server with an empty database")
    parser.add_argument("--folder", default=None, help="where the data goes")
    parser.add_argument("--keep", action="store_true", help="leave the data there; a later run with it goes on")
    parser.add_argument("--parts", default="refresh,whole,export,product", help="what is measured")
    asked = parser.parse_args()
    with (
        (
            nullcontext(asked.folder)
            if asked.keep
            else tempfile.TemporaryDirectory(prefix="tracker-bench-", dir=asked.folder)
        ) as folder,
        tracker(Path(folder), clickhouse_url=asked.clickhouse) as it,
    ):
        it.data.mkdir(parents=True, exist_ok=True)
        engine: Engine = Server(asked.clickhouse) if asked.clickhouse else Embedded(it.data / "clickhouse")
        tables = "select count() from system.tables where database = currentDatabase() and name = 'events'"
        there = bool(engine.ask(Query(text=tables)).rows[0][0])
        migrate(engine)
        bench = Bench(it.data, engine, asked)
        if there:
            bench.go_on()
        else:
            bench.fill()
            bench.begin()
        if "refresh" in asked.parts:
            for again in (False, True):
                bench.refresh(again)
        if "whole" in asked.parts:
            bench.whole()
        if "export" in asked.parts:
            bench.export(it.data / "exports")
        watching = bench.watched()
        bench.road.catalog.close()
        engine.close()
        if "lookups" in asked.parts:
            collector_alone(it, bench.site.write_key, asked)
        if "product" in asked.parts:
            product(it, watching, asked)


if __name__ == "__main__":
    main()
