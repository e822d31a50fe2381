"""The fold of `funnel_fold.sql`: one event's effect on the futures of attempts.

The accumulator is a tuple. First the best attempt so far: its start and its further steps as a list of (step, moment).
Then for every step p below the last the future of an attempt that stands at p: the list of (step, moment) that will
follow, and the moment of the first excluded event that will throw it away (0: none). Places in the tuple: 1 and 2 the
best, 2p+1 and 2p+2 step p.

Rules. An attempt at step p takes the next event that serves the next required step; if the event does not serve that
one, the lowest optional step before it. In strict mode an event that takes it nowhere ends it. An exclusion throws it
away if the attempt stood at `from_step` or later and stands before `to_step` when the event has been taken.
"""

from __future__ import annotations

from tracker.analytics.funnel_spec import Funnel
from tracker.store.sql import Fragment

_NONE = "CAST([], 'Array(Tuple(UInt8, UInt64))')"
_LIMIT = "bitOr({start}, 16777215) + {{window:UInt64}}"


class Fold:
    """Expressions for one funnel. `a` is the accumulator, `m` the event's moment, `c` what it can serve."""

    def __init__(self, funnel: Funnel) -> None:
        self._funnel = funnel
        self._count = len(funnel.steps)

    def init(self) -> Fragment:
        """The accumulator before the last event."""
        return Fragment(f"tuple({', '.join(['toUInt64(0)', _NONE, *[_NONE, 'toUInt64(0)'] * (self._count - 1)])})")

    def step(self) -> Fragment:
        """The accumulator after one more event."""
        lives = "true"
        if self._funnel.exclude:
            lives = f"(a.4 = 0 or a.4 > {_LIMIT.format(start='m')})"
        seen = f"arrayFilter(s -> s.2 <= {_LIMIT.format(start='m')}, a.3)"
        further = f"(a.1 = 0 or if(empty({seen}), 1, {seen}[-1].1) > if(empty(a.2), 1, a.2[-1].1))"
        better = f"(bitTest(c, 0) and m < {{limit:UInt64}} and {lives} and {further})"
        parts = [f"if({better}, m, a.1)", f"if({better}, {seen}, a.2)"]
        for stand in range(1, self._count):
            parts += [self._future(stand), f"toUInt64({self._kill(stand)})"]
        return Fragment(f"tuple({', '.join(parts)})")

    def reached(self) -> Fragment:
        """Bits of the steps the best attempt reached."""
        return Fragment("arraySum(arrayMap(s -> bitShiftLeft(toUInt32(1), s.1 - 1), best.2)) + 1")

    def at(self) -> Fragment:
        """Milliseconds of each step of the best attempt."""
        steps = ", ".join(f"arrayFirst(s -> s.1 = {step}, best.2).2" for step in range(2, self._count + 1))
        return Fragment(f"arrayMap(t -> bitShiftRight(t, 24), [best.1, {steps}])")

    def _future(self, stand: int) -> str:
        pairs = [
            f"bitTest(c, {step - 1}), arrayPushFront({self._list(step)}, (toUInt8({step}), m))"
            for step in self._funnel.next_steps(stand)
        ]
        return f"multiIf({', '.join(pairs)}, {_NONE if self._funnel.mode == 'strict' else self._list(stand)})"

    def _list(self, stand: int) -> str:
        return f"a.{2 * stand + 1}" if stand < self._count else _NONE

    def _kill(self, stand: int) -> str:
        if not self._funnel.exclude:
            return "0"
        pairs = [
            f"bitTest(c, {step - 1}), {self._hit(stand, step, self._killer(step))}"
            for step in self._funnel.next_steps(stand)
        ]
        stays = "0" if self._funnel.mode == "strict" else self._killer(stand)
        return f"multiIf({', '.join(pairs)}, {self._hit(stand, stand, stays)})"

    def _killer(self, stand: int) -> str:
        return f"a.{2 * stand + 2}" if stand < self._count else "0"

    def _hit(self, before: int, after: int, otherwise: str) -> str:
        hits = [
            f"bitTest(c, {self._count + at})"
            for at, one in enumerate(self._funnel.exclude)
            if one.from_step <= before and after < one.to_step
        ]
        return f"if({' or '.join(hits)}, m, {otherwise})" if hits else otherwise
