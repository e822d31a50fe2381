"""Whether two groups differ in a share by more than chance: p-values of 2 x 2 tables, corrected for many of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

_LEAST_EXPECTED = 5
"""Below it the chi-square distribution is a bad approximation (Cochran, "Some methods for strengthening the common
chi-square tests", Biometrics 10, 1954)."""

_NEGLIGIBLE = 1e-20
_TIE = 1 + 1e-7  # tables that are as likely as the one seen must not be lost to rounding


def p_value(left: int, left_size: int, right: int, right_size: int) -> float:
    """Two-sided: how likely a difference as big as `left` of `left_size` against `right` of `right_size` is by chance.

    Pearson's chi-square test with one degree of freedom, without a continuity correction, where every expected count is
    at least 5; else Fisher's exact test (the sum over all tables with these margins that are at most as likely as this
    one). 1.0 where a margin is empty: there is nothing to compare.
    """
    whole, marked = left_size + right_size, left + right
    if not left_size or not right_size or not marked or marked == whole:
        return 1.0
    expected = min(left_size, right_size) * min(marked, whole - marked) / whole
    if expected < _LEAST_EXPECTED:
        return _fisher(left, left_size, right_size, marked)
    cross = left * (right_size - right) - right * (left_size - left)
    chi_square = whole * cross * cross / (left_size * right_size * marked * (whole - marked))
    return math.erfc(math.sqrt(chi_square / 2))


def q_values(p_values: Sequence[float]) -> list[float]:
    """The false discovery rate at which each comparison would just be kept, in the order given.

    Source: Benjamini and Hochberg, "Controlling the False Discovery Rate", J. R. Statist. Soc. B 57, 1995.
    """
    count, least = len(p_values), 1.0
    found = [1.0] * count
    ranked = sorted(range(count), key=p_values.__getitem__)
    for rank in range(count, 0, -1):
        at = ranked[rank - 1]
        least = min(least, p_values[at] * count / rank)
        found[at] = least
    return found


def _fisher(seen: int, size: int, other_size: int, marked: int) -> float:
    """Walks from the likeliest table to both sides; there are few that matter where an expected count is small."""
    low, high = max(0, marked - other_size), min(size, marked)
    mode = min(max((size + 1) * (marked + 1) // (size + other_size + 2), low), high)
    weights = {mode: 1.0}
    for step, end in ((1, high), (-1, low)):
        at, weight = mode, 1.0
        while at != end and (weight > _NEGLIGIBLE or (seen - at) * step > 0):
            upper, lower = (at + step, at) if step > 0 else (at, at + step)
            ratio = (size - lower) * (marked - lower) / (upper * (other_size - marked + upper))
            weight *= ratio if step > 0 else 1 / ratio
            at += step
            weights[at] = weight
    limit = weights[seen] * _TIE
    return min(1.0, math.fsum(weight for weight in weights.values() if weight <= limit) / math.fsum(weights.values()))
