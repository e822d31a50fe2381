"""Funnels, paths, retention and attribution against plain windowFunnel on a bare four-column table, in one run.

    python tests/bench/bench_reports.py [--events 5000000,50000000] [--engine embedded|server|both] [--rounds 3]
        [--folder DIR] [--only WORDS] [--no-memory]

Data is made inside ClickHouse: 30 days, 3 visitors for 50 events, every fifth of them identified (two a user: 300,000
users for 50 million events), a fifth of the events in the funnel and a fifth arrivals from one of eight channels, page
views of 40 pages. Prints for each report the quickest wall time of some rounds and its ratio to windowFunnel's, the
processor time of the engine, the peak memory of the query, and how the wall time grew from the size before. Paths by
event are asked a second time, with the journey table made. `--folder` keeps the stores and finds them again; `--only`
takes the reports whose name fits a regular expression; without memory each is asked once less. Asserts that counts by
visitor agree and that credits sum to conversions.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import bench_funnel as base
from bench_funnel import BODY, PLAIN, Query
from clickhouse import ClickHouse

from tracker.analytics import (
    attribution,
    funnel,
    funnel_reasons,
    lifecycle,
    ltv,
    paths,
    people,
    retention,
    rfm,
    stickiness,
    timeseries,
)
from tracker.loader.journeys import Journeys
from tracker.store import journeys
from tracker.store.embedded import Embedded
from tracker.store.migrate import migrate
from tracker.store.server import Server

CHANNELS = "['Direct', 'Email', 'Paid Search', 'Organic Search', 'Referral', 'Display', 'Paid Social', 'SMS']"
base.EVENTS = base.EVENTS.replace("device, props)", "device, props, channel, path)").replace(
    """'{"plan":"pro","n":5}'""",
    f"""'{{"plan":"pro","n":5}}', if(number % 5 = 0, {CHANNELS}[intHash64(number) % 8 + 1], ''),
    if(r between 13 and 39, concat('/p/', toString(number % 40)), '')""",
)
base.PERSONS = base.PERSONS.replace("number, 20)", "number, 10)").replace("% 10 = 0", "% 5 = 0")
WHEN = {name: BODY[name] for name in ("site", "from", "to")}
BACK = {**WHEN, "start": {"event": "view_item"}, "return": {"event": "page_view"}, "timezone": "Europe/Berlin"}
TOUCHED = {"site": "shop", "from": "2026-01-08T00:00:00Z", "to": "2026-01-31T00:00:00Z", "lookback": "7d"}
AGAIN = [*BODY["steps"][:2], BODY["steps"][1], BODY["steps"][3]]
COUNTRY = {"property": "country"}
QUESTIONS = (
    ("funnel by visitor", funnel, {**BODY, "count_by": "visitor"}),
    ("funnel by person", funnel, BODY),
    ("funnel, a step repeated", funnel, {**BODY, "steps": AGAIN}),
    ("funnel by country, first touch", funnel, {**BODY, "breakdown": {**COUNTRY, "touch": "first"}}),
    ("paths by page", paths, {**WHEN, "by": "page"}),
    ("paths by event, every event", paths, {**WHEN, "by": "event"}),
    ("paths by event to purchase", paths, {**WHEN, "by": "event", "end": "purchase", "session_gap": None}),
    ("retention, first time, by day", retention, BACK),
    ("retention, recurring, by day", retention, {**BACK, "kind": "recurring"}),
    ("retention, recurring, rolling", retention, {**BACK, "kind": "recurring", "rolling": True}),
    ("retention by country, weeks", retention, {**BACK, "period": "week", "breakdown": COUNTRY}),
    *(
        (f"attribution, {model}", attribution, {**TOUCHED, "model": model})
        for model in ("last", "time_decay", "markov")
    ),
    ("reasons at step 2 of the funnel", funnel_reasons, {**BODY, "step": 2}),
    ("lifecycle by week", lifecycle, WHEN),
    ("stickiness, days of a month", stickiness, WHEN),
    ("time series, people by day", timeseries, {**WHEN, "measure": "people"}),
    ("RFM", rfm, WHEN),
    ("LTV", ltv, WHEN),
    ("people, seen last", people, {"site": "shop"}),
    ("people, found by a name", people, {"site": "shop", "q": "visitor-77777"}),
)
WALKED = tuple((f"{name}, journeys", *one) for name, *one in QUESTIONS if name.startswith("paths by event"))
"""Asked again once the journey table is made; before there is none, and all is read from `events`."""
_BUSY = "select max(peak_memory_usage) from system.processes where query not like '%system.processes%'"
_TICK = os.sysconf("SC_CLK_TCK")


class Meter:
    """Measures an engine at work; `pid` is the process it works in."""

    def __init__(self, engine, pid):
        self.engine = engine
        self._stat = Path(f"/proc/{pid}/stat")

    def processor(self):
        """Seconds of processor, of all threads."""
        fields = self._stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def best(self, rounds, ask):
        """(wall, processor) of the quickest round, and the answer."""
        times, answer = [], None
        for _ in range(rounds):
            used, start = self.processor(), time.perf_counter()
            answer = ask()
            times.append((time.perf_counter() - start, self.processor() - used))
        return min(times), answer

    def peak(self, ask):
        """The most memory that one of its queries takes, in bytes, looked at every 20 ms."""
        over, most = threading.Event(), [0]

        def watch():
            while not over.wait(0.02):
                most[0] = max(most[0], self.engine.ask(Query(text=_BUSY)).rows[0][0])

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            ask()
        finally:
            over.set()
            thread.join()
        return most[0]


def measure(meter, events, before, asked):
    """Print one engine's figures for one size. `before`: name -> wall time per event of the size before."""
    engine, grown = meter.engine, {}
    (plain, used), levels = meter.best(asked.rounds, lambda: engine.ask(Query(text=PLAIN)).rows)
    at_least = [sum(count for level, count in levels if level >= step) for step in range(1, 5)]
    chosen = [one for one in (*QUESTIONS, *WALKED) if re.search(asked.only, one[0])]
    journeys.forget(engine, "shop")
    for name, question, body in [("bare windowFunnel", None, None), *chosen]:
        if name.endswith(", journeys"):
            Journeys(engine, least=1, grace=0, eager=True).keep("shop", [step["event"] for step in BODY["steps"]])
        if question is None:
            took, cost, ask = plain, used, lambda: engine.ask(Query(text=PLAIN))
        else:
            spec = question.parse(body)
            ask = lambda question=question, spec=spec: question.run(engine, spec)  # noqa: E731
            (took, cost), said = meter.best(asked.rounds, ask)
            assert said.get("road", "events") == ("journeys" if name.endswith(", journeys") else "events")
            if name == "funnel by visitor":
                assert [step["count"] for step in said["steps"]] == at_least
            if question is attribution:
                assert abs(sum(row["conversions"] for row in said["rows"]) - said["conversions"]) < 1e-3
        grown[name] = took / events
        growth = f"  per event x{grown[name] / before[name]:.2f}" if name in before else ""
        figures = f"{took:7.2f} s  ratio {took / plain:5.2f}  cpu {cost:6.2f} s ({cost / max(used, 0.01):5.2f})"
        memory = "" if asked.no_memory else f"  {meter.peak(ask) / 1e6:6.0f} MB"
        print(f"{engine.kind:9} {events:>11,}  {name:31} {figures}{memory}{growth}", flush=True)
    return grown


def filled(engine, events):
    """Make the data unless it is there."""
    migrate(engine)
    if engine.ask(Query(text="select count() from events")).rows[0][0] < events:  # and a few ties
        start = time.perf_counter()
        engine.command(Query(text="truncate table events"))
        engine.command(Query(text="truncate table person_map"))
        base.fill(engine, events)
        print(f"{engine.kind:9} {events:>11,}  made and merged in {time.perf_counter() - start:.0f} s", flush=True)


@contextmanager
def opened(kind, folder):
    """A meter on an engine of this kind on a folder."""
    if kind == "embedded":
        engine = Embedded(folder)
        yield Meter(engine, os.getpid())
        engine.close()
        return
    server = ClickHouse(folder)
    server.start()
    try:
        engine = Server(server.url(), timeout=3600)  # merging everything takes its time
        yield Meter(engine, server.pid)
        engine.close()
    finally:
        server.kill()


def stores(asked):
    """A meter on each store that was asked for, its data made, with how many events, and whether an engine begins."""
    with tempfile.TemporaryDirectory(prefix="tracker-bench-") as scratch:
        for kind in ("embedded", "server") if asked.engine == "both" else (asked.engine,):
            for place, events in enumerate(map(int, asked.events.split(","))):
                with opened(kind, (asked.folder or Path(scratch)) / f"{kind}-{events}") as meter:
                    filled(meter.engine, events)
                    yield meter, events, place == 0


def main():
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", default="5000000,50000000")
    parser.add_argument("--engine", choices=["embedded", "server", "both"], default="both")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--no-memory", action="store_true")
    asked = parser.parse_args()
    grown = {}
    for meter, events, first in stores(asked):
        grown = measure(meter, events, {} if first else grown, asked)


if __name__ == "__main__":
    main()
