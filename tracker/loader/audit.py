"""Does the store really hold what the ledger says it stored? Counted while nothing is being loaded."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

import structlog

from tracker.core.site import INTERNAL
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Query
from tracker.store.sql import fill

log = structlog.get_logger()
_HELD = "select site, count() from /*events*/ group by site"
_ERASED = "select site, sum(events) from erased group by site"
_EVERY = 60.0  # seconds; and only after something was loaded


class Totals(Protocol):
    """What the audit needs of `tracker.catalog.ledger.Ledger`."""

    def totals(self, site: str | None = None) -> dict[str, Any]:
        """Endings so far."""
        ...


class Audit:
    """Stored by the ledger, less erased, less held by the store: 0 for every site, or something is wrong."""

    def __init__(self, engine: Engine, ledger: Totals) -> None:
        self._engine = engine
        self._ledger = ledger
        self._off: Mapping[str, int] = {}
        self._next = 0.0
        self._due = True

    def missing(self, site: str | None = None) -> int:
        """Events that the last audit could not explain, lost or surplus, of a site or of all."""
        return sum(self._off.values()) if site is None else self._off.get(site, 0)

    def loaded(self) -> None:
        """Something was loaded: count again when there is time."""
        self._due = True

    def when_due(self) -> None:
        """Count if it is time to. To be called while nothing is being loaded. Raises TryLater."""
        if self._due and time.monotonic() >= self._next:
            self.count()
            self._due = False
            self._next = time.monotonic() + _EVERY

    def count(self) -> None:
        """Count now. Raises TryLater."""
        held = dict(self._engine.ask(fill(_HELD, {"events": events_source(self._engine)})).rows)
        erased = dict(self._engine.ask(Query(text=_ERASED)).rows)
        off = {}
        for site in held.keys() | erased.keys():
            stored = int(self._ledger.totals(site)["stored"])
            off[site] = abs(stored - erased.get(site, 0) - held.get(site, 0))
        # The ledger's total has no sites of our own (the canary's), so nothing of them is counted against it.
        theirs = [site for site in off if not site.startswith(INTERNAL)]
        present = sum(held.get(site, 0) + erased.get(site, 0) for site in theirs)
        everything = int(self._ledger.totals(None)["stored"]) - present
        # A site that lost all of its events is in neither list; it has no name here, but it counts.
        known = sum(off[site] for site in theirs)
        off[""] = max(0, abs(everything) - known)
        self._off = {site: count for site, count in off.items() if count}
        if self._off:
            log.error("loader.audit_failed", events=sum(self._off.values()), sites=len(self._off))
