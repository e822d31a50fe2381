"""The one statement that answers a funnel from the journey table: its SQL is written here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

from tracker.analytics.funnel_attempts import attempts, fill_hits
from tracker.analytics.funnel_hits import Hits
from tracker.analytics.funnel_spec import Funnel
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param, Query
from tracker.store.journeys import MOST_HELD, Held, pair_bit
from tracker.store.sql import Fragment, fill, load

_PLACE = MOST_HELD.bit_length()
_TIES = 31  # the bit of `reached` that says that sequence and arrival decide
_NAMED = re.compile(r"\{([a-z_0-9]+):")
_SETTINGS: Mapping[str, str | int] = {"force_grouping_standard_compatibility": 1, "join_algorithm": "hash"}


def _all(tests: Sequence[str]) -> str:
    """All of them hold; `and` stops early, and finding out where costs more than the tests."""
    return reduce(lambda one, other: f"bitAnd({one}, {other})", tests)


@dataclass(frozen=True)
class Asked:
    """Writes the SQL for one funnel. `changed`: somebody has news, `others`: how `events` is read for some."""

    engine: Engine
    funnel: Funnel
    state: Held
    changed: bool = False
    others: Literal["", "narrow", "wide"] = ""

    @property
    def _steps(self) -> range:
        return range(1, len(self.funnel.steps) + 1)

    def query(self, values: int) -> Query:
        """The whole report."""
        counts = [f"sumIf(units, bitTest(reached, {step - 1}))" for step in self._steps]
        sums = [f"toInt64(at[{step}]) - toInt64(at[{step - 1}])" for step in self._steps[1:]]
        took = [("toInt64(0)", "false"), *((one, f"bitTest(reached, {at})") for at, one in enumerate(sums, 1))]
        totals, medians = ["toInt64(0)"] * len(took), ["cast(null, 'Nullable(Float64)')"] * len(took)
        if self.funnel.times:
            totals = [f"sumIf({span}, {there})" for span, there in took]
            medians = [f"quantileExactInclusiveOrNullIf(0.5)({span}, {there})" for span, there in took]
        parts = [self._starters(), self._attempts() if self.funnel.times else self._levels()]
        if self.others:
            parts.append(self._others())
        params = {name: value for part in parts for name, value in part.params.items()}
        return fill(
            load(__package__, "funnel_journeys"),
            {
                "found": Fragment(" union all ".join(part.text for part in parts), params),
                "counts": Fragment(f"[{', '.join(counts)}]"),
                "sums": Fragment(f"[{', '.join(totals)}]"),
                "medians": Fragment(f"[{', '.join(medians)}]"),
                "ties": Fragment(f"countIf(bitTest(reached, {_TIES}))"),
                "groups": Fragment("grouping sets ((), (value))" if self.funnel.breakdown else "value"),
                "kind": Fragment("grouping(value)" if self.funnel.breakdown else "1"),
            },
            {"values": values},
            settings=_SETTINGS,
        )

    def _starters(self) -> Fragment:
        """How many have an event of step 1 and surely none of step 2 behind it, by value."""
        started = f"arrayExists((c, t) -> {self._start}, held.code, held.at)" if self._bounds else "true"
        text = f"select {self._touched()} as touched, count() as units {self._among()} and not ({self._follows})"
        text += f" and {started} group by touched"
        text = f"select {self._value()}, toUInt32(1) as reached, emptyArrayUInt64() as at, units from ({text})"  # noqa: S608
        return Fragment(text, self._params())

    def _levels(self) -> Fragment:
        """How many got how far, of those who may have got to step 2.

        `latest_k` says at every event when the latest start was that got to step k by then, as in `funnel_fill.sql`.
        With two steps it costs as much as windowFunnel, with four three quarters of it, and ties are in their order.
        """
        arrays, last = "held.code, held.at", len(self.funnel.steps)
        found = [f"arrayMap((c, t) -> if({self._start}, t, 0), {arrays})"]
        for step in self._steps[1:]:
            follows = f"bitAnd({self._serves(step)}, t <= s + {self.funnel.window:d})"  # an s of 0 is to stay 0
            found.append(f"arrayMap((c, t, s) -> if({follows}, s, 0), {arrays}, latest_{step - 1})")
        filled = [one if step == last else f"arrayFill(x -> x != 0, {one})" for step, one in enumerate(found, 1)]
        latest = ", ".join(f"{one} as latest_{step}" for step, one in enumerate(filled, 1))
        got = [f"(latest_{step}[-1] != 0)" for step in self._steps[:-1]] + [f"(arrayMax(latest_{last}) != 0)"]
        inner = f"select {self._touched()} as touched, {latest} {self._among()} and {self._follows}"
        text = f"select touched, {' + '.join(got)} as level, count() as units from ({inner})"  # noqa: S608 - our own text
        text += " group by touched, level"
        reached = "toUInt32(bitShiftLeft(1, level) - 1) as reached"
        text = f"select {self._value()}, {reached}, emptyArrayUInt64() as at, units from ({text})"  # noqa: S608
        return Fragment(text, self._params())

    def _attempts(self) -> Fragment:
        """Everybody who may have got to step 2, and when."""
        low, places = len(self.funnel.steps).bit_length(), _PLACE if self.state.tied else 0
        packed = f"bitShiftLeft(toUInt64(t - {{lower:UInt32}}), {low + places}) + {{serves:Array(UInt8)}}[c + 1]"
        arrays, names = "held.at, held.code", "t, c"
        if places:
            packed += f" + bitShiftLeft(i, {low})"
            arrays, names = f"{arrays}, arrayEnumerate(held.at)", f"{names}, i"
        inside = "{serves:Array(UInt8)}[c + 1] != 0" + (" and t >= {lower:UInt32}" if self._from else "")
        events = f"arrayFilter((p, c, t) -> {inside}, arrayMap(({names}) -> {packed}, {arrays}), held.code, held.at)"
        text = f"select unit, {events} as packed, {self._touched()} as code"
        text = (
            f"select unit, packed, {self._value('code', 'touched')} from ({text} {self._among()} and {self._follows})"  # noqa: S608
        )
        hits = Hits(Fragment(text), {"time_shift": low + places, "serves_mask": 2**low - 1})
        found = fill_hits(self.funnel, hits, alone=True, narrow=True, in_order=places)
        columns = "value, reached, at, toUInt64(1) as units"
        return Fragment(f"select {columns} from ({found.text})", {**self._params(), **found.params})  # noqa: S608

    def _others(self) -> Fragment:
        """Persons whom the table cannot tell about."""
        source = (
            f"(select * from {events_source(self.engine).text} where key in (select key from journey_keys)) as events"  # noqa: S608
        )
        owners = Fragment("any left join journey_keys as persons using (key)")
        found = attempts(self.engine, self.funnel, Fragment(source), owners=owners, road=self.others)
        reached = f"if(tied, bitShiftLeft(toUInt32(1), {_TIES}), reached)" if self.others == "narrow" else "reached"
        text = f"select value, {reached} as reached, at, toUInt64(1) as units from ({found.text})"  # noqa: S608
        return Fragment(_NAMED.sub(r"{others_\1:", text), {f"others_{name}": one for name, one in found.params.items()})

    def _params(self) -> dict[str, Param]:
        start, end, since = self.funnel.range.start, self.funnel.range.end, self.state.since
        codes = [0] * (len(self.state.names) + 1)
        for step in self._steps:
            for code in self._codes(step):
                codes[code] = step
        texts = (
            {"texts": ["", *self.state.texts.get(self.funnel.breakdown.property, ())]} if self.funnel.breakdown else {}
        )
        return {
            **self.state.rows,
            "lower": min(start - since, 2**32 - 1),
            "upper": min(end - since, 2**32 - 1),
            "until": min(end - 1 + self.funnel.window - since, 2**32 - 1),
            "serves": codes,
            **texts,
        }

    @property
    def _from(self) -> bool:
        """Whether events are held from before the report's range."""
        return self.funnel.range.start > self.state.first

    @property
    def _bounds(self) -> list[str]:
        """What the time `t` of a start must be: within the range, where not all are."""
        lower = ["t >= {lower:UInt32}"] if self._from else []
        return [*lower, "t < {upper:UInt32}"] if self.funnel.range.end <= self.state.last else lower

    @property
    def _start(self) -> str:
        """A test of the code `c` and the time `t` of an event: whether an attempt can start with it."""
        return _all([self._serves(1), *self._bounds])

    def _codes(self, step: int) -> list[int]:
        return sorted({self.state.code(one.event) for one in self.funnel.steps[step - 1].any_of})

    def _serves(self, *steps: int) -> str:
        """A test of the code `c`: whether it is one of these steps'."""
        codes = [code for step in steps for code in self._codes(step)]
        return f"c = {codes[0]:d}" if len(codes) == 1 else f"bitTest(toUInt64({sum(1 << one for one in codes):d}), c)"

    def _among(self) -> str:
        """From and where: persons that the table can tell about, with an event of step 1."""
        changed = " and unit not in (select unit from journey_changed)" if self.changed else ""
        return f"from journeys where {self.state.told} and {self._has(1)}{changed}"

    def _has(self, step: int) -> str:
        return f"bitAnd(codes, {sum(1 << (one - 1) for one in self._codes(step)):d}) != 0"

    @property
    def _follows(self) -> str:
        """A test of a row: whether an event of step 2 may stand behind one of step 1."""
        bits = {pair_bit(one, other) for one in self._codes(1) for other in self._codes(2)}
        return f"{self._has(2)} and bitAnd(pairs, {sum(1 << bit for bit in bits):d}) != 0"

    def _touched(self) -> str:
        """The code of the first or last event of a step that has one, of those within reach."""
        if self.funnel.breakdown is None:
            return "toUInt8(0)"
        tests = ["v != 0", self._serves(*self._steps)]
        if self._from:
            tests.append("t >= {lower:UInt32}")
        if self.funnel.range.end - 1 + self.funnel.window < self.state.last:
            tests.append("t <= {until:UInt32}")
        # times are read only where they tell something: not for who has step 1 alone
        names, arrays = ("v, c, t", ", held.at") if len(tests) > 2 else ("v, c", "")
        pick = "arrayFirst" if self.funnel.breakdown.touch == "first" else "arrayLast"
        return f"{pick}(({names}) -> {_all(tests)}, held.{self.funnel.breakdown.property}, held.code{arrays})"

    def _value(self, code: str = "touched", name: str = "value") -> str:
        return f"{{texts:Array(String)}}[{code} + 1] as {name}" if self.funnel.breakdown else f"'' as {name}"
