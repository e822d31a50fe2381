"""The store for work that can wait: one core for a statement, so that on a small machine another is left for others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from tracker.store.engine import Engine, Query
from tracker.store.wrapped import Wrapped

T = TypeVar("T")
_CALM: dict[str, str | int] = {"max_threads": 1, "max_insert_threads": 1}


class Calm(Wrapped):
    """Another engine, whose statements take one thread each. Sessions and nodes too."""

    def through(self, query: Query, run: Callable[[Query], T]) -> T:
        """Run it with one thread."""
        return run(replace(query, settings={**_CALM, **query.settings}))

    def nodes(self) -> Sequence[Engine]:
        """As the engine's, calm too."""
        return [Calm(node) for node in self._engine.nodes()]
