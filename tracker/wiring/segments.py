"""Keeps `DATA/segments` up to date: each audience is computed anew as often as its `refresh` says.

Collectors answer `GET /v1/segments` from these files. Computing rests at least four times as long as it took: it never
has more than a fifth of the store's time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from tracker.core import membership as files
from tracker.core.errors import TrackerError
from tracker.core.period import duration_ms

if TYPE_CHECKING:
    from tracker.catalog import Catalog
    from tracker.catalog.audiences import StoredAudience
    from tracker.store.engine import Engine

log = structlog.get_logger()

_LOOK = 5.0  # seconds between two looks for what is due
_FIRST = 2.0  # seconds after the start
_REST = 4  # times as long as computing took


@dataclass(frozen=True)
class _Turn:
    """When an audience is due again, of what definition."""

    due: float
    updated_at: int


class Segments(threading.Thread):
    """Computes what is due, until asked to stop."""

    def __init__(self, engine: Engine, catalog: Catalog, data: Path, stop: threading.Event) -> None:
        super().__init__(name="segments", daemon=True)
        self._engine = engine
        self._catalog = catalog
        self._data = data
        self._stop_asked = stop
        self._turns: dict[str, _Turn] = {}

    def run(self) -> None:
        """Until asked to stop. What fails is logged and tried again."""
        pause = _FIRST
        while not self._stop_asked.wait(pause):
            pause = _LOOK
            try:
                self.round()
            except TrackerError as failure:
                log.warning("segments.not_now", reason=failure.message, code=failure.code)
            except Exception:
                log.exception("segments.failed")

    def round(self) -> int:
        """Write every audience that is due; gives how many. Files of audiences that are gone are removed."""
        sites = {site.name for site in self._catalog.sites.list()}
        audiences = [audience for audience in self._catalog.audiences.list() if audience.site in sites]
        self._tidy(audiences)
        written = 0
        for audience in audiences:
            turn = self._turns.get(audience.id)
            if self._stop_asked.is_set():
                break
            if turn is None or turn.due <= time.monotonic() or turn.updated_at != audience.updated_at:
                written += self._write(audience)
        return written

    def _write(self, audience: StoredAudience) -> bool:
        began = time.monotonic()
        try:
            write(self._engine, self._catalog, self._data, audience)
            done = True
        except TrackerError as failure:  # a rule that names an audience which is gone, a store that is away
            log.warning("segments.not_now", audience=audience.id, reason=failure.message, code=failure.code)
            done = False
        took = time.monotonic() - began
        rest = max(duration_ms(audience.refresh, field="refresh") / 1000, _REST * took)
        self._turns[audience.id] = _Turn(began + rest if done else began + 60, audience.updated_at)
        return done

    def _tidy(self, audiences: Sequence[StoredAudience]) -> None:
        there = {files.path_of(self._data, audience.site, audience.id) for audience in audiences}
        for path in (self._data / files.FOLDER).glob("*/*"):
            if path not in there:  # of a half written file too
                path.unlink(missing_ok=True)
        known = {audience.id for audience in audiences}
        self._turns = {audience: turn for audience, turn in self._turns.items() if audience in known}


def write(engine: Engine, catalog: Catalog, data: Path, audience: StoredAudience) -> int:
    """Compute one audience and put its file in place; gives the number of keys. Raises TrackerError."""
    from tracker.audiences import definition, membership

    site = catalog.sites.get(audience.site)
    now_ms = time.time_ns() // 1_000_000
    rule = definition.stored(audience, lambda other: catalog.audiences.get(other).rule)
    path = files.path_of(data, audience.site, audience.id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = path.with_suffix(".new")
    count = 0
    with half.open("wb") as file:
        file.seek(files.HEAD)
        for part in membership.keys(engine, site, rule, now_ms):
            file.write(files.keys(part))
            count += len(part)
        file.seek(0)
        file.write(files.head(audience.site, audience.id, now_ms, count))
    half.replace(path)
    return count
