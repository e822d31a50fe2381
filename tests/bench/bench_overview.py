"""The dashboard's overview from rollups and from events, on the data of `bench_reports.py`.

    python tests/bench/bench_overview.py [--events 5000000,50000000] [--engine embedded|server|both] [--rounds 5]
        [--folder DIR] [--stages] [--no-events]

30 days of UTC, 3 visitors for 50 events, a fifth of them identified. Prints wall and processor time of building a
day and its longest statement, and the best, first and median wall time and the processor time of the overview and of a
time series, beside how they grew from the size before: all days built; spans made; the last day open; five
thousand events since, and twenty more before each question, so that none is asked of the same data twice; ten thousand
people known since; a day long ago changed. What builds say alone is remembered: the first time tells its cost.
`--stages` prints every statement of one question that asks them one after the other, and what each took. `--folder`
keeps the stores and finds them again, with the events that came: `bench_reports.py` needs others. Asserts only that all
roads say the same.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench_reports import stores

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
insert into events (site, event, key, ts, id, arrival, received, type, visitor, session, path, country, device)
select 'shop', if(number % 3 = 0, 'page_view', 'view_item'), xxHash64(concat('v:', name)) as key,
    toDateTime64('2026-01-30 22:00:00', 3, 'UTC') + number % 60000 / 10 as ts, generateUUIDv4(), number, ts, 'track',
    name, concat(name, '-2026-01-30'), if(number % 3 = 0, concat('/p/', toString(number % 40)), ''), 'DE', 'mobile'
from (
    select number, concat('visitor-', toString(intHash64(number) % {visitors:UInt64})) as name
    from numbers({first:UInt64}, {count:UInt64})
)
"""
KNOWN = """
insert into person_map (site, key, person, version)
select 'shop', key, xxHash64(concat('u:', toString(key % 999))), (select max(version) + 1 from person_map)
from (
    select distinct key from events
    where ts >= '2026-01-30' and key not in (select key from person_map)
    limit 10000
)
"""
LATE = """
insert into events (site, event, key, ts, id, visitor, session)
select 'shop', 'page_view', xxHash64(concat('v:late', toString(number))),
    toDateTime64('2026-01-15 12:00:00', 3, 'UTC') + number, generateUUIDv4(), concat('late', toString(number)), 's'
from numbers(10)
"""


class Watched:
    """An engine, or a session of one, that runs one statement at a time and notes what each took."""

    def __init__(self, inner, processor, noted=None, lock=None):
        self._inner, self._processor = inner, processor
        self.noted = [] if noted is None else noted
        self._lock = lock or threading.Lock()
        self.kind, self.cluster = getattr(inner, "kind", ""), getattr(inner, "cluster", None)

    def ask(self, query):
        """As the inner one's."""
        return self._timed(self._inner.ask, query)

    def command(self, query):
        """As the inner one's."""
        return self._timed(self._inner.command, query)

    def session(self):
        """Watched, too."""
        return Watched(self._inner.session(), self._processor, self.noted, self._lock)

    def close(self):
        """As the inner one's."""
        self._inner.close()

    def _timed(self, run, query):
        with self._lock:
            start, used = time.perf_counter(), self._processor()
            answer = run(query)
            took = time.perf_counter() - start, self._processor() - used
        self.noted.append((*took, threading.current_thread().name, " ".join(query.text.split())))
        return answer


class Bench:
    """One engine's figures for one size. `before`: name -> wall time at the size before."""

    def __init__(self, meter, events, asked, before):
        self.engine, self.meter = meter.engine, meter
        self.events, self.asked, self.before, self.now = events, asked, before, {}
        self.first = int(self.engine.ask(Query(text="select count() from events")).rows[0][0])
        self.spec, self.series = overview.parse(BODY), timeseries.parse(SERIES)

    def told(self, name, work):
        """Print what some work took, and give what it gave."""
        wall, used = time.perf_counter(), self.meter.processor()
        gave = work()
        wall, used = time.perf_counter() - wall, self.meter.processor() - used
        print(f"{self.engine.kind:9} {self.events:>11,}  {name}: {wall:.2f} s, {used:.2f} s of processor", flush=True)
        return gave

    def show(self, name, between=lambda: None):
        """Print what both questions take. `between`: what happens before each."""
        for what, question in (
            ("overview", lambda engine: overview.run(engine, self.spec)),
            ("series", lambda engine: timeseries.run(engine, self.series)),
        ):
            walls, used = [], 0.0
            for _ in range(self.asked.rounds):
                between()
                start, busy = time.perf_counter(), self.meter.processor()
                said = question(self.engine)
                walls.append(time.perf_counter() - start)
                used += self.meter.processor() - busy
            key, took = f"{what} {name}", min(walls)
            self.now[key] = took
            grown = f"  x{took / self.before[key]:.2f} of the size before" if key in self.before else ""
            cost, worst = used / self.asked.rounds * 1000, sorted(walls)[len(walls) // 2] * 1000
            print(
                f"{self.engine.kind:9} {self.events:>11,}  {what:8} {name:34} {took * 1000:5.0f} ms,"
                f" first {walls[0] * 1000:5.0f}, median {worst:5.0f}, processor {cost:5.0f}{grown}"
                f"  {said.get('days', '')}",
                flush=True,
            )
            if self.asked.stages:
                between()
                self.stages(question)

    def stages(self, question):
        """Print every statement of one question."""
        watched = Watched(self.engine, self.meter.processor)
        start, used = time.perf_counter(), self.meter.processor()
        question(watched)
        took = time.perf_counter() - start, self.meter.processor() - used
        for wall, busy, thread, text in [*watched.noted, (*took, "", "all of it")]:
            print(f"    {wall * 1000:6.1f} ms, processor {busy * 1000:4.0f}  {thread[:12]:12} {text[:110]}")

    def came(self, count):
        """Some events come, all of the last day."""
        self.engine.command(
            Query(text=CAME, params={"visitors": self.events * 3 // 50, "first": self.first, "count": count})
        )
        self.first += count

    def spans(self, now):
        """Make those that are due."""
        due = rollup_spans.due(self.engine, "shop", "UTC", now, 800)
        self.told(f"making {len(due)} spans", lambda: [rollup_spans.make(self.engine, span) for span in due])

    def build(self):
        """All days, as when they are over; the last one's events as if they had come just now."""
        self.engine.command(Query(text="truncate table recent"))
        self.engine.command(Query(text=RECENT))
        due = Rollups(self.engine, grace=-10).due("shop", "UTC", AFTER)
        self.built(f"building {len(due)} days", due)

    def built(self, name, due):
        """Build days, and print how long the longest of the statements was."""
        watched = Watched(self.engine, self.meter.processor)
        self.told(name, lambda: [Rollups(watched).build(day) for day in due])
        longest, _, _, text = max(watched.noted)
        print(f"    {len(watched.noted)} statements, the longest {longest:.2f} s: {text[:80]}", flush=True)

    def ask(self):
        """Print what questions take, while things happen."""
        self.show("all days built")
        self.spans(AFTER)
        self.show("all days built, and spans")
        self.engine.command(Query(text="delete from rollup_days where day = '2026-01-30'"))
        self.spans(ON_IT)
        due = Rollups(self.engine, grace=50).open_due("shop", "UTC", ON_IT)
        self.built("building the last day while it is open", due)
        self.show("the last day open")
        self.came(5_000)
        self.show("5,000 came since, 20 just now", lambda: self.came(20))
        self.engine.command(Query(text=KNOWN))
        self.show("and 10,000 people known since", lambda: self.came(20))
        if not self.asked.no_events:
            said = overview.run(self.engine, self.spec)
            plain = self.told("from events", lambda: overview.run(self.engine, self.spec, events_only=True))
            assert {**plain, "days": 0} == {**said, "days": 0}
            self.engine.command(Query(text=LATE))
            self.show("and a day long ago changed")


def sizes(engine):
    """Print how much room tables take."""
    text = (
        "select table, formatReadableSize(sum(bytes_on_disk)) from system.parts"
        " where active and database = currentDatabase() group by table order by table"
    )
    for table, size in engine.ask(Query(text=text)).rows:
        print(f"{engine.kind:9} {table:16} {size}")


def main():
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", default="5000000,50000000")
    parser.add_argument("--engine", choices=["embedded", "server", "both"], default="both")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--stages", action="store_true")
    parser.add_argument("--no-events", action="store_true")
    asked = parser.parse_args()
    before = {}
    for meter, events, first in stores(asked):
        bench = Bench(meter, events, asked, {} if first else before)
        bench.build()
        sizes(meter.engine)
        bench.ask()
        before = bench.now


if __name__ == "__main__":
    main()
