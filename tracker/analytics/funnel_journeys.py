"""A funnel's attempts from the journey table instead of `events`, where it can give them exactly.

It can for an ordered funnel by person whose steps have event names of their own and no filters, exclusions or optional
steps, broken down by nothing or by the first or last channel, device or country. The journeys of persons to whom
something happened since (an event, an identification) are read from `events`, so the answer is always the current one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracker.analytics.funnel_attempts import attempts
from tracker.analytics.funnel_hits import disjoint
from tracker.analytics.funnel_spec import Funnel
from tracker.store import journeys, persons
from tracker.store.among import Among
from tracker.store.engine import Engine, Param
from tracker.store.journeys import CODED, ORDER_SHIFT, READY, TIME_SHIFT, Coded, Month
from tracker.store.sql import Fragment, fill, load

MAX_MONTHS = 3
"""Months that are put together for a report; more are cheaper to read from `events`."""
MAX_SHARE = 0.25
"""Of the funnel's events that may have come since; with more, `events` is as quick."""
_JOINED_SHIFT = 16
"""Where the milliseconds stand once several months are put together: above 8 bits of order and 8 of a code."""

_SINCE = """
select countIf(event != ''), countIf(event = ''),
    (select count() from person_map where site = {site:String} and person_map.version > {known:UInt64})
from /*tails*/
where site = {site:String}
    and (event = '' or event in {names:Array(String)}
        and ts >= fromUnixTimestamp64Milli({from:Int64}) and ts <= fromUnixTimestamp64Milli({until:Int64}))
"""
_TAILS = "(select site, event, key, ts from journey_tail union all select site, event, key, ts from journey_folding)"


@dataclass(frozen=True)
class Road:
    """`rows`: a subquery like that of `funnel_attempts.attempts`; without times `value`, `reached`, how many `units`.

    `version`: of the journey table that it was made for.
    """

    rows: Fragment
    version: int


def suits(funnel: Funnel) -> bool:
    """Whether the table can answer such a question at all."""
    plain = not (funnel.exclude or funnel.needs_events) and not any(
        step.optional or any(one.where for one in step.any_of) for step in funnel.steps
    )
    coded = funnel.breakdown is None or (
        funnel.breakdown.touch != "all" and funnel.breakdown.property in {one.column for one in CODED}
    )
    return plain and coded and funnel.mode == "ordered" and funnel.count_by == "person" and disjoint(funnel)


def road(engine: Engine, funnel: Funnel, events: Fragment) -> Road | None:
    """The road over the journey table, None where `events` must be asked. Costs two small questions.

    Its answer is good where `still` holds afterwards.
    """
    if engine.cluster is not None or isinstance(engine, Among) or not suits(funnel):
        return None
    version, known = journeys.months(engine, funnel.site)
    first, last = funnel.range.start, funnel.range.end - 1 + funnel.window
    reached = [
        one for one in known if one.start <= last and journeys.month_start(journeys.next_month(one.number)) > first
    ]
    made = [one for one in reached if one.made]
    if not made or len(made) > MAX_MONTHS or any(one.state != READY for one in reached):
        return None
    names = sorted({one.event for step in funnel.steps for one in step.any_of})
    coded = next((one for one in CODED if funnel.breakdown and one.column == funnel.breakdown.property), None)
    for month in made:
        if (month.others and not set(names) <= set(month.names)) or (coded and coded.column in month.crowded):
            return None
    changed = _changed(engine, funnel, names, made)
    if changed is None:
        return None
    parts = [_Asked(funnel, tuple(made), coded, changed).rows()]
    if changed.text:
        others = attempts(engine, funnel, events, only=changed)
        text = f"select unit, value, reached, at from ({others.text})"  # noqa: S608
        if not funnel.times:
            text = f"select value, reached, count() as units from ({others.text}) group by value, reached"  # noqa: S608
        parts.append(Fragment(text, others.params))
    params = {name: value for part in reversed(parts) for name, value in part.params.items()}
    found = Fragment(" union all ".join(part.text for part in parts), params)
    return Road(found, version)


def still(engine: Engine, found: Road) -> bool:
    """Whether nothing was changed while the road was taken."""
    return journeys.version(engine) == found.version


def _changed(engine: Engine, funnel: Funnel, names: Sequence[str], made: Sequence[Month]) -> Fragment | None:
    """A subquery of the units whose journeys are to be read from `events`; empty without any, None for too many."""
    params: dict[str, Param] = {
        "site": funnel.site,
        "known": min(month.persons for month in made),
        "names": list(names),
        "from": funnel.range.start,
        "until": funnel.range.end - 1 + funnel.window,
    }
    slots = {"tails": Fragment(_TAILS)}
    [(events, marked, identified)] = engine.ask(fill(_SINCE, slots, params)).rows
    held = sum(count for month in made for name, count in zip(month.names, month.counts, strict=True) if name in names)
    if events > MAX_SHARE * held:
        return None
    parts = []
    if events or marked:
        parts.append(
            f"select {persons.PERSON} as unit from (select distinct key from {_TAILS} where site = {{site:String}}"  # noqa: S608
            " and (event = '' or event in {names:Array(String)} and ts >= fromUnixTimestamp64Milli({from:Int64})"
            f" and ts <= fromUnixTimestamp64Milli({{until:Int64}}))) as came {persons.join().text}"
        )
    if identified:
        news = (
            "select key, argMax(person, version) as person from person_map where site = {site:String}"
            " and person_map.version > {known:UInt64} group by key"
        )
        parts += [f"select {column} as unit from ({news})" for column in ("key", "person")]  # noqa: S608
        moved = f"key in (select key from ({news}))"  # noqa: S608
        of_then = "site = {site:String} and version in {made:Array(UInt64)}"
        parts.append(f"select person as unit from journey_persons where {of_then} and {moved}")  # noqa: S608
        params["made"] = [month.made for month in made]
    if any(month.uneven for month in made):
        parts.append(
            "select unit from journeys where site = {site:String} and month in {months:Array(UInt32)} and uneven"
        )
        params["months"] = [month.number for month in made]
    return Fragment(" union all ".join(parts), params if parts else {})


@dataclass(frozen=True)
class _Asked:
    """Writes the SQL for one funnel over some months."""

    funnel: Funnel
    months: tuple[Month, ...]
    coded: Coded | None
    changed: Fragment

    @property
    def _alone(self) -> bool:
        """One month: its numbers are taken as they are."""
        return len(self.months) == 1

    @property
    def _shift(self) -> int:
        return TIME_SHIFT if self._alone else _JOINED_SHIFT

    def rows(self) -> Fragment:
        """The subquery."""
        funnel = self.funnel
        steps = range(1, len(funnel.steps) + 1)
        reached = [f"arrayMax(from_{step})" for step in steps]
        tests = [f"{reached[step - 1]} != 0, {step}" for step in reversed(steps)]
        starts = [f"furthest = {step}, {reached[step - 1]}" for step in reversed(steps)]
        value = "{texts:Array(String)}[touched + 1]" if self.coded else "''"
        filled = fill(
            load(__package__, "funnel_journeys"),
            {
                "value": Fragment(f"{value} as value" if funnel.times else "touched"),
                "at": Fragment(f", {self._at()} as at" if funnel.times else ""),
                "start": Fragment(f", multiIf({', '.join(starts)}, toUInt64(0)) as start" if funnel.times else ""),
                "furthest": Fragment(f"multiIf({', '.join(tests)}, 0)"),
                "levels": Fragment(", ".join(self._level(step) for step in steps)),
                "journeys": self._journeys(),
            },
            {
                "site": funnel.site,
                "span": funnel.window,
                "last_start": max(funnel.range.end - self.months[0].start, 0),
                **({"texts": ["", *self._texts()]} if self.coded else {}),
            },
        )
        text = filled.text
        if not funnel.times:
            counts = f"select touched, reached, count() as units from ({text}) group by touched, reached"  # noqa: S608
            text = f"select {value} as value, reached, units from ({counts})"  # noqa: S608
        return Fragment(text, filled.params)

    def _level(self, step: int) -> str:
        shift = self._shift
        if step == 1:
            return f"arrayFilter(m -> bitShiftRight(m, {shift}) <= {{last_start:UInt64}}, step_1) as from_1"
        before = f"arrayLast((s, x) -> x < m and s != 0, from_{step - 1}, step_{step - 1})"
        if step == 2:
            before = "arrayLast(x -> x < m, from_1)"
        within = f"bitShiftRight(m, {shift}) <= bitShiftRight(s, {shift}) + {{span:UInt64}}"
        found = f"arrayMap(m -> {before}, step_{step})"
        return f"arrayMap((m, s) -> s * ({within}), step_{step}, {found}) as from_{step}"

    def _at(self) -> str:
        """An attempt takes the first event that it can. What is not reached is left to `reached`."""
        times, moment = [f"bitShiftRight(start, {self._shift})"], "start"
        for step in range(2, len(self.funnel.steps) + 1):
            moment = f"arrayFirst(x -> x > {moment}, step_{step})"
            times.append(f"bitShiftRight({moment}, {self._shift})")
        return f"[{', '.join(times)}]"

    def _texts(self) -> list[str]:
        """All texts of the months, in one list."""
        found: set[str] = set()
        for month in self.months if self.coded else ():
            found |= set(_texts_of(month, self.coded))
        return sorted(found)

    def _touched(self) -> str:
        """The code of the first or last event that has one; all ones where none has."""
        if self.coded is None or self.funnel.breakdown is None:
            return ", toUInt8(0) as touched"
        shift = self.coded.shift if self._alone else 0

        def code(moment: str) -> str:
            return f"bitAnd(bitShiftRight({moment}, {shift}), {self.coded.mask if self.coded else 0})"

        first = self.funnel.breakdown.touch == "first"
        pick = "arrayFirst" if first else "arrayLast"
        found = [f"{pick}(m -> {code('m')} != 0, step_{step})" for step in range(1, len(self.funnel.steps) + 1)]
        if first:
            found = [f"if({one} = 0, toUInt64({2**64 - 1}), {one})" for one in found]
        best = "least" if first else "greatest"
        chosen = f"{best}({', '.join(found)})"
        return f", {code(chosen)} as touched"

    def _journeys(self) -> Fragment:
        """`unit` and the sorted events of each step, `step_1` ..; without units that were changed."""
        text, params = self._month(self.months[0]), dict(self.changed.params)
        steps = range(1, len(self.funnel.steps) + 1)
        touched = self._touched()
        if not self._alone:
            each = " union all ".join(self._month(month) for month in self.months)
            columns = ", ".join(f"arraySort(groupArrayArray(step_{step})) as step_{step}" for step in steps)
            text = f"select unit, {columns} from ({each}) group by unit"  # noqa: S608
        chosen = ", ".join(f"step_{step}" for step in steps)
        return Fragment(f"select unit, {chosen}{touched} from ({text}) where notEmpty(step_1)", params)  # noqa: S608

    def _month(self, month: Month) -> str:
        columns = ", ".join(f"{self._lane(month, at)} as step_{at}" for at in range(1, len(self.funnel.steps) + 1))
        but = f" and unit not in ({self.changed.text})" if self.changed.text else ""
        return f"select unit, {columns} from journeys where month = {month.number:d} and site = {{site:String}}{but}"  # noqa: S608

    def _lane(self, month: Month, step: int) -> str:
        """The step's events of a month, within the reach of the report."""
        names = {one.event for one in self.funnel.steps[step - 1].any_of}
        lanes = [f"l{at}" for at, name in enumerate(month.names, 1) if name in names]
        if not lanes:
            return "emptyArrayUInt64()"
        lane = lanes[0] if len(lanes) == 1 else f"arraySort(arrayConcat({', '.join(lanes)}))"
        ends = journeys.month_start(journeys.next_month(month.number))
        first = max(self.funnel.range.start - month.start, 0) + 1
        beyond = min(self.funnel.range.end + self.funnel.window, ends) - month.start + 1
        if first > 1 or month.start + beyond <= ends:
            low, high = first << TIME_SHIFT, beyond << TIME_SHIFT
            lane = f"arrayFilter(m -> m >= {low:d} and m < {high:d}, {lane})"
        if self._alone:
            return lane
        later = (month.start - self.months[0].start) << (ORDER_SHIFT - _JOINED_SHIFT)
        code = "0"
        if self.coded is not None:
            whole = self._texts()
            codes = [0, *(whole.index(text) + 1 for text in _texts_of(month, self.coded))]
            code = f"{codes}[bitAnd(bitShiftRight(m, {self.coded.shift}), {self.coded.mask}) + 1]"
        return f"arrayMap(m -> bitShiftLeft(bitShiftRight(m, {ORDER_SHIFT}) + {later:d}, 8) + {code}, {lane})"


def _texts_of(month: Month, coded: Coded | None) -> tuple[str, ...]:
    return (month.texts or {}).get(coded.column, ()) if coded else ()
