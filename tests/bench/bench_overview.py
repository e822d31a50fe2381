"""The dashboard's overview from rollups and from events, on the data of `bench_funnel.py`.

    python tests/bench/bench_overview.py [--events 50000000] [--engine embedded|server|both] [--rounds 5]

30 days of UTC, 3 visitors for 50 events, a tenth of them identified. Prints wall and processor time of building a
day, and the best wall time of the overview: all days built; spans made of them; ten thousand people known since; the
last day still open. Asserts only that both roads say the same.
"""

from __future__ import annotations

import resource
import sys
import time
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench_funnel import best, fill, main

from tracker.analytics import overview
from tracker.loader import rollup_spans
from tracker.loader.rollups import Rollups
from tracker.store.engine import Query
from tracker.store.rollups import day_number, midnight

BODY = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-01-31T00:00:00Z"}
KNOWN = """
insert into person_map (site, key, person, version)
select 'shop', xxHash64(concat('v:visitor-', toString(number * 10 + 1))),
    xxHash64(concat('u:', toString(number % 999))), 2
from numbers(10000)
"""
LATE = """
insert into events (site, event, key, ts, id, visitor, session)
select 'shop', 'page_view', xxHash64(concat('v:late', toString(number))),
    toDateTime64('2026-01-30 12:00:00', 3, 'UTC') + number, generateUUIDv4(), concat('late', toString(number)), 's'
from numbers(10)
"""


def processor():
    """Seconds of user and system time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(engine, events, rounds, quietly=lambda: None):
    """Print one engine's figures."""
    fill(engine, events)
    rollups = Rollups(engine, grace=-10)
    due = rollups.due("shop", "UTC", time.time_ns() // 1_000_000)
    wall, used = time.perf_counter(), processor()
    for day in due:
        assert rollups.build(day)
    wall, used = time.perf_counter() - wall, processor() - used
    of_it = f", {used / len(due):.2f} s of this process" if engine.kind == "embedded" else ""
    print(f"{engine.kind:9} {events:>11,} events  building a day {wall / len(due):.2f} s{of_it}", flush=True)
    for table, size in engine.ask(
        Query(
            text="select table, formatReadableSize(sum(bytes_on_disk)) from system.parts"
            " where active and database = currentDatabase() group by table order by table"
        )
    ).rows:
        print(f"{engine.kind:9} {table:16} {size}")
    spec = overview.parse(BODY)

    def show(name):
        took, said = best(rounds, lambda: overview.run(engine, spec))
        before = processor()
        overview.run(engine, spec)
        print(
            f"{engine.kind:9} {name:32} {took * 1000:6.0f} ms, {processor() - before:.2f} s used {said['days']}",
            flush=True,
        )
        return said

    quietly()
    said = show("all days built")
    wall, used = time.perf_counter(), processor()
    spans = rollup_spans.due(engine, "shop", "UTC", midnight(day_number(date(2026, 1, 31)), "UTC"), 800)
    for span in spans:
        rollup_spans.make(engine, span)
    wall, used = time.perf_counter() - wall, processor() - used
    print(f"{engine.kind:9} {len(spans)} spans made in {wall:.2f} s, {used:.2f} s of this process", flush=True)
    assert show("all days built, and spans") == said
    took, plain = best(1, lambda: overview.run(engine, spec, events_only=True))
    print(f"{engine.kind:9} {'from events':32} {took * 1000:6.0f} ms", flush=True)
    assert {**plain, "days": 0} == {**said, "days": 0}
    engine.command(Query(text=KNOWN))
    show("10,000 people known since")
    engine.command(Query(text=LATE))
    show("the last day changed")


if __name__ == "__main__":
    main(__doc__, measure)
