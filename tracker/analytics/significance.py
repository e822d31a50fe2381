"""Whether two groups differ in a share by more than chance: p-values of 2 x 2 tables, corrected for many of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

_LEAST_EXPECTED = 5
"""Below it the chi-square distribution is a bad approximation (Cochran, "Some methods for strengthening the common
chi-square tests", Biometrics 10, 1954)."""

_Z, _Z_POWER = 1.959963984540054, 0.8416212335729143
"""Quantiles of the normal distribution: 97.5 % (a two-sided level of 5 %) and 80 % (power)."""

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


def difference_interval(left: int, left_size: int, right: int, right_size: int) -> tuple[float, float] | None:
    """95 % interval of the difference of two shares (`left` of `left_size` minus `right` of `right_size`); None without
    anybody on a side.

    Source: Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine
    17, 1998, method 10 (hybrid of two Wilson score intervals, without continuity correction).
    """
    if not left_size or not right_size:
        return None
    one, other = left / left_size, right / right_size
    (one_low, one_high), (other_low, other_high) = _wilson(left, left_size), _wilson(right, right_size)
    difference = one - other
    return (
        difference - math.hypot(one - one_low, other_high - other),
        difference + math.hypot(one_high - one, other - other_low),
    )


def ratio_interval(left: int, left_size: int, right: int, right_size: int) -> tuple[float, float] | None:
    """95 % interval of the ratio of two shares; None where one of them is 0.

    Source: Katz et al., "Obtaining confidence intervals for the risk ratio in cohort studies", Biometrics 34, 1978.
    """
    if not left or not right:
        return None
    ratio = (left / left_size) / (right / right_size)
    spread = _Z * math.sqrt(1 / left - 1 / left_size + 1 / right - 1 / right_size)
    return ratio * math.exp(-spread), ratio * math.exp(spread)


def needed_sizes(left: int, left_size: int, right: int, right_size: int) -> tuple[int, int] | None:
    """How large both sides must be, in the proportion they have, for a difference as large as the one seen to be found
    with a probability of 80 % at a level of 5 % (two-sided); None where there is no difference.

    Source: Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, third edition, 2003, chapter 4.
    """
    if not left_size or not right_size or left * right_size == right * left_size:
        return None
    one, other, times = left / left_size, right / right_size, left_size / right_size
    mean = (left + right) / (left_size + right_size)
    by_chance = _Z * math.sqrt((1 + 1 / times) * mean * (1 - mean))
    by_effect = _Z_POWER * math.sqrt(one * (1 - one) / times + other * (1 - other))
    right_needed = ((by_chance + by_effect) / (one - other)) ** 2
    return math.ceil(times * right_needed), math.ceil(right_needed)


def _wilson(marked: int, size: int) -> tuple[float, float]:
    """95 % score interval of a share (Wilson 1927)."""
    share, square = marked / size, _Z * _Z
    middle = (share + square / (2 * size)) / (1 + square / size)
    half = _Z / (1 + square / size) * math.sqrt(share * (1 - share) / size + square / (4 * size * size))
    return max(0.0, middle - half), min(1.0, middle + half)


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
