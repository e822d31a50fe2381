"""What many rules ask of a person's events, in arrays: one question of the store, however many rules there are.

To read a rule that is written out costs the store milliseconds, whatever happened, and a refresh of a hundred would
mostly read. So each test of an event is written once, and all that rules count, and when that may change, are numbers
in arrays: which test, from when, until when, how often.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from tracker.audiences.expiry import NEVER, Moment
from tracker.audiences.rules import Bounds, Did
from tracker.store.engine import Param
from tracker.store.sql import Fragment
from tracker.store.where import Params, condition_sql

K = TypeVar("K", bound=Hashable)
_EVER = (-NEVER, NEVER)


class Asked:
    """What the rules of one statement ask; places in arrays count from 1. `params`: those of all its rules."""

    def __init__(self, params: Params, now_ms: int) -> None:
        self._params, self._now_ms = params, now_ms
        self._tests: dict[str, int] = {"true": 1}  # of an event
        self._counted: dict[tuple[int, int, int, int, int], int] = {}  # test, from, to, at least, at most
        self._ends: dict[tuple[int, int, int, int], int] = {}  # test, from, to, so long after the last
        self._passes: dict[tuple[int, int], int] = {}  # test, so long after each
        self._more: dict[str, str] = {}  # aggregates that are written out, each once

    def did(self, rule: Did) -> str:
        """Whether so many events match, whatever they are worth."""
        least, most = _limits(rule.count)
        return f"did[{_place(self._counted, (self._test_of(rule), *self._time(rule), least, most))}]"

    def once(self, aggregate: str) -> str:
        """A name for an aggregate over a person's events."""
        return self._more.setdefault(aggregate, f"more_{len(self._more) + 1}")

    def first_of(self, moments: Iterable[Moment]) -> str:
        """When the first of these is, in milliseconds, or `NEVER`."""
        found = list(dict.fromkeys(self._moment(one) for one in moments))
        if not found:
            return f"toInt64({NEVER})"
        return found[0] if len(found) == 1 else f"least({', '.join(found)})"

    def fragments(self, more: Sequence[Fragment] = ()) -> dict[str, Fragment]:
        """For the slots `tests`, `asked`, `answers` of `judged.sql`, when all rules are known. `more`: answers."""
        tests = Fragment(", ".join(f"toBool({test})" for test in self._tests))
        params: dict[str, Param] = {"tests": list(self._tests.values())}
        asked = [f"{aggregate} as {name}" for aggregate, name in self._more.items()]
        answers = [one.text for one in more]
        for one in more:
            params |= one.params
        if self._counted:
            params |= _columns(self._counted, ("did", "did_from", "did_to", "did_least", "did_most"))
            asked.append(f"sumForEach({_each('did', 'toUInt32(there)')}) as times")
            limits = "{did_least:Array(Int64)}, {did_most:Array(Int64)}"
            answers.append(f"arrayMap((n, low, high) -> n >= low and n <= high, times, {limits}) as did")
        if self._ends:
            params |= _columns(self._ends, ("end", "end_from", "end_to", "end_after"))
            asked.append(f"maxForEach({_each('end', f'if(there, met_at, -{NEVER})')}) as lasts")
            moment = f"(last, after) -> if(last = -{NEVER}, {NEVER}, last + after)"
            answers.append(f"arrayMap({moment}, lasts, {{end_after:Array(Int64)}}) as ends")
        if self._passes:
            params |= _columns(self._passes, ("pass", "pass_after"))
            params["pass_from"] = [self._now_ms - after for _, after in self._passes]
            tests_of = "{pass:Array(UInt16)}, {pass_from:Array(Int64)}"
            first = f"(test, past) -> if(has(tests_met, test) and met_at > past, met_at, {NEVER})"
            asked.append(f"minForEach(arrayMap({first}, {tests_of})) as firsts")
            moment = f"(first, after) -> if(first = {NEVER}, {NEVER}, first + after)"
            answers.append(f"arrayMap({moment}, firsts, {{pass_after:Array(Int64)}}) as passes")
        return {
            "tests": Fragment(tests.text, params),
            "asked": Fragment(", ".join(asked) or "0 as nothing"),
            "answers": Fragment(", ".join(answers) or "0 as none"),
        }

    def _moment(self, one: Moment) -> str:
        if one.of is not None:
            return f"ends[{_place(self._ends, (self._test_of(one.of), *self._time(one.of), one.after))}]"
        return f"passes[{_place(self._passes, (self._test(one.matching), one.after))}]"

    def _test_of(self, rule: Did) -> int:
        return self._test(f"(bot = '') and ({condition_sql(rule.condition, self._params)})")

    def _test(self, text: str) -> int:
        return self._tests.setdefault(text, len(self._tests) + 1)

    def _time(self, rule: Did) -> tuple[int, int]:
        return _EVER if rule.within is None else rule.within.at(self._now_ms)


def _place(of: dict[K, int], what: K) -> int:
    return of.setdefault(what, len(of) + 1)


def _limits(bounds: Bounds) -> tuple[int, int]:
    """The least and the greatest number that fulfils them."""
    least = [int(limit) for word, limit in bounds.comparisons if word in ("gte", "eq")]
    most = [int(limit) for word, limit in bounds.comparisons if word in ("lte", "eq")]
    return max(least, default=0), min(most, default=NEVER)


def _columns(rows: Iterable[Sequence[int]], names: Sequence[str]) -> dict[str, Param]:
    """Parameters of rows of numbers, an array a column."""
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def _each(name: str, answer: str) -> str:
    """An array: `answer` for each, in which `there` says that the event matches and is within the time."""
    there = "(has(tests_met, test) and met_at >= since and met_at < until)"
    columns = f"{{{name}:Array(UInt16)}}, {{{name}_from:Array(Int64)}}, {{{name}_to:Array(Int64)}}"
    return f"arrayMap((test, since, until) -> {answer.replace('there', there)}, {columns})"
