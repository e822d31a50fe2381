"""What the journey table's upkeep costs beside loading the events that came, hour by hour of a site's life.

    python tests/bench/bench_upkeep.py [--events 5000000] [--engine embedded|server|both] [--hours 24] [--quiet 60]
        [--lives visits,singles,trickle] [--an-hour 0]

A site with a history of so many events in the last 30 days (as in bench_reports.py) goes on living. Its events take
the real way: an HTTP request to a collector process, its spool, the loader; then the product's own keeper of the table
looks for what is due. Six times an hour; after each time everything that the store remembers is moved into the past
by ten minutes. Lives, each beginning with a table just made: `visits` of ten events, a fifth by new visitors, one in
twenty identified; `singles`, one event each, nearly all by old visitors; `trickle`, three events in ten minutes, for
`--quiet` hours. The first two have as many events an hour as the history had, or `--an-hour`.

Prints, for each life, the processor time of ingestion (collector, loader, engine with its merges) and of the upkeep
(the maker, the engine with what it does in the half second after), the ratio, the persons that had to be read from
`events`, at most and on average, and at the end whether a funnel through the table says what `events` say.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import threading
import time
import uuid
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import bench_funnel as base
import bench_reports as reports
from bench_journeys import COUNTRY, LOADING, alike, steps_of
from bench_reports import Meter, Query
from clickhouse import ClickHouse
from loading import Road
from running import Tracker, tracker, until

from tracker.loader.journeys import Journeys
from tracker.store import journeys
from tracker.store.calm import Calm
from tracker.store.embedded import Embedded
from tracker.store.migrate import migrate
from tracker.store.server import Server
from tracker.wiring import journeys as keeping
from tracker.wiring.journeys import JourneyKeeper

AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
)
SENT_AT_ONCE = 50
TIMES = 6  # an hour
STEP_NS = 3_600_000_000_000 // TIMES
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
BODY = {
    **base.BODY,
    "from": (TODAY - timedelta(days=29)).isoformat(),
    "to": (TODAY + timedelta(days=2)).isoformat(),
    **COUNTRY,
}
LINKS = """
insert into identity_links (site, kind, source, target, ts, arrival)
select 'shop', 'identify', concat('visitor-', toString(number)), toString(intDiv(number, 10)),
    now('UTC') - interval 29 day, 1
from numbers({visitors:UInt64}) where number % 5 = 0
"""
LATER = (
    ("touched", "site, at - {by:UInt64}, key"),
    ("touched_slots", "site, slot, at - intDiv({by:UInt64}, 1000000000), amount"),
    ("person_map", "site, key, person, if(version > {by:UInt64}, version - {by:UInt64}, version)"),
)


def name_of(chance):
    """As in the history."""
    r = chance.randrange(64)
    steps = ("view_item",) * 7 + ("add_to_cart",) * 3 + ("begin_checkout",) * 2 + ("purchase",)
    return steps[r] if r < 13 else "page_view" if r < 40 else f"other{r % 20}"


def visits(chance, visitors, count):
    """Ten events each, a fifth by new visitors, one in twenty identified."""
    for _ in range(count // 10):
        old = chance.random() < 0.8
        visitor = f"visitor-{chance.randrange(visitors)}" if old else f"new-{chance.getrandbits(60)}"
        user = {"user": f"account-{chance.getrandbits(60)}"} if chance.random() < 0.05 else {}
        for _ in range(10):
            yield {"name": name_of(chance), "visitor": visitor, **user}


def singles(chance, visitors, count):
    """One event each, one in twenty by a new visitor."""
    for _ in range(count):
        old = chance.random() < 0.95
        yield {
            "name": name_of(chance),
            "visitor": f"visitor-{chance.randrange(visitors)}" if old else f"new-{chance.getrandbits(60)}",
        }


def trickle(chance, visitors, count):
    """Hardly anything."""
    return singles(chance, visitors, 3)


LIVES = {"visits": visits, "singles": singles, "trickle": trickle}


class Site:
    """A site with a history, on a collector and a store."""

    def __init__(self, it: Tracker, engine, pid, events):
        self.engine, self.it, self.pid = engine, it, pid
        self.key = it.site("shop")
        self.road = Road(it.data, engine)
        self.collector = it.collector().start()
        until(self._reached, 30)
        self.visitors = events * 3 // 50
        self.stored = self._stored()
        self.keeper = JourneyKeeper(Calm(engine), self.road.catalog, threading.Event())
        steps = [{"event": one["event"]} for one in base.BODY["steps"]]
        self.wanted = {one["event"] for one in steps}

    def _reached(self):
        try:
            link = HTTPConnection("127.0.0.1", self.it.port, timeout=5)
            link.request("GET", "/healthz")
            return link.getresponse().status < 500
        except OSError:
            return False

    def _stored(self):
        return int(self.engine.ask(Query(text="select count() from events")).rows[0][0])

    def processor(self):
        """Of this process and of the server."""
        other = Meter(self.engine, self.pid).processor() if self.pid else 0.0
        return time.process_time() + other

    def begin(self):
        """Everybody is made; gives the processor time."""
        self.engine.command(Query(text="truncate table touched"))
        journeys.forget(self.engine, "shop")
        used = self.processor()
        for _ in Journeys(Calm(self.engine), least=1).steps("shop", self.wanted):
            pass
        return self.processor() - used

    def send(self, events):
        """To the collector, until all is in the spool; gives how many, and the collector's processor time."""
        meter = Meter(self.engine, self.collector.pid)
        used, sent, link = meter.processor(), 0, HTTPConnection("127.0.0.1", self.it.port, timeout=60)
        batch = []
        for one in [*events, None]:
            if one is not None:
                batch.append({"id": str(uuid.uuid4()), "type": "track", **one})
            if batch and (one is None or len(batch) == SENT_AT_ONCE):
                body = json.dumps({"site": self.key, "events": batch}).encode()
                link.request("POST", "/e", body, {"User-Agent": AGENT})
                answer = link.getresponse()
                answer.read()
                assert answer.status == 204, answer.status
                sent, batch = sent + len(batch), []
        return sent, meter.processor() - used

    def load(self, sent):
        """All that was sent; gives the processor time, without that of looking whether it is all there."""
        spent = 0.0
        while self._stored() < self.stored + sent:
            time.sleep(0.7)  # until the segment is sealed
            used = self.processor()
            if self.road.loader.run_once():
                time.sleep(0.1)  # merges
                spent += self.processor() - used
        self.stored = self._stored()
        return spent

    def keep(self):
        """What is due; gives how many steps that took, and the processor time."""
        used = self.processor()
        if steps := self.keeper.round():
            time.sleep(0.5)  # merges
        return steps, self.processor() - used

    def later(self):
        """Ten minutes go by: all that the store remembers is moved into the past."""
        for table, columns in LATER:
            moved = f"create or replace table moved engine = Memory as select * from {table}"
            self.engine.command(Query(text=moved))
            self.engine.command(Query(text=f"truncate table {table}"))
            put = f"insert into {table} select {columns} from moved"
            self.engine.command(Query(text=put, params={"by": STEP_NS}))
        state = journeys.held(self.engine, "shop")
        past = {name: max(getattr(state, name) - STEP_NS, 0) for name in ("seen", "paid")}
        moved = state.moved - STEP_NS if state.moved > STEP_NS else state.moved
        journeys.hold(self.engine, replace(state, **past, moved=moved))

    def changed(self):
        """The share of the persons that must be read from `events`."""
        state = journeys.held(self.engine, "shop")
        keys = journeys.touched(state, over=True)
        found = journeys.changed(keys, "shop")
        [(many,)] = self.engine.ask(Query(text=f"select count() from ({found.text})", params=found.params)).rows
        return many / max(state.units, 1)


def live(site, life, hours, an_hour):
    """Print what one life costs."""
    chance, rounds = random.Random(life), 0
    made = site.begin()
    came, ingestion, upkeep, making, shares, roads = 0, 0.0, 0.0, 0.0, [], []
    for _ in range(hours * TIMES):
        sent, used = site.send(LIVES[life](chance, site.visitors, an_hour // TIMES))
        came, ingestion = came + sent, ingestion + used + site.load(sent)
        steps, spent = site.keep()
        rounds, upkeep, making = rounds + steps, upkeep + spent, making + spent * bool(steps)
        shares.append(site.changed())
        roads.append(shares[-1] <= 0.1)
        site.later()
    said = [steps_of(BODY, site.engine, raw=raw) for raw in (False, True)]
    assert alike(*said)
    print(
        f"{site.engine.kind:9} {life:8} {hours} h, {came:,} events: ingestion {ingestion:.1f} s"
        f" ({ingestion / came * 1e6:.1f} us an event), upkeep {upkeep:.2f} s in {rounds} makings,"
        f" {upkeep / ingestion:.1%} of it, {making / (came * LOADING / 1e6):.1%} of {LOADING:.0f} us an event without"
        f" looking for what is due; changed {max(shares):.1%} of persons at most,"
        f" {sum(shares) / len(shares):.1%} on average; few enough"
        f" {sum(roads) / len(roads):.0%} of the time; at the end over {said[0]['road']}, the same answer."
        f" Everybody made at first in {made:.1f} s",
        flush=True,
    )


def history(engine, events):
    """As bench_reports.py makes it, but for the days, which are the last thirty."""
    migrate(engine)
    first = (TODAY - timedelta(days=29)).strftime("%Y-%m-%d")
    base.EVENTS = base.EVENTS.replace("2026-01-01 00:00:00", f"{first} 00:00:00").replace(
        "30 * 86400000", "29 * 86400000"
    )
    reports.filled(engine, events)
    engine.command(Query(text=LINKS, params={"visitors": events * 3 // 50}))
    engine.command(Query(text="drop table bare"))


def main():
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--engine", choices=["embedded", "server", "both"], default="both")
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--quiet", type=int, default=60)
    parser.add_argument("--lives", default=",".join(LIVES))
    parser.add_argument("--an-hour", type=int, default=0)
    asked = parser.parse_args()
    keeping._REST = 0  # nobody else is here to be left room for
    for kind in ("embedded", "server") if asked.engine == "both" else (asked.engine,):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tracker-bench-")))
            it = stack.enter_context(tracker(folder / "it"))
            pid = None
            it.data.mkdir(parents=True, exist_ok=True)
            if kind == "server":
                server = ClickHouse(folder / "server").start()
                stack.callback(server.kill)
                engine, pid = Server(server.url(), timeout=3600), server.pid
            else:
                engine = Embedded(it.data / "clickhouse")
            stack.callback(engine.close)
            history(engine, asked.events)
            site = Site(it, engine, pid, asked.events)
            for life in asked.lives.split(","):
                hours = asked.quiet if life == "trickle" else asked.hours
                live(site, life, hours, asked.an_hour or asked.events // 720)


if __name__ == "__main__":
    main()
