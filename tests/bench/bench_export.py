"""Exports of a large audience: time, processor, memory; then what changed; then many in a row.

    python tests/bench/bench_export.py [--members 100000] [--engine embedded|server] [--folder DIR]
        [--networks google meta jsonl] [--shape file|api] [--changes 10000] [--repeat 0]
        [--steps make export delta repeat]

The site is made in the store with SQL (`crowd.py`): three to five events a person, every second person with an account,
97 of 100 with an address and a phone number in the vault (eleven hash forms), 4 of 100 said no to ads, 2 are on the
suppression list, 5 are held out; so many persons that about `--members` are written. Each network gets everybody at a
destination that is a folder, then what changed after half of `--changes` persons came and half withdrew.
`--repeat N` makes N audiences of the last 2,000 persons and exports each, with the memory after every tenth.
Meanwhile somebody else writes to the catalog again and again, and it is said how long they waited at most.
With `--folder` the data stays there, and a later run with other `--steps` goes on with it: what is made in one run
can be measured in another. Prints wall and processor seconds (here, and in a server), the most memory meanwhile, how
much was there before; asserts nothing.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import crowd
from clickhouse import ClickHouse

from tracker.audiences.delivery import Senders
from tracker.audiences.desk import Desk, Job, begin, carry_out
from tracker.catalog import Catalog
from tracker.catalog.audiences import StoredAudience
from tracker.catalog.exports import Export
from tracker.catalog.suppressions import Deed
from tracker.core.identifiers import keys_of
from tracker.core.identity import visitor_key
from tracker.core.suppression import Reason, hash_of
from tracker.outbound import Door, Limits, Reach
from tracker.store import persons
from tracker.store.embedded import Embedded
from tracker.store.engine import Engine, Query
from tracker.store.migrate import migrate
from tracker.store.server import Server

STEPS = ("make", "export", "delta", "repeat")
SMALL = 2_000
_SELDOM = 20  # writes: looking for processes makes others wait for Python's lock
SHARE = 0.96 * 0.98 * 0.95 * 0.97
RULE = {"did": {"event": "view_item"}}

_WITHDRAWN = """
insert into events (site, event, key, ts, id, arrival, seq, type, visitor, session, analytics, ads, mode, received)
select
    'shop', 'consent', xxHash64(concat('v:v', toString(n))), fromUnixTimestamp64Milli({now:Int64}, 'UTC'),
    generateUUIDv4(), toUInt64({now:Int64}) * 16000 + n % 16000, 0, 'consent', concat('v', toString(n)), '9',
    1, 0, 'M2', fromUnixTimestamp64Milli({now:Int64}, 'UTC')
from (select number * 7 as n from numbers({some:UInt64}))
"""


class Bench:
    """One site on one data folder."""

    def __init__(self, data: Path, asked: argparse.Namespace) -> None:
        self.asked, self.data = asked, data
        data.mkdir(parents=True, exist_ok=True)
        self.clickhouse = ClickHouse(data / "server").start() if asked.engine == "server" else None
        self.engine: Engine = (
            Server(self.clickhouse.url()) if self.clickhouse is not None else Embedded(data / "clickhouse")
        )
        migrate(self.engine)
        self.catalog = Catalog(f"sqlite:///{data}/catalog.sqlite", data / "sites.json")
        self.people = round(asked.members / SHARE)
        self.desk = Desk(
            engine=self.engine,
            catalog=self.catalog,
            folder=data / "exports",
            senders=Senders(Door(Reach.of([]), Limits()), data / "deliveries"),
            now_ms=lambda: time.time_ns() // 1_000_000,
            version="bench",
        )

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Print how long this takes, its processor time, and the most memory meanwhile."""
        gc.collect()
        watched: list[int | str] = ["self", *([self.clickhouse.pid] if self.clickhouse else [])]
        for one in watched:
            Path(f"/proc/{one}/clear_refs").write_text("5", encoding="ascii")
        had, wall, work = [_status(one, "VmRSS") for one in watched], time.perf_counter(), [_work(o) for o in watched]
        yield
        wall = time.perf_counter() - wall
        spent = [_work(one) - before for one, before in zip(watched, work, strict=True)]
        most = [_status(one, "VmHWM") for one in watched]
        said = [
            f"{name} {work:7.2f} s of processor, {had:5.0f} -> at most {top:5.0f} MB"
            for name, work, had, top in zip(("here", "server"), spent, had, most, strict=False)
        ]
        print(f"{what:34} {wall:8.2f} s wall; {'; '.join(said)}", flush=True)

    def make(self) -> None:
        """The site, its members, what is known of them, and the audience."""
        site = self.catalog.sites.create(crowd.SITE, consent="opt-out")
        keys, now = keys_of(site.name, site.write_key, site.identifier_key), time.time_ns() // 1_000_000
        with self.timed(f"{self.people:,} persons made"):
            crowd.fill(self.engine, self.people, now, every=2)
            crowd.fill_vault(self.catalog, keys, _owners(range(self.people)), phones=True)
        with self.timed("a fiftieth of them suppressed"):
            listed = range(1, self.people, 50)
            deeds = [Deed(site.name, hash_of(keys, "visitor", f"v{n}"), "visitor", Reason.OPTOUT, now) for n in listed]
            self.catalog.suppressions.apply(deeds, "bench")
            persons.suppress(self.engine, site.name, (visitor_key(f"v{n}") for n in listed), listed=True, version=now)
        more = {"duration": "540d", "holdout": 0.05, "refresh": "1m"}
        self.catalog.audiences.create(crowd.SITE, "all", RULE, **more)
        self.catalog.destinations.create(keys, "folder", "folder", {"path": "bench"}, {})

    def export(self, network: str, mode: str) -> None:
        """One export to the folder."""
        with self.timed(f"{mode} {network} {self.asked.shape}"), self.another():
            done = self._export(network, mode, self.catalog.audiences.list(crowd.SITE)[-1])
        size = sum(one.bytes for one in done.files) / 1e6
        print(f"  {done.state} {done.error or ''}: {done.counts}, {size:.0f} MB", flush=True)

    @contextmanager
    def another(self) -> Iterator[None]:
        """Somebody else who writes to the catalog, ten times a second; and what the helper process takes meanwhile."""
        over, waits, helper, together = threading.Event(), [0.0], [0.0], [0.0]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)

        def write() -> None:
            while not over.wait(0.1):
                if len(waits) % _SELDOM == 0:
                    helper.append(sum(map(_resident, _children())))
                    together.append(helper[-1] + _resident("self"))
                began = time.perf_counter()
                self.catalog.contacts.forget(crowd.SITE, 0)
                waits.append(time.perf_counter() - began)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            late = sum(one > 0.25 for one in waits)
            print(f"  another writer of the catalog waited {max(waits):.2f} s at most, {late} times over 0.25 s")
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(
                f"  helper {took:.2f} s of processor, at most {max(helper):.0f} MB; here and it {max(together):.0f} MB"
            )

    def change(self) -> None:
        """Half of the changes come, half withdraw."""
        half, now = self.asked.changes // 2, time.time_ns() // 1_000_000
        site = self.catalog.sites.get(crowd.SITE)
        keys, new = keys_of(site.name, site.write_key, site.identifier_key), range(self.people, self.people + half)
        with self.timed(f"{2 * half:,} changes made"):
            crowd.fill(self.engine, half, now, first=self.people, every=2)
            crowd.fill_vault(self.catalog, keys, _owners(new), phones=True)
            self.engine.command(Query(text=_WITHDRAWN, params={"now": now, "some": half}))

    def repeat(self, times: int) -> None:
        """Many audiences, each exported once."""
        rule = {"did": {"event": "view_item", "where": [{"property": "visitor", "op": "in", "value": self._last()}]}}
        more = {"duration": "540d", "holdout": 0.0, "refresh": "1m"}
        first, began = 0.0, time.process_time()
        for at in range(times):
            made = self.catalog.audiences.create(crowd.SITE, f"small {at}", rule, **more)
            done = self._export(self.asked.networks[at % len(self.asked.networks)], "delta", made)
            if at % 10 == 9 or at == times - 1:
                gc.collect()
                now, files = _status("self", "VmRSS"), len(list(Path("/proc/self/fd").iterdir()))
                first = first or now
                left = len(list(self.desk.folder.iterdir()))
                print(
                    f"  {at + 1:4} exports ({done.state}, {done.counts.get('written')} rows): {now:.0f} MB here"
                    f" ({now - first:+.0f} since the tenth), {files} open files, {left} left in the"
                    f" folder, {time.process_time() - began:.1f} s of processor",
                    flush=True,
                )

    def _last(self) -> list[str]:
        return [f"v{n}" for n in range(max(0, self.people - SMALL), self.people)]

    def _export(self, network: str, mode: str, audience: StoredAudience) -> Export:
        [place] = self.catalog.destinations.list(crowd.SITE)
        job = Job(
            audience=audience,
            network=network,
            mode=mode,
            shape=self.asked.shape,
            destination=place.id,
            actor="bench",
            min_size=1,
        )
        return carry_out(self.desk, job, begin(self.catalog, job))

    def close(self) -> None:
        """Let go of everything."""
        self.catalog.close()
        self.engine.close()
        if self.clickhouse is not None:
            self.clickhouse.kill()


def _owners(people: range) -> Iterator[str]:
    """Whose records the vault holds: users, and visitors that are none; 97 of 100."""
    for n in people:
        if n % 100 < 97:
            yield f"v:v{n}" if n % 2 else f"u:u{n}"


def _children() -> list[str]:
    """Helper processes of an export."""
    found: list[str] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread or a process that has ended meanwhile
            found += (task / "children").read_text(encoding="ascii").split()
    return [one for one in found if _is_helper(one)]


def _is_helper(process: str) -> bool:
    try:
        return b"tracker.audiences.helper" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def _resident(process: int | str) -> float:
    """Megabytes in memory now; 0 for one that has gone."""
    try:
        return _status(process, "VmRSS")
    except (OSError, IndexError):
        return 0.0


def _status(process: int | str, name: str) -> float:
    """Megabytes."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition(f"{name}:")[2].split()[0]) / 1e3


def _work(process: int | str) -> float:
    """Processor seconds, user and system."""
    stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, number in (("members", 100_000), ("changes", 10_000), ("repeat", 0)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--engine", choices=("embedded", "server"), default="embedded")
    parser.add_argument("--networks", nargs="+", default=["google", "meta", "jsonl"])
    parser.add_argument("--shape", choices=("file", "api"), default="file")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    parser.add_argument("--folder", type=Path, default=None, help="where the data goes, and stays")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracker-bench-") as folder:
        bench = Bench(asked.folder or Path(folder), asked)
        try:
            if "make" in asked.steps:
                bench.make()
            for mode in ("full", "delta"):
                if mode == "delta" and "delta" in asked.steps:
                    bench.change()
                if ("export" if mode == "full" else mode) in asked.steps:
                    for network in asked.networks:
                        bench.export(network, mode)
            if "repeat" in asked.steps and asked.repeat:
                bench.repeat(asked.repeat)
        finally:
            bench.close()


if __name__ == "__main__":
    main()
