"""A large export is packed ahead of the writer, and not further than the documents say."""

from __future__ import annotations

import random
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest
from test_helper import opened, piece_of, plan_of

from tracker.audiences.filling import with_helper
from tracker.audiences.packing import Judged
from tracker.core.errors import TryLater

PIECES = 12
ON_THEIR_WAY = 5
"""Pieces between the last question about consent and the file (`docs/decisions/exports.md`)."""


class Road:
    """Judges pieces, and writes them slowly; how many are in between is noted when one is written."""

    def __init__(self, pieces: list[Judged], breaks_at: int = PIECES) -> None:
        self.pieces, self.breaks_at = pieces, breaks_at
        self.asked, self.held = 0, 0
        self.between: list[int] = []
        self.written: list[int] = []

    def judged(self, _people: object, _before: object) -> Generator[Judged, None, None]:
        for piece in self.pieces:
            self.asked += 1
            yield piece

    def before(self, _people: object) -> dict[int, str]:
        return {}

    def put(self, packed, _before, _label) -> None:
        time.sleep(0.05)  # so that what may be ahead comes ahead
        if len(self.between) == self.breaks_at:
            raise TryLater("the catalog is away")
        self.between.append(self.asked - len(self.between))
        self.written += packed.people

    def hold(self, _verdict: str, how_many: int) -> None:
        self.held += how_many


def test_pieces_are_packed_while_others_are_written_and_few_of_them(tmp_path: Path) -> None:
    with opened(tmp_path) as catalog:
        plan, dice = plan_of(catalog.vault, "google"), random.Random(3)
        road = Road([piece_of(catalog.vault, plan, dice) for _ in range(PIECES)])
        given = with_helper(road, road, plan, [], "", hold=road.hold, vault=catalog.vault.of_owners)  # type: ignore[arg-type]
        with closing(given):
            assert len(list(given)) == PIECES == road.held
    assert 3 <= max(road.between) <= ON_THEIR_WAY
    wanted = [one for piece in road.pieces for one in piece.people]
    assert [one for one in wanted if one in set(road.written)] == road.written
    assert len(road.written) > len(wanted) / 3


def test_a_writer_that_breaks_ends_all_of_it(tmp_path: Path) -> None:
    with opened(tmp_path) as catalog:
        plan, dice = plan_of(catalog.vault, "google"), random.Random(4)
        road = Road([piece_of(catalog.vault, plan, dice) for _ in range(PIECES)], breaks_at=2)
        given = with_helper(road, road, plan, [], "", hold=road.hold, vault=catalog.vault.of_owners)  # type: ignore[arg-type]
        with closing(given), pytest.raises(TryLater):
            list(given)
    assert len(road.between) == 2
    assert road.asked <= 3 + ON_THEIR_WAY
