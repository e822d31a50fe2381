"""Looks for opt-outs of UID2 and EUID, so that removals need no export to wait for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tracker.wiring.chore import Chore

if TYPE_CHECKING:
    from tracker.api.services import Services

_LOOK = 3600.0  # seconds between two looks; each id is asked about far less often (`advertising_ids.CHECK_MS`)
_FIRST = 120.0  # seconds after the start


class OptOuts(Chore):
    """One thread, beside those that deliver."""

    def __init__(self, services: Services, stop: threading.Event) -> None:
        super().__init__("opt_outs", stop, first=_FIRST, look=_LOOK)
        self._services = services

    def round(self) -> int:
        """Ask what is due, and take back who opted out; gives how many deliveries that took."""
        from tracker.api.exports import desk_of
        from tracker.audiences import opt_outs

        return opt_outs.look(desk_of(self._services))
