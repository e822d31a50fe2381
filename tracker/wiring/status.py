"""Takes stock without a running engine: the spool and the catalog's ledger are files."""

from __future__ import annotations

import platform
import shutil
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tracker import __version__
from tracker.config import Settings
from tracker.supervisor.claim import holder
from tracker.wiring.canary import last_flight
from tracker.wiring.doors import open_catalog

RUNNING = ("up", "loader", "api")


def take_stock(settings: Settings) -> dict[str, Any]:
    """Ledger of all sites together and of each, lag, disk, versions, and which of our processes run."""
    from tracker.loader.ledger import LedgerView
    from tracker.spool.reader import Spool

    with open_catalog(settings) as catalog:
        spool = Spool(settings.spool_dir)
        view = LedgerView(spool, catalog.ledger)
        total = view(None)
        sites = {site.name: view(site.name) for site in catalog.sites.list()}
    return {
        "data": str(settings.data),
        "ledger": total,
        "sites": sites,
        **condition(settings),
    }


def condition(settings: Settings) -> dict[str, Any]:
    """Lag, disk, versions, and which of our processes run.

    `lag_seconds` is None when nothing waits, `canary` when none ever flew.
    """
    return {
        "lag_seconds": _lag(settings.spool_dir),
        "canary": last_flight(settings.data),
        "disk": {
            "spool_bytes": folder_bytes(settings.spool_dir),
            "store_bytes": folder_bytes(settings.data / "clickhouse"),
            "free_bytes": shutil.disk_usage(settings.data).free,
        },
        "running": {name: found for name in RUNNING if (found := holder(settings.data, name)) is not None},
        "versions": {"tracker": __version__, "python": platform.python_version(), **_packages()},
    }


def _packages() -> dict[str, str]:
    found = {}
    for name in ("chdb", "clickhouse-driver", "streamlit"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _lag(spool: Path) -> float | None:
    """Seconds since the oldest waiting segment was begun or sealed."""
    oldest = [path.stat().st_mtime for pattern in ("*/*.seg", "*/*.open") for path in spool.glob(pattern)]
    return max(time.time() - min(oldest), 0.0) if oldest else None


def folder_bytes(folder: Path) -> int:
    """Bytes in all files below a folder; files that vanish while we look count nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total
