"""A 4-step ordered 7-day funnel by person against plain windowFunnel on a bare four-column table.

    python tests/bench/bench_funnel.py [--events 50000000] [--engine embedded|server|both] [--rounds 5]

Data is made inside ClickHouse: 30 days, 3 visitors for 50 events, a tenth of them identified (20 visitors a user),
props, a fifth of the events in the funnel, a dozen visitors with three steps in the same millisecond. Prints the best
wall time of each, the processor time of this process (embedded: of the question) and the ratios; asserts only that the
counts by visitor agree.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from clickhouse import ClickHouse

from tracker.analytics import funnel
from tracker.store.embedded import Embedded
from tracker.store.engine import Query
from tracker.store.migrate import migrate
from tracker.store.server import Server

EVENTS = """
insert into events (site, event, key, ts, id, arrival, seq, type, visitor, session, country, device, props)
select 'shop', multiIf(r < 7, 'view_item', r < 10, 'add_to_cart', r < 12, 'begin_checkout', r < 13, 'purchase',
        r < 40, 'page_view', concat('other', toString(r % 20))),
    xxHash64(concat('v:', visitor)), t, reinterpretAsUUID(toUInt128(number)), number * 160, number % 100, 'track',
    visitor, concat(visitor, '-', toString(toDate(t))), ['DE', 'US', 'FR'][number % 3 + 1],
    ['mobile', 'desktop'][number % 2 + 1], '{"plan":"pro","n":5}'
from (
    select number, concat('visitor-', toString(intHash64(number) % {visitors:UInt64})) as visitor,
        toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + (intHash64(number * 7 + 1) % (30 * 86400000)) / 1000 as t,
        intHash64(number * 13 + 5) % 64 as r
    from numbers({first:UInt64}, {count:UInt64})
)
"""
TIES = """
insert into events (site, event, key, ts, id, arrival, seq, type, visitor, session, country, device, props)
select 'shop', ['view_item', 'add_to_cart', 'begin_checkout'][number % 3 + 1], xxHash64(concat('v:', visitor)),
    toDateTime64('2026-01-15 12:00:00', 3, 'UTC') + intDiv(number, 3) / 1000,
    reinterpretAsUUID(toUInt128({first:UInt64} + number)), ({first:UInt64} + number) * 160, number % 3, 'track',
    visitor, concat(visitor, '-2026-01-15'), 'DE', 'mobile', '{"plan":"pro","n":5}'
from (select number, concat('visitor-', toString(intDiv(number, 3) * 37)) as visitor from numbers(36))
"""
PERSONS = """
insert into person_map (site, key, person, version)
select 'shop', xxHash64(concat('v:visitor-', toString(number))), xxHash64(concat('u:', toString(intDiv(number, 20)))), 1
from numbers({visitors:UInt64}) where number % 10 = 0
"""
BARE = """
create table bare (site LowCardinality(String), event LowCardinality(String), visitor UInt64, ts DateTime64(3, 'UTC'))
engine = MergeTree order by (site, event, visitor, ts)
"""
PLAIN = """
select level, count() from (
    select visitor, windowFunnel(604800000)(toUInt64(toUnixTimestamp64Milli(ts)), event = 'view_item',
        event = 'add_to_cart', event = 'begin_checkout', event = 'purchase') as level
    from bare
    where site = 'shop' and event in ('view_item', 'add_to_cart', 'begin_checkout', 'purchase')
    group by visitor
) group by level order by level
"""
BODY = {
    "site": "shop",
    "from": "2026-01-01T00:00:00Z",
    "to": "2026-01-31T00:00:00Z",
    "window": "7d",
    "steps": [{"event": name} for name in ("view_item", "add_to_cart", "begin_checkout", "purchase")],
}


def fill(engine, events):
    """The tables, merged into as few parts as they have partitions."""
    visitors, step = events * 3 // 50, 5_000_000
    for first in range(0, events, step):
        params = {"visitors": visitors, "first": first, "count": min(step, events - first)}
        engine.command(Query(text=EVENTS, params=params))
    engine.command(Query(text=TIES, params={"first": events}))
    engine.command(Query(text=PERSONS, params={"visitors": visitors}))
    engine.command(Query(text="drop table if exists bare"))
    engine.command(Query(text=BARE))
    engine.command(Query(text="insert into bare select site, event, key, ts from events"))
    for table in ("events", "bare", "person_map"):
        engine.command(Query(text=f"optimize table {table} final"))


def best(rounds, ask):
    """The quickest of several rounds, in seconds, and the answer."""
    took, _, answer = best_of_both(rounds, ask)
    return took, answer


def best_of_both(rounds, ask):
    """The quickest of several rounds, in seconds of the clock and of the processor, and the answer."""
    times, answer = [], None
    for _ in range(rounds):
        start, busy = time.perf_counter(), time.process_time()
        answer = ask()
        times.append((time.perf_counter() - start, time.process_time() - busy))
    return min(one for one, _ in times), min(one for _, one in times), answer


def measure(engine, events, rounds):
    """Print one engine's figures, each question beside a `windowFunnel` of the same minute."""
    start = time.perf_counter()
    fill(engine, events)
    print(f"{engine.kind:9} {events:>11,} events made and merged in {time.perf_counter() - start:.0f} s", flush=True)
    for name, change in (
        ("by visitor", {"count_by": "visitor"}),
        ("by person", {}),
        ("by person, breakdown by country", {"breakdown": {"property": "country"}}),
        ("by person, a step repeated", {"steps": [*BODY["steps"][:2], BODY["steps"][1], BODY["steps"][3]]}),
        ("by person, strict", {"mode": "strict"}),
        ("by person, unordered", {"mode": "unordered"}),
        ("by person, exclusion", {"exclude": [{"event": "page_view"}]}),
    ):
        slow = name.endswith(("strict", "unordered", "exclusion"))
        spec = funnel.parse({**BODY, **change})
        plain, plain_busy, levels = best_of_both(rounds, lambda: engine.ask(Query(text=PLAIN)).rows)
        took, busy, said = best_of_both(1 if slow else rounds, lambda spec=spec: funnel.run(engine, spec))
        against = f"windowFunnel {plain:6.2f} s  ratio {took / plain:5.2f}"
        if engine.kind == "embedded":
            against += f"  processor {busy:6.2f} / {plain_busy:.2f} s = {busy / plain_busy:.2f}"
        print(f"{engine.kind:9} {events:>11,} events  {name:32} {took:7.2f} s  {against}", flush=True)
        if name == "by visitor":
            at_least = [sum(count for level, count in levels if level >= step) for step in range(1, 5)]
            assert [step["count"] for step in said["steps"]] == at_least


def main(about=__doc__, measure=measure, *, events=50_000_000, rounds=5):
    """Read the arguments and call `measure` (engine, events, rounds) with each engine that was asked for."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--events", type=int, default=events)
    parser.add_argument("--engine", choices=["embedded", "server", "both"], default="both")
    parser.add_argument("--rounds", type=int, default=rounds)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracker-bench-") as folder:
        if asked.engine in ("embedded", "both"):
            engine = Embedded(Path(folder) / "embedded")
            migrate(engine)
            measure(engine, asked.events, asked.rounds)
            engine.close()
        if asked.engine in ("server", "both"):
            server = ClickHouse(Path(folder) / "server")
            server.start()
            try:
                engine = Server(server.url(), timeout=3600)  # merging everything takes its time
                migrate(engine)
                measure(engine, asked.events, asked.rounds)
                engine.close()
            finally:
                server.kill()


if __name__ == "__main__":
    main()
