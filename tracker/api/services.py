"""What the API is given. It opens nothing and reads no setting itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tracker.audiences.definition import Definitions
from tracker.audiences.delivery import Senders
from tracker.catalog import Catalog
from tracker.catalog.erasures import Erasure
from tracker.store.engine import Engine


class Backups(Protocol):
    """Makes backups, one at a time."""

    @property
    def state(self) -> dict[str, Any]:
        """`{"state": "none|running|done|failed", "folder", "bytes", "of", "error"?}`."""
        ...

    def begin(self, folder: str) -> dict[str, Any]:
        """Start one into a new folder of the engine's machine."""
        ...


def _no_status() -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Services:
    """Filled by the wiring; every callable blocks and may be called from any thread.

    ledger            (site or None) -> the answer of `GET /api/v1/ledger`
    replay            (site, ids that `GET /api/v1/rejected` gave, or None for all of the site) -> {"replayed": n}
    erase             (site, visitors, users, who asks) -> the erasure, done or still running
    backups           makes backups of the data folder, where this process can
    status            () -> what to add to `GET /api/v1/status` (lag, disk, processes)
    canary            () -> how our own last event fared (`tracker.wiring.canary`), None where none was sent
    admin_token_hash  SHA-256, hex, of the admin's token
    exports           folder for finished files
    senders           what sends exports to destinations
    deliver_every_s   seconds between two looks for deliveries whose turn has come; 0: this process makes none
    reports_run       this process makes scheduled reports
    collector_url     where browsers reach the collector; stands in the snippet
    report_timeout_s  a report that takes longer is stopped and answered with 504
    report_memory     a report's query that needs more bytes is stopped and answered with 422; 0 for no limit
    report_threads    reports that run at once; as many again may wait, then 503
    definitions       those of saved audiences, read once until they are changed
    currencies        the main currency of each site, as a look-up of segments found it last
    """

    engine: Engine
    catalog: Catalog
    ledger: Callable[[str | None], Mapping[str, Any]]
    replay: Callable[[str, Sequence[str] | None], Mapping[str, Any]]
    erase: Callable[[str, Sequence[str], Sequence[str], str], Erasure]
    admin_token_hash: str
    exports: Path
    version: str
    senders: Senders
    deliver_every_s: float = 0.0
    reports_run: bool = False
    backups: Backups | None = None
    status: Callable[[], Mapping[str, Any]] = _no_status
    canary: Callable[[], Mapping[str, Any] | None] = lambda: None
    collector_url: str = ""
    report_timeout_s: float = 60.0
    report_memory: int = 0
    report_threads: int = 4
    definitions: Definitions = field(default_factory=Definitions)
    currencies: dict[str, str | None] = field(default_factory=dict)
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
