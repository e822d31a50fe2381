"""Funnels whose steps have a time of their own (`within`): the fold of `funnel_fold.sql` for them.

Which event serves a step matters here: a later one may be the only one that the next step follows in time. So the
fold, from the last event to the first, keeps for every pair of steps p < s the events that lead from p on to s: the
nearest event that serves p+1 and from which s can still be reached, and so on from there. Of those that lead to s the
nearest does so at least as early as any other (by induction over the steps between), so one chain a pair is enough.

The accumulator is a tuple: 1 the best attempt's start, 2 its chain, then for each exclusion the nearest excluded event
ahead (0: none), then for each step p below the last the chains from p to p+1, p+2 ... A chain is a list of (moment,
nearest excluded events ahead of it).
"""

from __future__ import annotations

from tracker.analytics.funnel_spec import Funnel
from tracker.store.sql import Fragment

_LINKS = "Array(Tuple(UInt64, Array(UInt64)))"
_CHAIN, _CHAINS = f"CAST([], '{_LINKS}')", f"CAST([], 'Array({_LINKS})')"
_LATEST = "bitOr(m, 16777215) + "  # to the end of the millisecond


class Within:
    """Expressions for one funnel. `a` is the accumulator, `m` the event's moment, `c` what it can serve."""

    def __init__(self, funnel: Funnel) -> None:
        self._funnel = funnel
        self._count = len(funnel.steps)

    def init(self) -> Fragment:
        """The accumulator before the last event."""
        ahead = ["toUInt64(0)"] * len(self._funnel.exclude)
        chains = [self._none(stand) for stand in range(1, self._count)]
        return Fragment(f"tuple({', '.join(['toUInt64(0)', _CHAIN, *ahead, *chains])})")

    def step(self) -> Fragment:
        """The accumulator after one more event."""
        fits = f"{self._in_time('x', 1)} and x[-1].1 <= {_LATEST}{{window:UInt64}}"
        found = f"arrayLast(x -> {fits}, {self._chains(1)})"
        better = "bitTest(c, 0) and m < {limit:UInt64} and (a.1 = 0 or length(w) > length(a.2))"
        if self._funnel.exclude:
            better += f" and not ({' or '.join(map(self._killed, range(len(self._funnel.exclude))))})"
        best = f"arrayMap(w -> if({better}, (m, w), (a.1, a.2)), [{found}])[1]"
        ahead = [f"if({self._excluded(at)}, m, {self._ahead(at)})" for at in range(len(self._funnel.exclude))]
        parts = [f"({best}).1", f"({best}).2", *ahead]
        parts += [self._led(stand) for stand in range(1, self._count)]
        return Fragment(f"tuple({', '.join(parts)})")

    def reached(self) -> Fragment:
        """Bits of the steps the best attempt reached."""
        return Fragment("bitShiftLeft(toUInt32(1), length(best.2) + 1) - 1")

    def at(self) -> Fragment:
        """Milliseconds of each step of the best attempt."""
        return Fragment(
            "arrayResize(arrayMap(t -> bitShiftRight(t, 24), arrayPushFront(arrayMap(s -> s.1, best.2), best.1)),"
            f" {self._count}, toUInt64(0))"
        )

    def _chains(self, stand: int) -> str:
        return f"a.{2 + len(self._funnel.exclude) + stand}"

    def _none(self, stand: int) -> str:
        return f"arrayResize({_CHAINS}, {self._count - stand})"

    def _in_time(self, chain: str, stand: int) -> str:
        """Whether the chain from step `stand` on begins early enough after an event `m` that serves `stand`."""
        within = self._funnel.steps[stand].within
        return f"notEmpty({chain})" + ("" if within is None else f" and {chain}[1].1 <= {_LATEST}{within << 24}")

    def _led(self, stand: int) -> str:
        """The chains from step `stand` on after this event, which may serve the step behind it."""
        none, stays = self._none(stand), self._chains(stand)
        if self._funnel.mode == "strict":
            stays = none
        link = f"(m, CAST([{', '.join(map(self._ahead, range(len(self._funnel.exclude))))}], 'Array(UInt64)'))"
        if stand == self._count - 1:
            return f"if(bitTest(c, {stand}), [[{link}]], {stays})"
        leads = f"if({self._in_time('x', stand + 1)}, arrayPushFront(x, {link}), y)"
        further = f"arrayMap((x, y) -> {leads}, {self._chains(stand + 1)}, arrayPopFront({stays}))"
        return f"if(bitTest(c, {stand}), arrayPushFront({further}, [{link}]), {stays})"

    def _ahead(self, at: int) -> str:
        return f"a.{3 + at}"

    def _excluded(self, at: int) -> str:
        return f"bitTest(c, {self._count + at})"

    def _killed(self, at: int) -> str:
        """Whether an excluded event lies between its two steps of the chain `w`, or before the window's end."""
        one = self._funnel.exclude[at]
        ahead = self._ahead(at) if one.from_step == 1 else f"w[{one.from_step - 1}].2[{at + 1}]"  # 0 where not reached
        until = f"if(length(w) >= {one.to_step - 1}, w[{one.to_step - 1}].1, {_LATEST}{{window:UInt64}} + 1)"
        return f"({ahead} != 0 and {ahead} < {until})"
