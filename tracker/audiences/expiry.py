"""When the answer to a rule may change next for a person of whom nothing new is stored.

Conservative: at the moment given here the answer may stay what it was, but it never changes earlier. For a rule that
asks for one event, or for none, it is exact: else each of somebody's many visits would have them judged again when it
ages. Only times that count from now can run out: `within` the last so long, `wait`, and events whose clock was ahead. A
rule about the ranking of buyers depends on everybody else's purchases; nothing can be said for it (`foreseeable`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tracker.analytics.funnel_spec import Funnel
from tracker.audiences.compile import did_matches
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


def moments(rule: Rule, params: Params, now_ms: int, funnel: Callable[[Journey], Funnel]) -> list[str]:
    """Aggregates over a person's events; the least of them (`first_of`) is when the answer may change next, in
    milliseconds after `now_ms`. Those of several rules may be the same. `funnel` reads a journey's.
    """
    return list(dict.fromkeys(one for part in leaves(rule) for one in _moments(part, params, now_ms, funnel)))


def first_of(found: Sequence[str]) -> str:
    """The least of some of `moments`, or `NEVER`."""
    if not found:
        return f"toInt64({NEVER})"
    return found[0] if len(found) == 1 else f"least({', '.join(found)})"


def _moments(part: Rule, params: Params, now_ms: int, funnel: Callable[[Journey], Funnel]) -> Iterator[str]:
    if isinstance(part, Did) and part.within is not None and part.within.last_ms is not None:
        if _once(part):
            yield _last(did_matches(part, params, now_ms), part.within.last_ms + 1, params)
        else:
            yield _earliest(condition_sql(part.condition, params), part.within.last_ms + 1, params, now_ms)
        yield _ahead(params, now_ms)
    elif isinstance(part, Ltv):
        yield _ahead(params, now_ms)
    elif isinstance(part, Journey):
        read = funnel(part)
        matching = any_of_sql([one for step in read.steps for one in step.any_of], params)
        if part.wait_ms:
            yield _earliest(matching, part.wait_ms, params, now_ms)
        if part.within.last_ms is not None:
            yield _earliest(matching, part.within.last_ms + 1, params, now_ms)
            yield _ahead(params, now_ms)
            # a funnel reads no event later than its window after the last start
            yield _earliest("true", 1 - AHEAD_MS - read.window, params, now_ms)


def _once(part: Did) -> bool:
    """Whether it only asks for one such event, or for none."""
    return part.value is None and part.count.comparisons in ((("gte", 1),), (("eq", 0),), (("lte", 0),))


def _last(matches: str, offset: int, params: Params) -> str:
    """`offset` after the last event that counts now: while it does, it is all the same what the others do."""
    never, after = params.put(NEVER, "Int64"), params.put(offset, "Int64")
    return f"if(countIf({matches}) = 0, {never}, toUnixTimestamp64Milli(maxIf(ts, {matches})) + {after})"


def _ahead(params: Params, now_ms: int) -> str:
    """When any event whose clock was ahead begins to count: the same question for all rules, and seldom answered."""
    return _earliest("true", 1 - AHEAD_MS, params, now_ms)


def _earliest(matching: str, offset: int, params: Params, now_ms: int) -> str:
    """The first moment after now that is `offset` after such an event."""
    after, never = params.put(now_ms - offset, "Int64"), params.put(NEVER - offset, "Int64")
    return f"min(if(({matching}) and {_TS} > {after}, {_TS}, {never})) + {params.put(offset, 'Int64')}"
