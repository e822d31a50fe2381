"""Opens what commands need one at a time: the catalog, the store, the spool, the admin's token."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.config import Settings
from tracker.core.errors import Conflict, TrackerError
from tracker.core.uncollected import uncollected
from tracker.supervisor.claim import Claim, holder

if TYPE_CHECKING:
    from tracker.catalog import Catalog
    from tracker.store.engine import Engine


@contextmanager
def open_catalog(settings: Settings) -> Iterator[Catalog]:
    """The catalog, closed afterwards. Any number of processes may have it open."""
    with uncollected():
        from tracker.catalog import Catalog

    make_data_folder(settings)
    catalog = Catalog(settings.catalog, settings.sites_file)
    try:
        yield catalog
    finally:
        catalog.close()


@contextmanager
def open_store(settings: Settings) -> Iterator[Engine]:
    """The store that the settings choose, closed afterwards. Raises Conflict where another process has it open."""
    if settings.clickhouse_url:
        from tracker.store.server import Server

        engine: Engine = Server(settings.clickhouse_url)
        try:
            yield engine
        finally:
            engine.close()
        return
    make_data_folder(settings)
    if holder(settings.data, "store") is not None:
        raise Conflict(
            f"a tracker engine has the embedded store of {settings.data} open, and only one process may: "
            "stop it first, or let both use a ClickHouse server (TRACKER_CLICKHOUSE_URL)",
            code="store_in_use",
        )
    claim = Claim.take(settings.data, "store")
    try:
        from tracker.store.embedded import Embedded

        embedded = Embedded(settings.data / "clickhouse")
        try:
            yield embedded
        finally:
            embedded.close()
    finally:
        claim.release()


def migrate_store(settings: Settings) -> list[str]:
    """Apply what is missing; names of the migrations applied."""
    from tracker.store.migrate import migrate

    with open_store(settings) as engine:
        return list(migrate(engine))


def make_data_folder(settings: Settings) -> None:
    """Make it readable for its owner only: it holds what visitors did."""
    try:
        settings.data.mkdir(parents=True, mode=0o700, exist_ok=True)
    except OSError as error:
        raise TrackerError(
            f"cannot make the data folder {settings.data} ({error.strerror}): choose another with --data",
            code="no_data_folder",
        ) from None


def admin_token(settings: Settings) -> str:
    """The admin's token: the setting, else `DATA/admin-token`, made on first use with mode 0600."""
    if settings.admin_token:
        return settings.admin_token
    make_data_folder(settings)
    path = settings.data / "admin-token"
    if not path.exists():
        _make_token(path)
    token = path.read_text(encoding="ascii").strip()
    if not token:
        raise TrackerError(f"{path} is empty: remove it, and a new one is made", code="no_admin_token")
    return token


def _make_token(path: Path) -> None:
    """Complete or not at all, and the first of several processes wins: written aside, then linked to its name."""
    aside = path.with_name(f".admin-token.{os.getpid()}")
    fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, f"jt_{secrets.token_urlsafe(32)}\n".encode())
        os.fsync(fd)
    finally:
        os.close(fd)
    with suppress(FileExistsError):
        os.link(aside, path)
    aside.unlink()
