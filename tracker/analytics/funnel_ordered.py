"""The usual funnel: ordered, nothing excluded or optional, and no event can serve two steps. The quickest road to it.

The first question sorts 64-bit numbers: an event's time, its step and, in a breakdown by the first or last value of a
column with few texts, a code for its text. It leaves out sequence and arrival. Events of one millisecond stand in the
order of their steps there, which favours every attempt: none that really exists is missed, so one that gets along
without two steps in the same millisecond is the right one. Who needs two is named, counted at step 1 only, and asked
about apart with 128 bits (`funnel_ties` adds both up).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tracker.analytics.few_texts import FEW_TEXTS, MAX_DOUBTS, code, coded, texts_of
from tracker.analytics.funnel_hits import disjoint, hits, relevant, step_code
from tracker.analytics.funnel_spec import Funnel
from tracker.analytics.funnel_ties import added
from tracker.store import persons
from tracker.store.engine import Engine, Param, Query
from tracker.store.sql import Fragment, fill, load

MAX_TIED = 50_000
"""Most persons with ties who are asked about apart; beyond that everybody's sequence and arrival are read."""

_POSITION_BITS = 24


def suits(funnel: Funnel) -> bool:
    """Whether this road can answer it."""
    plain = not funnel.timed and not funnel.exclude and not any(step.optional for step in funnel.steps)
    return plain and funnel.mode == "ordered" and disjoint(funnel)


def rows(engine: Engine, funnel: Funnel, events: Fragment, values: int) -> list[dict[str, Any]]:
    """The whole and its `values` biggest parts: `part`, `value`, `counts`, `sums` and `medians` (ms).

    `events` is what to read (`clean.events_source`). Where a unit may stand under several values, ask about the whole
    apart: what the rows say of it is not to be used then.
    """
    linked = funnel.count_by == "person" and persons.linked(engine, funnel.site)
    asked = Asked(funnel, events, linked, values)
    if _one_value(funnel) and (texts := _texts(engine, funnel, events)) is not None:
        found = engine.ask(query(replace(asked, texts=texts))).dicts()
        doubts = sum(row["doubts"] for row in found if row["part"])
        if not doubts or (doubts <= MAX_DOUBTS and len(found) < values):  # nothing was cut off
            return _settled(engine, asked, found, complete=doubts > 0)
    return _settled(engine, asked, engine.ask(query(asked)).dicts())


def _settled(
    engine: Engine, asked: Asked, found: list[dict[str, Any]], *, complete: bool = False
) -> list[dict[str, Any]]:
    """The rows with those in them whose ties they name. `complete`: no value was cut off."""
    by_value = not _whole(asked.funnel)
    tied = [(unit, row["value"]) for row in found if bool(row["part"]) != by_value for unit in row["tied_units"]]
    if not tied:
        return found
    if len(tied) > MAX_TIED or any(row["ties"] > len(row["tied_units"]) for row in found):
        return engine.ask(query(replace(asked, narrow=False))).dicts()
    apart = engine.ask(query(replace(asked, narrow=False, only=tuple(tied)))).dicts()
    return added(found, apart, complete=complete)


def _whole(funnel: Funnel) -> bool:
    """Whether a unit stands under one value only, so that one question tells the whole and its parts."""
    return funnel.breakdown is None or funnel.breakdown.touch != "all"


def _one_value(funnel: Funnel) -> bool:
    return funnel.breakdown is not None and _whole(funnel) and funnel.breakdown.property in FEW_TEXTS


def _texts(engine: Engine, funnel: Funnel, events: Fragment) -> tuple[str, ...] | None:
    """The texts that the property has in the funnel's events, where they are few."""
    if funnel.breakdown is None or funnel.from_entries:
        return None
    steps = [one for step in funnel.steps for one in step.any_of]
    between = (funnel.site, funnel.range.start, funnel.range.end - 1 + funnel.window)
    return texts_of(
        engine, funnel.breakdown.property, events, conditions=steps, relevant=relevant(funnel), between=between
    )


@dataclass(frozen=True)
class Asked:
    """One question. `narrow`: without sequence and arrival. `texts`: of the breakdown, to be put into the numbers.

    `linked`: some keys of the site belong to others. `only`: of these units, each with its value of the breakdown.
    """

    funnel: Funnel
    events: Fragment
    linked: bool
    values: int
    narrow: bool = True
    texts: tuple[str, ...] | None = None
    only: tuple[tuple[int, str], ...] | None = None

    @property
    def step_bits(self) -> int:
        """Bits of an event's number that say its step."""
        return len(self.funnel.steps).bit_length()

    @property
    def text_bits(self) -> int:
        """Bits below the step that say its text: 0 none, the last one any text that came after `texts` were asked."""
        return 0 if self.texts is None else (len(self.texts) + 1).bit_length()

    @property
    def shift(self) -> int:
        """Bits below a moment's milliseconds in the sorted numbers."""
        if self.narrow:
            return self.step_bits + self.text_bits
        span = self.funnel.range.end - self.funnel.range.start + self.funnel.window
        return self.step_bits + min(_POSITION_BITS, 64 - self.step_bits - span.bit_length())


def query(asked: Asked) -> Query:
    """The question as one query."""
    funnel = asked.funnel
    serves, bits = step_code(funnel), asked.step_bits
    if asked.texts is not None and funnel.breakdown is not None:
        text = code(funnel.breakdown.property)
        serves = Fragment(f"bitShiftLeft(toUInt64({serves.text}), {asked.text_bits}) + {text}", serves.params)
        funnel = replace(funnel, breakdown=None)
    units = None if asked.only is None else sorted({unit for unit, _ in asked.only})
    found = hits(
        funnel, asked.events, serves, bits + asked.text_bits, narrow=asked.narrow, linked=asked.linked, only=units
    )
    among, few = Fragment("true"), dict[str, Param]()
    if asked.only is not None and not _whole(asked.funnel):
        few = {"few": [unit for unit, _ in asked.only], "few_values": [value for _, value in asked.only]}
        pairs = "arrayJoin(arrayZip({few:Array(UInt64)}, {few_values:Array(String)})) as one"
        among = Fragment(f"(unit, touched) global in (select one.1, one.2 from (select {pairs}))")  # noqa: S608 - our own text
    return fill(
        load(__package__, "funnel_ordered"),
        {
            "hits": found.query,
            "among": among,
            "tied": Fragment("unsure or arrayExists(one -> has(one, 0), took)" if asked.narrow else "false"),
            **_levels(asked, found.params),
            **_values(asked),
            **_around(asked),
        },
        {**_params(asked), **found.params, **few},
        settings={"force_grouping_standard_compatibility": 1, "join_algorithm": "hash"},
    )


def _params(asked: Asked) -> dict[str, Param]:
    funnel, shift = asked.funnel, asked.shift
    return {
        **({} if asked.texts is None else coded(asked.texts)),
        "steps": len(funnel.steps),
        "limit": (funnel.range.end - funnel.range.start) << shift,
        "window": funnel.window << shift,
        "values": asked.values if asked.only is None else len(asked.only) + 1,
        "most_tied": MAX_TIED,
    }


def _levels(asked: Asked, params: Mapping[str, Param]) -> dict[str, Fragment]:
    """How far each start got, and the waits of the attempt that counts."""
    in_order, last = "arraySort(packed)", len(asked.funnel.steps)
    if not asked.narrow:  # sequence and arrival give way to the position
        place = f"bitShiftLeft(i, {asked.step_bits}) + toUInt64(bitAnd(p, {params['serves_mask']}))"
        moment = f"bitShiftLeft(toUInt64(bitShiftRight(p, {params['time_shift']})), {asked.shift})"
        in_order = f"arrayMap((p, i) -> {moment} + {place}, arraySort(packed) as ordered, arrayEnumerate(ordered))"
    further = range(3, last + 1)
    tests = [f"latest_{step}[-1] != 0, latest_{step}[-1]" for step in reversed(further)]
    names = ", ".join(f"latest_{step}" for step in range(2, last + 1))
    levels = [
        f"arrayMap((sorted, before) -> {_level(asked, step, 'before')}, moments, latest_{step - 1}) as latest_{step}"
        for step in further
    ]
    start = f"multiIf({', '.join(tests)}, latest_2[-1])" if tests else "latest_2[-1]"
    at = [f"sorted[indexOf(latest_{step}, start)]" for step in range(2, last + 1)]
    reached = f"arrayFilter(t -> t != 0, [start, {', '.join(at)}])"
    waits = f"arrayPopFront(arrayDifference(arrayMap(t -> bitShiftRight(t, {asked.shift}), {reached})))"
    starts = f"arrayMap(m -> m * bitAnd({_serves(asked, 1)}, m < {{limit:UInt64}}), sorted)"
    return {
        "sorted": Fragment(in_order),
        "first": Fragment(f"arrayFill(x -> x != 0, {starts})"),
        "second": Fragment(_level(asked, 2, "first")),
        "further": Fragment(", ".join(["", *levels, f"arrayMap(({names}) -> {start}, {names}) as starts"])),
        "waits": Fragment(f"arrayMap((sorted, start, {names}) -> {waits}, moments, starts, {names})"),
    }


def _serves(asked: Asked, step: int) -> str:
    mask = 2**asked.step_bits - 1
    return f"bitAnd(m, {mask << asked.text_bits}) = {step << asked.text_bits}"


def _level(asked: Asked, step: int, before: str) -> str:
    reached = f"bitAnd({_serves(asked, step)}, m <= bitOr(s, {2**asked.shift - 1}) + {{window:UInt64}})"
    return f"arrayFill(x -> x != 0, arrayMap((m, s) -> s * {reached}, sorted, {before}))"  # an s of 0 stays 0


def _values(asked: Asked) -> dict[str, Fragment]:
    """The slots of the breakdown. Events of one millisecond that bring different texts leave open which one counts."""
    breakdown = asked.funnel.breakdown
    if breakdown is None:
        slots = {"touched": ", '' as touched", "unsure": "false", "value": "touched", "groups": "touched", "kind": "1"}
        return {name: Fragment(text) for name, text in slots.items()}
    touched, unsure, value = "", "false", "touched"
    if asked.texts is not None:
        first, mask, shift = breakdown.touch == "first", 2**asked.text_bits - 1, asked.shift
        find, beside = ("arrayFirstIndex", "place + 1") if first else ("arrayLastIndex", "place - 1")
        place = f"{find}(m -> bitAnd(m, {mask}) != 0, sorted) as place"
        touched = f", {place}, bitAnd(sorted[place], {mask}) as touched"
        moment = f"bitShiftRight(sorted[place], {shift})"
        other = f"bitAnd(m, {mask}) not in (0, touched)"
        others = f"arrayExists(m -> bitShiftRight(m, {shift}) = {moment} and {other}, sorted)"
        near = f"bitShiftRight(sorted[{beside}], {shift}) = {moment}"
        unsure = f"touched = {{new:UInt16}} or (touched != 0 and {near} and {others})"
        value = "{texts:Array(String)}[touched + 1]"
    return {
        "touched": Fragment(touched),
        "unsure": Fragment(unsure),
        "value": Fragment(value),
        "groups": Fragment("grouping sets ((), (touched))"),
        "kind": Fragment("grouping(touched)"),
    }


def _around(asked: Asked) -> dict[str, Fragment]:
    """What `funnel_ties` needs for the medians: one place for each unit apart to both sides, or all there is."""
    skipped, middles = "[]", "[]"
    if asked.narrow:
        first = "greatest(toInt64(intDiv(length(one), 2)) - toInt64(apart) - 1, 0)"
        around = f"arrayMap(one -> arraySlice(one, {first} + 1, 2 * apart + 4), waits)"
        skipped = f"arrayResize(arrayPushFront(arrayMap(one -> {first}, waits), 0), {{steps:UInt8}})"
        middles = f"if(apart = 0, [], arrayResize(arrayPushFront({around}, []), {{steps:UInt8}}))"
    elif asked.only is not None:
        middles = "arrayResize(arrayPushFront(waits, []), {steps:UInt8})"
    return {"skipped": Fragment(skipped), "middles": Fragment(middles)}
