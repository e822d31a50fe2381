"""Who waits for the spool, when their records go to the committing thread, and how they are told what became of them.

An event loop and the committing thread take turns. The loop gathers what its callers append; the thread gets all of it
at once, when it is idle and a turn of the loop brought nothing more. Waking the thread for each request instead makes
groups of two or three, and the change from one thread to the other, with what the kernel does for a sync, then costs as
much as the request. Where the loop is hardly ever without news, nobody waits for that longer than `_LONGEST`: a busy
loop so makes groups that cost it less, and an idle one commits at once.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from tracker.core.errors import TryLater

# Framed records, how many, and who waits: somebody `Told` in that loop, or a concurrent.futures.Future without one.
# A plain tuple: one is made for every request.
Group = tuple[bytes, int, asyncio.AbstractEventLoop | None, Any]


_LONGEST = 0.001  # seconds


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

    One group is under way from the first `add` on until its loop calls `go_on`; what is added meanwhile follows it.
    """

    def __init__(self, put: Callable[[list[Group]], None], lock: threading.Lock) -> None:
        self._put = put
        self._lock = lock
        self._gathered: list[Group] = []
        self._loop: asyncio.AbstractEventLoop | None = None  # that will call `take_next`
        self._until = 0.0

    def add(self, group: Group, loop: asyncio.AbstractEventLoop) -> None:
        """Gather one more, in its loop and with the lock held."""
        self._gathered.append(group)
        if self._loop is None or self._loop.is_closed():
            self._loop = loop
            loop.call_soon(self.go_on)

    def go_on(self) -> None:
        """The thread is free, as its loop hears: give it what is gathered, once there is no more for now."""
        self._until = time.monotonic() + _LONGEST
        self._look(0)

    def _look(self, before: int) -> None:
        gathered = len(self._gathered)
        if gathered == before or time.monotonic() > self._until:
            self.take_next()
        else:
            asyncio.get_running_loop().call_soon(self._look, gathered)

    def take_next(self) -> None:
        """The thread must have everything now."""
        with self._lock:
            groups, self._gathered = self._gathered, []
            self._loop = groups[-1][2] if groups else None
            if groups:
                self._put(groups)


def answer(groups: list[Group], error: TryLater | None, turns: Turns) -> None:
    """Tell everybody who waited, each in the way they wait; one wake-up per event loop, in which turns go on."""
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
            loop.call_soon_threadsafe(_settle, waiting, error, turns)
        except RuntimeError:  # the loop is closed: nobody waits any more
            turns.take_next()


def _settle(waiting: list[Told], error: TryLater | None, turns: Turns) -> None:
    for one in waiting:
        if one.done():
            continue
        if error is not None:
            one.set_exception(error)
        else:
            one.set_result(None)
    asyncio.get_running_loop().call_soon(turns.go_on)  # after whoever speaks in this turn of the loop
