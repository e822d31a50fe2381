"""How fast the loader drains real segments into chDB, against the bare insert of the same lines.

    python tests/bench/bench_loader.py [EVENTS [ROUNDS]]

Prints tables; asserts nothing. Events of about 500 bytes, user agents in the mix of real traffic, 8 MB segments, and a
store that already remembers a million ids. The first round is a process that has just started: it has seen no user
agent, no page and none of the lists yet. On a machine that others use too, compare ratios and processor times.
"""

from __future__ import annotations

import gc
import gzip
import random
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tracker.catalog.catalog import Catalog
from tracker.core.event import Event
from tracker.loader import loop, seen
from tracker.loader.loop import Loader
from tracker.spool.reader import Spool
from tracker.spool.writer import SpoolWriter
from tracker.store.embedded import Embedded
from tracker.store.engine import Query
from tracker.store.migrate import migrate

AGENTS = Path(__file__).resolve().parent.parent / "data" / "user_agents.tsv.gz"
NAMES = ["page_view", "view_item", "add_to_cart", "begin_checkout", "purchase", "click", "scroll"]
REFERRERS = ["", "", "https://www.google.com/", "https://www.facebook.com/", "https://shop.example/", "https://t.co/x"]
TAGS = ["?utm_source=newsletter&utm_medium=email&utm_campaign=autumn", "?gclid=abc{n}", *[""] * 18]


def events(count: int, chance: random.Random) -> Iterator[Event]:
    """A realistic mix, the same for the same seed."""
    with gzip.open(AGENTS, "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file][1:]
    agents, weights = [row[2] for row in rows], [float(row[0]) for row in rows]
    now = time.time_ns() // 1_000_000
    people = [
        (str(uuid.UUID(int=chance.getrandbits(128))), chance.choices(agents, weights)[0]) for _ in range(count // 8 + 1)
    ]
    for n in range(count):
        visitor, agent = chance.choice(people)
        name = chance.choices(NAMES, [50, 20, 6, 3, 1, 15, 5])[0]
        item = chance.randrange(3000)
        price = chance.randrange(100, 99_999) / 100
        yield Event(
            site="shop",
            id=str(uuid.UUID(int=chance.getrandbits(128))),
            arrival=(now * 1000 + n) * 16,
            received=now,
            ts=now - chance.randrange(2000),
            type="page" if name == "page_view" else "track",
            name=name,
            visitor=visitor,
            user=f"user-{hash(visitor) % 1000}" if chance.random() < 0.1 else "",
            seq=n % 50,
            url=f"https://shop.example/product/{item}" + chance.choice(TAGS).format(n=n),
            referrer=chance.choice(REFERRERS) if name == "page_view" else "",
            props={} if name in ("page_view", "scroll") else {"item_id": f"sku-{item}", "position": n % 40},
            items=[{"item_id": f"sku-{item}", "price": price, "quantity": 1}] if name in NAMES[1:5] else [],
            value=price if name == "purchase" else None,
            currency="EUR" if name == "purchase" else "",
            analytics=1,
            ads=1,
            mode="M3",
            language="de-DE",
            country="DE",
            ua=agent,
            source="native",
        )


class Stage:
    """Processor time of one step, by everybody and by the thread that calls it (Python, nearly all of it)."""

    def __init__(self) -> None:
        self.all = self.thread = 0.0

    def timed(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """The step, with its time added up."""

        def run(*args: Any, **named: Any) -> Any:
            everybody, thread = time.process_time(), time.thread_time()
            try:
                return step(*args, **named)
            finally:
                self.all += time.process_time() - everybody
                self.thread += time.thread_time() - thread

        return run


class Inline(Executor):
    """Does at once what it is given, so that no two steps overlap."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **named))
        return done


def fill(spool: Path, count: int, seed: int) -> tuple[int, list[bytes]]:
    """Segments in the spool; their size in bytes and all bodies."""
    bodies = [msgspec.json.encode(event) for event in events(count, random.Random(seed))]
    writer = SpoolWriter(spool, "c0", segment_age=60.0)
    for at in range(0, len(bodies), 2000):
        writer.append_now(bodies[at : at + 2000])
    writer.close()
    return sum(map(len, bodies)), bodies


def one_round(loader: Loader, engine: Embedded, bodies: list[bytes]) -> tuple[float, float, float, float]:
    """Seconds and seconds of processor: of the bare insert, then of the loader."""
    figures = []
    lines = [b"".join([body + b"\n" for body in bodies[at : at + 500]]) for at in range(0, len(bodies), 500)]
    for work in (lambda: engine.insert_lines("ingest", lines), loader.run_once):
        engine.command(Query(text="truncate table events"))
        begun, used = time.perf_counter(), time.process_time()
        work()
        figures += [time.perf_counter() - begun, time.process_time() - used]
    stored = engine.ask(Query(text="select count() from events")).rows[0][0]
    if stored != len(bodies):
        raise SystemExit(f"{stored:,} of {len(bodies):,} events were stored: the figures mean nothing")
    return figures[0], figures[1], figures[2], figures[3]


def by_stage(loader: Loader, engine: Embedded, spool: Spool) -> dict[str, Stage]:
    """Load what is sealed one step after the other; what each of them cost. The loader stays with its clocks."""
    stages: dict[str, Stage] = {}
    for name, owner, step in (
        ("read, decode and enrich", loop, "read"),
        ("... of that, read segments", spool, "read"),
        ("look up ids", seen, "sort_out"),
        ("remember ids", seen, "remember"),
        ("insert", engine, "insert_lines"),
        ("identity", loader._identity, "learn"),
        ("ledger", loader, "_enter"),
    ):
        stages[name] = Stage()
        setattr(owner, step, stages[name].timed(getattr(owner, step)))
    stages["all of it"] = Stage()
    stages["all of it"].timed(
        lambda: [loader._finish(loader._begin(loader._read(group), Inline())) for group in loader._groups()]
    )()
    return stages


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    folder = Path(tempfile.mkdtemp(prefix="bench-loader-"))
    try:
        engine = Embedded(folder / "clickhouse")
        migrate(engine)
        engine.command(
            Query(
                text="insert into seen select bitOr(toUInt128(sipHash64(number)),"
                " bitShiftLeft(toUInt128(cityHash64(number)), 64)), 1 from numbers(1000000)"
            )
        )
        catalog = Catalog(f"sqlite:///{folder}/catalog.sqlite", folder / "sites.json")
        spool = Spool(folder / "spool")
        loader = Loader(spool, engine, catalog.ledger, vault=catalog.vault)
        print(f"{'':12}{'bare insert':>24}{'loader, everything':>24}")
        print(f"{'':12}{'events/s':>12}{'us*':>12}{'events/s':>12}{'us*':>12}{'loader / bare':>15}")
        ratios = []
        gc.freeze()  # as the engine process does
        gc.set_threshold(50_000, 20, 100)
        for n in range(rounds):
            size, bodies = fill(folder / "spool", count, seed=n)
            bare, bare_cpu, took, cpu = one_round(loader, engine, bodies)
            ratios.append(bare / took)
            print(
                f"{'round ' + str(n + 1) if n else 'round 1, cold':12}"
                f"{count / bare:12,.0f}{bare_cpu / count * 1e6:12.1f}{count / took:12,.0f}{cpu / count * 1e6:12.1f}"
                f"{bare / took:15.2f}"
            )
        print(f"median of loader / bare: {statistics.median(ratios):.2f}")
        fill(folder / "spool", count, seed=rounds)
        stages = by_stage(loader, engine, spool)
        print(f"\nstep by step, nothing overlapping{'us*':>9}{'Python':>9}")
        for name, stage in stages.items():
            print(f"  {name:32}{stage.all / count * 1e6:8.1f}{stage.thread / count * 1e6:9.1f}")
        print(f"\n{count:,} events a round, {size / count:.0f} bytes each. * microseconds of processor an event")
        catalog.close()
        engine.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
