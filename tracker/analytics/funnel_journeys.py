"""A funnel from the journey table instead of `events`, where the table can give it exactly.

It can for an ordered funnel by person whose steps have event names of their own and no filters, exclusions or optional
steps, broken down by nothing or by the first or last channel, device or country. Persons to whom something happened
since their journeys were made (an event, an identification) are found once and read from `events`, so the answer is
always the current one. Who has no event of step 2 behind one of step 1 is only counted; the rest is looked at closer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracker.analytics.funnel_attempts import attempts
from tracker.analytics.funnel_hits import disjoint
from tracker.analytics.funnel_spec import Funnel
from tracker.store import journeys
from tracker.store.among import Among
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param, Query, Session
from tracker.store.journeys import CODED, SPAN_MS, TIME_SHIFT, Coded, Held
from tracker.store.sql import Fragment, fill, load

MAX_SHARE = 0.1
"""Of the persons to whom something may have happened since; with more, `events` is about as quick."""

_UNEVEN = """
insert into journey_changed (unit)
select unit from journeys where site = {site:String} and made = {made:UInt64} and uneven
    and unit not in (select unit from journey_changed)
"""
_SETTINGS: Mapping[str, str | int] = {"force_grouping_standard_compatibility": 1, "join_algorithm": "hash"}


def suits(funnel: Funnel) -> bool:
    """Whether the table can answer such a question at all."""
    plain = not (funnel.exclude or funnel.needs_events) and not any(
        step.optional or any(one.where for one in step.any_of) for step in funnel.steps
    )
    coded = funnel.breakdown is None or (
        funnel.breakdown.touch != "all" and funnel.breakdown.property in {one.column for one in CODED}
    )
    return plain and coded and funnel.mode == "ordered" and funnel.count_by == "person" and disjoint(funnel)


def rows(engine: Engine, funnel: Funnel, values: int) -> list[dict[str, Any]] | None:
    """`part`, `value`, `counts`, `averages`, `medians` for the whole and each value; None: ask `events`."""
    if engine.cluster is not None or isinstance(engine, Among) or not suits(funnel):
        return None
    state = journeys.held(engine, funnel.site)
    if not state.made or not _reaches(state, funnel) or journeys.clock(engine) - state.seen > journeys.KEPT_NS:
        return None
    session = engine.session()
    try:
        changed = _set_apart(session, state)
        if changed > MAX_SHARE * state.units:
            return None
        asked = _Asked(engine, funnel, state, bool(changed))
        found = session.ask(asked.query(values)).dicts()
    finally:
        session.close()
    if journeys.held(engine, funnel.site).version != state.version:
        return None  # rows may have gone while they were read
    return found


def _reaches(state: Held, funnel: Funnel) -> bool:
    until = funnel.range.end - 1 + funnel.window
    names = {one.event for step in funnel.steps for one in step.any_of}
    return state.since <= funnel.range.start and until <= state.since + SPAN_MS and names <= set(state.names)


def _set_apart(session: Session, state: Held) -> int:
    """Fill `journey_changed` (persons) and `journey_keys` (all their keys); gives how many persons."""
    found = journeys.changed(state)
    session.command(
        Query(text=f"create temporary table journey_changed engine = Memory as {found.text}", params=found.params)
    )
    session.command(Query(text=_UNEVEN, params={"site": state.site, "made": state.made}))
    many = int(session.ask(Query(text="select count() from journey_changed")).rows[0][0])
    if 0 < many <= MAX_SHARE * state.units:
        keys = journeys.owned("journey_changed", state.site)
        session.command(
            Query(text=f"create temporary table journey_keys engine = Memory as {keys.text}", params=keys.params)
        )
    return many


@dataclass(frozen=True)
class _Asked:
    """Writes the SQL for one funnel. `changed`: somebody is to be read from `events`."""

    engine: Engine
    funnel: Funnel
    state: Held
    changed: bool

    @property
    def _steps(self) -> range:
        return range(1, len(self.funnel.steps) + 1)

    @property
    def _coded(self) -> Coded | None:
        breakdown = self.funnel.breakdown
        return next((one for one in CODED if breakdown and one.column == breakdown.property), None)

    def query(self, values: int) -> Query:
        """The whole report."""
        counts = [f"sumIf(units, bitTest(reached, {step - 1}))" for step in self._steps]
        spans = [f"toInt64(at[{step}]) - toInt64(at[{step - 1}])" for step in self._steps[1:]]
        took = [("0", "false"), *((span, f"bitTest(reached, {before})") for before, span in enumerate(spans, 1))]
        nothing = ", ".join(["cast(null, 'Nullable(Float64)')"] * len(took))
        averages = medians = nothing
        if self.funnel.times:
            averages = ", ".join(f"avgOrNullIf({span}, {there})" for span, there in took)
            medians = ", ".join(f"quantileExactInclusiveOrNullIf(0.5)({span}, {there})" for span, there in took)
        parts = [self._starters(), self._further(), *([self._others()] if self.changed else [])]
        params = {name: value for part in parts for name, value in part.params.items()}
        return fill(
            load(__package__, "funnel_journeys"),
            {
                "found": Fragment(" union all ".join(part.text for part in parts), params),
                "counts": Fragment(f"[{', '.join(counts)}]"),
                "averages": Fragment(f"[{averages}]"),
                "medians": Fragment(f"[{medians}]"),
                "groups": Fragment("grouping sets ((), (value))" if self._coded else "value"),
                "kind": Fragment("grouping(value)" if self._coded else "1"),
            },
            {"values": values},
            settings=_SETTINGS,
        )

    def _starters(self) -> Fragment:
        """How many have an event of step 1, by value."""
        text = f"select {self._touched()} as touched, count() as units from ({self._rows()})"  # noqa: S608
        text += " where arrayExists(m -> m >= {first:UInt64} and m < {beyond:UInt64}, step_1) group by touched"
        text = f"select {self._value('touched')}, toUInt32(1) as reached, emptyArrayUInt64() as at, units from ({text})"  # noqa: S608
        return Fragment(text, self._params())

    def _further(self) -> Fragment:
        """Everybody who got to step 2, with the attempt that counts."""
        inside = self._rows("notEmpty(step_1) and step_2[-1] > step_1[1]")
        levels = ", ".join(self._level(step) for step in self._steps)
        reached = [f"arrayMax(from_{step})" for step in self._steps]
        tests = ", ".join(f"{reached[step - 1]} != 0, {step}" for step in reversed(self._steps[1:]))
        text = f"select *, multiIf({tests}, 1) as furthest from (select *, {levels} from ({inside}))"  # noqa: S608
        at, bits = "emptyArrayUInt64()", "toUInt32(bitShiftLeft(1, furthest) - 2)"
        columns = f"{self._touched()} as touched, {bits} as reached"
        if self.funnel.times:
            starts = ", ".join(f"furthest = {step}, {reached[step - 1]}" for step in reversed(self._steps[1:]))
            text = f"select *, multiIf({starts}, toUInt64(0)) as start from ({text})"  # noqa: S608
            at = self._at()
        else:  # nothing tells those apart who got equally far
            text = f"select {columns}, count() as units from ({text}) where furthest > 1 group by touched, reached"  # noqa: S608
            text = f"select {self._value('touched')}, reached, {at} as at, units from ({text})"  # noqa: S608
            return Fragment(text, self._params())
        text = f"select {columns}, {at} as at from ({text}) where furthest > 1"  # noqa: S608
        text = f"select {self._value('touched')}, reached, at, toUInt64(1) as units from ({text})"  # noqa: S608
        return Fragment(text, self._params())

    def _others(self) -> Fragment:
        """Persons to whom something happened since."""
        source = (
            f"(select * from {events_source(self.engine).text} where key in (select key from journey_keys)) as events"  # noqa: S608
        )
        owners = Fragment("any left join journey_keys as persons using (key)")
        found = attempts(self.engine, self.funnel, Fragment(source), owners=owners)
        text = f"select value, reached, at, toUInt64(1) as units from ({found.text})"  # noqa: S608
        return Fragment(text, found.params)

    def _params(self) -> dict[str, Param]:
        return {
            "site": self.funnel.site,
            "made": self.state.made,
            "span": self.funnel.window,
            "first": (self.funnel.range.start - self.state.since + 1) << TIME_SHIFT,
            "beyond": (self.funnel.range.end - self.state.since + 1) << TIME_SHIFT,
            "last": (self.funnel.range.end + self.funnel.window - self.state.since + 1) << TIME_SHIFT,
            **({"texts": self._texts} if self._coded else {}),
        }

    @property
    def _texts(self) -> list[str]:
        return ["", *self.state.texts.get(self._coded.column, ())] if self._coded else [""]

    def _rows(self, where: str = "true") -> str:
        """The events of each step, `step_1` .., of persons to whom nothing happened."""
        lanes = ", ".join(f"{self._lane(step)} as step_{step}" for step in self._steps)
        but = " and unit not in (select unit from journey_changed)" if self.changed else ""
        month = f"toYYYYMM(fromUnixTimestamp64Milli(toInt64({self.funnel.range.start:d}), 'UTC'))"
        return (
            f"select {lanes} from journeys where site = {{site:String}} and made = {{made:UInt64}}"  # noqa: S608
            f" and last >= {month}{but} and {where}"
        )

    def _lane(self, step: int) -> str:
        names = {one.event for one in self.funnel.steps[step - 1].any_of}
        lanes = [f"l{at}" for at, name in enumerate(self.state.names, 1) if name in names]
        return lanes[0] if len(lanes) == 1 else f"arraySort(arrayConcat({', '.join(lanes)}))"

    def _level(self, step: int) -> str:
        """SQL for `from_<step>`: of each event of the step the latest start that gets there, 0 for none.

        A start is within the report's range, so what it gets to is within reach.
        """
        if step == 1:
            return "arrayFilter(m -> m >= {first:UInt64} and m < {beyond:UInt64}, step_1) as from_1"
        before = f"arrayLast((s, x) -> bitAnd(x < m, s != 0), from_{step - 1}, step_{step - 1})"
        if step == 2:
            before = "arrayLast(x -> x < m, from_1)"
        within = f"bitShiftRight(m, {TIME_SHIFT}) <= bitShiftRight(s, {TIME_SHIFT}) + {{span:UInt64}}"
        found = f"arrayMap(m -> {before}, step_{step})"
        return f"arrayMap((m, s) -> s * ({within}), step_{step}, {found}) as from_{step}"

    def _at(self) -> str:
        """An attempt takes the first event that it can. What is not reached is left to `reached`."""
        times, moment = [f"bitShiftRight(start, {TIME_SHIFT})"], "start"
        for step in self._steps[1:]:
            moment = f"arrayFirst(x -> x > {moment}, step_{step})"
            times.append(f"bitShiftRight({moment}, {TIME_SHIFT})")
        return f"[{', '.join(times)}]"

    def _touched(self) -> str:
        """The code of the first or last event that has one."""
        if self._coded is None or self.funnel.breakdown is None:
            return "toUInt8(0)"
        mask, first = self._coded.mask, self.funnel.breakdown.touch == "first"
        beyond = f"toUInt64({2**64 - 1 - mask})"
        reach = "m >= {first:UInt64} and m < {last:UInt64}"
        pick, place, best = ("arrayFirst", 1, "least") if first else ("arrayLast", -1, "greatest")
        found = [f"{pick}(m -> {reach} and bitAnd(m, {mask}) != 0, step_{step})" for step in self._steps]
        ends = [f"step_{step}[{place}]" for step in self._steps]
        if first:
            found = [f"if({one} = 0, {beyond}, {one})" for one in found]
            ends = [f"if({one} = 0, {beyond}, {one})" for one in ends]
        # Nearly always the very first (or last) event has the property, and lies within reach.
        end = f"{best}({', '.join(ends)}) as outer"
        fits = f"bitAnd(outer, {mask}) != 0 and outer >= {{first:UInt64}} and outer < {{last:UInt64}}"
        chosen = f"if({fits}, outer, {best}({', '.join(found)}))"
        return f"bitShiftRight(bitAnd({chosen.replace('outer', f'({end})', 1)}, {mask}), {self._coded.shift})"

    def _value(self, code: str) -> str:
        return f"{{texts:Array(String)}}[{code} + 1] as value" if self._coded else "'' as value"
