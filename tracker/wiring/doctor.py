"""What can be checked about an installation, a function a question. Each says what to do when it is not well."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tracker.config import Settings
from tracker.core.errors import TrackerError
from tracker.supervisor.claim import holder

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Finding:
    """One answer: the question, how grave it is, and one sentence."""

    check: str
    state: str
    says: str


def examine(settings: Settings) -> list[Finding]:
    """Ask every question; one that raises is a finding, too."""
    found = []
    for check in CHECKS:
        name = check.__name__.removeprefix("_").replace("_", " ")
        try:
            state, says = check(settings)
        except TrackerError as error:
            state, says = FAIL, error.message
        except OSError as error:
            state, says = FAIL, f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
        found.append(Finding(name, state, says))
    return found


def _python(_settings: Settings) -> tuple[str, str]:
    return OK, sys.version.split()[0]


def _data_folder(settings: Settings) -> tuple[str, str]:
    if not settings.data.exists():
        return WARN, f"{settings.data} does not exist yet; the first command that needs it makes it"
    probe = settings.data / f".doctor.{os.getpid()}"
    probe.write_bytes(b"x")
    probe.unlink()
    mode = settings.data.stat().st_mode & 0o777
    if mode & 0o007:
        return WARN, f"{settings.data} can be read by everybody on this machine: chmod 750 {settings.data}"
    return OK, f"{settings.data} is writable"


def _free_disk(settings: Settings) -> tuple[str, str]:
    usage = shutil.disk_usage(_existing(settings.data))
    free = f"{usage.free / 1e9:.1f} GB free"
    if usage.free < 500_000_000:
        return FAIL, f"{free}: make room, or the collector will soon answer 503"
    return (OK if usage.free > 5e9 else WARN), free


def _flush_to_disk(settings: Settings) -> tuple[str, str]:
    """Every acknowledgement waits for one of these."""
    path = _existing(settings.data) / f".doctor.{os.getpid()}"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        times = []
        for _ in range(10):
            os.write(fd, b"x" * 4096)
            began = time.perf_counter()
            os.fsync(fd)
            times.append(time.perf_counter() - began)
    finally:
        os.close(fd)
        path.unlink()
    median = sorted(times)[len(times) // 2] * 1000
    if median > 50:
        return WARN, f"{median:.1f} ms for each flush: the disk is slow, and every acknowledgement waits for it"
    return OK, f"{median:.1f} ms for each flush"


def _admin_token(settings: Settings) -> tuple[str, str]:
    path = settings.data / "admin-token"
    if settings.admin_token:
        return OK, "given by TRACKER_ADMIN_TOKEN"
    if not path.exists():
        return OK, "made on first start"
    if path.stat().st_mode & 0o077:
        return FAIL, f"{path} can be read by others: chmod 600 {path}"
    return OK, f"{path}, mode 0600"


def _catalog(settings: Settings) -> tuple[str, str]:
    from tracker.wiring.doors import open_catalog

    if not settings.catalog_url and not (settings.data / "catalog.sqlite").exists():
        return WARN, "no site yet: tracker site add NAME --domain D"
    with open_catalog(settings) as catalog:
        sites = catalog.sites.list()
    if not sites:
        return WARN, "no site yet: tracker site add NAME --domain D"
    return OK, f"{len(sites)} {'site' if len(sites) == 1 else 'sites'}"


def _store(settings: Settings) -> tuple[str, str]:
    from tracker.store.engine import Query
    from tracker.wiring.doors import open_store

    if not settings.clickhouse_url and (running := holder(settings.data, "store")) is not None:
        return OK, f"the embedded store is open in process {running.get('pid')}"
    if not settings.clickhouse_url and not (settings.data / "clickhouse").exists():
        return OK, "the embedded store is made on first start"
    with open_store(settings) as engine:
        version = engine.ask(Query(text="select version()")).rows[0][0]
    return OK, f"ClickHouse {version}, {engine.kind}"


def _ports(settings: Settings) -> tuple[str, str]:
    if (running := holder(settings.data, "up")) is not None:
        return OK, f"tracker up runs on this folder (process {running.get('pid')})"
    wanted = {"--port": settings.port, "--api-port": settings.api_port, "--dashboard-port": settings.dashboard_port}
    taken = [f"{port} ({flag})" for flag, port in wanted.items() if _answers(port)]
    if taken:
        return WARN, f"in use by another program: {', '.join(taken)}"
    return OK, "free: " + ", ".join(str(port) for port in wanted.values())


def _country_database(settings: Settings) -> tuple[str, str]:
    if not settings.geo_database:
        return OK, "registrations of addresses, for reports only; consent takes every visitor for a European one"
    if not Path(settings.geo_database).is_file():
        return FAIL, f"no such file: {settings.geo_database} (TRACKER_GEO_DATABASE)"
    return OK, settings.geo_database


def _spool(settings: Settings) -> tuple[str, str]:
    waiting = sum(path.stat().st_size for path in settings.spool_dir.glob("*/*.seg"))
    share = waiting / settings.spool_max_bytes
    says = f"{waiting / 1e6:.1f} MB wait for the loader, {share:.0%} of the limit"
    if share > 0.5:
        return WARN, f"{says}: is the engine running, and is ClickHouse well?"
    return OK, says


CHECKS: tuple[Callable[[Settings], tuple[str, str]], ...] = (
    _python,
    _data_folder,
    _free_disk,
    _flush_to_disk,
    _admin_token,
    _catalog,
    _spool,
    _store,
    _ports,
    _country_database,
)


def _existing(path: Path) -> Path:
    """The path, or its nearest ancestor that exists."""
    whole = path.resolve()
    while not whole.exists():
        whole = whole.parent
    return whole


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
