"""Looks at every alert once an interval, when its last whole hour or day is over."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from tracker.core.alerts import Firing, Teller
from tracker.core.errors import TrackerError
from tracker.wiring.chore import Chore

if TYPE_CHECKING:
    from tracker.catalog import Catalog
    from tracker.catalog.alerts import StoredAlert
    from tracker.store.engine import Engine

log = structlog.get_logger()

_LOOK = 30.0  # seconds between two looks for what is due
_FIRST = 5.0  # seconds after the start


class Alerts(Chore):
    """Evaluates what is due, until asked to stop. Without a `teller` firings are kept and shown, and told to nobody."""

    def __init__(
        self,
        engine: Engine,
        catalog: Catalog,
        stop: threading.Event,
        teller: Teller | None = None,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        super().__init__("alerts", stop, first=_FIRST, look=_LOOK)
        self._engine = engine
        self._catalog = catalog
        self._teller = teller
        self._now_ms = now_ms

    def round(self) -> int:
        """Look at what is due, and tell what was not told yet; gives how many fired."""
        sites = {site.name: site.timezone for site in self._catalog.sites.list()}
        fired = 0
        for alert in self._catalog.alerts.list():
            if alert.site in sites and not self._stop_asked.is_set():
                try:
                    fired += self._look(alert, sites[alert.site])
                except TrackerError as failure:  # the others are looked at all the same
                    log.warning("alerts.not_now", alert=alert.id, reason=failure.message, code=failure.code)
        self._tell()
        return fired

    def _look(self, alert: StoredAlert, timezone: str) -> bool:
        from tracker.analytics import alerts

        now = self._now_ms()
        spec = alerts.parse(alert.alert, alert.site, timezone)
        if alerts.last_whole(spec, now)[0].isoformat() == alert.looked_at:
            return False
        found = alerts.run(self._engine, spec, now)
        firing = None
        if found.kind:
            firing = Firing(
                id=f"fir_{secrets.token_hex(8)}",
                alert=alert.id,
                site=alert.site,
                name=alert.name,
                start=found.start,
                kind=found.kind,
                value=found.value,
                usual=found.usual,
                score=found.score,
                at=now,
            )
        return self._catalog.alerts.looked(alert, found.start, firing) and firing is not None

    def _tell(self) -> None:
        if self._teller is None:
            return
        for firing in self._catalog.alerts.untold():
            try:
                self._teller.tell(firing)
            except TrackerError as failure:  # told again; the others are told all the same
                log.warning("alerts.not_told", alert=firing.alert, reason=failure.message, code=failure.code)
            else:
                self._catalog.alerts.told(firing.id)
