"""How fast the loader drains real segments into chDB, against the bare insert of the same lines.

    python tests/bench/bench_loader.py [EVENTS]

Prints a table and one ratio; asserts nothing. Events of about 500 bytes, user agents in the mix of real traffic, 8 MB
segments, a store that already remembers a million ids.
"""

from __future__ import annotations

import gzip
import random
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tracker.catalog.catalog import Catalog
from tracker.core.event import Event
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


def fill(spool: Path, count: int) -> tuple[int, list[bytes]]:
    """Segments in the spool; their size in bytes and all bodies."""
    bodies = [msgspec.json.encode(event) for event in events(count, random.Random(7))]
    writer = SpoolWriter(spool, "c0", segment_age=60.0)
    for at in range(0, len(bodies), 2000):
        writer.append_now(bodies[at : at + 2000])
    writer.close()
    return sum(map(len, bodies)), bodies


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    folder = Path(tempfile.mkdtemp(prefix="bench-loader-"))
    try:
        size, bodies = fill(folder / "spool", count)
        engine = Embedded(folder / "clickhouse")
        migrate(engine)
        engine.command(
            Query(
                text="insert into seen select bitOr(toUInt128(sipHash64(number)),"
                " bitShiftLeft(toUInt128(cityHash64(number)), 64)), 1 from numbers(1000000)"
            )
        )
        engine.insert_lines("ingest", bodies[:1000])  # caches, code paths
        engine.command(Query(text="truncate table events"))
        begun = time.perf_counter()
        engine.insert_lines("ingest", bodies)
        bare = time.perf_counter() - begun
        engine.command(Query(text="truncate table events"))
        catalog = Catalog(f"sqlite:///{folder}/catalog.sqlite", folder / "sites.json")
        loader = Loader(Spool(folder / "spool"), engine, catalog.ledger, vault=catalog.vault)
        begun, used = time.perf_counter(), time.process_time()
        segments = loader.run_once()
        took, cpu = time.perf_counter() - begun, time.process_time() - used
        stored = engine.ask(Query(text="select count() from events")).rows[0][0]
        print(f"{count:,} events, {size / count:.0f} bytes each, {segments} segments; stored {stored:,}")
        print(f"{'':24}{'seconds':>9}{'events/s':>12}{'us of processor an event':>26}")
        print(f"{'bare insert of the lines':24}{bare:9.2f}{count / bare:12,.0f}")
        print(f"{'loader, everything':24}{took:9.2f}{count / took:12,.0f}{cpu / count * 1e6:26.1f}")
        print(f"loader / bare = {bare / took:.2f}")
        catalog.close()
        engine.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
