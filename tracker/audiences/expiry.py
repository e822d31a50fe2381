"""When the answer to a rule may change next for a person of whom nothing new is stored.

Conservative: at the moment given here the answer may stay what it was, but it never changes earlier. For a rule that
asks for one event, or for none, it is exact: else each of somebody's many visits would have them judged again when it
ages. Only times that count from now can run out: `within` the last so long, `wait`, and events whose clock was ahead. A
rule about the ranking of buyers depends on everybody else's purchases; nothing can be said for it (`foreseeable`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tracker.analytics.funnel_spec import Funnel
from tracker.audiences.rules import AHEAD_MS, All, AnyOf, Did, Journey, Ltv, Not, Rfm, Rule
from tracker.store.where import Params, any_of_sql, condition_sql

NEVER = 2**62
"""Milliseconds: no change without new events."""


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


@dataclass(frozen=True)
class Moment:
    """Milliseconds: `after` the last event that `of` counts, or after each event that matches, `of` None: then the next
    such time from now on.
    """

    after: int
    matching: str = ""
    of: Did | None = None


def moments(rule: Rule, params: Params, now_ms: int, funnel: Callable[[Journey], Funnel]) -> list[Moment]:
    """The first of these is when the answer may change next. Those of several rules may be the same. `funnel` reads a
    journey's.
    """
    return list(dict.fromkeys(one for part in leaves(rule) for one in _moments(part, params, funnel)))


_AHEAD = Moment(1 - AHEAD_MS, "true")
"""When any event whose clock was ahead begins to count: the same question for all rules, and seldom answered."""


def _moments(part: Rule, params: Params, funnel: Callable[[Journey], Funnel]) -> Iterator[Moment]:
    if isinstance(part, Did) and part.within is not None and part.within.last_ms is not None:
        after = part.within.last_ms + 1
        # Asked for one event: while the last counts, it is all the same what the others do.
        yield Moment(after, of=part) if _once(part) else Moment(after, condition_sql(part.condition, params))
        yield _AHEAD
    elif isinstance(part, Ltv):
        yield _AHEAD
    elif isinstance(part, Journey):
        read = funnel(part)
        matching = any_of_sql([one for step in read.steps for one in step.any_of], params)
        if part.wait_ms:
            yield Moment(part.wait_ms, matching)
        if part.within.last_ms is not None:
            yield Moment(part.within.last_ms + 1, matching)
            yield _AHEAD
            # a funnel reads no event later than its window after the last start
            yield Moment(1 - AHEAD_MS - read.window, "true")


def _once(part: Did) -> bool:
    """Whether it only asks for one such event, or for none."""
    return part.value is None and part.count.comparisons in ((("gte", 1),), (("eq", 0),), (("lte", 0),))
