"""The store for work that can wait: one core for a statement, so that on a small machine another is left for others.

And none begins while somebody works whom others wait for, unless that goes on for long. Where the store may set
priorities (root, `CAP_SYS_NICE`), such a statement has a low one, too.
"""

from __future__ import annotations

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
_NICE = 15
_CALM: dict[str, str | int] = {"max_threads": 1, "max_insert_threads": 1, "os_thread_priority": _NICE}
LONGEST = 3.0
"""Seconds that a statement waits at most: it must come to its end, too, where somebody always works."""


class Calm(Wrapped):
    """Another engine, whose statements take one thread each. Sessions and nodes too.

    `free`: unset while somebody works whom others wait for; a statement does not begin then.
    """

    def __init__(self, engine: Engine, free: threading.Event | None = None) -> None:
        super().__init__(engine)
        self._free = free
        self._nice = os.getpriority(os.PRIO_PROCESS, 0) if engine.kind == "embedded" and sys.platform == "linux" else 0

    def through(self, query: Query, run: Callable[[Query], T]) -> T:
        """Run it with one thread, when others let it."""
        with self._turn():
            return run(_calm(query))

    def stream(self, query: Query, rows: int) -> Generator[Answer, None, None]:
        """As the engine's; it is over with its last row."""
        with self._turn():
            yield from self._engine.stream(_calm(query), rows)

    def nodes(self) -> Sequence[Engine]:
        """As the engine's, calm too."""
        return [Calm(node, self._free) for node in self._engine.nodes()]

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


def _calm(query: Query) -> Query:
    """A statement that takes one core, and has a low priority where that may be set."""
    return replace(query, settings={**_CALM, **query.settings})
