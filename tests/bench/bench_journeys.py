"""The journey table: funnels and paths through it against windowFunnel on a bare table and `events`, and its upkeep.

    python tests/bench/bench_journeys.py [--events 5000000,50000000] [--engine embedded|server|both] [--rounds 5]
        [--folder DIR]

On the data of bench_reports.py. All questions of a state are asked in turns, round by round (over `events` in the first
one only); the quickest round counts, of the wall clock and of the engine's processor time. The states: everything
fresh, a share of the persons with one new event each, and with a visit of ten; between them the upkeep is measured.
Every answer must be that of `events`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from unittest import mock

import bench_reports as reports
from bench_funnel import BODY, PLAIN, Query

from tracker.analytics import funnel, funnel_journeys, paths, paths_journeys
from tracker.loader.journeys import Journeys
from tracker.store import journeys

LOADING = 16.0  # us of processor that collector and loader need for an event (docs/performance)
COUNTS = {**BODY, "times": False}
COUNTRY = {"breakdown": {"property": "country", "touch": "first"}}
SHORT = {"from": "2026-01-06T00:00:00Z", "to": "2026-01-26T00:00:00Z"}
QUESTIONS = {
    "counts": (COUNTS, 0.3),
    "with times": (BODY, 0.7),
    "counts by country": ({**COUNTS, **COUNTRY}, 0.4),
    "times by country": ({**BODY, **COUNTRY}, None),
    "counts, 20 days": ({**COUNTS, **SHORT}, None),
    "paths by event": ({**reports.WHEN, "by": "event"}, 3.0),
    "paths to purchase": ({**reports.WHEN, "by": "event", "end": "purchase", "session_gap": None}, 3.0),
    "paths by event, 20 days": ({**reports.WHEN, **SHORT, "by": "event"}, None),
}
NEWS = """
insert into events (site, event, key, ts, id, arrival, seq, type, visitor, session, country, device, props)
select 'shop', multiIf(r < 7, 'view_item', r < 10, 'add_to_cart', r < 12, 'begin_checkout', r < 13, 'purchase',
        r < 40, 'page_view', concat('other', toString(r % 20))),
    xxHash64(concat('v:', visitor)), t, generateUUIDv4(), {arrival:UInt64} + number, 0, 'track', visitor,
    concat(visitor, '-new'), ['DE', 'US', 'FR'][number % 3 + 1], 'mobile', '{"plan":"pro","n":6}'
from (
    select number, intDiv(number, {each:UInt64}) * 997 + {arrival:UInt64} as person,
        concat('visitor-', toString(person % {visitors:UInt64})) as visitor,
        toDateTime64('2026-01-30 00:00:00', 3, 'UTC') + number % 86400 as t,
        if({each:UInt64} = 1, 0, intHash64(number + {arrival:UInt64}) % 64) as r
    from numbers({count:UInt64})
)
"""
BYTES = """
select sum(bytes_on_disk) from system.parts where active and database = currentDatabase() and table = {table:String}
"""


def steps_of(body, engine, *, raw):
    """The answer and its road; `raw`: over `events`."""
    question = paths if "by" in body else funnel
    asked = question.parse(body)
    if not raw:
        return question.run(engine, asked)
    with (
        mock.patch.object(funnel_journeys, "suits", return_value=False),
        mock.patch.object(paths_journeys, "rows", return_value=None),
    ):
        return question.run(engine, asked)


def alike(one, other):
    """Whether two answers say the same; averages of the two are sums in another order."""
    plain = [{name: value for name, value in answer.items() if name != "road"} for answer in (one, other)]
    return plain[0] == plain[1]


def compare(meter, events, state, rounds, before):
    """All questions in one state; gives name -> wall time per event."""
    engine, times, said = meter.engine, {}, {}
    forms = {"bare windowFunnel": lambda: engine.ask(Query(text=PLAIN)).rows}
    for name, (body, _) in QUESTIONS.items():
        for raw in (False, True):
            forms[f"{name}{', events' if raw else ''}"] = lambda body=body, raw=raw: steps_of(body, engine, raw=raw)
    for at in range(rounds):
        for name, ask in forms.items():
            if at and name.endswith(", events"):
                continue  # for comparison, and dear
            used, start = meter.processor(), time.perf_counter()
            said[name] = ask()
            one = time.perf_counter() - start, meter.processor() - used
            times.setdefault(name, []).append(one)
    best = {name: tuple(map(min, zip(*found, strict=True))) for name, found in times.items()}
    plain, busy = best["bare windowFunnel"]
    grown = {}
    for name, (took, cost) in best.items():
        road = said[name].get("road", "") if isinstance(said[name], dict) else ""
        body, aim = QUESTIONS.get(name, (None, None))
        aimed = f"  aim {aim}" if aim and state == "fresh" else ""
        grown[name] = took / events
        growth = f"  per event x{grown[name] / before[name]:.2f}" if name in before else ""
        print(
            f"{engine.kind:9} {events:>11,}  {state:24} {name:26} {road:9} {took:6.3f} s {took / plain:5.2f}"
            f"  cpu {cost:5.2f} s {cost / max(busy, 0.01):5.2f}{aimed}{growth}",
            flush=True,
        )
        if body is not None:
            assert alike(said[name], said[f"{name}, events"]), name
    return grown


def upkeep(meter, maker, news):
    """What making the changed persons costs beside loading what they brought."""
    units = journeys.held(meter.engine, "shop").units
    used, start = meter.processor(), time.perf_counter()
    assert maker.keep("shop")
    took, cost = time.perf_counter() - start, meter.processor() - used
    share = cost / news * 1e6 / LOADING
    print(
        f"          upkeep after {news:,} events: {took:.1f} s, cpu {cost:.2f} s, {cost / news * 1e6:.1f} us an event"
    )
    print(f"          that is {share:.0%} of loading them; {cost / units * 1e6:.2f} us a person held", flush=True)


def seen_at_once(meter):
    """One more person buys: the next answer must say so."""
    engine, visitors = meter.engine, 1
    counted = steps_of(COUNTS, engine, raw=False)["steps"][0]["count"]
    start = time.perf_counter()
    text = NEWS.replace("concat('visitor-',", "concat('stranger-', toString({arrival:UInt64}),")
    engine.command(Query(text=text, params={"arrival": time.time_ns(), "each": 1, "visitors": visitors, "count": 1}))
    said = steps_of(COUNTS, engine, raw=False)
    assert said["road"] == "journeys"
    assert said["steps"][0]["count"] == counted + 1
    print(f"          a stored event is in the answer after {time.perf_counter() - start:.2f} s", flush=True)


def measure(meter, events, rounds, before):
    """Print one engine's figures for one size."""
    engine = meter.engine
    maker = Journeys(engine, least=1, grace=0, eager=True)
    journeys.forget(engine, "shop")
    engine.command(Query(text="truncate table journeys"))
    used, start = meter.processor(), time.perf_counter()
    wanted = {step["event"] for step in BODY["steps"]}
    for _ in maker.steps("shop", wanted):
        pass
    took, cost = time.perf_counter() - start, meter.processor() - used
    print(
        f"{engine.kind:9} {events:>11,}  made in {took:.1f} s, cpu {cost:.1f} s, {cost / events * 1e6:.2f} us an event"
    )
    made, whole = (engine.ask(Query(text=BYTES, params={"table": one})).rows[0][0] for one in ("journeys", "events"))
    state = journeys.held(engine, "shop")
    print(f"          {state.units:,} persons, {len(state.names)} names; disk {made / whole:.1%} of events", flush=True)
    grown = compare(meter, events, "fresh", rounds, before)
    visitors = events * 3 // 50
    for at, (share, each) in enumerate(((0.01, 1), (0.05, 1), (0.05, 10), (0.25, 1)), 1):
        news = int(visitors * share) * each
        params = {"arrival": at * 2**40, "each": each, "visitors": visitors, "count": news}
        engine.command(Query(text=NEWS, params=params))
        if share < 0.1:
            compare(meter, events, f"{share:.0%} with {each} event{'s' * (each > 1)}", rounds, {})
        upkeep(meter, maker, news)
    compare(meter, events, "after upkeep", rounds, {})
    seen_at_once(meter)
    return grown


def main():
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", default="5000000,50000000")
    parser.add_argument("--engine", choices=["embedded", "server", "both"], default="both")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracker-bench-") as scratch:
        for kind in ("embedded", "server") if asked.engine == "both" else (asked.engine,):
            before = {}
            for events in map(int, asked.events.split(",")):
                with reports.opened(kind, (asked.folder or Path(scratch)) / f"{kind}-{events}") as meter:
                    reports.filled(meter.engine, events)
                    before = measure(meter, events, asked.rounds, before)


if __name__ == "__main__":
    main()
