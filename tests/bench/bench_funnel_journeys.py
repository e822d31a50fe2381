"""A 4-step ordered 7-day funnel by person through the journey table, against plain windowFunnel on a bare table.

    python tests/bench/bench_funnel_journeys.py [--events 50000000] [--engine embedded|server|both] [--rounds 5]

On the data of `bench_funnel.py`. Prints the best wall time of each and the ratio, what making the month costs, what it
takes of the disk, and the same questions after another 1 % of the month's events have come. Asserts only that the
road was taken and that both roads agree.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench_funnel import BODY, EVENTS, PLAIN, best, fill, main

from tracker.analytics import funnel, funnel_journeys
from tracker.loader.folding import Folds
from tracker.store.engine import Query

SIZES = """
select table, sum(bytes_on_disk) from system.parts
where active and database = currentDatabase() and (table = 'events' or table like 'journey%') group by table
"""
QUESTIONS = (
    ("counts", {"times": False}),
    ("counts and times", {}),
    ("breakdown by country, counts", {"times": False, "breakdown": {"property": "country"}}),
    ("breakdown by country, times", {"breakdown": {"property": "country"}}),
)


def processor():
    """Seconds of this process, all threads: of the store, where it is embedded."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def ask_all(engine, events, rounds, plain, when):
    """Every question over both roads."""
    for name, change in QUESTIONS:
        spec = funnel.parse({**BODY, **change})
        took, said = best(rounds, lambda spec=spec: funnel.run(engine, spec))
        suits, funnel_journeys.suits = funnel_journeys.suits, lambda asked: False
        raw, other = best(max(rounds // 2, 1), lambda spec=spec: funnel.run(engine, spec))
        funnel_journeys.suits = suits
        assert (said.pop("road"), other.pop("road")) == ("journeys", "events")
        assert said["steps"] == other["steps"]
        ratios = f"windowFunnel {plain:6.3f} s  ratio {took / plain:5.2f}  over events {raw / plain:5.2f}"
        print(f"{engine.kind:9} {events:>11,} events  {when:8} {name:30} {took:7.3f} s  {ratios}", flush=True)


def measure(engine, events, rounds):
    """Print one engine's figures."""
    start = time.perf_counter()
    fill(engine, events)
    print(f"{engine.kind:9} {events:>11,} events made and merged in {time.perf_counter() - start:.0f} s", flush=True)
    start, before = time.perf_counter(), processor()
    Folds(engine).make()
    engine.command(Query(text="optimize table journeys final"))
    used = (
        f", {(processor() - before) * 1e6 / events:.2f} us of processor an event" if engine.kind == "embedded" else ""
    )
    print(f"{engine.kind:9} {events:>11,} events  month made in {time.perf_counter() - start:.1f} s{used}", flush=True)
    sizes = dict(engine.ask(Query(text=SIZES)).rows)
    ours = sum(size for table, size in sizes.items() if table != "events")
    print(f"{engine.kind:9} {events:>11,} events  disk {ours / 2**20:.0f} MB, {ours / sizes['events']:.2f} of events")
    plain, _ = best(rounds, lambda: engine.ask(Query(text=PLAIN)).rows)
    ask_all(engine, events, rounds, plain, "made")
    params = {"visitors": events * 3 // 50, "first": events, "count": events // 100}
    engine.command(Query(text=EVENTS, params=params))
    ask_all(engine, events, rounds, plain, "1 % more")


if __name__ == "__main__":
    main(__doc__, measure)
