"""An engine behind another: each statement, of its sessions too, goes through one method.

That method may change the statement, or refuse it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from tracker.store.engine import Answer, Engine, Query, Session

T = TypeVar("T")


class Wrapped(ABC):
    """Another engine. What differs is said in `through`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.kind = engine.kind
        self.cluster = engine.cluster

    @abstractmethod
    def through(self, query: Query, run: Callable[[Query], T]) -> T:
        """Run a statement; `run` is the engine's or a session's own method."""

    def ask(self, query: Query) -> Answer:
        """As the engine's."""
        return self.through(query, self._engine.ask)

    def stream(self, query: Query, rows: int) -> Generator[Answer, None, None]:
        """As the engine's."""
        return self.through(query, lambda changed: self._engine.stream(changed, rows))

    def command(self, query: Query) -> None:
        """As the engine's."""
        self.through(query, self._engine.command)

    def put(self, table: str, query: Query) -> None:
        """As the engine's."""
        self.through(query, lambda changed: self._engine.put(table, changed))

    def session(self) -> Session:
        """As the engine's; its statements go the same way."""
        return WrappedSession(self, self._engine.session())

    def nodes(self) -> Sequence[Engine]:
        """As the engine's, without the wrapping."""
        return self._engine.nodes()

    def prepare(self) -> None:
        """As the engine's."""
        self._engine.prepare()

    def close(self) -> None:
        """As the engine's."""
        self._engine.close()


class WrappedSession:
    """One connection of a `Wrapped` engine."""

    def __init__(self, owner: Wrapped, session: Session) -> None:
        self._owner = owner
        self._session = session

    def ask(self, query: Query) -> Answer:
        """As the session's."""
        return self._owner.through(query, self._session.ask)

    def command(self, query: Query) -> None:
        """As the session's."""
        self._owner.through(query, self._session.command)

    def put(self, table: str, query: Query) -> None:
        """As the session's."""
        self._owner.through(query, lambda changed: self._session.put(table, changed))

    def close(self) -> None:
        """As the session's."""
        self._session.close()
