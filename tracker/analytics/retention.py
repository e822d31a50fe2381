"""How many came back in the days, weeks or months after they began. Definitions: `docs/reports.md`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from tracker.analytics import request
from tracker.analytics.calendar import PERIODS, WEEK_STARTS, Calendar, calendar
from tracker.analytics.few_texts import FEW_TEXTS, MAX_DOUBTS, texts_of
from tracker.analytics.request import Range
from tracker.analytics.retention_query import query
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.filters import Condition, check_property, parse_condition
from tracker.store.sql import Fragment
from tracker.store.where import condition

KEYS = ("site", "from", "to", "period", "start", "return", "kind", "rolling", "week_start", "breakdown", "timezone")
KINDS = ("first_time", "recurring")
MAX_PERIODS = 400
MAX_VALUES = 50
"""Most values of the cohort property in one answer; the biggest are kept."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request. `breakdown` is a property of the event that puts a person into the cohort, '' for none."""

    site: str
    range: Range
    calendar: Calendar
    start: Condition
    back: Condition
    kind: str
    rolling: bool
    breakdown: str


def parse(body: object) -> Spec:
    """Check a request with the keys `KEYS`. Raises BadRequest."""
    given = request.fields(body, KEYS)
    between, period = request.time_range(given), request.choice(given, "period", PERIODS, "day")
    week_start = request.choice(given, "week_start", WEEK_STARTS, "monday")
    return Spec(
        site=request.site(given),
        range=between,
        calendar=calendar(between, period, timezone=request.timezone(given), week_start=week_start, most=MAX_PERIODS),
        start=_condition(given.get("start"), "start"),
        back=_condition(given.get("return"), "return"),
        kind=request.choice(given, "kind", KINDS, "first_time"),
        rolling=request.flag(given, "rolling"),
        breakdown=_breakdown(given.get("breakdown")),
    )


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"cohorts": [{"start", "size", "returned"}]}`, with a breakdown also `{"breakdown": [{"value", "cohorts"}]}`."""
    found: dict[str, dict[tuple[int, int], int]] = defaultdict(lambda: defaultdict(int))
    whole: dict[tuple[int, int], int] = defaultdict(int)
    events = events_source(engine)
    linked = persons.linked(engine, spec.site)
    rows = _coded(engine, spec, events, linked=linked)
    if rows is None:
        rows = engine.ask(query(spec, events, linked=linked)).rows
    for value, period, column, people in rows:
        found[value][period, column] += people
        whole[period, column] += people
    answer: dict[str, Any] = {"cohorts": _cohorts(spec, whole)}
    if spec.breakdown:
        sizes = {value: sum(n for (_, column), n in people.items() if column == 0) for value, people in found.items()}
        biggest = sorted(sizes, key=lambda value: (-sizes[value], value))[:MAX_VALUES]
        answer["breakdown"] = [{"value": value, "cohorts": _cohorts(spec, found[value])} for value in biggest]
    return answer


def _coded(engine: Engine, spec: Spec, events: Fragment, *, linked: bool) -> list[tuple[str, int, int, int]] | None:
    """The rows by a column with few texts, asked without sequence and arrival; None where that is no way.

    A start is its time with a code for its text: the least code of the first starts, and the greatest, say whether
    starts of one millisecond bring different texts. Persons of whom they do are asked about apart.
    """
    if spec.kind != "first_time" or spec.breakdown not in FEW_TEXTS:
        return None
    between = (spec.site, spec.range.start, spec.range.end - 1)
    texts = texts_of(
        engine, spec.breakdown, events, conditions=[spec.start], relevant=condition(spec.start, "s"), between=between
    )
    if texts is None:
        return None
    rows = engine.ask(query(spec, events, texts, linked=linked)).rows
    doubts = sorted({who for (_, who), *_ in rows if who})
    if len(doubts) > MAX_DOUBTS:
        return None
    named = ("", *texts)
    sure = [(named[code], period, column, people) for (code, who), period, column, people in rows if not who]
    return sure + (engine.ask(query(spec, events, linked=linked, only=doubts)).rows if doubts else [])


def _cohorts(spec: Spec, people: dict[tuple[int, int], int]) -> list[dict[str, Any]]:
    count = len(spec.calendar.starts)
    return [
        {
            "start": start.isoformat(),
            "size": people.get((at, 0), 0),
            "returned": [people.get((at, column), 0) for column in range(count - at)],
        }
        for at, start in enumerate(spec.calendar.starts)
    ]


def _condition(body: object, field: str) -> Condition:
    return Condition("*") if body is None else parse_condition(body, field)


def _breakdown(body: object) -> str:
    if body is None:
        return ""
    name = request.fields(body, ("property",), "breakdown").get("property")
    field = "breakdown.property"
    check_property(name if isinstance(name, str) else "", field)
    return str(name)
