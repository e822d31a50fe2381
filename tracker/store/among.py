"""A store seen through a segment: what `clean.events_source` names holds only the events of some persons' keys.

The keys travel with each question as an attached table, so a segment is found once and all questions of one report see
the same people, however often it asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tracker.store.engine import Answer, Columns, Engine, Query, Settings

TABLE = "segment"
_NAMED = f"/*table:{TABLE}*/"


class Among:
    """The engine `whole` for one report about the persons behind `keys` (of visitors and users)."""

    def __init__(self, whole: Engine, keys: Sequence[int]) -> None:
        self.whole = whole
        self.kind = whole.kind
        self.cluster = whole.cluster
        self._keys = Columns(columns=[("key", "UInt64")], data=[keys or [0]])  # a table needs a row; no key is 0

    def ask(self, query: Query) -> Answer:
        """Run a SELECT, with the keys beside it where it reads through the segment."""
        if _NAMED in query.text:
            query = replace(query, tables={**query.tables, TABLE: self._keys})
        return self.whole.ask(query)

    def command(self, query: Query) -> None:
        """As the whole store."""
        self.whole.command(query)

    def put(self, table: str, query: Query) -> None:
        """As the whole store."""
        self.whole.put(table, query)

    def insert_lines(self, table: str, text: Sequence[bytes], *, settings: Settings | None = None) -> None:
        """As the whole store."""
        self.whole.insert_lines(table, text, settings=settings)

    def prepare(self) -> None:
        """As the whole store."""
        self.whole.prepare()

    def nodes(self) -> Sequence[Engine]:
        """As the whole store."""
        return self.whole.nodes()

    def close(self) -> None:
        """As the whole store."""
        self.whole.close()


def segment_of(source: str) -> str:
    """SQL: the events of a source that belong to the segment. Global: on a cluster the keys are only here."""
    return f"(select * from {source} where key global in (select key from {_NAMED})) as events"  # noqa: S608 - our own text
