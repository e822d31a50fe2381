"""A store seen through a segment: what `clean.events_source` names holds only the events of some persons' keys.

The keys travel with each question as an attached table, so a segment is found once and all questions of one report see
the same people, however often it asks.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from tracker.store.engine import Answer, Engine, Lines, Query, Session

TABLE = "segment"
_NAMED = f"/*table:{TABLE}*/"


class Among:
    """The engine `whole` for one report about the persons behind `keys` (of visitors and users).

    `others`: about everybody else instead.
    """

    def __init__(self, whole: Engine, keys: Sequence[int], *, others: bool = False) -> None:
        self.whole = whole
        self.others = others
        self.kind = whole.kind
        self.cluster = whole.cluster
        self._given = keys
        self._keys = Lines(text=["".join([f"{key}\n" for key in keys]).encode()])

    def but(self) -> Among:
        """The same about everybody else."""
        return Among(self.whole, self._given, others=not self.others)

    def ask(self, query: Query) -> Answer:
        """Run a SELECT, with the keys beside it where it reads through the segment."""
        return self.whole.ask(self._beside(query))

    def _beside(self, query: Query) -> Query:
        return replace(query, tables={**query.tables, TABLE: self._keys}) if _NAMED in query.text else query

    def stream(self, query: Query, rows: int) -> Generator[Answer, None, None]:
        """As `ask`, in pieces."""
        return self.whole.stream(self._beside(query), rows)

    def command(self, query: Query) -> None:
        """As the whole store."""
        self.whole.command(query)

    def put(self, table: str, query: Query) -> None:
        """As the whole store."""
        self.whole.put(table, query)

    def session(self) -> Session:
        """As the whole store."""
        return self.whole.session()

    def prepare(self) -> None:
        """As the whole store."""
        self.whole.prepare()

    def nodes(self) -> Sequence[Engine]:
        """As the whole store."""
        return self.whole.nodes()

    def close(self) -> None:
        """As the whole store."""
        self.whole.close()


def segment_of(source: str, *, others: bool) -> str:
    """SQL: the events of a source that belong to the segment, or to the others.

    Global: on a cluster the keys are only here.
    """
    test = "global not in" if others else "global in"
    return f"(select * from {source} where key {test} (select toUInt64(raw) from {_NAMED})) as events"  # noqa: S608 - our own text
