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

PARAMETER = re.compile(r"\{(\w+):([\w()]+)\}")
"""One in our SQL: its name and its type."""


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


def persons_of(
    engine: Engine, journey: Journey, *, site: str, events: Fragment, now_ms: int, linked: bool | None = None
) -> Fragment:
    """A subquery of the persons that fulfil it, `unit`. `linked`: as `persons.linked` says, where it is known."""
    state = "dropped" if journey.dropped else "reached"
    made = members(engine, funnel_of(journey, site, now_ms), journey.step, state, events=events, linked=linked)
    late, params = "", dict(made.params)
    if journey.wait_ms:
        late, params["waited"] = " where at_ms <= {waited:Int64}", now_ms - journey.wait_ms
    return Fragment(f"select unit from ({made.text}){late}", params)  # noqa: S608 - our own text, values are parameters


def journeys(engine: Engine, site: str, events: Fragment, params: Params, now_ms: int) -> Callable[[Journey], str]:
    """What `compile_rule` asks for a test of `who`, each journey a subquery of its own."""
    numbers = iter(range(1_000_000))

    def test(journey: Journey) -> str:
        made, tail = persons_of(engine, journey, site=site, events=events, now_ms=now_ms), f"_j{next(numbers)}"
        for name, value in made.params.items():  # two journeys of one rule use the same names
            params.values[name + tail] = value
        text = PARAMETER.sub(lambda match: f"{{{match[1]}{tail}:{match[2]}}}", made.text)
        return f"who global in ({text})"  # global: on a cluster both sides read all shards

    return test
