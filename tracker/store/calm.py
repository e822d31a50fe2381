"""The store for work that can wait: one core for a statement, so that on a small machine another is left for others."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from tracker.store.engine import Answer, Engine, Query, Session

_CALM: dict[str, str | int] = {"max_threads": 1, "max_insert_threads": 1}


def _calm(query: Query) -> Query:
    return replace(query, settings={**_CALM, **query.settings})


class Calm:
    """Another engine, whose statements take one thread each. Sessions and nodes too."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.kind = engine.kind
        self.cluster = engine.cluster

    def ask(self, query: Query) -> Answer:
        """As the engine's."""
        return self._engine.ask(_calm(query))

    def stream(self, query: Query, rows: int) -> Generator[Answer, None, None]:
        """As the engine's."""
        return self._engine.stream(_calm(query), rows)

    def command(self, query: Query) -> None:
        """As the engine's."""
        self._engine.command(_calm(query))

    def put(self, table: str, query: Query) -> None:
        """As the engine's."""
        self._engine.put(table, _calm(query))

    def session(self) -> Session:
        """As the engine's, calm too."""
        return CalmSession(self._engine.session())

    def nodes(self) -> Sequence[Engine]:
        """As the engine's, calm too."""
        return [Calm(node) for node in self._engine.nodes()]

    def prepare(self) -> None:
        """As the engine's."""
        self._engine.prepare()

    def close(self) -> None:
        """As the engine's."""
        self._engine.close()


class CalmSession:
    """One connection of a `Calm` engine."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def ask(self, query: Query) -> Answer:
        """As the session's."""
        return self._session.ask(_calm(query))

    def command(self, query: Query) -> None:
        """As the session's."""
        self._session.command(_calm(query))

    def put(self, table: str, query: Query) -> None:
        """As the session's."""
        self._session.put(table, _calm(query))

    def close(self) -> None:
        """As the session's."""
        self._session.close()
