"""Rows into the store; a row that the store refuses is found by halving, and its neighbours are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tracker.core.errors import Refused
from tracker.store.engine import Engine

_TABLE = "ingest"


class Bad(NamedTuple):
    """A row that the store refused: where it stands among the rows, why, and the row itself."""

    position: int
    message: str
    line: bytes


def lines_of(text: Sequence[bytes]) -> list[bytes]:
    """One line an item of a text that holds several in each."""
    return [line for piece in text for line in piece.splitlines(keepends=True)]


def insert(engine: Engine, text: Sequence[bytes], doubt: Callable[[], None]) -> list[Bad]:
    """Store event lines, whole ones, any number a piece; gives those that the store refused.

    Costs 1 + 2 log2(n) inserts a bad row. `doubt` is called before anything is sent a second time. Raises TryLater and
    Doubtful: then any of the rows may have been stored, and all must be sent again.
    """
    try:
        if text:
            engine.insert_lines(_TABLE, text)
    except Refused as refused:
        lines = lines_of(text)
        if len(lines) == 1:
            return [Bad(0, refused.message, lines[0])]
        doubt()
        return _halves(engine, lines)
    return []


def _halves(engine: Engine, lines: Sequence[bytes]) -> list[Bad]:
    half = len(lines) // 2
    bad: list[Bad] = []
    for offset, part in ((0, lines[:half]), (half, lines[half:])):
        try:
            engine.insert_lines(_TABLE, part)
        except Refused as refused:
            found = [Bad(0, refused.message, part[0])] if len(part) == 1 else _halves(engine, part)
            bad.extend(one._replace(position=offset + one.position) for one in found)
    return bad
