"""Opening the catalog's database: pragmas, transactions, schema version.

Several processes use one SQLite file at once (the command line adds a site while the engine runs), so every writing
transaction takes the write lock when it begins: upgrading a read lock later fails at once instead of waiting.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, create_engine, event, func, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm import InstrumentedAttribute, Session

from tracker.catalog import activation_tables, report_tables
from tracker.catalog.tables import Base
from tracker.core.errors import BadRequest, Broken, TryLater

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

BUSY_TIMEOUT_S = 15
TURN_S = 0.1
_PAUSE_S = 0.03
"""Whoever waits for SQLite's lock looks again after at most 25 ms, for the first eighth of a second."""
Step = Callable[[Session], None]
"""A part of something long, which writes."""
_CACHE_KB = 32_000  # for whoever looks a million keys up: the index above its last level stays there
_IN_A_SET, _IN_A_LIST = 10_000, 500  # SQLite takes a limited number of variables
_MIGRATION_LOCK = 7_214_003_511  # PostgreSQL advisory locks: any fixed numbers of ours
_EXCLUSIVE_LOCK = 7_214_003_512


def now_ms() -> int:
    """The wall clock, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def _first_tables(connection: Connection) -> None:
    Base.metadata.create_all(connection)


def _pixel_settings(connection: Connection) -> None:
    """A database made by this version has the column already, because the first step makes what the classes say."""
    if "pixel" not in {column["name"] for column in inspect(connection).get_columns("sites")}:
        connection.execute(text("alter table sites add column pixel json"))


def _consent(connection: Connection) -> None:
    """What a site declares about privacy, the suppression list and the consent log."""
    if "privacy" not in {column["name"] for column in inspect(connection).get_columns("sites")}:
        connection.execute(text("alter table sites add column privacy json"))
    Base.metadata.create_all(connection)  # makes only what is missing


def _gate_settings(connection: Connection) -> None:
    if "gate" not in {column["name"] for column in inspect(connection).get_columns("sites")}:
        connection.execute(text("alter table sites add column gate json"))


def _deliveries(connection: Connection) -> None:
    """What exports say of themselves, and who was delivered to which network."""
    if "details" not in {column["name"] for column in inspect(connection).get_columns("exports")}:
        connection.execute(text("alter table exports add column details json"))
    Base.metadata.create_all(connection)


def _costs(connection: Connection) -> None:
    """What advertising cost."""
    Base.metadata.create_all(connection)


def _erasures(connection: Connection) -> None:
    """Erasures, the hashes they leave behind, and what networks must be told of them."""
    Base.metadata.create_all(connection)


def _rates(connection: Connection) -> None:
    """The currency that a site reports in, and exchange rates."""
    if "currency" not in {column["name"] for column in inspect(connection).get_columns("sites")}:
        connection.execute(text("alter table sites add column currency varchar(3)"))
    Base.metadata.create_all(connection)


def _annotations(connection: Connection) -> None:
    """Notes on days, alerts and their firings."""
    Base.metadata.create_all(connection)


def _destinations(connection: Connection) -> None:
    """Where exports go, when, and the ledger of deliveries for each destination apart."""
    if "destination" not in {column["name"] for column in inspect(connection).get_columns("delivered")}:
        kept = {
            "deliveries": ("site, audience, network, generation", "destination, sending", "'download', ''"),
            "delivered": (
                "site, audience, network, person, at, sealed",
                "destination, export, taking",
                "'download', '', 0",
            ),
        }
        for table in kept:
            connection.execute(text(f"alter table {table} rename to {table}_before"))
        Base.metadata.create_all(connection)
        for table, (columns, more, values) in kept.items():
            copy = f"insert into {table} ({columns}, {more}) select {columns}, {values} from {table}_before"  # noqa: S608
            connection.execute(text(copy))
            connection.execute(text(f"drop table {table}_before"))
    Base.metadata.create_all(connection)


def _planned_lists(connection: Connection) -> None:
    """What a list for people takes beside what every delivery has."""
    if "details" not in {column["name"] for column in inspect(connection).get_columns("delivery_plans")}:
        connection.execute(text("alter table delivery_plans add column details json"))


def _memberships(connection: Connection) -> None:
    """How far the stored members of audiences are."""
    Base.metadata.create_all(connection)


def _activation(connection: Connection) -> None:
    """Conversions, coupons, contacts."""
    activation_tables.make(connection)


def _scheduled_reports(connection: Connection) -> None:
    """Reports that are sent again and again, and each time they were."""
    report_tables.make(connection)


def _advertising_ids(connection: Connection) -> None:
    """UID2s and EUIDs."""
    activation_tables.make(connection)


def _delivered_before(connection: Connection) -> None:
    """When somebody was delivered before the export that is on its way; exports that stopped there are gone on with."""
    if "before" not in {column["name"] for column in inspect(connection).get_columns("delivered")}:
        connection.execute(text("alter table delivered add column before bigint not null default 0"))
        # `at` was 0 for somebody new, -1 for somebody who was perhaps there before
        known = "case at when 0 then -1 when -1 then 0 else at end"
        connection.execute(
            text(f"update delivered set before = {known}, at = 0 where export <> '' and taking = 0")  # noqa: S608
        )
        connection.execute(text("update delivered set at = 0 where at < 0"))


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    *(_first_tables, _pixel_settings, _consent, _gate_settings),
    *(_deliveries, _costs, _erasures, _rates, _annotations, _destinations, _memberships),
    *(_activation, _scheduled_reports, _planned_lists, _advertising_ids, _delivered_before),
)
"""Step n brings the schema from version n to n + 1. Forward only; a released step never changes."""


class Database:
    """One catalog database. `read()` and `write()` are transactions; both may be used from any thread.

    `as_it_is`: for another process that only reads, beside one that has opened it.
    """

    def __init__(self, url: str, *, as_it_is: bool = False) -> None:
        self.url = url
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite and parsed.database and not as_it_is:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = (
            {"connect_args": {"timeout": BUSY_TIMEOUT_S, "check_same_thread": False}, "pool_size": 16}
            if self.is_sqlite
            else {"pool_pre_ping": True, "pool_size": 16}
        )
        self._engine = create_engine(parsed, **options)
        if self.is_sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        self._writer = self._engine.execution_options(tracker_write=True)
        if as_it_is:
            if self.is_sqlite:
                event.listen(self._engine, "connect", _look_up_much)
            return
        self._migrate()
        if self.is_sqlite and parsed.database and parsed.database != ":memory:":
            Path(parsed.database).chmod(0o600)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads, on one snapshot."""
        with self._told(), Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that writes; committed when the block ends, rolled back when it raises."""
        with self._told(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def exclusive(self) -> Iterator[Session]:
        """As `write()`, one at a time over all processes. SQLite's writers are that anyway."""
        with self.write() as session:
            if not self.is_sqlite:
                session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _EXCLUSIVE_LOCK})
            yield session

    def in_turns(self, steps: Iterable[Step]) -> None:
        """Take steps in their order, as many in one exclusive transaction as `TURN_S` lasts; then others get a turn.

        Where a step raises, those of the transactions before it stay taken. The next step is made when it is wanted.
        """
        left, more = iter(steps), True
        while more:
            more, ends = False, time.monotonic() + TURN_S
            with self.exclusive() as session:
                for step in left:
                    step(session)
                    if more := time.monotonic() >= ends:
                        break
            if more:
                time.sleep(_PAUSE_S)

    @contextmanager
    def forgetting(self) -> Iterator[Session]:
        """As `write()`, for deleting what must not stay: SQLite overwrites it, and its log is emptied afterwards."""
        with self.write() as session:
            if self.is_sqlite:
                session.execute(text("pragma secure_delete = on"))
            yield session
        if self.is_sqlite:  # other readers may keep the log open: it is then emptied by the next one that can
            with self._told(), self._engine.connect() as connection:
                connection.connection.driver_connection.execute("pragma wal_checkpoint(truncate)")  # type: ignore[union-attr]

    def among(self, query: Any, column: InstrumentedAttribute[str], values: Sequence[str]) -> Iterator[Any]:
        """Rows of `query`, a select, where the column has one of these values, on one snapshot.

        Values in order cost least. Asked in large sets, past the unit of work: a third of what small ones cost.
        """
        with self.read() as session:
            connection = session.connection()
            for at in range(0, len(values), _IN_A_SET):
                some = values[at : at + _IN_A_SET]
                text = json.dumps(some)
                if self.is_sqlite and "\\u0000" not in text:  # which ends a text of JSON there
                    given = select(func.json_each(text).table_valued("value").c.value)
                    yield from connection.execute(query.where(column.in_(given))).cursor.fetchall()
                else:
                    for start in range(0, len(some), _IN_A_LIST):
                        yield from connection.execute(query.where(column.in_(some[start : start + _IN_A_LIST]))).all()

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    @property
    def version(self) -> int:
        """The schema's version."""
        return len(MIGRATIONS)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """A database that is locked or away is a neighbour that is down, not a fault of the caller."""
        try:
            yield
        except OperationalError as error:
            raise TryLater("the catalog database is busy or away; try again") from error
        except (DataError, UnicodeEncodeError):
            raise BadRequest("a text holds a character that cannot be stored", code="bad_value") from None

    def _migrate(self) -> None:
        with self._writer.connect() as connection, connection.begin():
            if not self.is_sqlite:
                connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            if inspect(connection).has_table("schema_version"):
                have = connection.execute(text("select version from schema_version")).scalar_one()
            else:  # what the classes say is what all steps together come to
                connection.execute(text("create table schema_version (version integer not null)"))
                connection.execute(text("insert into schema_version (version) values (0)"))
                _first_tables(connection)
                have = len(MIGRATIONS)
                connection.execute(text("update schema_version set version = :version"), {"version": have})
            if have > len(MIGRATIONS):
                raise Broken(
                    f"the catalog has schema version {have}, this program knows {len(MIGRATIONS)}: use a newer program"
                )
            if have < len(MIGRATIONS):
                for step in MIGRATIONS[have:]:
                    step(connection)
                connection.execute(text("update schema_version set version = :version"), {"version": len(MIGRATIONS)})


def insert_into(connection: Connection, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """An insert that knows what to do on a conflict, in the words of this database."""
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as into_sqlite  # noqa: PLC0415 - each takes time to import

        return into_sqlite(table)
    from sqlalchemy.dialects.postgresql import insert as into_postgresql  # noqa: PLC0415 - that of the other most

    return into_postgresql(table)


def execute_many(connection: Connection, statement: Any, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Run a statement for each row, which says these of its values; the others are as the statement has them.

    Past SQLAlchemy's handling of each value, which costs three times what SQLite does.
    """
    compiled = statement.compile(dialect=connection.dialect)
    given: Any = dict(compiled.params)
    places: list[Any] = list(names)
    if compiled.positional:
        given = [given[name] for name in compiled.positiontup]
        places = [compiled.positiontup.index(name) for name in names]

    def filled() -> Iterator[Any]:
        for row in rows:
            one = given.copy()
            for place, value in zip(places, row, strict=True):
                one[place] = value
            yield one

    cursor: Any = connection.connection.cursor()
    cursor.executemany(compiled.string, filled())


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute(f"pragma busy_timeout = {BUSY_TIMEOUT_S * 1000}")
    cursor.execute("pragma journal_mode = wal")
    cursor.execute("pragma synchronous = full")  # a ledger entry permits deleting a segment: it must be on disk
    cursor.execute("pragma foreign_keys = on")
    cursor.close()


def _look_up_much(connection: Any, _record: object) -> None:
    connection.execute(f"pragma cache_size = -{_CACHE_KB}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("tracker_write", False)
    connection.exec_driver_sql("begin immediate" if writes else "begin")
