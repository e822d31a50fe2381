"""The door to ClickHouse. `embedded.py` and `server.py` are the two ways through it; nobody else knows a driver.

Errors: `BadRequest` where a caller's value cannot be read (a regular expression, say), `TryLater` where the engine is
away, `Doubtful` where a write may or may not have happened, `Refused` where ClickHouse refused an insert's content.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Param = str | int | float | bool | Sequence[str] | Sequence[int] | Sequence[float]
Settings = Mapping[str, str | int]

# Said with every statement, because the defaults differ between versions and some of them lose or delay rows.
INSERT_SETTINGS: Settings = {
    "async_insert": 0,
    "insert_deduplicate": 0,
    "optimize_on_insert": 0,  # merging a block before it is written costs half the time; no row is in it twice
    "deduplicate_blocks_in_dependent_materialized_views": 0,
    "materialized_views_ignore_errors": 0,
    "parallel_view_processing": 0,
    "max_partitions_per_insert_block": 0,
    "throw_on_max_partitions_per_insert_block": 0,
    "distributed_foreground_insert": 1,
    "insert_distributed_one_random_shard": 0,
    "output_format_json_escape_forward_slashes": 0,  # JSONExtract writes props with it
}

# Said with every question. ClickHouse may build a join's hash table from the side it takes for the smaller one, and it
# takes events for that: seconds and gigabytes for a join that costs a tenth with the map of persons in the table.
ASK_SETTINGS: Settings = {"query_plan_join_swap_table": "false"}

# Said with every stream: a block is what is held of a result on its way.
STREAM_SETTINGS: Settings = {"max_block_size": 20_000}

_TABLE = re.compile(r"/\*table:([a-z_]+)\*/")


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows that travel with a query and can be read in it like a table of this name."""

    columns: Sequence[tuple[str, str]]  # (name, ClickHouse type)
    data: Sequence[Sequence[Any]]  # one inner sequence a row


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Text that travels with a query as a table of one column, `raw String`: a row is a line, without its newline.

    `text`: a piece holds whole lines, any number of them, each with its newline.
    """

    text: Sequence[bytes]


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Whole texts that travel with a query as a table of two columns, `part UInt32, text String`, one row each.

    A path stands for what is in its file, which is read when the query runs and must not change until then.
    """

    data: Sequence[tuple[int, bytes | Path]]


Attached = Rows | Lines | Texts


@dataclass(frozen=True, kw_only=True)
class Query:
    """SQL with `{name:Type}` parameters. `tables` are attached rows, read as `/*table:name*/` in the text.

    `content`: it stores what others sent, so that a refusal is the content's fault (`Refused`). Said of every statement
    with attached rows, whether it says so itself or not.
    """

    text: str
    params: Mapping[str, Param] = field(default_factory=dict)
    tables: Mapping[str, Attached] = field(default_factory=dict)
    settings: Mapping[str, str | int] = field(default_factory=dict)
    content: bool = False

    @property
    def inserting(self) -> bool:
        """Whether content came with it."""
        return self.content or bool(self.tables)


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


class Session(Protocol):
    """One connection: temporary tables made here are seen here, and end with it. For one thread at a time.

    After an error nothing is left of its temporary tables, or all of them are: begin anew with another session.
    """

    def ask(self, query: Query) -> Answer:
        """As the engine's."""
        ...

    def command(self, query: Query) -> None:
        """As the engine's."""
        ...

    def put(self, table: str, query: Query) -> None:
        """As the engine's."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class Engine(Protocol):
    """What both engines can do. Every method blocks and may be called from any thread."""

    kind: str  # "embedded" or "server"
    cluster: str | None  # name of the cluster that the store is spread over

    def ask(self, query: Query) -> Answer:
        """Run a SELECT and give the whole result."""
        ...

    def stream(self, query: Query, rows: int) -> Generator[Answer, None, None]:
        """Run a SELECT and give its result in pieces of at most `rows` rows, in its order; nothing where it is empty.

        What was not given yet waits in the store. Whoever stops before the end closes it (`contextlib.closing`).
        """
        ...

    def command(self, query: Query) -> None:
        """Run DDL, or INSERT ... SELECT."""
        ...

    def put(self, table: str, query: Query) -> None:
        """Run an INSERT into a key-value table (EmbeddedRocksDB); it is on the disk when this returns."""
        ...

    def session(self) -> Session:
        """A connection of its own. Close it."""
        ...

    def nodes(self) -> Sequence[Engine]:
        """A door to each node of the cluster, this one among them."""
        ...

    def prepare(self) -> None:
        """Make the database where there is none yet."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


def table_slots(query: Query, attach: Callable[[str, Attached], str]) -> str:
    """The text with each `/*table:name*/` replaced by what `attach(name, rows)` gives. KeyError: no such table."""
    if not query.tables:
        return query.text
    names = {name: attach(name, rows) for name, rows in query.tables.items()}
    return _TABLE.sub(lambda match: names[match[1]], query.text)
