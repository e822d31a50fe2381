"""ClickHouse inside this process (chDB). One process may open the folder; any number of its threads may ask at once.

A chDB connection runs one statement at a time, so every call takes a connection of its own from a pool: a report of two
seconds does not hold up an insert. The engine releases the GIL while it works.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import tempfile
import threading
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import msgspec
from chdb.state.sqlitelike import Connection

from tracker.core.errors import BadRequest, Broken, TryLater
from tracker.store.engine import (
    ASK_SETTINGS,
    INSERT_SETTINGS,
    STREAM_SETTINGS,
    Answer,
    Attached,
    Lines,
    Query,
    Settings,
    Texts,
    table_slots,
)  # fmt: skip
from tracker.store.faults import code_of, name_of, precise, translate
from tracker.store.values import convert, from_json, parameter_text, quoted

_CONFIG = Path(__file__).with_name("embedded.xml")
_IN_PLACE = 1 << 20  # bytes: a smaller file is copied together with others, because opening it costs more
_PATTERN = re.compile(r"[*?{}\[\]|]")  # ClickHouse takes a path with one of these for many paths
_FORMAT = "JSONCompactEachRowWithNamesAndTypes"
_lines = msgspec.json.Encoder().encode_lines
_names = msgspec.json.Decoder(list[str]).decode
_rows = msgspec.json.Decoder(list[tuple[object, ...]]).decode
_ALWAYS = {
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 0,
    "output_format_json_named_tuples_as_objects": 0,
    "input_format_json_read_numbers_as_strings": 1,
}


class _Link:
    """One connection and the settings it has now."""

    def __init__(self, path: Path) -> None:
        self.raw = Connection(f"{path}?config-file={_CONFIG}")
        self.settings: dict[str, str | int] = {}

    def set(self, wanted: Settings) -> None:
        """Bring the connection's settings to `_ALWAYS` plus `wanted`."""
        target = {**_ALWAYS, **wanted}
        if stale := self.settings.keys() - target.keys():
            self.raw.query("SET " + ", ".join(f"{name} = DEFAULT" for name in sorted(stale)))
        if fresh := {name: value for name, value in target.items() if self.settings.get(name) != value}:
            self.raw.query("SET " + ", ".join(f"{name} = {_setting(value)}" for name, value in fresh.items()))
        self.settings = target


class _Statements:
    """What the engine and a session of it both do."""

    _scratch: Path
    _logs: dict[str, Path]  # table -> where its log is

    def _link(self, settings: Settings) -> AbstractContextManager[_Link]:
        raise NotImplementedError

    def ask(self, query: Query) -> Answer:
        """Run a SELECT and give the whole result."""
        lines = self._run(query, _FORMAT, inserting=False).split(b"\n")
        return _answer(lines[:2], lines[2:-1]) if len(lines) > 2 else Answer(columns=(), rows=[])

    def command(self, query: Query) -> None:
        """Run DDL, or INSERT ... SELECT."""
        self._run(query, "Null", inserting=query.inserting)

    def put(self, table: str, query: Query) -> None:
        """Run an INSERT into a key-value table (EmbeddedRocksDB); it is on the disk when this returns.

        By itself ClickHouse makes each insert a file of its own, synced, but without a filter: asking for ids that are
        not there then costs three times as much. So inserts go through RocksDB's log, and syncing that is left to us.
        """
        if (folder := self._logs.get(table)) is None:
            self.command(Query(text=f"alter table {table} modify setting optimize_for_bulk_insert = 0"))
            text = "select data_paths[1] from system.tables where database = currentDatabase() and name = {name:String}"
            folder = self._logs[table] = Path(self.ask(Query(text=text, params={"name": table})).rows[0][0])
        self.command(query)
        for log in folder.glob("*.log"):
            with suppress(FileNotFoundError):  # what was in it has become a synced table since
                _sync(log)
        _sync(folder)  # a log may be new

    def stream(self, query: Query, rows: int) -> Generator[Answer, None, None]:
        """Run a SELECT and give its result in pieces."""
        with (
            self._ready(query, STREAM_SETTINGS, inserting=False) as (link, text, params),
            link.raw.send_query(text, _FORMAT, params=params) as pieces,  # a block is one piece
        ):
            for piece in pieces:
                lines = bytes(piece.bytes() or b"").split(b"\n")
                for at in range(2, len(lines) - 1, rows):
                    yield _answer(lines[:2], lines[at : min(at + rows, len(lines) - 1)])

    def _run(self, query: Query, form: str, *, inserting: bool) -> bytes:
        with self._ready(query, {}, inserting=inserting) as (link, text, params):
            result = link.raw.query(text, form, params=params)
            return bytes(result.bytes() or b"")

    @contextmanager
    def _ready(self, query: Query, more: Settings, *, inserting: bool) -> Iterator[tuple[_Link, str, dict[str, str]]]:
        """A connection, the text with its tables attached, and its parameters; faults are translated."""
        params = {name: parameter_text(value) for name, value in query.params.items()}
        settings = {**INSERT_SETTINGS, **ASK_SETTINGS, **more, **query.settings}
        with tempfile.TemporaryDirectory(dir=self._scratch) if query.tables else _no_folder() as folder:
            text = table_slots(query, lambda name, rows: _attach(Path(folder), name, rows))
            try:
                with self._link(settings) as link:
                    yield link, text, params
            except RuntimeError as error:  # ChdbError is one
                code = code_of(str(error))
                name = precise(code, name_of(str(error)), str(error))
                fault = translate(code, name, inserting=inserting)
                raise fault from (None if isinstance(fault, TryLater | BadRequest) else error)


class Embedded(_Statements):
    """The store in a folder of this machine. Raises TryLater where another process has the folder open."""

    kind = "embedded"
    cluster: str | None = None

    def __init__(self, path: Path, *, connections: int = 8) -> None:
        path = path.resolve()
        if "?" in str(path):
            raise BadRequest("the store's folder must not have a question mark in its path", code="bad_path")
        self._path = path
        self._scratch = path.with_name(path.name + ".scratch")
        self._idle: list[_Link] = []
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(connections)
        self._closed = False
        self._logs: dict[str, Path] = {}
        path.mkdir(parents=True, exist_ok=True)
        with self._link({}):
            pass
        # Only one process may have the store open, so what lies here was left by a crash.
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(mode=0o700)

    def session(self) -> EmbeddedSession:
        """A connection of its own."""
        with self._lock:
            if self._closed:
                raise TryLater("the store is closed")
        return EmbeddedSession(self._open(), self._scratch, self._logs)

    def prepare(self) -> None:
        """Nothing to make: the folder is the database."""

    def nodes(self) -> list[Embedded]:
        """This one: there is no cluster in a folder."""
        return [self]

    def close(self) -> None:
        """Close every connection; statements that run go on to their end first."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for link in idle:
            link.raw.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    @contextmanager
    def _link(self, settings: Settings) -> Iterator[_Link]:
        with self._slots:
            with self._lock:
                if self._closed:
                    raise TryLater("the store is closed")
                link = self._idle.pop() if self._idle else None
            link = link or self._open()
            healthy = False
            try:
                link.set(settings)
                yield link
                healthy = True
            finally:
                with self._lock:
                    keep = healthy and not self._closed
                    if keep:
                        self._idle.append(link)
                if not keep:
                    link.raw.close()

    def _open(self) -> _Link:
        try:
            return _Link(self._path)
        except RuntimeError as error:
            if "already initialized with path" in str(error):
                raise Broken("this process has another store open; one process can open one") from None
            raise TryLater(
                "the store's folder cannot be opened: another process has it open, or it is damaged"
            ) from None


class EmbeddedSession(_Statements):
    """One connection, kept until it is closed. `logs` is the engine's."""

    def __init__(self, link: _Link, scratch: Path, logs: dict[str, Path]) -> None:
        self._raw = link
        self._scratch = scratch
        self._logs = logs

    def close(self) -> None:
        """Let go of the connection."""
        self._raw.raw.close()

    @contextmanager
    def _link(self, settings: Settings) -> Iterator[_Link]:
        self._raw.set(settings)
        yield self._raw


def _answer(head: list[bytes], lines: list[bytes]) -> Answer:
    """Names, types, and rows, one a line."""
    columns, types = _names(head[0]), _names(head[1])
    try:
        rows = _rows(b"[" + b",".join(lines) + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Broken("a stored text is not UTF-8") from None
    return Answer(columns=tuple(columns), rows=convert(rows, [from_json(kind) for kind in types]))


@contextmanager
def _no_folder() -> Iterator[str]:
    yield ""


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _attach(folder: Path, name: str, rows: Attached) -> str:
    """Rows as a file that ClickHouse reads."""
    path = folder / name
    if isinstance(rows, Texts):
        return _attach_texts(path, rows)
    if isinstance(rows, Lines):
        with path.open("wb") as file:
            file.writelines(rows.text)
        return f"file({quoted(str(path))}, LineAsString, 'raw String')"
    path.write_bytes(_lines(rows.data))
    structure = ", ".join(f"`{column}` {kind}" for column, kind in rows.columns)
    return f"file({quoted(str(path))}, JSONCompactEachRow, {quoted(structure)})"


def _attach_texts(scratch: Path, given: Texts) -> str:
    """Large files where they are, everything else in one file."""
    found = []
    with scratch.open("wb") as file:
        for part, text in given.data:
            if isinstance(text, Path):
                path = str(text.absolute())
                if text.stat().st_size >= _IN_PLACE and not _PATTERN.search(path):
                    found.append(f"toUInt32({part}) as part, text from file({quoted(path)}, RawBLOB, 'text String')")
                    continue
            blob = text.read_bytes() if isinstance(text, Path) else text
            file.writelines((struct.pack("<I", part), _varint(len(blob)), blob))
    found.append(f"part, text from file({quoted(str(scratch))}, RowBinary, 'part UInt32, text String')")
    return f"(select {' union all select '.join(found)})"


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first, as ClickHouse writes the length of a text."""
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _setting(value: str | int) -> str:
    return quoted(value) if isinstance(value, str) else str(value)
