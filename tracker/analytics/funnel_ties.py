"""Adding up a funnel's rows of everybody without ties and those of the people with ties.

`counts` and `sums` of a row add up as they are. A median does not, so each row brings the waits around its own:
`middles`, of which the least is at place `skipped` (from 0) among all of them.
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
    both = zip(row["middles"], other["middles"], strict=True)
    return {**row, **sums, "middles": [[*one, *more] for one, more in both]}


def with_medians(rows: Iterable[Row]) -> list[Row]:
    """The rows with `medians`, None where nobody waited."""
    return [
        {**row, "medians": [middle(*one) for one in zip(row["middles"], row["skipped"], row["counts"], strict=True)]}
        for row in rows
    ]


def around(values: str, apart: str) -> str:
    """SQL: of a sorted list those around its median, as many as are needed where `apart` others are put to them."""
    return f"arraySlice({values}, greatest(intDiv(length({values}), 2), {apart} + 1) - {apart}, 2 * {apart} + 4)"


def before(count: int, apart: int) -> int:
    """How many of a list of `count` come before those `around` its median."""
    return max(count // 2 - apart - 1, 0)


def middle(middles: Iterable[int], skipped: int, count: int) -> float | None:
    """The median of `count` numbers of which `middles` are some, those from place `skipped` on. None of nothing."""
    some = sorted(middles)
    if not some:
        return None
    low, high = (count - 1) // 2 - skipped, count // 2 - skipped
    return float((some[low] + some[high]) / 2)
