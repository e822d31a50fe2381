"""Journeys of many rules, those of one shape in one subquery: to read a funnel's text takes the store 20 ms.

Of one shape are journeys whose SQL is the same text, and which differ only in times and in the names of their steps'
events. Every event is read once for each of them (they are few: those of the persons that a refresh has set apart),
under a key that says whose it is and which journey's: person x how many there are + which. What differs is taken from
arrays, by that key. All else is the funnel report's text as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tracker.audiences.journeys import PARAMETER, persons_of
from tracker.audiences.rules import Journey
from tracker.store.engine import Engine, Param
from tracker.store.sql import Fragment
from tracker.store.where import Params

_TIMES = ("from", "until", "limit", "window", "waited")
_STEPS = re.compile(r"\bevent in \{(\w+):Array\(String\)\}")


@dataclass
class _Shape:
    """A text, and what its journeys differ in: place from 1 -> the values of its parameters."""

    text: str
    journeys: list[Mapping[str, Param]] = field(default_factory=list)

    def place(self, values: Mapping[str, Param]) -> int:
        if values not in self.journeys:
            self.journeys.append(values)
        return self.journeys.index(values) + 1


class Together:
    """What `compile_rule` asks for a test of `who`. `events`: a table of few, in which `key` is the person already."""

    def __init__(self, engine: Engine, site: str, events: Fragment, params: Params, now_ms: int) -> None:
        self._engine, self._site, self._events = engine, site, events
        self._params, self._now_ms = params, now_ms
        self._shapes: dict[tuple[str, str], _Shape] = {}

    def __call__(self, journey: Journey) -> str:
        """Whether the person fulfils it: an element of one of the arrays that `answers` has."""
        made = persons_of(
            self._engine,
            journey,
            site=self._site,
            events=self._events,
            now_ms=self._now_ms,
            linked=False,
        )
        steps = set(_STEPS.findall(made.text)) - {name for name, _ in PARAMETER.findall(_STEPS.sub("", made.text))}
        fixed = {name: value for name, value in made.params.items() if name not in steps and name not in _TIMES}
        key = made.text, repr(sorted(fixed.items()))
        shape = self._shapes.setdefault(key, _Shape(made.text))
        return f"went_{list(self._shapes).index(key)}[{shape.place(made.params)}]"

    def answers(self) -> list[Fragment]:
        """Columns of arrays, one for each shape; `who` is the person."""
        return [self._answer(shape, f"{at}") for at, shape in enumerate(self._shapes.values())]

    def _answer(self, shape: _Shape, at: str) -> Fragment:
        many, params = len(shape.journeys), dict[str, Param]()
        if many == 1:
            text = PARAMETER.sub(lambda match: f"{{{match[1]}_went_{at}:{match[2]}}}", shape.text)
            params = {f"{name}_went_{at}": value for name, value in shape.journeys[0].items()}
            return Fragment(f"[who global in ({text})] as went_{at}", params)
        which = f"toUInt16(unit % {many})"

        def steps(match: re.Match[str]) -> str:
            name, values = match[1], [one[match[1]] for one in shape.journeys]
            if all(value == values[0] for value in values):
                return match[0]
            sets = [f"{nth}:{event}" for nth, value in enumerate(values) for event in _texts(value)]
            params[f"{name}_went_{at}"] = sets
            return f"concat(toString({which}), ':', event) in {{{name}_went_{at}:Array(String)}}"

        def time(match: re.Match[str]) -> str:
            name, kind = match.groups()
            if name.endswith(f"_went_{at}"):
                return match[0]
            values = [one[name] for one in shape.journeys]
            if all(value == values[0] for value in values):
                params[f"{name}_went_{at}"] = values[0]
                return f"{{{name}_went_{at}:{kind}}}"
            params[f"{name}_went_{at}"] = [int(str(value)) for value in values]
            return f"{{{name}_went_{at}:Array({kind})}}[{which} + 1]"

        read = f"from {self._events.text}"
        keyed = f"toUInt128(key) * {many} + nth as key"
        each = f"from (select * replace ({keyed}) {read} array join range({many}) as nth) as events"
        text = PARAMETER.sub(time, _STEPS.sub(steps, shape.text.replace(read, each)))
        return Fragment(
            f"arrayMap(nth -> (toUInt128(who) * {many} + nth) global in ({text}), range({many})) as went_{at}", params
        )


def _texts(value: Param) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]
