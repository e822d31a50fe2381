"""Unordered funnels: the largest number of distinct steps matched within one window.

Events that can serve the same steps are alike, so only the kinds (masks of steps) that occur in the data matter, and of
each kind the next few. A kind is taken if the events taken so far and this one can still be given distinct steps: the
fold keeps every set of steps that the taken events can fill, which is exact for any overlap of steps.
"""

from __future__ import annotations

from collections.abc import Sequence

from tracker.analytics.funnel_spec import Funnel
from tracker.store.sql import Fragment

_START = "([toUInt64(0)], emptyArrayUInt64())"
_WITHIN = "bitOr(m, 16777215) + {window:UInt64}"


def kinds_of(masks: Sequence[int], count: int) -> list[int]:
    """Distinct masks of steps (exclusion bits cut off), without nothing."""
    return sorted({mask & (2**count - 1) for mask in masks} - {0})


def upcoming(funnel: Funnel, kinds: Sequence[int]) -> Fragment:
    """Arrays that say at every event when the next events of each kind come, and the next excluded one."""
    count = len(funnel.steps)
    columns = []
    for kind in kinds:
        for nth in range(1, kind.bit_count() + 1):
            fits = f"bitAnd(c, {2**count - 1}) = {kind}"
            then = "m" if nth == 1 else "x"
            source = "moments" if nth == 1 else f"arrayPushBack(arrayPopFront(next_{kind}_{nth - 1}), 0)"
            found = f"arrayMap((m, c, x) -> if({fits}, {then}, 0), moments, serves, {source})"
            pairs = f"arrayReverseFill((x, c) -> {fits}, {found}, serves)"
            columns.append(f"{pairs} as next_{kind}_{nth}")
    if funnel.exclude:
        after = f"arrayMap((m, c) -> if(c >= {2**count}, m, 0), moments, serves)"
        columns.append(f"arrayPushBack(arrayPopFront(arrayReverseFill(x -> x != 0, {after})), 0) as excluded")
    return Fragment(", ".join(columns))


def takes(funnel: Funnel, kinds: Sequence[int]) -> Fragment:
    """For every event: the moments at which an attempt that starts there matches one more step."""
    names = [(f"n{kind}_{nth}", f"next_{kind}_{nth}", kind) for kind in kinds for nth in range(1, kind.bit_count() + 1)]
    coming = ", ".join(f"({name}, toUInt64({kind}))" for name, _, kind in names)
    coming = f"arrayFilter(n -> n.1 != 0 and n.1 <= {_WITHIN}, arraySort([{coming}]))"
    if all(kind.bit_count() == 1 for kind in kinds):
        taken = f"arrayMap(n -> n.1, {coming})"
    else:
        bits = "[" + ", ".join(f"toUInt64({2**at})" for at in range(len(funnel.steps))) + "]"
        free = f"arrayFilter(b -> bitAnd(b, n.2) != 0 and bitAnd(b, f) = 0, {bits})"
        more = f"arrayDistinct(arrayFlatten(arrayMap(f -> arrayMap(b -> bitOr(f, b), {free}), a.1)))"
        fold = f"arrayFold((a, n) -> if(empty({more}), a, ({more}, arrayPushBack(a.2, n.1))), {coming}, {_START})"
        taken = f"{fold}.2"
    arguments = ["m", "c", *(name for name, _, _ in names)]
    sources = ["moments", "serves", *(source for _, source, _ in names)]
    if funnel.exclude:
        arguments.append("e")
        sources.append("excluded")
        lost = f"e != 0 and e <= {_WITHIN} and (length(t) < {len(funnel.steps)} or e < t[-1])"
        taken = f"arrayMap(t -> if({lost}, emptyArrayUInt64(), t), [{taken}])[1]"
    steps = 2 ** len(funnel.steps) - 1
    each = f"if(bitAnd(c, {steps}) = 0, emptyArrayUInt64(), {taken})"
    return Fragment(f"arrayMap(({', '.join(arguments)}) -> {each}, {', '.join(sources)})")
