"""The fold of `funnel_fold.sql`: one event's effect on the futures of attempts, written out step by step.

The accumulator is a flat tuple of UInt64 (columns of numbers, not arrays, so that a fold stays cheap):
the furthest step of the best attempt so far, its start, its steps 2..n; then for every step p below n the moments of
steps p+1..n in the future of an attempt at p, and the moment of the excluded event that throws it away (0: none).

Rules. An attempt at step p takes the next event that serves the next required step; if the event does not serve that
one, the lowest optional step before it. In strict mode an event that takes it nowhere ends it. An exclusion throws it
away if the attempt stood at `from_step` or later and stands before `to_step` when the event has been taken.
"""

from __future__ import annotations

from tracker.analytics.funnel_spec import Funnel
from tracker.store.sql import Fragment

_LIMIT = "bitOr({start}, 16777215) + {{window:UInt64}}"


class Fold:
    """Expressions for one funnel. `a` is the accumulator, `m` the event's moment, `c` what it can serve."""

    def __init__(self, funnel: Funnel) -> None:
        self._funnel = funnel
        self._count = len(funnel.steps)
        self._place: dict[tuple[int, int], int] = {}  # (p, step) or (p, 0) for the exclusion -> place in the tuple
        place = self._count + 2
        for stand in range(1, self._count):
            for step in (*range(stand + 1, self._count + 1), 0):
                self._place[stand, step] = place
                place += 1
        self._size = place - 1

    def init(self) -> Fragment:
        """The accumulator before the last event."""
        return Fragment(f"tuple({', '.join(['toUInt64(0)'] * self._size)})")

    def step(self) -> Fragment:
        """The accumulator after one more event."""
        better = f"(bitTest(c, 0) and m < {{limit:UInt64}} and {self._alive()} and {self._far()} > a.1)"
        parts = [f"if({better}, {self._far()}, a.1)", f"if({better}, m, a.2)"]
        parts += [f"if({better}, {self._future(1, step)}, a.{step + 1})" for step in range(2, self._count + 1)]
        for stand in range(1, self._count):
            parts += [self._moment(stand, step) for step in range(stand + 1, self._count + 1)]
            parts.append(self._kill(stand))
        return Fragment(f"tuple({', '.join(f'toUInt64({part})' for part in parts)})")

    def reached(self) -> Fragment:
        """Bits of the steps the best attempt reached."""
        bits = [f"bitShiftLeft(toUInt32({self._in_window(step)}), {step - 1})" for step in range(2, self._count + 1)]
        return Fragment(" + ".join(["toUInt32(1)", *bits]))

    def at(self) -> Fragment:
        """Milliseconds of each step of the best attempt."""
        rest = [
            f"if({self._in_window(step)}, bitShiftRight(best.{step + 1}, 24), 0)" for step in range(2, self._count + 1)
        ]
        return Fragment(f"[bitShiftRight(best.2, 24), {', '.join(rest)}]")

    def _in_window(self, step: int) -> str:
        return f"best.{step + 1} != 0 and best.{step + 1} <= {_LIMIT.format(start='best.2')}"

    def _alive(self) -> str:
        kill = self._future(1, 0)
        return f"({kill} = 0 or {kill} > {_LIMIT.format(start='m')})" if self._funnel.exclude else "true"

    def _far(self) -> str:
        limit = _LIMIT.format(start="m")
        tests = [
            f"{self._future(1, step)} != 0 and {self._future(1, step)} <= {limit}, {step}"
            for step in range(self._count, 1, -1)
        ]
        return f"multiIf({', '.join(tests)}, 1)"

    def _future(self, stand: int, step: int) -> str:
        place = self._place.get((stand, step))
        return f"a.{place}" if place else "0"

    def _moment(self, stand: int, step: int) -> str:
        pairs = [
            f"bitTest(c, {target - 1}), {'m' if target == step else self._future(target, step)}"
            for target in self._funnel.next_steps(stand)
        ]
        return f"multiIf({', '.join(pairs)}, {'0' if self._funnel.mode == 'strict' else self._future(stand, step)})"

    def _kill(self, stand: int) -> str:
        if not self._funnel.exclude:
            return "0"
        pairs = [
            f"bitTest(c, {target - 1}), {self._hit(stand, target, self._future(target, 0))}"
            for target in self._funnel.next_steps(stand)
        ]
        stays = "0" if self._funnel.mode == "strict" else self._future(stand, 0)
        return f"multiIf({', '.join(pairs)}, {self._hit(stand, stand, stays)})"

    def _hit(self, before: int, after: int, otherwise: str) -> str:
        hits = [
            f"bitTest(c, {self._count + at})"
            for at, one in enumerate(self._funnel.exclude)
            if one.from_step <= before and after < one.to_step
        ]
        return f"if({' or '.join(hits)}, m, {otherwise})" if hits else otherwise
