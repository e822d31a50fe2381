"""Log lines that anybody can cause: a few of each kind a minute, and how many were left out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger()

PER_MINUTE = 5


class Quiet:
    """Whoever sends ten thousand broken requests fills no disk with them.

    Kinds are words of ours, never what somebody sent, so their number is bounded.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began: dict[str, float] = {}
        self._said: dict[str, int] = {}
        self._left_out: dict[str, int] = {}

    def __call__(self, kind: str, *, trace: bool = False, **words: Any) -> bool:
        """Log one line, with the exception being handled if `trace`; False: this minute has had its lines."""
        now = self._clock()
        if now - self._began.get(kind, -60.0) >= 60.0:
            self._began[kind] = now
            self._said[kind] = 0
        if self._said[kind] >= PER_MINUTE:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return False
        self._said[kind] += 1
        left_out = self._left_out.pop(kind, 0)
        if left_out:
            words["left_out"] = left_out
        if trace:
            log.exception(kind, **words)
        else:
            log.warning(kind, **words)
        return True


quiet = Quiet()
