"""Makes scheduled reports when their moment has come, one at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tracker.wiring.chore import Chore

if TYPE_CHECKING:
    from tracker.api.services import Services

_LOOK = 5.0  # seconds between two looks for what is due
_FIRST = 3.0  # seconds after the start


class ScheduledReports(Chore):
    """One thread: however many are due, they never take more of the machine than one report does."""

    def __init__(self, services: Services, stop: threading.Event) -> None:
        super().__init__("reports", stop, first=_FIRST, look=_LOOK)
        self._services = services
        self._began = False

    def round(self) -> int:
        """Claim what is due and make what waits; gives how many were tried."""
        from tracker.api.scheduled import claim_due, make_waiting

        if not self._began:
            self._services.catalog.report_runs.release(self._services.now_ms())
            self._began = True
        claim_due(self._services)
        return make_waiting(self._services, self._stop_asked)
