"""The store for work that can wait: one core for a statement, so that on a small machine another is left for others.

And none begins while somebody works whom others wait for, unless that goes on for long. Where the store may set
priorities (root, `CAP_SYS_NICE`), such a statement has a low one, too.

ClickHouse lowers a thread's priority and raises it again afterwards wherever it has `CAP_SYS_NICE`. Within a user
namespace (unprivileged containers of LXC, `unshare -r`) it has that and may not raise: then the whole process ends
("Failed to set the nice value"). So a low priority is asked for only where this process has tried raising one.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from tracker.store.engine import Answer, Engine, Query
from tracker.store.wrapped import Wrapped

T = TypeVar("T")
_NICE, _LOWEST = 15, 19
_CALM: dict[str, str | int] = {"max_threads": 1, "max_insert_threads": 1}
_LOW: dict[str, str | int] = {"os_thread_priority": _NICE}
LONGEST = 3.0
"""Seconds that a statement waits at most: it must come to its end, too, where somebody always works."""


class Calm(Wrapped):
    """Another engine, whose statements take one thread each. Sessions and nodes too.

    `free`: unset while somebody works whom others wait for; a statement does not begin then.
    `beside`: the store is a server that works under the same rights as this process, on the same machine.
    """

    def __init__(self, engine: Engine, free: threading.Event | None = None, *, beside: bool = False) -> None:
        super().__init__(engine)
        self._free = free
        within = engine.kind == "embedded" and sys.platform == "linux"
        self._nice = os.getpriority(os.PRIO_PROCESS, 0) if within else 0
        self._settings = _CALM | (_LOW if (within or beside) and may_raise() else {})

    def through(self, query: Query, run: Callable[[Query], T]) -> T:
        """Run it with one thread, when others let it."""
        with self._turn():
            return run(self._calm(query))

    def stream(self, query: Query, rows: int) -> Generator[Answer, None, None]:
        """As the engine's; it is over with its last row."""
        with self._turn():
            yield from self._engine.stream(self._calm(query), rows)

    def nodes(self) -> Sequence[Engine]:
        """As the engine's, calm too."""
        return [Calm(node, self._free) for node in self._engine.nodes()]

    def _calm(self, query: Query) -> Query:
        """A statement that takes one core, and has a low priority where that may be set."""
        return replace(query, settings={**self._settings, **query.settings})

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._free is not None:
            self._free.wait(LONGEST)
        try:
            yield
        finally:
            if self._nice:
                self._nice_again()

    def _nice_again(self) -> None:
        """The store leaves threads whose priority it has set with the usual one, 0, not with that of before."""
        for thread in (int(one.name) for one in Path("/proc/self/task").iterdir()):
            with suppress(OSError):  # it has ended, or may not be changed
                if os.getpriority(os.PRIO_PROCESS, thread) == 0:
                    os.setpriority(os.PRIO_PROCESS, thread, self._nice)


@functools.cache
def may_raise() -> bool:
    """Whether a thread's priority can be set to the usual one again once it was low; tried on a thread of its own."""
    found: list[bool] = []

    def attempt() -> None:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, _LOWEST)
            os.setpriority(os.PRIO_PROCESS, 0, 0)
            found.append(True)

    if sys.platform == "linux":  # elsewhere it would be the whole process'
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    return bool(found)
