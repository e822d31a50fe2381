"""Members of audiences on a large site: a refresh, an export, the way from event to look-up, look-ups beside ingestion.

    python tests/bench/bench_audiences.py [--persons 200000] [--audiences 100] [--events 10000] [--export 1000000]
        [--rate 500] [--lookups 500] [--seconds 20] [--clickhouse URL] [--folder DIR]

The site is made in the store with SQL (`crowd.py`): three to five events a person in 30 days, a tenth with an account.
First in this process: all audiences begin, are refreshed twice after new events, and one is exported with hash
forms (its members are the accounts, at most `--export` of them have an address). Then real processes on the same data
folder take `--rate` events a second and `--lookups` questions a second, sent when they are due, while single events are
followed from their acknowledgement to the collector's answer. Embedded store, or a server's. Prints wall and processor
seconds and the most memory; asserts nothing.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import crowd
import open_loop
from bench_freshness import batch, load
from loading import Road, event
from running import Tracker, request, tracker, until

from tracker.audiences.definition import Definition, stored
from tracker.audiences.export import Order, run_export
from tracker.audiences.marks import basis, main_currency, marks
from tracker.audiences.refresh import CAUSES, Refreshed, Refresher
from tracker.catalog.memberships import Membership
from tracker.core.identifiers import keys_of
from tracker.core.identity import user_key, visitor_key
from tracker.core.site import Site
from tracker.store.embedded import Embedded
from tracker.store.engine import Engine, Query, Rows
from tracker.store.migrate import migrate
from tracker.store.server import Server
from tracker.store.sql import Fragment
from tracker.store.sql import load as load_sql
from tracker.wiring.segment_files import SegmentFiles

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


class Bench:
    """One site on one data folder."""

    def __init__(self, data: Path, engine: Engine, asked: argparse.Namespace) -> None:
        self.engine, self.asked = engine, asked
        self.road = Road(data, engine)
        self.now = time.time_ns() // 1_000_000
        self.site: Site = self.road.catalog.sites.create(crowd.SITE, consent="opt-out")
        self.refresher, self.files = Refresher(engine), SegmentFiles(engine, data)
        self.states: dict[str, Membership] = {}
        self.definitions: list[Definition] = []

    def fill(self) -> None:
        with timed(f"{self.asked.persons:,} persons put into the store"):
            crowd.fill(self.engine, self.asked.persons, self.now)
        merging = Query(text="select count() from system.merges where database = currentDatabase()")
        with timed("the store's own merges after that"):
            until(lambda: not self.engine.ask(merging).rows[0][0], 1800)
        accounts = range(0, min(self.asked.persons, 10 * self.asked.export), 10)
        with timed(f"{len(accounts):,} sealed addresses put into the vault"):
            keys = keys_of(self.site.name, self.site.write_key, self.site.identifier_key)
            crowd.fill_vault(self.road.catalog, keys, (f"u:u{n}" for n in accounts))
        more = {"duration": "540d", "holdout": 0.1, "refresh": "1m"}
        made = [
            self.road.catalog.audiences.create(crowd.SITE, f"audience {at}", rule, **more)
            for at, rule in enumerate(crowd.rules(self.asked.audiences))
        ]
        self.definitions = [stored(one, lambda other: self.road.catalog.audiences.get(other).rule) for one in made]

    def begin(self) -> None:
        """Those who will be judged again are judged; of all others as large a share is in each audience, by chance.

        So the store holds as many members as the rules would find, without the hour that judging everybody takes here.
        """
        currency = main_currency(self.engine, crowd.SITE, self.definitions, self.now)
        known = sorted({self._visitor(n) for n in range(2 * self.asked.events)})
        ids = [one.id for one in self.definitions]
        with timed(f"{len(ids)} audiences begin, {len(known):,} persons judged"):
            self._judge(known, currency)
        found = marks(self.engine, crowd.SITE, 0)
        sizes = self.refresher._sizes(crowd.SITE, ids)
        print(f"  {sum(members for members, _ in sizes.values()) / len(known):.1f} audiences a person", flush=True)
        if self.asked.persons > len(known):
            with timed("members by chance among all others"):
                crowd.stand_in(self.engine, ids[0], self.asked.persons, 1.0, self.now, every=10)  # all accounts
                for one in ids[1:]:
                    share = sizes.get(one, (0, 0))[0] / len(known)
                    crowd.stand_in(self.engine, one, self.asked.persons, share, self.now)
            sizes = self.refresher._sizes(crowd.SITE, ids)
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
        with timed("all files of members, from the store"):
            done = [Refreshed(one, changed=True) for one in self.states.values()]
            self.files.put(crowd.SITE, done)

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
        with timed(f"a refresh of {len(self.definitions)} audiences after them"):
            currency = main_currency(self.engine, crowd.SITE, self.definitions, now)
            done = self.refresher.some(self.site, self.definitions, self.states, now, currency)
            took = time.perf_counter()
            self.files.put(crowd.SITE, done)
            written = time.perf_counter() - took
            self.road.catalog.memberships.save(one.state for one in done)
            self.refresher.settled(self.states)
        self.states |= {one.state.audience: one.state for one in done}
        judged, changed = done[0].state.judged, sum(one.changed for one in done)
        print(f"  {judged:,} persons judged, {changed} audiences changed, files {written:.2f} s of it", flush=True)

    def _fresh(self, again: bool) -> list[object]:
        first = 10**9 + again * self.asked.events
        now = time.time_ns() // 1_000_000
        names = ("view_item", "add_to_cart", "begin_checkout", "purchase", "search")
        return [
            event(
                first + n, name=names[n % 5], visitor=f"v{self._visitor(n + again * self.asked.events)}", ts=now,
                received=now, arrival=now * 16_000 + n, props={"category": f"c{n % 50}"}, ads=1, analytics=1,
            )
            for n in range(self.asked.events)
        ]  # fmt: skip

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

    def watch_one(self) -> str:
        """One more audience, of whom an event happened that nobody had yet; its id."""
        rule = {"did": {"event": "just_now"}}
        more = {"duration": "30d", "holdout": 0.0, "refresh": "1m"}
        return self.road.catalog.audiences.create(crowd.SITE, "just now", rule, **more).id


def follow(it: Tracker, key: str, audience: str, stop: threading.Event, delays: list[float]) -> None:
    """Seconds from the acknowledgement of an event until the collector says that its visitor is in the audience."""
    while True:
        visitor = f"probe-{len(delays)}-{random.random()}"
        body = batch(key, ["just_now"]).replace(b'"visitor": "v', f'"visitor": "{visitor}'.encode(), 1)
        visitor = body.partition(b'"visitor": "')[2].partition(b'"')[0].decode()
        assert request(it.port, "POST", "/e", body)[0] == 204
        began = time.perf_counter()
        path = f"/v1/segments?site={key}&visitor={visitor}"
        while (waited := time.perf_counter() - began) < LONGEST:
            if audience.encode() in request(it.port, "GET", path)[1]:
                break
            time.sleep(0.05)
        delays.append(waited)
        if stop.wait(random.random()):
            break


def lookups(key: str, asked: argparse.Namespace, chance: random.Random) -> list[bytes]:
    """Questions about visitors all over the site."""
    return [
        b"GET /v1/segments?site=%b&visitor=v%d HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        % (key.encode(), chance.randrange(asked.persons))
        for _ in range(int(asked.lookups * (asked.seconds + 1)))
    ]


def product(it: Tracker, key: str, audience: str, asked: argparse.Namespace) -> None:
    """The running product, first with nothing else to do, then beside ingestion and look-ups."""
    up = it.role("up", "--no-dashboard").start()
    it.ready()
    chance = random.Random(1)
    path = f"/api/v1/audiences/{audience}"
    until(lambda: (it.api("GET", path)["membership"] or {}).get("state") == "ready", 300, it.tails)
    started = threading.Event()
    started.set()
    follow(it, key, audience, started, delays := list[float]())
    print(f"the first event after the start: {delays[0]:.2f} s", flush=True)
    for label, busy in (("at rest", False), (f"beside {asked.rate} events/s and {asked.lookups} look-ups/s", True)):
        stop, sent, found = threading.Event(), [0], list[float]()
        threads = [threading.Thread(target=follow, args=(it, key, audience, stop, found))]
        if busy:
            threads.append(threading.Thread(target=load, args=(it.port, key, asked.rate, stop, sent)))
        for thread in threads:
            thread.start()
        began = time.perf_counter()
        if busy:
            made = lookups(key, asked, chance)
            gc.collect()
            gc.freeze()
            result = open_loop.run(it.port, made, asked.lookups, chance, links=32)
            print(
                f"{result['per_second']:.0f} look-ups/s: p50 {result['p50_ms']:.2f} ms, p99 {result['p99_ms']:.2f} ms,"
                f" longest {result['longest_ms']:.1f} ms, failed {result['failed']:.0f}"
            )
        else:
            time.sleep(asked.seconds)
        stop.set()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - began
        found.sort()
        print(
            f"event to look-up {label}: {len(found)} probes, p50 {found[len(found) // 2]:.2f} s,"
            f" p90 {found[int(len(found) * 0.9)]:.2f} s, longest {found[-1]:.2f} s"
            + (f"; {sent[0] / took:.0f} events/s" if busy else ""),
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
        ("lookups", 500), ("seconds", 20),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--clickhouse", default="", help="URL of a server with an empty database")
    parser.add_argument("--folder", default=None, help="where the data goes")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="tracker-bench-", dir=asked.folder) as folder,
        tracker(Path(folder), clickhouse_url=asked.clickhouse) as it,
    ):
        it.data.mkdir()
        engine: Engine = Server(asked.clickhouse) if asked.clickhouse else Embedded(it.data / "clickhouse")
        migrate(engine)
        bench = Bench(it.data, engine, asked)
        bench.fill()
        bench.begin()
        for again in (False, True):
            bench.refresh(again)
        bench.export(it.data / "exports")
        audience = bench.watch_one()
        bench.road.catalog.close()
        engine.close()
        product(it, bench.site.write_key, audience, asked)


if __name__ == "__main__":
    main()
