"""Looks for who refused and is still at a network, so that their removal needs no delivery to wait for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tracker.wiring.chore import Chore

if TYPE_CHECKING:
    from tracker.api.services import Services

_LOOK = 300.0  # seconds between two looks: a third of the time that a removal may wait


class TakeBack(Chore):
    """One thread, beside those that deliver."""

    def __init__(self, services: Services, stop: threading.Event) -> None:
        from tracker.api.exports import desk_of
        from tracker.audiences.withdrawals import Withdrawals

        super().__init__("withdrawals", stop, first=_LOOK, look=_LOOK)
        self._withdrawals = Withdrawals(desk_of(services))

    def round(self) -> int:
        """Take back whoever must go; gives how many deliveries that took."""
        return self._withdrawals.look()
