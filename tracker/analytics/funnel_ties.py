"""Adding up a funnel's rows of everybody without ties and those of the people with ties.

A row is one of `funnel_ordered.sql`: `counts` and `sums` add up as they are. A median does not, so each row brings
the waits around its own: `middles`, in order, the first one at place `skipped` among all of them (from 0).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Row = dict[str, Any]


def added(rows: Iterable[Row], apart: Iterable[Row], *, complete: bool = False) -> list[Row]:
    """The rows with those of the people asked about `apart` in them, each put to the row of its part and value.

    `middles` of `rows` must reach as far to both sides of the median as there may be people apart, and a few further;
    those of `apart` are all there are. A value that `rows` do not show is left out, unless they are `complete`.
    """
    others = {(row["part"], row["value"]): row for row in apart}
    whole = [_sum(row, others.pop((row["part"], row["value"]), None)) for row in rows]
    if complete:
        whole += others.values()
    there = [row for row in whole if row["counts"][0]]
    return sorted(there, key=lambda row: (-row["part"], -row["counts"][0], row["value"]))


def _sum(row: Row, other: Mapping[str, Any] | None) -> Row:
    if other is None:
        return row
    sums = {name: [one + more for one, more in zip(row[name], other[name], strict=True)] for name in ("counts", "sums")}
    medians = [_median(row, other, at, sums["counts"][at]) for at in range(len(sums["counts"]))]
    return {**row, **sums, "medians": medians}


def _median(row: Row, other: Mapping[str, Any], at: int, count: int) -> float | None:
    if not other["counts"][at]:
        return row["medians"][at]  # type: ignore[no-any-return]
    return middle([*row["middles"][at], *other["middles"][at]], row["skipped"][at], count)


def middle(around: Iterable[int], skipped: int, count: int) -> float | None:
    """The median of `count` numbers of which `around` are some, those from place `skipped` on. None of nothing."""
    some = sorted(around)
    if not some:
        return None
    low, high = (count - 1) // 2 - skipped, count // 2 - skipped
    return float((some[low] + some[high]) / 2)
