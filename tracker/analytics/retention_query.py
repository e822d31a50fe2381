"""The whole of retention as one query: each stored key's starts and returns, then each person's, then the cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracker.analytics import few_texts, moments, period_sets
from tracker.store import persons
from tracker.store.engine import Query
from tracker.store.sql import Fragment, fill, load
from tracker.store.where import Params, condition, counted, property_text

if TYPE_CHECKING:
    from tracker.analytics.retention import Spec

_DAY_MS = 86_400_000
_SPAN_MS = {"day": _DAY_MS, "week": 7 * _DAY_MS, "month": 30 * _DAY_MS}
# A start's place in the order of events: milliseconds since `base` (40 bits), sequence number, arrival. Comparing such
# numbers and keeping them in arrays costs a fraction of what tuples do. What lies before `base` is in no cohort.
_SHIFT = moments.shift(0)
_SINCE_BASE = "greatest(toUnixTimestamp64Milli(ts) - {base:Int64}, 0)"
_MOMENT = f"bitShiftLeft(toUInt128({_SINCE_BASE}), {_SHIFT}) + {moments.order('UInt128')}"
_LOW_BITS = 16  # of a number for a code or a period, below its milliseconds
_LOW = 2**_LOW_BITS - 1
_BRIEF = f"bitShiftLeft(toUInt64({_SINCE_BASE}), {_LOW_BITS})"
_MS = "toUnixTimestamp64Milli(ts)"


@dataclass(frozen=True, kw_only=True)
class _Starts:
    """SQL for a person's starts: `of_key` over events, `openings` over what that names.

    `of_person`: the same names over several rows `of_keys`; '' where these are lists.

    Of an `opening`: the number of its `period`, its milliseconds times `scale` (`at`), as `returns` are, and its
    `value` of the cohort property. `in_order` makes starts and returns of what is gathered for both.
    """

    of_key: str
    openings: str
    period: str
    of_person: str = ""
    at: str = ""
    scale: int = 1
    in_order: str = ""
    value: str = "''"


def query(
    spec: Spec,
    events: Fragment,
    texts: Sequence[str] | None = None,
    *,
    linked: bool = True,
    only: Sequence[int] | None = None,
) -> Query:
    """The whole report as one query; `only`: of some persons. `linked`: some keys of the site belong to others.

    With `texts`, a value is a code of `few_texts` and 0, or anything and the person of whom it cannot be told.
    """
    starts, count = _starts(spec, coded=texts is not None), len(spec.calendar.starts)
    if spec.rolling:
        returns, united, span = f"groupArrayIf({_MS}, is_return) as returns", "", _SPAN_MS[spec.calendar.period]
        # A division of numbers without a sign costs a fifth of one with; 20 years have less days than 16 bits.
        since = "toUInt64(greatest(at, began) - began)"
        later = f"arrayMap(at -> toUInt16(intDiv({since}, {span * starts.scale})), returns)"
        columns = f"arrayCompact(arrayPushFront({later}, 0))"
    else:
        returns = f"{period_sets.gathered(spec.calendar, 'is_return')} as returns"
        united = f"{period_sets.united(spec.calendar, 'of_keys.returns')} as returns"
        columns = period_sets.distances(spec.calendar, "returns", starts.period)
    # Few numbers a key are brought together twice; lists cost more to bring together than their events to look up.
    twice = linked and bool(united and starts.of_person)
    owners = persons.join(None if only is None else persons.keys_of("only")) if linked else Fragment("")
    gathered = _of_keys(
        spec,
        texts,
        only,
        {
            "of_key": Fragment(starts.of_key if starts.in_order else f"{starts.of_key}, {returns}"),
            "events": events,
            "unit": Fragment(persons.PERSON if linked and not twice else "key"),
            "persons": Fragment("") if twice else owners,
        },
    )
    if twice:
        slots = {
            "person": Fragment(persons.PERSON),
            "of_person": Fragment(f"{starts.of_person}, {united}"),
            "of_keys": gathered,
            "persons": owners,
        }
        of_persons = fill(load(__package__, "retention_persons"), slots)
        gathered = Fragment(of_persons.text, of_persons.params)
    else:
        gathered = Fragment(f"select *, key as person from ({gathered.text})", gathered.params)  # noqa: S608
    return fill(
        load(__package__, "retention"),
        {
            "shown": Fragment("value" if spec.breakdown else "''"),
            "value": Fragment(f"{starts.value} as value," if spec.breakdown else ""),
            "named": Fragment("value," if spec.breakdown else ""),
            "period": Fragment(starts.period),
            "columns": Fragment(columns),
            "wide": Fragment("toUInt16" if count**2 <= 2**16 else "toUInt32"),
            "began": Fragment(f", {starts.at} as began" if spec.rolling else ""),
            "openings": Fragment(starts.openings),
            "in_order": Fragment(
                starts.in_order or (" replace (arraySort(returns) as returns)" if spec.rolling else "")
            ),
            "gathered": gathered,
        },
        {"periods": count},
        settings={"join_algorithm": "hash"},  # as in funnels: the map of persons is small
    )


def _of_keys(
    spec: Spec, texts: Sequence[str] | None, only: Sequence[int] | None, slots: Mapping[str, Fragment]
) -> Fragment:
    params = Params("b")
    touched = f", {property_text(spec.breakdown, params)} as touched" if spec.breakdown else ""
    if texts is not None:
        touched = f", {few_texts.code(spec.breakdown)} as code"
    first_time = spec.kind == "first_time"
    found = fill(
        load(__package__, "retention_keys"),
        {
            **slots,
            "property": Fragment(touched, params.values),
            "counted": counted([spec.start, spec.back]),
            "start": condition(spec.start, "s"),
            "back": condition(spec.back, "r"),
            "since": Fragment("true" if first_time else "ts >= fromUnixTimestamp64Milli({from:Int64})"),
            "chosen": Fragment("true") if only is None else Fragment(f"key global in {persons.keys_of('only').text}"),
        },
        {
            "site": spec.site,
            "from": spec.range.start,
            "to": spec.range.end,
            "timezone": spec.calendar.timezone,
            **({"base": spec.range.end - 2**40} if spec.breakdown else {}),
            **({} if texts is None else few_texts.coded(texts)),
            **({} if only is None else {"only": list(only)}),
        },
    )
    return Fragment(found.text, found.params)


def _starts(spec: Spec, *, coded: bool) -> _Starts:
    return _first(spec, coded=coded) if spec.kind == "first_time" else _every(spec)


def _first(spec: Spec, *, coded: bool) -> _Starts:
    """Of a person's first start ever."""

    def least(name: str) -> str:
        return f"minIf(of_keys.{name}, of_keys.started) as {name}"

    at, value = "opening", "''"
    of_key, of_person = f"minIf({_MS}, is_start) as first", least("first")
    if coded:
        of_key = f"minIf({_BRIEF} + code, is_start) as first, minIf({_BRIEF} + {_LOW} - code, is_start) as other"
        of_person = f"{least('first')}, {least('other')}"
        at = f"(toInt64(bitShiftRight(opening, {_LOW_BITS})) + {{base:Int64}})"
        code = f"bitAnd(first, {_LOW})"
        sure = f"{code} + bitAnd(other, {_LOW}) = {_LOW} and {code} != {{new:UInt16}}"
        value = f"({code}, if({sure}, 0, person))"
    elif spec.breakdown:
        of_key = f"minIf({_MOMENT}, is_start) as first, argMinIf(touched, {_MOMENT}, is_start) as touched"
        of_person = f"{least('first')}, argMinIf(of_keys.touched, of_keys.first, of_keys.started) as touched"
        at = f"(toInt64(bitShiftRight(opening, {_SHIFT})) + {{base:Int64}})"
        value = "touched"
    of_first = at.replace("opening", "first")
    return _Starts(
        of_key=f"{of_key}, max(is_start) as started",
        of_person=f"{of_person}, max(of_keys.started) as started",
        openings=f"arrayWithConstant(started and {of_first} >= {{from:Int64}}, first)",
        period=_number(spec, at),
        at=at,
        value=value,
    )


def _every(spec: Spec) -> _Starts:
    """Of the first start in each period."""
    if spec.breakdown:
        at = f"(toInt64(bitShiftRight(place, {_SHIFT})) + {{base:Int64}})"
        ordered = (
            f"arrayMap((place, value) -> ({_number(spec, at)}, {at}, value),"
            " arraySort(places), arraySort((value, place) -> place, values, places))"
        )
        return _Starts(
            of_key=f"groupArrayIf({_MOMENT}, is_start) as places, groupArrayIf(touched, is_start) as values",
            openings=f"arrayFilter((one, nth) -> nth = 1, {ordered}, arrayEnumerateUniq(tupleElement({ordered}, 1)))",
            period="opening.1",
            at="opening.2",
            value="opening.3",
        )
    if spec.rolling:  # one list for both: milliseconds, whether it is a start, and a return
        numbers = f"arrayMap(p -> {_number(spec, 'intDiv(p, 4)')}, starts)"
        return _Starts(
            of_key=f"groupArray({_MS} * 4 + is_start * 2 + is_return) as hits",
            in_order=", arraySort(hits) as sorted, arrayFilter(p -> bitAnd(p, 1) != 0, sorted) as returns,"
            f" arrayFilter(p -> bitAnd(p, 2) != 0, sorted) as starts, {numbers} as numbers",
            openings="arrayFilter((p, number, before) -> number != before, starts, numbers,"
            " arrayShiftRight(numbers, 1, toInt32(-1)))",
            period=_number(spec, "intDiv(opening, 4)"),
            at="bitAnd(opening, -4)",
            scale=4,
        )
    return _Starts(
        of_key=f"{period_sets.gathered(spec.calendar, 'is_start')} as starts",
        of_person=f"{period_sets.united(spec.calendar, 'of_keys.starts')} as starts",
        openings=period_sets.positions(spec.calendar, "starts"),
        period="opening",
    )


def _number(spec: Spec, ms: str) -> str:
    return f"toInt32({spec.calendar.number(f'fromUnixTimestamp64Milli({ms})')})"
