"""Rows into the store; a row that the store refuses is found by halving, and its neighbours are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tracker.core.errors import Refused
from tracker.store.engine import Engine

_TABLE = "ingest"


def insert(engine: Engine, lines: Sequence[bytes], doubt: Callable[[], None]) -> list[tuple[int, str]]:
    """Store event lines; gives (index, message) of those that the store refused. Costs 1 + 2 log2(n) inserts a bad row.

    `doubt` is called before anything is sent a second time. Raises TryLater and Doubtful: then any of the rows may have
    been stored, and all must be sent again.
    """
    try:
        if lines:
            engine.insert_lines(_TABLE, lines)
    except Refused as refused:
        if len(lines) == 1:
            return [(0, refused.message)]
        doubt()
        return _halves(engine, lines)
    return []


def _halves(engine: Engine, lines: Sequence[bytes]) -> list[tuple[int, str]]:
    half = len(lines) // 2
    bad: list[tuple[int, str]] = []
    for offset, part in ((0, lines[:half]), (half, lines[half:])):
        try:
            engine.insert_lines(_TABLE, part)
        except Refused as refused:
            found = [(0, refused.message)] if len(part) == 1 else _halves(engine, part)
            bad.extend((offset + index, message) for index, message in found)
    return bad
