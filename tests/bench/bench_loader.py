"""How fast the loader drains real segments, into chDB and into a server, against the bare insert of the same lines.

    python tests/bench/bench_loader.py [EVENTS [ROUNDS [embedded | server]]]

Prints tables; asserts nothing. Events of about 500 bytes, user agents in the mix of real traffic, 8 MB segments, and a
store that already remembers a million ids. The first round is a process that has just started: it has seen no user
agent, no page and none of the lists yet. The server runs on the same processors, and its time is counted in. On a
machine that others use too, compare ratios and processor times.
"""

from __future__ import annotations

import gc
import gzip
import os
import random
import re
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

from clickhouse import ROOT, ClickHouse

from tracker.catalog.catalog import Catalog
from tracker.core.event import Event
from tracker.loader import intake, seen, staging
from tracker.loader.loop import Loader
from tracker.spool.reader import Spool
from tracker.spool.record import frames
from tracker.spool.writer import SpoolWriter
from tracker.store.embedded import Embedded
from tracker.store.engine import Engine, Query, Texts
from tracker.store.migrate import migrate
from tracker.store.server import Server

# What a server of ours is set up with; what matters here is the filter for `seen`.
CONFIG = ROOT / "docker" / "clickhouse" / "server.xml"
TICKS = os.sysconf("SC_CLK_TCK")  # of processor time in /proc, a second
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


def processor(pid: int | None) -> float:
    """Seconds of processor of this process, and of that of the server where there is one."""
    if pid is None:
        return time.process_time()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / TICKS


class Stage:
    """Processor time of one step, by everybody and by the thread that calls it (Python, nearly all of it)."""

    def __init__(self, pid: int | None) -> None:
        self.all = self.thread = 0.0
        self._pid = pid

    def timed(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """The step, with its time added up."""

        def run(*args: Any, **named: Any) -> Any:
            everybody, thread = processor(self._pid), time.thread_time()
            try:
                return step(*args, **named)
            finally:
                self.all += processor(self._pid) - everybody
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


def bare_insert(engine: Engine, texts: list[bytes]) -> None:
    """The same events taken apart and stored in one statement: nothing looked up, nothing found out about them."""
    text = "select name from system.columns where database = currentDatabase() and table = 'events'"
    columns = [row[0] for row in engine.ask(Query(text=text)).rows]
    own = ", ".join(f"`{name}`" for name in columns if re.search(rf" as `?{name}`?[,\n]", staging._STAGE))
    taken_apart = staging._STAGE.partition("engine = Memory as")[2]
    for text in texts:
        query = f"insert into events ({own}) select {own} from ({taken_apart})"
        tables = {"texts": Texts(data=[(0, text)])}
        engine.command(Query(text=query, tables=tables, settings=staging._ONE_BLOCK))


def one_round(loader: Loader, engine: Engine, bodies: list[bytes], pid: int | None) -> tuple[float, ...]:
    """Seconds and seconds of processor: of the bare insert, then of the loader."""
    figures = []
    texts = [frames(bodies[at : at + 100_000]) for at in range(0, len(bodies), 100_000)]
    for work in (lambda: bare_insert(engine, texts), loader.run_once):
        engine.command(Query(text="truncate table events"))
        begun, used = time.perf_counter(), processor(pid)
        work()
        figures += [time.perf_counter() - begun, processor(pid) - used]
    stored = engine.ask(Query(text="select count() from events")).rows[0][0]
    if stored != len(bodies):
        raise SystemExit(f"{stored:,} of {len(bodies):,} events were stored: the figures mean nothing")
    return tuple(figures)


def by_stage(loader: Loader, engine: Engine, spool: Spool, pid: int | None) -> dict[str, Stage]:
    """Load what is sealed one step after the other; what each of them cost."""
    stages: dict[str, Stage] = {}
    steps: tuple[tuple[str, Any, str], ...] = (
        ("take apart", intake, "stage"),
        ("enrich", loader._known, "learn"),
        ("look up ids", seen, "sort_out"),
        ("remember ids", seen, "remember"),
        ("what is told of people", staging.Staged, "telling"),
        ("insert", staging.Staged, "insert"),
        ("identity", loader._identity, "learn"),
        ("ledger", loader, "_enter"),
    )
    honest = [getattr(owner, step) for _, owner, step in steps]
    for name, owner, step in steps:
        stages[name] = Stage(pid)
        setattr(owner, step, stages[name].timed(getattr(owner, step)))
    stages["all of it"] = Stage(pid)
    stages["all of it"].timed(
        lambda: [
            loader._finish(loader._begin(*loader._intake.stage(group), Inline())) for group in loader._intake.groups()
        ]
    )()
    for (_, owner, step), function in zip(steps, honest, strict=True):
        setattr(owner, step, function)
    return stages


def measure(engine: Engine, folder: Path, count: int, rounds: int, pid: int | None) -> None:
    """Print what loading into this store costs. `pid`: of its server."""
    migrate(engine)
    engine.command(
        Query(
            text="insert into seen select bitOr(toUInt128(sipHash64(number)),"
            " bitShiftLeft(toUInt128(cityHash64(number)), 64)), 1 from numbers(1000000)"
        )
    )
    folder.mkdir()
    catalog = Catalog(f"sqlite:///{folder}/catalog.sqlite", folder / "sites.json")
    spool = Spool(folder / "spool")
    loader = Loader(spool, engine, catalog.ledger, vault=catalog.vault)
    print(f"\n{engine.kind:15}{'bare insert':>21}{'loader, everything':>24}")
    print(f"{'':12}{'events/s':>12}{'us*':>12}{'events/s':>12}{'us*':>12}{'loader / bare':>15}")
    ratios = []
    for n in range(rounds):
        _, bodies = fill(folder / "spool", count, seed=n)
        bare, bare_cpu, took, cpu = one_round(loader, engine, bodies, pid)
        ratios.append(bare / took)
        print(
            f"{'round ' + str(n + 1) if n else 'round 1, cold':12}"
            f"{count / bare:12,.0f}{bare_cpu / count * 1e6:12.1f}{count / took:12,.0f}{cpu / count * 1e6:12.1f}"
            f"{bare / took:15.2f}"
        )
    print(f"median of loader / bare: {statistics.median(ratios):.2f}")
    size, _ = fill(folder / "spool", count, seed=rounds)
    stages = by_stage(loader, engine, spool, pid)
    print(f"\nstep by step, nothing overlapping{'us*':>9}{'Python':>9}")
    for name, stage in stages.items():
        print(f"  {name:32}{stage.all / count * 1e6:8.1f}{stage.thread / count * 1e6:9.1f}")
    print(f"\n{count:,} events a round, {size / count:.0f} bytes each. * microseconds of processor an event")
    catalog.close()
    engine.close()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    wanted = sys.argv[3:] or ["embedded", "server"]
    folder = Path(tempfile.mkdtemp(prefix="bench-loader-"))
    gc.freeze()  # as the engine process does
    gc.set_threshold(50_000, 20, 100)
    try:
        if "embedded" in wanted:
            measure(Embedded(folder / "clickhouse"), folder / "one", count, rounds, None)
        if "server" in wanted:
            server = ClickHouse(folder / "server", config=CONFIG).start()
            try:
                measure(Server(server.url()), folder / "two", count, rounds, server.pid)
            finally:
                server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
