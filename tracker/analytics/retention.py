"""How many came back in the days, weeks or months after they began. Definitions: `docs/reports.md`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tracker.analytics import moments, period_sets, request
from tracker.analytics.calendar import PERIODS, WEEK_STARTS, Calendar, calendar
from tracker.analytics.funnel_ordered import FEW_TEXTS, MAX_DOUBTS, MAX_TEXTS
from tracker.analytics.request import Range
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param, Query
from tracker.store.filters import Condition, check_property, parse_condition
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import Params, condition, counted, property_text

KEYS = ("site", "from", "to", "period", "start", "return", "kind", "rolling", "week_start", "breakdown", "timezone")
KINDS = ("first_time", "recurring")
MAX_PERIODS = 400
MAX_VALUES = 50
"""Most values of the cohort property in one answer; the biggest are kept."""

_DAY_MS = 86_400_000
_SPAN_MS = {"day": _DAY_MS, "week": 7 * _DAY_MS, "month": 30 * _DAY_MS}
# A start's place in the order of events: milliseconds since `base` (40 bits), sequence number, arrival. Comparing such
# numbers and keeping them in arrays costs a fraction of what tuples do. What lies before `base` is in no cohort.
_SHIFT = moments.shift(0)
_MOMENT = (
    f"bitShiftLeft(toUInt128(greatest(toUnixTimestamp64Milli(ts) - {{base:Int64}}, 0)), {_SHIFT})"
    f" + {moments.order('UInt128')}"
)
_CODE_BITS = 16
_CODES = 2**_CODE_BITS - 1
_BRIEF = f"bitShiftLeft(toUInt64(greatest(toUnixTimestamp64Milli(ts) - {{base:Int64}}, 0)), {_CODE_BITS})"
_MS = f"(toInt64(bitShiftRight({{}}, {_SHIFT})) + {{{{base:Int64}}}})"


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
    rows = _coded(engine, spec, events)
    for value, period, column, people in engine.ask(query(spec, events)).rows if rows is None else rows:
        found[value][period, column] += people
        whole[period, column] += people
    answer: dict[str, Any] = {"cohorts": _cohorts(spec, whole)}
    if spec.breakdown:
        sizes = {value: sum(n for (_, column), n in people.items() if column == 0) for value, people in found.items()}
        biggest = sorted(sizes, key=lambda value: (-sizes[value], value))[:MAX_VALUES]
        answer["breakdown"] = [{"value": value, "cohorts": _cohorts(spec, found[value])} for value in biggest]
    return answer


def _coded(engine: Engine, spec: Spec, events: Fragment) -> list[tuple[str, int, int, int]] | None:
    """The rows by a column with few texts, asked without sequence and arrival; None where that is no way.

    A start is its time with a code for its text: the least code of the first starts, and the greatest, say whether
    starts of one millisecond bring different texts. Persons of whom they do are asked about apart.
    """
    if spec.kind != "first_time" or spec.breakdown not in FEW_TEXTS:
        return None
    asked = fill(
        load(__package__, "funnel_texts"),
        {
            "text": Fragment(f"`{spec.breakdown}`"),
            "events": events,
            "counted": counted([spec.start]),
            "relevant": condition(spec.start, "s"),
        },
        {"site": spec.site, "from": spec.range.start, "until": spec.range.end - 1, "most": MAX_TEXTS + 1},
    )
    texts = ["", *engine.ask(asked).rows[0][0]]
    if len(texts) > MAX_TEXTS:
        return None
    rows = engine.ask(query(spec, events, texts)).rows
    doubts = sorted({who for (_, who), *_ in rows if who})
    if len(doubts) > MAX_DOUBTS:
        return None
    sure = [(texts[code], period, column, people) for (code, who), period, column, people in rows if not who]
    return sure + (engine.ask(query(spec, events, only=doubts)).rows if doubts else [])


def query(
    spec: Spec, events: Fragment, texts: Sequence[str] | None = None, *, only: Sequence[int] | None = None
) -> Query:
    """The whole report as one query; `only`: of some persons.

    With `texts`, a value is a place in it and 0, or anything and the person of whom it cannot be told.
    """
    count, params = len(spec.calendar.starts), Params("b")
    touched = f", {property_text(spec.breakdown, params)} as touched" if spec.breakdown else ""
    coded: dict[str, Param] = {}
    if texts is not None:
        touched = (
            f", transform(`{spec.breakdown}`, {{texts:Array(String)}}, {{codes:Array(UInt16)}}, {{new:UInt16}}) as code"
        )
        coded = {"texts": list(texts), "codes": list(range(len(texts))), "new": len(texts)}
    bits = spec.kind == "recurring" and not spec.rolling and not spec.breakdown
    ms = "toUnixTimestamp64Milli(ts)"
    inside = "ts >= fromUnixTimestamp64Milli({from:Int64})"
    if spec.kind == "first_time":
        starts, at, value = f"minIf({ms}, is_start) as first", "first", "''"
        if texts is not None:
            starts = f"minIf({_BRIEF} + code, is_start) as least, minIf({_BRIEF} + {_CODES} - code, is_start) as other"
            at = f"(toInt64(bitShiftRight(least, {_CODE_BITS})) + {{base:Int64}})"
            code = f"bitAnd(least, {_CODES})"
            sure = f"{code} + bitAnd(other, {_CODES}) = {_CODES} and {code} != {{new:UInt16}}"
            value = f"({code}, if({sure}, 0, person))"
        elif spec.breakdown:
            starts = f"minIf({_MOMENT}, is_start) as moment, argMinIf(touched, {_MOMENT}, is_start) as touched"
            at, value = _MS.format("moment"), "touched"
        starts += ", countIf(is_start) > 0 as started"
        openings = f"if(started and {at} >= {{from:Int64}}, [({_number(spec, at)}, {at}, {value})], [])"
    elif bits:
        starts, openings = (
            f"{period_sets.gathered(spec.calendar, 'is_start')} as starts",
            period_sets.positions(spec.calendar, "starts"),
        )
    else:
        starts = f"arraySort(groupArrayIf({ms}, is_start)) as starts"
        ordered = f"arrayMap(at -> ({_number(spec, 'at')}, at, ''), starts)"
        if spec.breakdown:
            starts = f"groupArrayIf({_MOMENT}, is_start) as places, groupArrayIf(touched, is_start) as values"
            ordered = (
                f"arrayMap((place, value) -> ({_number(spec, _MS.format('place'))}, {_MS.format('place')}, value),"
                " arraySort(places), arraySort((value, place) -> place, values, places))"
            )
        openings = f"arrayFilter((one, nth) -> nth = 1, {ordered}, arrayEnumerateUniq(tupleElement({ordered}, 1)))"
    period = "opening" if bits else "opening.1"
    if spec.rolling:
        returns = f"groupArrayIf({ms}, is_return) as returns"
        later = "arrayFilter(at -> at > opening.2, returns)"
        span = _SPAN_MS[spec.calendar.period]
        columns = f"arrayDistinct(arrayMap(at -> toInt32(intDiv(at - opening.2, {span})), {later}))"
    else:
        went = period_sets.gathered(spec.calendar, "is_return")
        returns = f"{period_sets.positions(spec.calendar, went)} as returns"
        columns = f"arrayMap(at -> at - {period}, returns)"
    return fill(
        load(__package__, "retention"),
        {
            "period": Fragment(period),
            "value": Fragment("''" if bits else "opening.3"),
            "gathered": Fragment(f"{starts}, {returns}"),
            "openings": Fragment(openings),
            "columns": Fragment(f"arrayFilter(k -> k > 0 and k < {count} - {period}, {columns})"),
            "person": Fragment(persons.PERSON),
            "property": Fragment(touched, params.values),
            "events": events,
            "persons": persons.join(),
            "counted": counted([spec.start, spec.back]),
            "start": condition(spec.start, "s"),
            "back": condition(spec.back, "r"),
            "since": Fragment("true" if spec.kind == "first_time" else inside),
            "chosen": Fragment("true") if only is None else Fragment(f"key global in {persons.keys_of('only').text}"),
        },
        {
            "site": spec.site,
            "from": spec.range.start,
            "to": spec.range.end,
            "timezone": spec.calendar.timezone,
            **({"base": spec.range.end - 2**40} if spec.breakdown else {}),
            **coded,
            **({} if only is None else {"only": list(only)}),
        },
        settings={"join_algorithm": "hash"},  # as in funnels: the map of persons is small
    )


def _number(spec: Spec, ms: str) -> str:
    return f"toInt32({spec.calendar.number(f'fromUnixTimestamp64Milli({ms})')})"


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
