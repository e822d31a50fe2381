"""When it is worth a look whether changed persons of a site can be made.

A look counts the keys that something happened to, and takes some seven statements, 35 to 75 ms of processor. It says
how much must come before a making pays. Until then, counting what came is enough: one statement, whatever the site's
size.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from tracker.loader import journey_costs as costs
from tracker.store.engine import Engine
from tracker.store.journeys import Held

AGAIN = 600.0
"""Seconds after which there is a look in any case: names that funnels asked for in vain, old generations, a day that is
nearly forgotten are seen by then."""


@dataclass(frozen=True)
class _Wait:
    state: tuple[int, ...]
    wanted: frozenset[str]
    enough: int
    until: float


class Waits:
    """What the last look at each site said; for one thread, in memory only."""

    def __init__(self) -> None:
        self._of: dict[str, _Wait] = {}

    def note(self, state: Held, wanted: Collection[str], enough: int) -> None:
        """Nothing is to be done at a site in this state before `enough` events have come since what came is counted."""
        self._of[state.site] = _Wait(_of_state(state), frozenset(wanted), enough, time.monotonic() + AGAIN)

    def holds(self, engine: Engine, state: Held, wanted: Collection[str]) -> bool:
        """Whether a look would find nothing to do. Another state, or other names that are wanted, ask for a look."""
        wait = self._of.get(state.site)
        if wait is None or (wait.state, wait.wanted) != (_of_state(state), frozenset(wanted)):
            return False
        return time.monotonic() < wait.until and costs.earned(engine, state) < wait.enough


def _of_state(state: Held) -> tuple[int, ...]:
    """What the answer of a look hangs on. An erasure raises the version only."""
    return state.made, state.late, state.spent
