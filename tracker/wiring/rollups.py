"""Keeps days, and spans of them, counted for overviews and time series.

One a step; then it rests four times as long as that took. Days that are not over come first.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import structlog

from tracker.loader import rollup_build, rollup_spans
from tracker.loader.rollups import DAYS, Rollups
from tracker.store import rollup_kept
from tracker.store.rollup_spans import noted_lately
from tracker.wiring.chore import Chore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracker.catalog import Catalog
    from tracker.store.engine import Engine

log = structlog.get_logger()

_LOOK = 20.0  # seconds between two looks for what is due
_FIRST = 10.0  # seconds after the start
_REST = 4  # times as long as building took
_REST_OPEN = 19  # the same after building what is not over
_TIDY = 3600.0  # seconds between two removals of what nobody reads any more
_PATIENCE = 30.0  # seconds after a fault: a cut-off insert on a server may still come alive, and give out numbers


class RollupKeeper(Chore):
    """Builds what is due, until asked to stop."""

    def __init__(self, engine: Engine, catalog: Catalog, stop: threading.Event, *, grace: int = 60) -> None:
        super().__init__("rollups", stop, first=_FIRST, look=_LOOK, rest=_PATIENCE)
        self._engine = engine
        self._rollups = Rollups(engine, grace=grace)
        self._catalog = catalog
        self._tidied = time.monotonic()
        self._open_again = 0.0

    def round(self) -> int:
        """Build every day that is due, of all sites, and then the spans of them; gives how many days were built."""
        zones = {site.name: site.timezone for site in self._catalog.sites.list()}
        built = self._open(zones)
        for site, timezone in zones.items():
            for due in self._rollups.due(site, timezone, time.time_ns() // 1_000_000):
                if self._stop_asked.is_set():
                    return built
                built += self._rollups.build(due, self._rest)
                built += self._open(zones)
            for span in rollup_spans.due(self._engine, site, timezone, time.time_ns() // 1_000_000, DAYS):
                if self._stop_asked.is_set():
                    return built
                rollup_spans.make(self._engine, span, self._rest)
            self._renew(site, timezone)
        if time.monotonic() - self._tidied > _TIDY:
            self._rollups.tidy(zones)
            self._tidied = time.monotonic()
        return built

    def _rest(self, took: float) -> bool:
        """After each statement, so that no long work is followed by a long rest. False: it is asked to stop."""
        return not self._stop_asked.wait(_REST * took)

    def _renew(self, site: str, timezone: str) -> None:
        """The next overview finds in this process what the one before has found of the builds before."""
        rollup_kept.renew(self._engine, site, timezone, noted_lately(self._engine, site, timezone))

    def _open(self, zones: Mapping[str, str]) -> int:
        """Build the days that are not over where it is time; gives how many were built.

        They are built again and again, so this takes a twentieth of a core at most, and questions add what comes
        meanwhile.
        """
        began = time.monotonic()
        if began < self._open_again:
            return 0
        built = 0
        for site, timezone in zones.items():
            for due in self._rollups.open_due(site, timezone, time.time_ns() // 1_000_000):
                if self._stop_asked.is_set():
                    return built
                built += self._rollups.build(due, lambda _: not self._stop_asked.is_set())
            self._renew(site, timezone)
        rollup_build.forget(self._engine)
        self._open_again = time.monotonic() + _REST_OPEN * (time.monotonic() - began)
        return built
