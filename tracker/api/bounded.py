"""The engine as one request may use it: read only, for a limited time and in limited memory, not after the client has
hung up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NoReturn, TypeVar

from tracker.core.errors import BadRequest, Broken, TryLater
from tracker.store.engine import Engine, Query, Session, Settings
from tracker.store.faults import OWN_MEMORY
from tracker.store.wrapped import Wrapped, WrappedSession

T = TypeVar("T")

_TEMPORARY = ("create temporary table ", "drop temporary table ")
_NOTES = ("insert into journey_wanted ",)
"""Beginnings of the statements, of our own all, that a question may need beside its SELECTs."""


class TooSlow(TryLater):
    """A report was stopped at its time limit."""

    status = 504
    code = "too_slow"


class TooBig(BadRequest):
    """A report was stopped at its memory limit."""

    status = 422
    code = "too_big"


class Gone(TryLater):
    """The client hung up; nobody reads the answer."""

    code = "gone"


class Bounded(Wrapped):
    """Each question gets what is left of the request's time and `memory` bytes (0: no limit of ours); none starts once
    `hung_up` is set.
    """

    def __init__(self, engine: Engine, timeout_s: float, memory: int = 0) -> None:
        super().__init__(engine)
        self._timeout_s = timeout_s
        self._memory = memory
        self._until: float | None = None
        self.hung_up = threading.Event()

    def through(self, query: Query, run: Callable[[Query], T]) -> T:
        """Run it within the limits. Time starts with the first question, not in the queue. Raises TooSlow, TooBig."""
        if self.hung_up.is_set():
            raise Gone("the client hung up")
        now = time.monotonic()
        if self._until is None:
            self._until = now + self._timeout_s
        if self._until <= now:
            raise self._too_slow()
        limits: Settings = {
            "max_execution_time": max(1, round(self._until - now)),
            "timeout_overflow_mode": "throw",
            **self._frugal(),
        }
        try:
            return run(replace(query, settings={**limits, **query.settings}))
        except TryLater as error:
            if "TIMEOUT_EXCEEDED" in error.message or "TOO_SLOW" in error.message:
                raise self._too_slow() from None
            if OWN_MEMORY in error.message:
                raise self._too_big() from None
            raise

    def _frugal(self) -> Settings:
        """A group or an order that takes a third of the memory goes on on the disk."""
        if not self._memory:
            return {}
        spill = self._memory // 3
        return {
            "max_memory_usage": self._memory,
            "max_bytes_before_external_group_by": spill,
            "max_bytes_before_external_sort": spill,
        }

    def stream(self, query: Query, rows: int) -> NoReturn:
        """Refused: a report is one answer."""
        raise Broken("a report is answered as a whole")

    def command(self, query: Query) -> None:
        """Refused but for notes that a question leaves: the API reads."""
        if not query.text.startswith(_NOTES):
            raise _read_only()
        super().command(query)

    def put(self, table: str, query: Query) -> NoReturn:
        """Refused: the API reads."""
        raise _read_only()

    def session(self) -> Session:
        """A connection with the same limits, for temporary tables."""
        return _Reading(self, self._engine.session())

    def prepare(self) -> NoReturn:
        """Refused: the API reads."""
        raise _read_only()

    def nodes(self) -> Sequence[Engine]:
        """This one: reports go through one door."""
        return [self]

    def close(self) -> None:
        """Nothing: the engine outlives the request."""

    def _too_big(self) -> TooBig:
        return TooBig(
            f"the report needs more memory than the {self._memory / 1e6:,.0f} MB it may use (report_memory): choose a"
            " shorter period, fewer steps or narrower filters, or leave the breakdown out"
        )

    def _too_slow(self) -> TooSlow:
        return TooSlow(f"the report took longer than {self._timeout_s:g} s and was stopped: choose a shorter period")


class _Reading(WrappedSession):
    """A session of the engine as one request may use it: it reads, and makes temporary tables."""

    def command(self, query: Query) -> None:
        """Refused but for temporary tables."""
        if not query.text.startswith(_TEMPORARY):
            raise _read_only()
        super().command(query)

    def put(self, table: str, query: Query) -> NoReturn:
        """Refused: the API reads."""
        raise _read_only()


def _read_only() -> Broken:
    return Broken("the API only reads the store")
