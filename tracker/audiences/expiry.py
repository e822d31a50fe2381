"""When the answer to a rule may change next for a person of whom nothing new is stored.

Conservative: at the moment given here the answer may stay what it was, but it never changes earlier. Only times that
count from now can run out: `within` the last so long, `wait`, and events whose clock was ahead. A rule about the
ranking of buyers depends on everybody else's purchases; nothing can be said for it (`foreseeable`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tracker.analytics.funnel_spec import Funnel
from tracker.analytics.rfm import PURCHASE
from tracker.audiences.rules import AHEAD_MS, All, AnyOf, Did, Journey, Ltv, Not, Rfm, Rule
from tracker.store.where import Params, any_of_sql, condition_sql

NEVER = 2**62
"""Milliseconds: no change without new events."""

_TS = "toUnixTimestamp64Milli(ts)"


def foreseeable(rule: Rule) -> bool:
    """Whether only the person's own events and the clock decide."""
    return not any(isinstance(part, Rfm) for part in leaves(rule))


def worth(rule: Rule) -> bool:
    """Whether the site's main currency matters."""
    return any(isinstance(part, Ltv) for part in leaves(rule))


def leaves(rule: Rule) -> Iterator[Rule]:
    """The parts of a rule that are no `all`, `any` or `not`."""
    if isinstance(rule, Not):
        yield from leaves(rule.part)
    elif isinstance(rule, All | AnyOf):
        for part in rule.parts:
            yield from leaves(part)
    else:
        yield rule


def next_change(rule: Rule, params: Params, now_ms: int, funnel: Callable[[Journey], Funnel]) -> str:
    """An aggregate over a person's events: milliseconds, after `now_ms`, or `NEVER`. `funnel` reads a journey's."""
    found = dict.fromkeys(one for part in leaves(rule) for one in _moments(part, params, now_ms, funnel))
    if not found:
        return f"toInt64({NEVER})"
    return found.popitem()[0] if len(found) == 1 else f"least({', '.join(found)})"


def _moments(part: Rule, params: Params, now_ms: int, funnel: Callable[[Journey], Funnel]) -> Iterator[str]:
    if isinstance(part, Did) and part.within is not None and part.within.last_ms is not None:
        matching = condition_sql(part.condition, params)
        for offset in (part.within.last_ms + 1, 1 - AHEAD_MS):
            yield _earliest(matching, offset, params, now_ms)
    elif isinstance(part, Ltv):
        yield _earliest(condition_sql(PURCHASE, params), 1 - AHEAD_MS, params, now_ms)
    elif isinstance(part, Journey):
        read = funnel(part)
        matching = any_of_sql([one for step in read.steps for one in step.any_of], params)
        offsets = [] if part.within.last_ms is None else [part.within.last_ms + 1, 1 - AHEAD_MS]
        for offset in [*offsets, *([part.wait_ms] if part.wait_ms else [])]:
            yield _earliest(matching, offset, params, now_ms)
        if part.within.last_ms is not None:  # a funnel reads no event later than its window after the last start
            yield _earliest("true", 1 - AHEAD_MS - read.window, params, now_ms)


def _earliest(matching: str, offset: int, params: Params, now_ms: int) -> str:
    """The first moment after now that is `offset` after such an event."""
    moment = f"{_TS} + {params.put(offset, 'Int64')}"
    return f"min(if(({matching}) and {moment} > {params.put(now_ms, 'Int64')}, {moment}, {NEVER}))"
