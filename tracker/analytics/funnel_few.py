"""The attempts of a few units, counted here: planning a question with all its levels takes longer than they do.

`funnel_ordered.sql` is the same in SQL, for any number of units; each is compared with the slow count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

MAX_FEW = 1000
"""Most units that are counted here, and most events of each; beyond that ClickHouse is the quicker one."""

Waits = list[int]
"""Milliseconds from each step to the next, of the steps that a unit got to."""


def waits(events: Iterable[int], *, steps: int, limit: int, window: int) -> Waits | None:
    """The waits of the attempt that counts; None where there is none.

    `events` are a unit's in order, each its milliseconds (from the range's start on) with its step in the lowest bits,
    as many as `steps` takes. An attempt starts before `limit` and is over `window` milliseconds after its start.

    The latest start that got to a step is enough: it reaches all that an earlier one does, and its window ends later.
    """
    bits = steps.bit_length()
    furthest: list[list[int]] = [[] for _ in range(steps + 1)]  # of that start: its place, and when it got to each step
    for place, number in enumerate(events):
        step, at = number & ((1 << bits) - 1), number >> bits
        if step == 1:
            if at < limit:
                furthest[1] = [place, at]
            continue
        before, there = furthest[step - 1], furthest[step]
        if before and at <= before[1] + window and there[:1] != before[:1]:
            furthest[step] = [*before, at]
    attempt = next((one for one in reversed(furthest) if one), None)
    return None if attempt is None else [later - at for at, later in pairwise(attempt[1:])]


def counted(attempts: Sequence[tuple[str, Waits | None]], *, steps: int, parts: bool) -> list[dict[str, Any]]:
    """Rows as `funnel_ties` adds them up, from each unit's value of the breakdown and its waits.

    One row for the whole, and with `parts` one for each value.
    """
    groups: dict[tuple[int, str], list[Waits]] = {}
    for value, found in attempts:
        if found is not None:
            groups.setdefault((1, ""), []).append(found)
            if parts:
                groups.setdefault((0, value), []).append(found)
    rows = []
    for (part, value), units in groups.items():
        middles = [[], *([one[at] for one in units if len(one) > at] for at in range(steps - 1))]
        counts = [len(units), *map(len, middles[1:])]
        sums = [sum(one) for one in middles]
        rows.append(
            {"part": part, "value": value, "counts": counts, "sums": sums, "skipped": [0] * steps, "middles": middles}
        )
    return rows
