"""Fills an export with persons, piece by piece: those of a large one are packed by another process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing

from tracker.audiences.ahead import ahead
from tracker.audiences.changes import People
from tracker.audiences.helper import Helper
from tracker.audiences.packing import Plan, Records
from tracker.audiences.reader import Reader
from tracker.audiences.writing import Writing

FROM = 30_000
"""Persons from which on another process is worth its start, which takes half a second of processor."""
_ANSWERS = 1  # pieces that were packed: one is megabytes, and who packs waits with it until somebody takes it


def alone(writing: Writing, reader: Reader, people: People, label: str) -> Generator[None, None, None]:
    """In this process; comes back after each piece."""
    for found in reader.read(people):
        writing.add(found, label)
        yield


def with_helper(
    writing: Writing,
    reader: Reader,
    plan: Plan,
    people: People,
    label: str,
    *,
    hold: Callable[[str, int], None],
    vault: Callable[[str, Sequence[str]], Records],
) -> Generator[None, None, None]:
    """With another process; comes back after each piece. `hold` is told why some stay out, and how many.

    The next answer is taken while this one is written and told to the ledger.
    """
    with Helper(plan, vault) as helper:
        answers = helper.packed(reader.judged(people, writing.before))
        with closing(ahead(answers, _ANSWERS)) as pieces:
            for piece, packed in pieces:
                for verdict, how_many in Counter(piece.withheld).items():
                    hold(verdict, how_many)
                writing.put(packed, piece.before, label)
                yield
