"""The door to ClickHouse. `embedded.py` and `server.py` are the two ways through it; nobody else knows a driver.

Errors: `BadRequest` where a caller's value cannot be read (a regular expression, say), `TryLater` where the engine is
away, `Doubtful` where a write may or may not have happened, `Refused` where ClickHouse refused an insert's content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Param = str | int | float | bool | Sequence[str] | Sequence[int] | Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows that travel with a query and can be read in it like a table of this name."""

    columns: Sequence[tuple[str, str]]  # (name, ClickHouse type)
    data: Sequence[Sequence[Any]]  # one inner sequence a row


@dataclass(frozen=True, kw_only=True)
class Query:
    """SQL with `{name:Type}` parameters. `tables` are attached rows, read as `/*table:name*/` in the text."""

    text: str
    params: Mapping[str, Param] = field(default_factory=dict)
    tables: Mapping[str, Rows] = field(default_factory=dict)
    settings: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Columns and rows of a result. Cells are str, int, float, bool, None, or lists and tuples of those.

    64-bit and 128-bit integers come as int, DateTime64 as int milliseconds since the epoch only where the SQL says so
    (use toUnixTimestamp64Milli); UUIDs as str where the SQL says toString.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def dicts(self) -> list[dict[str, Any]]:
        """One dictionary a row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Engine(Protocol):
    """What both engines can do. Every method blocks and may be called from any thread."""

    kind: str  # "embedded" or "server"

    def ask(self, query: Query) -> Answer:
        """Run a SELECT and give the whole result."""
        ...

    def command(self, query: Query) -> None:
        """Run DDL, or INSERT ... SELECT."""
        ...

    def insert_lines(
        self, table: str, lines: Sequence[bytes], *, settings: Mapping[str, str | int] | None = None
    ) -> None:
        """Insert rows into a one-column (`raw String`) table as one block, whole or not at all."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...
