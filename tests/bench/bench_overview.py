"""The dashboard's overview from rollups and from events, on the data of `bench_funnel.py`.

    python tests/bench/bench_overview.py [--events 50000000] [--engine embedded|server|both] [--rounds 5]

30 days of UTC, 3 visitors for 50 events, a tenth of them identified. Prints wall and processor time of building a
day, and the best wall time of the overview and of a time series: all days built; spans made of them; the last day
open, with what came since; ten thousand people known since; a day long ago changed. Asserts only that all roads say
the same.
"""

from __future__ import annotations

import resource
import sys
import time
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench_funnel import best, fill, main

from tracker.analytics import overview, timeseries
from tracker.loader import rollup_spans
from tracker.loader.rollups import Rollups
from tracker.store.engine import Query
from tracker.store.site_days import day_number, midnight

BODY = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-01-31T00:00:00Z"}
SERIES = {**BODY, "interval": "day", "measure": "people"}
LAST = day_number(date(2026, 1, 30))
ON_IT = midnight(LAST, "UTC") + 23 * 3_600_000  # ms: when the last day is not over
AFTER = midnight(LAST + 2, "UTC")  # when all are
RECENT = """
insert into recent (
    site, at, event, key, ts, id, arrival, seq, visit, in_session, on_page, path, channel, country, device,
    value, currency
)
select site, now64(3, 'UTC') - 100 as at, event, key, ts, id, arrival, seq,
    xxHash64(concat('s:', if(visitor = '', user, visitor), '\\0', session)) as visit, session != '' as in_session,
    url != '' as on_page, path, channel, country, device, value, currency
from events where ts >= '2026-01-30 00:00:00'
"""
CAME = """
insert into events (site, event, key, ts, id, arrival, received, type, visitor, session, country, device)
select 'shop', if(number % 3 = 0, 'page_view', 'view_item'), xxHash64(concat('v:', name)) as key,
    toDateTime64('2026-01-30 22:00:00', 3, 'UTC') + number / 10 as ts, generateUUIDv4(), number, ts, 'track', name,
    concat(name, '-2026-01-30'), 'DE', 'mobile'
from (select number, concat('visitor-', toString(intHash64(number) % {visitors:UInt64})) as name from numbers(5000))
"""
KNOWN = """
insert into person_map (site, key, person, version)
select 'shop', xxHash64(concat('v:visitor-', toString(number * 10 + 1))),
    xxHash64(concat('u:', toString(number % 999))), 2
from numbers(10000)
"""
LATE = """
insert into events (site, event, key, ts, id, visitor, session)
select 'shop', 'page_view', xxHash64(concat('v:late', toString(number))),
    toDateTime64('2026-01-15 12:00:00', 3, 'UTC') + number, generateUUIDv4(), concat('late', toString(number)), 's'
from numbers(10)
"""


def processor():
    """Seconds of user and system time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def told(engine, name, work):
    """Print what some work took, and give what it gave."""
    wall, used = time.perf_counter(), processor()
    gave = work()
    wall, used = time.perf_counter() - wall, processor() - used
    of_it = f", {used:.2f} s of this process" if engine.kind == "embedded" else ""
    print(f"{engine.kind:9} {name}: {wall:.2f} s{of_it}", flush=True)
    return gave


def measure(engine, events, rounds, quietly=lambda: None):
    """Print one engine's figures."""
    engine.command(Query(text="detach table events_recent"))
    fill(engine, events)
    engine.command(Query(text="attach table events_recent"))
    engine.command(Query(text=RECENT))
    build(engine)
    sizes(engine)
    quietly()
    ask(engine, events, rounds)


def build(engine):
    """All days, as when they are over."""
    rollups = Rollups(engine, grace=-10)
    due = rollups.due("shop", "UTC", AFTER)
    told(engine, f"building {len(due)} days", lambda: [rollups.build(day) for day in due])


def sizes(engine):
    """Print how much room tables take."""
    text = (
        "select table, formatReadableSize(sum(bytes_on_disk)) from system.parts"
        " where active and database = currentDatabase() group by table order by table"
    )
    for table, size in engine.ask(Query(text=text)).rows:
        print(f"{engine.kind:9} {table:16} {size}")


def ask(engine, events, rounds):
    """Print what questions take, while things happen."""
    spec, series = overview.parse(BODY), timeseries.parse(SERIES)

    def show(name):
        for what, question in (
            ("overview", lambda: overview.run(engine, spec)),
            ("series", lambda: timeseries.run(engine, series)),
        ):
            took, said = best(rounds, question)
            before = processor()
            question()
            of_it = f", {processor() - before:.2f} s of this process" if engine.kind == "embedded" else ""
            print(f"{engine.kind:9} {what:8} {name:36} {took * 1000:6.0f} ms{of_it} {said.get('days', '')}", flush=True)

    def spans(now):
        due = rollup_spans.due(engine, "shop", "UTC", now, 800)
        told(engine, f"making {len(due)} spans", lambda: [rollup_spans.make(engine, span) for span in due])

    show("all days built")
    spans(AFTER)
    show("all days built, and spans")
    engine.command(Query(text="delete from rollup_days where day = '2026-01-30'"))
    spans(ON_IT)
    rollups = Rollups(engine, grace=50)
    due = rollups.open_due("shop", "UTC", ON_IT)
    told(engine, "building the last day while it is open", lambda: [rollups.build(day) for day in due])
    show("the last day open")
    engine.command(Query(text=CAME, params={"visitors": events * 3 // 50}))
    show("the last day open, 5,000 came since")
    engine.command(Query(text=KNOWN))
    show("and 10,000 people known since")
    if engine.kind == "embedded":
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{engine.kind:9} this process took {most:.1f} GB at most")
    said = overview.run(engine, spec)
    plain = told(engine, "from events", lambda: overview.run(engine, spec, events_only=True))
    assert {**plain, "days": 0} == {**said, "days": 0}
    engine.command(Query(text=LATE))
    show("and a day long ago changed")


if __name__ == "__main__":
    main(__doc__, measure)
