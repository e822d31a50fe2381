"""A chore of the engine: rounds in a thread of its own, until it is asked to stop."""

from __future__ import annotations

import threading

import structlog

from tracker.core.errors import TrackerError

log = structlog.get_logger()


class Chore(threading.Thread):
    """Does `round` after `first` seconds and then every `look`; after a fault it rests for `rest`."""

    def __init__(
        self, name: str, stop: threading.Event, *, first: float, look: float, rest: float | None = None
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._stop_asked = stop
        self._pauses = first, look, look if rest is None else rest

    def run(self) -> None:
        """Until asked to stop. What fails is logged and tried again."""
        pause, usual, after_fault = self._pauses
        while not self.idle(pause):
            pause = usual
            try:
                self.round()
            except TrackerError as failure:
                log.warning(f"{self.name}.not_now", reason=failure.message, code=failure.code)
                pause = after_fault
            except Exception:
                log.exception(f"{self.name}.failed")
                pause = after_fault

    def idle(self, seconds: float) -> bool:
        """Wait for the next round; true when asked to stop."""
        return self._stop_asked.wait(seconds)

    def round(self) -> int:
        """One round; gives how much was done. Raises TrackerError where it cannot be done now."""
        raise NotImplementedError
