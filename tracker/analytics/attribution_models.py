"""How a conversion is shared among the touches before it: one SQL expression a model, and Markov's removal effect.

In SQL a path is the arrays `keys`, `ages` (milliseconds before the conversion) and `direct`, oldest touch first, and
`n`, its length. An expression gives two arrays: whom to credit, and with which shares; shares sum to 1 where n > 0.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

MODELS = ("first", "last", "last_non_direct", "linear", "time_decay", "position", "markov", "shapley")

_DECAY = "arrayMap(age -> exp2((ages[n] - age) / {half_life:Int64}), ages)"
_AT = "arrayEnumerate(keys)"
SHARES: Mapping[str, str] = {
    "first": "(arraySlice(keys, 1, 1), arraySlice([1.], 1, least(n, 1)))",
    "last": "(arraySlice(keys, -1, 1), arraySlice([1.], 1, least(n, 1)))",
    "last_non_direct": (
        "(arraySlice(keys, if(has(direct, 0), arrayLastIndex(one -> not one, direct), n), 1),"
        " arraySlice([1.], 1, least(n, 1)))"
    ),
    "linear": "(keys, arrayMap(at -> 1 / n, keys))",
    "time_decay": f"(keys, arrayMap(weight -> weight / arraySum({_DECAY}), {_DECAY}))",
    "position": f"(keys, arrayMap(at -> multiIf(n = 1, 1., n = 2, 0.5, at = 1 or at = n, 0.4, 0.2 / (n - 2)), {_AT}))",
    "shapley": "(arrayDistinct(keys), arrayMap(at -> 1 / length(arrayDistinct(keys)), arrayDistinct(keys)))",
    "markov": "(arraySlice(keys, 1, 0), arraySlice([1.], 1, 0))",
}
"""Shapley: a set of keys is worth the conversions of the paths that it holds whole. That game is a sum of games where
one path pays as soon as all its keys take part, so each path's worth is split evenly among its keys (Shapley 1953;
Zhao, Mahboobi, Bagheri 2018, "Shapley Value Methods for Attribution Modeling in Online Advertising", section 3)."""

START, CONVERSION, NOTHING = 0, 1, 2
"""States of the Markov chain beside the keys' hashes."""

TRANSITIONS = (
    "arrayMap((state, next) -> {fact}, arrayPushFront(keys, toUInt64(if(apart, 7, 0))), arrayPushBack(keys, {end}))"
)
"""SQL: the steps of a path; `{fact}` is an expression over `state` and `next`, `{end}` what is behind."""


def removal_effects(transitions: Mapping[tuple[int, int], int]) -> dict[int, float]:
    """State -> its share of the conversions, by removal effect; shares sum to 1. Without a conversion: nothing.

    Transitions are counted (from, to). The chain is of order one. Removing state k sends whoever comes to k to NOTHING
    (Anderl, Becker, von Wangenheim, Schumann 2016, "Mapping the customer journey"). Exact, without simulation: with
    N = (I - Q)^-1, k is ever visited with probability N[s, k] / N[k, k], and from there converts with probability b[k];
    so the conversions lost with k are N[s, k] * b[k] / N[k, k].
    """
    states = sorted({state for pair in transitions for state in pair} - {START, CONVERSION, NOTHING})
    place = {state: at for at, state in enumerate([START, *states])}
    inner, out = np.zeros((len(place), len(place))), np.zeros(len(place))
    total = np.zeros(len(place))
    for (source, target), times in transitions.items():
        total[place[source]] += times
        if target == CONVERSION:
            out[place[source]] += times
        elif target != NOTHING:
            inner[place[source], place[target]] += times
    passed = np.linalg.inv(np.eye(len(place)) - inner / total[:, None]) if states else np.eye(1)
    converts = passed @ (out / np.maximum(total, 1))
    lost = {state: float(passed[0, at] * converts[at] / passed[at, at]) for state, at in place.items() if state}
    whole = sum(lost.values())
    return {state: effect / whole for state, effect in lost.items()} if whole else {}
