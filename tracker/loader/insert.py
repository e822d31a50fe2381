"""What the store refused whole is halved down to the lines it refuses; their neighbours are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tracker.core.errors import Refused
from tracker.loader.batch import Line


class Bad(NamedTuple):
    """A line that the store refused, and why."""

    line: Line
    message: str


def store_singly(lines: Sequence[Line], store: Callable[[Sequence[Line]], None]) -> list[Bad]:
    """Lines that were refused together: store those that can be; gives the others.

    Costs 2 log2(n) calls a bad line. `store` raises Refused, or what is passed on: then any of the lines may have been
    stored, and all must be sent again.
    """
    half = len(lines) // 2
    bad: list[Bad] = []
    for some in (lines[:half], lines[half:]):
        if not some:
            continue
        try:
            store(some)
        except Refused as refused:
            bad += [Bad(some[0], refused.message)] if len(some) == 1 else store_singly(some, store)
    return bad
