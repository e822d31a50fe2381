"""The question of `funnel_ordered.py` as one query. What its answer says stands in `funnel_ordered.sql`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tracker.analytics.few_texts import code, coded
from tracker.analytics.funnel_hits import Hits, hits, step_code
from tracker.analytics.funnel_spec import Funnel
from tracker.analytics.funnel_ties import around
from tracker.store.engine import Param, Query
from tracker.store.sql import Fragment, fill, load

MAX_TIED = 50_000
"""Most persons with ties who are asked about apart; beyond that everybody's sequence and arrival are read."""

_POSITION_BITS = 24
_BIGGEST = "where starts + ties > 0 order by part desc, starts + ties desc, value limit {values:UInt32}"
SETTINGS: Mapping[str, str | int] = {"force_grouping_standard_compatibility": 1, "join_algorithm": "hash"}


def whole(funnel: Funnel) -> bool:
    """Whether a unit stands under one value only, so that one question tells the whole and its parts."""
    return funnel.breakdown is None or funnel.breakdown.touch != "all"


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
    funnel, serves = asked.funnel, step_code(asked.funnel)
    if asked.texts is not None and funnel.breakdown is not None:
        text = code(funnel.breakdown.property)
        serves = Fragment(f"bitShiftLeft(toUInt64({serves.text}), {asked.text_bits}) + {text}", serves.params)
    found = gathered(asked, serves)
    return fill(
        load(__package__, "funnel_ordered"),
        {
            "hits": found.query,
            "among": among(asked),
            "tied": Fragment(
                "(unsure and started) or arrayExists(one -> has(one, 0), took)" if asked.narrow else "false"
            ),
            **_levels(asked, found.params),
            **_values(asked),
            "middles": Fragment("one" if asked.only is not None else around("one", "apart")),
            # of the biggest values only; without a breakdown there is but one row
            "biggest": Fragment("" if funnel.breakdown is None else _BIGGEST),
        },
        {**_params(asked), **found.params},
        settings=SETTINGS,
    )


def gathered(asked: Asked, serves: Fragment) -> Hits:
    """What each unit's list is made of."""
    funnel = asked.funnel if asked.texts is None else replace(asked.funnel, breakdown=None)
    units = None if asked.only is None else sorted({unit for unit, _ in asked.only})
    bits = asked.step_bits + asked.text_bits
    return hits(funnel, asked.events, serves, bits, narrow=asked.narrow, linked=asked.linked, only=units)


def among(asked: Asked) -> Fragment:
    """Holds for the units that are asked about, where they stand under several values for each of these."""
    if asked.only is None or whole(asked.funnel):
        return Fragment("true")
    few: dict[str, Param] = {"few": [unit for unit, _ in asked.only], "few_values": [value for _, value in asked.only]}
    pairs = "arrayJoin(arrayZip({few:Array(UInt64)}, {few_values:Array(String)})) as one"
    return Fragment(f"(unit, touched) global in (select one.1, one.2 from (select {pairs}))", few)  # noqa: S608 - our own text


def _params(asked: Asked) -> dict[str, Param]:
    funnel, shift = asked.funnel, asked.shift
    return {
        **({} if asked.texts is None else coded(asked.texts)),
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
        slots["apart"] = "ties"
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
        "apart": Fragment("ties" if asked.texts is None else "ties + max(doubts) over ()"),
    }
