"""The store for work that can wait: one core for a statement, so that on a small machine another is left for others.

And none begins while somebody works whom others wait for, unless that goes on for long. Where the store may set
priorities (root, `CAP_SYS_NICE`), such a statement has a low one, too.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from tracker.store.engine import Answer, Engine, Query, Session

_NICE = 15
_CALM: dict[str, str | int] = {"max_threads": 1, "max_insert_threads": 1, "os_thread_priority": _NICE}
LONGEST = 3.0
"""Seconds that a statement waits at most: it must come to its end, too, where somebody always works."""


class Calm:
    """Another engine, whose statements take one thread each. Sessions and nodes too.

    `free`: unset while somebody works whom others wait for; a statement does not begin then.
    """

    def __init__(self, engine: Engine, free: threading.Event | None = None) -> None:
        self._free = free
        self._engine = engine
        self.kind = engine.kind
        self.cluster = engine.cluster
        self._nice = os.getpriority(os.PRIO_PROCESS, 0) if engine.kind == "embedded" and sys.platform == "linux" else 0

    def ask(self, query: Query) -> Answer:
        """As the engine's."""
        with self._turn():
            return self._engine.ask(calm(query))

    def stream(self, query: Query, rows: int) -> Generator[Answer, None, None]:
        """As the engine's."""
        with self._turn():
            yield from self._engine.stream(calm(query), rows)

    def command(self, query: Query) -> None:
        """As the engine's."""
        with self._turn():
            self._engine.command(calm(query))

    def put(self, table: str, query: Query) -> None:
        """As the engine's."""
        with self._turn():
            self._engine.put(table, calm(query))

    def session(self) -> Session:
        """As the engine's, calm too."""
        return CalmSession(self._engine.session(), self._turn)

    def nodes(self) -> Sequence[Engine]:
        """As the engine's, calm too."""
        return [Calm(node, self._free) for node in self._engine.nodes()]

    def prepare(self) -> None:
        """As the engine's."""
        self._engine.prepare()

    def close(self) -> None:
        """As the engine's."""
        self._engine.close()

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


def calm(query: Query) -> Query:
    """A statement that takes one core, and has a low priority where that may be set."""
    return replace(query, settings={**_CALM, **query.settings})


class CalmSession:
    """One connection of a `Calm` engine."""

    def __init__(self, session: Session, turn: Callable[[], AbstractContextManager[None]]) -> None:
        self._session = session
        self._turn = turn

    def ask(self, query: Query) -> Answer:
        """As the session's."""
        with self._turn():
            return self._session.ask(calm(query))

    def command(self, query: Query) -> None:
        """As the session's."""
        with self._turn():
            self._session.command(calm(query))

    def put(self, table: str, query: Query) -> None:
        """As the session's."""
        with self._turn():
            self._session.put(table, calm(query))

    def close(self) -> None:
        """As the session's."""
        self._session.close()
