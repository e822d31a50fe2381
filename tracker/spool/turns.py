"""Who waits for the spool, when their records go to the committing thread, and how they are told what became of them.

An event loop and the committing thread take turns. The loop gathers what its callers append; the thread gets all of it
at once, when it is idle and the loop has looked at everybody who has something to say, or when the loop hears that the
group before is on the device. Waking the thread for each request instead makes groups of two or three, and the change
from one thread to the other then costs as much as the request.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Protocol

from tracker.core.errors import TryLater

# Framed records, how many, and who waits: somebody `Told` in that loop, or a concurrent.futures.Future without one.
# A plain tuple: one is made for every request.
Group = tuple[bytes, int, asyncio.AbstractEventLoop | None, Any]


class Told(Protocol):
    """Who is told how a group ended, as a future is: `set_result` or `set_exception`, unless `done`; neither raises."""

    def done(self) -> bool:
        """Whether nobody wants to know any more."""

    def set_result(self, result: None, /) -> None:
        """Everything is on the device."""

    def set_exception(self, exception: TryLater, /) -> None:
        """Nothing of it is stored."""


class Turns:
    """Groups gathered for the committing thread. `put` gives it some; `lock` guards what is accepted.

    One group is under way from the first `add` on until its loop calls `take_next`; what is added meanwhile follows it.
    """

    def __init__(self, put: Callable[[list[Group]], None], lock: threading.Lock) -> None:
        self._put = put
        self._lock = lock
        self._gathered: list[Group] = []
        self._loop: asyncio.AbstractEventLoop | None = None  # that will call `take_next`

    def add(self, group: Group, loop: asyncio.AbstractEventLoop) -> None:
        """Gather one more, in its loop and with the lock held."""
        self._gathered.append(group)
        if self._loop is None or self._loop.is_closed():
            self._loop = loop
            loop.call_soon(self.take_next)

    def take_next(self) -> None:
        """The thread is free, or must have everything now: give it what was gathered."""
        with self._lock:
            groups, self._gathered = self._gathered, []
            self._loop = groups[-1][2] if groups else None
            if groups:
                self._put(groups)


def answer(groups: list[Group], error: TryLater | None, then: Callable[[], None]) -> None:
    """Tell everybody who waited, each in the way they wait; one wake-up per event loop, which also calls `then`."""
    loops: dict[asyncio.AbstractEventLoop, list[Told]] = {}
    for _, _, loop, done in groups:
        if loop is not None:
            loops.setdefault(loop, []).append(done)
        elif error is not None:
            done.set_exception(error)
        else:
            done.set_result(None)
    for loop, waiting in loops.items():
        try:
            loop.call_soon_threadsafe(_settle, waiting, error, then)
        except RuntimeError:  # the loop is closed: nobody waits any more
            then()


def _settle(waiting: list[Told], error: TryLater | None, then: Callable[[], None]) -> None:
    for one in waiting:
        if one.done():
            continue
        if error is not None:
            one.set_exception(error)
        else:
            one.set_result(None)
    asyncio.get_running_loop().call_soon(then)  # after whoever speaks in this turn of the loop
