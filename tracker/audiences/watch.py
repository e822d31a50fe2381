"""To whom something happened since a moment: so that what was read then is still true when it is written down."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from tracker.audiences.marks import marks
from tracker.audiences.touched import LISTED_MARGIN, about_happened
from tracker.store.engine import Engine
from tracker.store.sql import fill

_SETTLES_NS = 2_000_000_000


class Watch:
    """Begins when it is made; what is read of the store afterwards can be asked about.

    An insert becomes visible up to `marks.LATE_NS` after the time it carries: one that was not seen at the beginning
    counts, however old its time, and so does one of the last two seconds before, of which not all may have been there.
    """

    def __init__(self, engine: Engine, site: str) -> None:
        self._engine, self._site = engine, site
        self._before = marks(engine, site, 0)
        self._seen = {at for at in self._before.blocks if at < time.time_ns() - _SETTLES_NS}

    def happened(self, people: Sequence[int]) -> list[int]:
        """Those of some persons (keys in order) that new events, identities or the suppression list are about.

        Where nothing happened this is one question of some milliseconds.
        """
        before = self._before
        now = marks(self._engine, self._site, before.block)
        new = now.blocks - self._seen
        if not people or not (new or (now.moved, now.listed) != (before.moved, before.listed)):
            return []
        return happened_to(self._engine, self._site, people, blocks=new, moved=before.moved, listed=before.listed)


def happened_to(
    engine: Engine,
    site: str,
    people: Sequence[int],
    *,
    blocks: Collection[int],
    moved: int,
    listed: int,
    after: int = 0,
    now_ms: int = 0,
) -> list[int]:
    """Those of some persons that these inserts are about, identities or the suppression list since these versions, or a
    time that ran out in (`after`, `now_ms`].
    """
    query = fill(
        about_happened("happened_to"),
        params={
            "site": site,
            "blocks": sorted(blocks),
            "moved": moved,
            "listed": max(0, listed - LISTED_MARGIN),
            "after": after,
            "now": now_ms,
            "first": min(people),
            "last": max(people),
        },
    )
    there = set(people)
    return [int(who) for (who,) in engine.ask(query).rows if who in there]
