"""Attribution, every model, against plain windowFunnel on a bare four-column table of the same events.

    python tests/bench/bench_attribution.py [--events 10000000] [--engine embedded|server|both] [--rounds 3]

The funnel bench's data with arrivals: the first event of about every session says one of eight channels. Prints the
best wall time of each and the ratio; asserts that every model's credits sum to the conversions.
"""

from __future__ import annotations

import bench_funnel as funnels
from bench_funnel import Query, best, main

from tracker.analytics import attribution

CHANNELS = "['Direct', 'Email', 'Paid Search', 'Organic Search', 'Referral', 'Display', 'Paid Social', 'SMS']"
ARRIVALS = funnels.EVENTS.replace("device, props)", "device, props, channel)").replace(
    """'{"plan":"pro","n":5}'""",
    f"""'{{"plan":"pro","n":5}}', if(number % 5 = 0, {CHANNELS}[intHash64(number) % 8 + 1], '')""",
)
BODY = {"site": "shop", "from": "2026-01-08T00:00:00Z", "to": "2026-01-31T00:00:00Z", "lookback": "7d"}


def measure(engine, events, rounds):
    """Print one engine's figures."""
    funnels.EVENTS = ARRIVALS
    funnels.fill(engine, events)
    plain, _ = best(rounds, lambda: engine.ask(Query(text=funnels.PLAIN)).rows)
    for model in attribution.MODELS:
        spec = attribution.parse({**BODY, "model": model})
        took, said = best(rounds, lambda spec=spec: attribution.run(engine, spec))
        assert abs(sum(row["conversions"] for row in said["rows"]) - said["conversions"]) < 1e-3
        against = f"windowFunnel {plain:6.2f} s  ratio {took / plain:5.2f}"
        print(f"{engine.kind:9} {events:>11,} events  {model:16} {took:7.2f} s  {against}", flush=True)


if __name__ == "__main__":
    main(__doc__, measure, events=10_000_000, rounds=3)
