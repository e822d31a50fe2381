"""The attempt that counts for every unit of a funnel, as one subquery with the columns

unit     UInt64, key of the person, visitor or session
value    String, the breakdown's value ('' without a breakdown)
reached  UInt32, a bit a step, the lowest is step 1
at       Array(UInt64), milliseconds since the range's start at each step, 0 where it was not reached

Three roads lead there. `fill` carries the latest start forward through sorted arrays: ordered funnels, whatever overlaps.
"""

from __future__ import annotations

from tracker.analytics.funnel_hits import disjoint, hits, relevant, step_code, step_mask
from tracker.analytics.funnel_spec import Funnel
from tracker.store.engine import Query
from tracker.store.sql import Fragment, fill, load


def attempts(funnel: Funnel, events: Fragment) -> Fragment:
    """The subquery for this funnel; `events` is what to read (`clean.events_source`)."""
    query = _fill(funnel, events)
    return Fragment(query.text, query.params)


def _fill(funnel: Funnel, events: Fragment, *, overlapping: bool | None = None) -> Query:
    overlap = not disjoint(funnel) if overlapping is None else overlapping
    count = len(funnel.steps)
    if overlap:
        found = hits(funnel, events, step_mask(funnel), count, relevant(funnel))
    else:
        found = hits(funnel, events, step_code(funnel), count.bit_length(), relevant(funnel))
    levels = [_level(step, overlap) for step in range(1, count + 1)]
    last = [f"latest_{step}[-1]" for step in range(1, count + 1)]
    tests = [f"{last[step - 1]} != 0, {step}" for step in range(count, 0, -1)]
    starts = [f"furthest = {step}, {last[step - 1]}" for step in range(count, 1, -1)]
    at = [
        f"if(furthest < {step}, 0, bitShiftRight(moments[indexOf(latest_{step}, start)], 24))"
        for step in range(1, count + 1)
    ]
    return fill(
        load(__package__, "funnel_fill"),
        {
            "hits": found.query,
            "levels": Fragment(", ".join(levels)),
            "furthest": Fragment(f"multiIf({', '.join(tests)}, 0)"),
            "start": Fragment(f"multiIf({', '.join(starts)}, {last[0]})"),
            "at": Fragment(f"[{', '.join(at)}]"),
            "value": Fragment("value" if funnel.breakdown else "''"),
        },
        {
            **found.params,
            "limit": (funnel.range.end - funnel.range.start) << 24,
            "window": funnel.window << 24,
        },
    )


def _level(step: int, overlap: bool) -> str:
    serves = f"bitTest(c, {step - 1})" if overlap else f"c = {step}"
    if step == 1:
        first = f"arrayMap((m, c) -> if({serves} and m < {{limit:UInt64}}, m, 0), moments, serves)"
        return f"arrayFill(x -> x != 0, {first}) as latest_1"
    before = f"latest_{step - 1}"
    if overlap:  # one event serves one step: look at what stood before this event
        before = f"arrayPopBack(arrayPushFront({before}, 0))"
    reached = f"{serves} and s != 0 and m <= bitOr(s, 16777215) + {{window:UInt64}}"
    return f"arrayFill(x -> x != 0, arrayMap((m, c, s) -> if({reached}, s, 0), moments, serves, {before})) as latest_{step}"
