"""Fixtures that every kind of test shares.

chDB opens one folder a process at a time. The session's embedded store stays open between tests, because opening it
costs more than most of them; its tables are emptied in between. A test that opens another one asks for `no_store`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import structlog

from tracker.core.errors import TryLater
from tracker.store.embedded import Embedded
from tracker.store.engine import ASK_SETTINGS, Engine, Query
from tracker.store.migrate import migrate
from tracker.store.server import Server

sys.path.insert(0, str(Path(__file__).parent))

from clickhouse import ClickHouse
from depth import DEEP
from emptying import empty

pytest.register_assert_rewrite("asked_of_many")

# Engines that tests start would starve beside so much other work, and as root collectors would go before all of it.
# Benches measure with the product's own priorities.
os.environ.setdefault("TRACKER_ENGINE_NICE", "0")
os.environ.setdefault("TRACKER_COLLECTOR_REALTIME", "0")

# ClickHouse compiles an expression that it meets a third time, which pays with millions of rows and costs a test a
# fifth of its time. `make histories` and all processes that tests start compile as ever.
if not DEEP:
    for compiled in ("compile_expressions", "compile_aggregate_expressions", "compile_sort_description"):
        cast("dict[str, str | int]", ASK_SETTINGS)[compiled] = 0


# A command that a test runs in this process sets up the log, with what stands for standard error meanwhile. Loggers
# that were kept would write there after it was closed, in whatever test comes next.
_configure = structlog.configure


def _configure_for_now(**said: Any) -> None:
    _configure(**said | {"cache_logger_on_first_use": False})


structlog.configure = _configure_for_now


@pytest.fixture(autouse=True)
def log_of_its_own() -> Iterator[None]:
    """The log is set up for one test."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """A real ClickHouse server for the session. Whoever kills or freezes it starts it again."""
    server = ClickHouse(tmp_path_factory.mktemp("clickhouse") / "server")
    server.start()
    with server.revived():
        yield server
    server.kill()


class _Kept:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._engine: Embedded | None = None

    def open(self) -> Embedded:
        try:
            if self._engine is not None:
                self._engine.ask(Query(text="select 1"))
        except TryLater:  # a test closed it
            self._engine = None
        self._engine = self._engine or Embedded(self._folder)
        return self._engine

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
        self._engine = None


@pytest.fixture(scope="session")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Kept]:
    kept = _Kept(tmp_path_factory.mktemp("embedded") / "store")
    yield kept
    kept.close()


@pytest.fixture
def embedded(_kept: _Kept) -> Embedded:
    """An empty, migrated store in this process."""
    engine = _kept.open()
    migrate(engine)
    empty(engine)
    return engine


@pytest.fixture
def no_store(_kept: _Kept) -> None:
    """No store is open in this process."""
    _kept.close()


@pytest.fixture
def server(clickhouse: ClickHouse) -> Iterator[Server]:
    """An empty, migrated store on the real server."""
    clickhouse.revive()
    engine = Server(clickhouse.url())
    migrate(engine)
    empty(engine)
    yield engine
    engine.close()


@pytest.fixture(params=["embedded", pytest.param("server", marks=pytest.mark.server)])
def engine(request: pytest.FixtureRequest) -> Engine:
    """An empty, migrated store: the test runs once on each engine."""
    store: Engine = request.getfixturevalue(request.param)
    return store


@pytest.fixture
def unmerged(engine: Engine) -> Iterator[Engine]:
    """The same, where events that are there twice stay so: nothing is merged in the background."""
    engine.command(Query(text="system stop merges events"))
    yield engine
    engine.command(Query(text="system start merges events"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An empty data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder
