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
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from xxhash import xxh64_intdigest

sys.path.insert(0, str(Path(__file__).parent.parent))

from audience_product import Watching, collector_alone, product
from audience_store import Bench
from running import tracker

from tracker.audiences.standing import salt
from tracker.core.identifiers import keys_of, person_id
from tracker.core.identity import visitor_key
from tracker.store.embedded import Embedded
from tracker.store.engine import Engine, Query
from tracker.store.migrate import migrate
from tracker.store.server import Server


def watched(bench: Bench) -> Watching:
    """The audience of those who logged in, and whom its hold-out spares."""
    first = bench.definitions[0]
    keys, drawn = keys_of(bench.site.name, bench.site.write_key, bench.site.identifier_key), salt(bench.site, first.id)
    share = int(first.holdout * 2**64)

    def spares(visitor: str) -> bool:
        return xxh64_intdigest(f"{drawn}:{visitor_key(person_id(keys, visitor))}".encode()) >= share

    return Watching(bench.site.write_key, first.id, spares)


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
        watching = watched(bench)
        bench.road.catalog.close()
        engine.close()
        if "lookups" in asked.parts:
            collector_alone(it, bench.site.write_key, asked)
        if "product" in asked.parts:
            product(it, watching, asked)


if __name__ == "__main__":
    main()
