"""Takes old events of our own sites (the canary's) out of the store, once a day: nobody looks at them any more.

For the loader's thread, between two batches and never while the audit counts. What is taken away is told to the audit
first, so that a crash anywhere is mended by the next run and the ledger stays exact.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import structlog

from tracker.store import erase
from tracker.store.engine import Engine

log = structlog.get_logger()

DAY_MS = 86_400_000
_AGAIN = 3_600.0  # seconds until another look


class Leftovers:
    """`sites`: of ours. `now_ms` and `clock` are times: of the day, and for how long to wait."""

    def __init__(
        self,
        engine: Engine,
        sites: Sequence[str],
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._sites = sites
        self._now_ms = now_ms
        self._clock = clock
        self._next = 0.0
        self._done = -1

    def when_due(self) -> int:
        """Take away what is from before yesterday; gives how many events. Raises TryLater; it may then be repeated."""
        if self._clock() < self._next:
            return 0
        self._next = self._clock() + _AGAIN
        day = self._now_ms() // DAY_MS - 1
        if day <= self._done:
            return 0
        gone = sum(erase.drop_older(self._engine, site, day) for site in self._sites)
        self._done = day
        if gone:
            log.info("leftovers.gone", events=gone)
        return gone
