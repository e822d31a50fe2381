"""Journeys in a rule (`dropped`, `sequence`): the funnel report's own attempts, so that both count the same persons."""

from __future__ import annotations

import re
from collections.abc import Callable

from tracker.analytics.funnel_people import members
from tracker.analytics.funnel_spec import Funnel, parse
from tracker.audiences.rules import All, AnyOf, Journey, Not, Rule
from tracker.core.period import rfc3339
from tracker.store.engine import Engine
from tracker.store.sql import Fragment
from tracker.store.where import Params

_PARAMETER = re.compile(r"\{(\w+):")


def funnel_of(journey: Journey, site: str, now_ms: int) -> Funnel:
    """The funnel as a report would read it, its start within the journey's time. Raises BadRequest."""
    start, end = journey.within.at(now_ms)
    body = {**journey.funnel, "site": site, "from": rfc3339(start), "to": rfc3339(end)}
    return parse(body, f"{journey.field}.")


def check(rule: Rule, site: str, now_ms: int) -> None:
    """Raise BadRequest where a journey's funnel cannot be run."""
    if isinstance(rule, Journey):
        funnel_of(rule, site, now_ms)
    elif isinstance(rule, Not):
        check(rule.part, site, now_ms)
    elif isinstance(rule, All | AnyOf):
        for part in rule.parts:
            check(part, site, now_ms)


def journeys(
    engine: Engine, site: str, events: Fragment, params: Params, now_ms: int, *, linked: bool | None = None
) -> Callable[[Journey], str]:
    """What `compile_rule` asks for a subquery of persons. `linked`: as `persons.linked` says, where it is known."""
    numbers = iter(range(1_000_000))

    def persons(journey: Journey) -> str:
        funnel = funnel_of(journey, site, now_ms)
        state, tail = "dropped" if journey.dropped else "reached", f"_j{next(numbers)}"
        made = members(engine, funnel, journey.step, state, events=events, linked=linked)
        for name, value in made.params.items():  # two journeys of one rule use the same names
            params.values[name + tail] = value
        text = _PARAMETER.sub(lambda match: f"{{{match[1]}{tail}:", made.text)
        late = ""
        if journey.wait_ms:
            late = f" where at_ms <= {params.put(now_ms - journey.wait_ms, 'Int64')}"
        return f"select unit from ({text}){late}"  # noqa: S608 - our own text, values are parameters

    return persons
