"""Journeys in a rule (`dropped`, `sequence`): the funnel report's own attempts, so that both count the same persons."""

from __future__ import annotations

import re
from collections.abc import Callable

from tracker.analytics.funnel_attempts import attempts
from tracker.analytics.funnel_spec import Funnel, parse
from tracker.audiences.rules import All, AnyOf, Journey, Not, Rule
from tracker.core.period import rfc3339
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


def journeys(site: str, events: Fragment, params: Params, now_ms: int) -> Callable[[Journey], str]:
    """What `compile_rule` asks for a subquery of persons."""
    numbers = iter(range(1_000_000))

    def persons(journey: Journey) -> str:
        funnel = funnel_of(journey, site, now_ms)
        made, tail = attempts(funnel, events), f"_j{next(numbers)}"
        for name, value in made.params.items():  # two journeys of one rule use the same names
            params.values[name + tail] = value
        text = _PARAMETER.sub(lambda match: f"{{{match[1]}{tail}:", made.text)
        tests = [f"bitTest(reached, {journey.step - 1})"]
        if journey.dropped:
            tests.append(f"not bitTest(reached, {journey.step})")
        if journey.wait_ms:
            latest = max(0, now_ms - journey.wait_ms - funnel.range.start)
            tests.append(f"at[{journey.step}] <= {params.put(latest, 'UInt64')}")
        return f"select unit from ({text}) where {' and '.join(tests)}"  # noqa: S608 - our own text, values are parameters

    return persons
