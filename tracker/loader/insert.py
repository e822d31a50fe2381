"""Rows into the store; a row that the store refuses is found by halving, and its neighbours are stored."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.core.errors import Refused
from tracker.store.engine import Engine

_TABLE = "ingest"


def insert(engine: Engine, lines: Sequence[bytes]) -> list[tuple[int, str]]:
    """Store event lines; gives (index, message) of those that the store refused. Costs 1 + 2 log2(n) inserts a bad row.

    Raises TryLater and Doubtful: then any of the rows may have been stored, and all must be sent again.
    """
    try:
        if lines:
            engine.insert_lines(_TABLE, lines)
    except Refused as refused:
        if len(lines) == 1:
            return [(0, refused.message)]
        half = len(lines) // 2
        left = insert(engine, lines[:half])
        right = insert(engine, lines[half:])
        return [*left, *((index + half, message) for index, message in right)]
    return []
