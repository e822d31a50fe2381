"""A ClickHouse server or cluster over the native protocol (clickhouse-driver), through a pool of connections.

A server that says nothing for `timeout` seconds counts as away (ClickHouse sends progress every 100 ms while it works),
so a frozen one costs a bounded wait. After a fault the connection is thrown away; the next call makes a new one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from clickhouse_driver import Client
from clickhouse_driver.errors import Error as DriverError
from clickhouse_driver.errors import ErrorCodes, NetworkError, ServerException, SocketTimeoutError

from tracker.core.errors import BadRequest, Broken, Doubtful, TryLater
from tracker.store.engine import (
    ASK_SETTINGS,
    INSERT_SETTINGS,
    STREAM_SETTINGS,
    Answer,
    Attached,
    Lines,
    Query,
    Texts,
    table_slots,
)  # fmt: skip
from tracker.store.faults import precise, translate
from tracker.store.values import convert, from_driver

_NO_DATABASE = 81
_BLOCK = 4_000_000  # bytes, about, of texts sent at a time
_NAMES = {code: name for name, code in vars(ErrorCodes).items() if isinstance(code, int)}
# Every fault is raised; the driver's own log lines would repeat it with addresses and a traceback.
logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL)
_AWAY = (NetworkError, SocketTimeoutError, OSError, EOFError)


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where the server is. `options` go to clickhouse-driver as they are."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    cluster: str | None
    options: dict[str, Any]


def parse_url(url: str) -> Address:
    """`clickhouse://user:pw@host:9000/db?cluster=NAME&secure=1` -> Address. Raises BadRequest, without the URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadRequest("the ClickHouse URL cannot be read", code="bad_url") from None
    if parts.scheme not in ("clickhouse", "clickhouses") or not host:
        raise BadRequest("the ClickHouse URL must look like clickhouse://user:pw@host:9000/db", code="bad_url")
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    cluster = given.pop("cluster", "") or None
    secure = parts.scheme == "clickhouses" or given.pop("secure", "0").lower() in ("1", "true", "yes")
    options: dict[str, Any] = {"secure": secure}
    if "verify" in given:
        options["verify"] = given.pop("verify").lower() in ("1", "true", "yes")
    options.update(
        {name: given.pop(name) for name in ("ca_certs", "certfile", "keyfile", "server_hostname") if name in given}
    )
    if given:
        names = ", ".join(sorted(given))
        raise BadRequest(f"unknown options in the ClickHouse URL: {names}", code="bad_url")
    return Address(
        host=host,
        port=port or (9440 if secure else 9000),
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.lstrip("/")) or "default",
        cluster=cluster,
        options=options,
    )


class _Ready:
    """A statement as the driver takes it."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._external: list[dict[str, Any]] = []
        self._streams: dict[str, Lines | Texts] = {}
        self.text = table_slots(query, lambda name, rows: _attach(self._external, self._streams, name, rows))

    @contextmanager
    def attached(self, client: Client) -> Iterator[dict[str, Any]]:
        """What `execute` takes besides the text; what was sent before it is dropped where all went well."""
        for name, given in self._streams.items():
            _send_lines(client, name, given) if isinstance(given, Lines) else _send_texts(client, name, given)
        params = {
            name: value if isinstance(value, str | int | float) else list(value)
            for name, value in self._query.params.items()
        }
        yield {
            "params": params or None,
            "external_tables": self._external or None,
            "settings": {**INSERT_SETTINGS, **ASK_SETTINGS, **self._query.settings},
        }
        for name in self._streams:
            client.execute(f"DROP TEMPORARY TABLE {name}")


class _Statements:
    """What the engine and a session of it both do."""

    def _run(self, send: Callable[[Client], Any], *, inserting: bool, writing: bool) -> Any:
        raise NotImplementedError

    def ask(self, query: Query) -> Answer:
        """Run a SELECT and give the whole result."""
        rows, columns = self._execute(query, inserting=False, writing=False)
        converts = [from_driver(kind) for _, kind in columns]
        return Answer(columns=tuple(name for name, _ in columns), rows=convert(rows, converts))

    def command(self, query: Query) -> None:
        """Run DDL, or INSERT ... SELECT."""
        self._execute(query, inserting=query.inserting, writing=True)

    def put(self, table: str, query: Query) -> None:
        """Run an INSERT into a key-value table (EmbeddedRocksDB), which a server writes as a synced file of its own."""
        self.command(query)

    def _execute(self, query: Query, *, inserting: bool, writing: bool) -> tuple[list[Any], list[tuple[str, str]]]:
        ready = _Ready(query)

        def send(client: Client) -> Any:
            with ready.attached(client) as given:
                return client.execute(ready.text, with_column_types=True, **given)

        result = self._run(send, inserting=inserting, writing=writing)
        return result if isinstance(result, tuple) else (result, [])


class Server(_Statements):
    """The store on a server. Making it connects to nothing; every call raises TryLater while the server is away."""

    kind = "server"

    def __init__(
        self, url: str | Address, *, connections: int = 8, timeout: float = 20.0, connect_timeout: float = 5.0
    ) -> None:
        self._address = url if isinstance(url, Address) else parse_url(url)
        self.cluster = self._address.cluster
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._idle: list[Client] = []
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(connections)

    def session(self) -> ServerSession:
        """A connection of its own."""
        return ServerSession(self._client(self._address.database, disable_reconnect=True))

    def prepare(self) -> None:
        """Make the database where there is none yet."""
        name = "`" + self._address.database.replace("\\", "\\\\").replace("`", "\\`") + "`"
        client = self._client("default")
        try:
            with _faults(inserting=False, writing=False):
                client.execute(f"CREATE DATABASE IF NOT EXISTS {name}")
        finally:
            client.disconnect()

    def nodes(self) -> list[Server]:
        """A door to each node of the cluster; this one stands for the node that the URL names."""
        if self.cluster is None:
            return [self]
        text = "select host_name, port, is_local from system.clusters where cluster = {cluster:String} order by all"
        answer = self.ask(Query(text=text, params={"cluster": self.cluster}))
        if not answer.rows:
            raise BadRequest(f"the server knows no cluster {self.cluster}", code="no_cluster")
        others = [replace(self._address, host=host, port=port) for host, port, local in answer.rows if not local]
        return [self, *(Server(other, connections=1, timeout=self._timeout) for other in others)]

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for client in idle:
            client.disconnect()

    def stream(self, query: Query, rows: int) -> Generator[Answer, None, None]:
        """Run a SELECT and give its result in pieces."""
        ready = _Ready(query)
        with self._one() as client, _faults(inserting=False, writing=False), ready.attached(client) as given:
            given["settings"] |= STREAM_SETTINGS
            found = client.execute_iter(ready.text, with_column_types=True, chunk_size=rows, **given)
            columns: list[tuple[str, str]] | None = None
            for piece in found:
                if columns is None:  # they come before the first row
                    columns, *piece = piece  # noqa: PLW2901
                    converts = [from_driver(kind) for _, kind in columns]
                if piece:
                    yield Answer(columns=tuple(name for name, _ in columns), rows=convert(piece, converts))

    def _run(self, send: Callable[[Client], Any], *, inserting: bool, writing: bool) -> Any:
        with self._one() as client, _faults(inserting=inserting, writing=writing):
            return send(client)

    @contextmanager
    def _one(self) -> Iterator[Client]:
        """A connection for one statement; thrown away where that did not come to its end."""
        with self._slots:
            with self._lock:
                client = self._idle.pop() if self._idle else None
            client = client or self._client(self._address.database)
            try:
                yield client
            except BaseException:
                client.disconnect()
                raise
            with self._lock:
                self._idle.append(client)

    def _client(self, database: str, **more: Any) -> Client:
        address = self._address
        return Client(
            address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            database=database,
            client_name="tracker",
            connect_timeout=self._connect_timeout,
            send_receive_timeout=self._timeout,
            sync_request_timeout=self._connect_timeout,
            tcp_keepalive=True,
            settings={"server_side_params": True},
            **address.options,
            **more,
        )


class ServerSession(_Statements):
    """One connection, kept until it is closed or breaks: another in its place would miss the temporary tables."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._over = False

    def close(self) -> None:
        """Let go of the connection."""
        self._over = True
        self._client.disconnect()

    def _run(self, send: Callable[[Client], Any], *, inserting: bool, writing: bool) -> Any:
        if self._over:
            raise TryLater("the connection to ClickHouse broke, and its temporary tables with it")
        try:
            with _faults(inserting=inserting, writing=writing):
                return send(self._client)
        except BaseException:
            self.close()  # as the driver does at any error
            raise


@contextmanager
def _faults(*, inserting: bool, writing: bool) -> Iterator[None]:
    try:
        yield
    except ServerException as error:
        if error.code == _NO_DATABASE:
            raise TryLater("the ClickHouse database does not exist yet; run `tracker migrate`") from None
        name = precise(error.code or 0, _NAMES.get(error.code, "UNKNOWN"), error.message or "")
        fault = translate(error.code or 0, name, inserting=inserting)
        raise fault from (error if isinstance(fault, Broken) else None)
    except _AWAY as error:
        name = type(error).__name__
        if writing:
            raise Doubtful(f"the connection to ClickHouse broke during a write ({name})") from None
        raise TryLater(f"ClickHouse cannot be reached ({name})") from None
    except UnicodeDecodeError:
        raise Broken("a stored text is not UTF-8") from None
    except DriverError as error:
        raise Broken(f"the ClickHouse driver failed ({type(error).__name__})") from error


def _attach(external: list[dict[str, Any]], streams: dict[str, Lines | Texts], name: str, rows: Attached) -> str:
    """Rows as an external table; lines and texts as a temporary one, to which they are sent before the query."""
    name = f"attached_{name}"
    if isinstance(rows, Lines | Texts):
        streams[name] = rows
    else:  # the driver takes tuples as well as dictionaries, and those cost a tenth
        data = [tuple(row) for row in rows.data]
        external.append({"name": name, "structure": list(rows.columns), "data": data})
    return name


def _send_lines(client: Client, name: str, given: Lines) -> None:
    lines = [line for piece in given.text for line in piece.split(b"\n")[:-1]]
    client.execute(f"CREATE TEMPORARY TABLE {name} (raw String) ENGINE = Memory")
    if lines:
        settings = {**INSERT_SETTINGS, "insert_block_size": len(lines)}
        client.execute(f"INSERT INTO {name} (raw) VALUES", [lines], columnar=True, settings=settings)


def _send_texts(client: Client, name: str, given: Texts) -> None:
    """A few at a time, so that never all of them are in memory."""
    client.execute(f"CREATE TEMPORARY TABLE {name} (part UInt32, text String) ENGINE = Memory")
    size = sum(text.stat().st_size if isinstance(text, Path) else len(text) for _, text in given.data)
    rows = ((part, text.read_bytes() if isinstance(text, Path) else text) for part, text in given.data)
    if given.data:
        settings = {
            **INSERT_SETTINGS,
            "insert_block_size": 1 + _BLOCK * len(given.data) // (size + 1),
            # Left as they are sent, so that what reads them needs memory for a few at a time.
            "min_insert_block_size_rows": 0,
            "min_insert_block_size_bytes": 0,
        }
        client.execute(f"INSERT INTO {name} (part, text) VALUES", rows, settings=settings)
