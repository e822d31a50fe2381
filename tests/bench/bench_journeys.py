"""Retention and paths against plain windowFunnel on a bare four-column table, on the data of `bench_funnel.py`.

    python tests/bench/bench_journeys.py [--events 5000000] [--rounds 3]

Embedded engine, 30 days, 3 visitors for 50 events. Prints the best wall time of each and the ratio; asserts nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench_funnel import BODY, PLAIN, best, fill

from tracker.analytics import funnel_time, paths, retention
from tracker.store.embedded import Embedded
from tracker.store.engine import Query
from tracker.store.migrate import migrate

WHEN = {name: BODY[name] for name in ("site", "from", "to")}
BOTH = {"start": {"event": "view_item"}, "return": {"event": "page_view"}, "timezone": "Europe/Berlin"}
QUESTIONS = (
    ("retention, first time, by day", retention, {**WHEN, **BOTH}),
    ("retention, recurring, by day", retention, {**WHEN, **BOTH, "kind": "recurring"}),
    ("retention, recurring, rolling", retention, {**WHEN, **BOTH, "kind": "recurring", "rolling": True}),
    (
        "retention by country, weeks",
        retention,
        {**WHEN, **BOTH, "period": "week", "breakdown": {"property": "country"}},
    ),
    ("paths by event, all events, visits", paths, {**WHEN, "by": "event"}),
    ("paths by event to purchase", paths, {**WHEN, "by": "event", "end": "purchase", "session_gap": None}),
    ("time to convert", funnel_time, BODY),
)


def main():
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracker-bench-") as folder:
        engine = Embedded(Path(folder) / "embedded")
        migrate(engine)
        fill(engine, asked.events)
        plain, _ = best(asked.rounds, lambda: engine.ask(Query(text=PLAIN)).rows)
        print(f"{asked.events:>11,} events  windowFunnel {plain:.2f} s", flush=True)
        for name, question, body in QUESTIONS:
            spec = question.parse(body)
            took, _ = best(asked.rounds, lambda question=question, spec=spec: question.run(engine, spec))
            print(f"{asked.events:>11,} events  {name:36} {took:6.2f} s  ratio {took / plain:5.2f}", flush=True)
        engine.close()


if __name__ == "__main__":
    main()
