"""The watch: one thread, one loop, ten looks a second.

Collectors are started first and wait for nobody. Whatever dies is started again after a pause that doubles from 0.2 s
to 15 s; what ends with exit code 2 (wrong usage) would only do so again, so then everything stops.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from types import FrameType

import structlog

from tracker.supervisor.child import WRONG_USAGE, Child, Role

log = structlog.get_logger()

LOOK = 0.1  # seconds between two looks


class Supervisor:
    """Runs roles until a signal comes. `say` prints a line for a person; `stop_seconds` is the grace before SIGKILL."""

    def __init__(self, roles: Sequence[Role], *, say: Callable[[str], None], stop_seconds: float) -> None:
        self._children = [Child(role) for role in roles]
        self._say = say
        self._grace = stop_seconds
        self._stopping = 0  # how many times somebody asked

    def run(self) -> int:
        """Block until stopped. Exit code: 0 after a signal, 1 when a role cannot work."""
        old = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        code = 1
        try:
            code = self._watch()
        finally:
            self._stop()
            for number, handler in old.items():
                signal.signal(number, handler)
        return code

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping += 1

    def _watch(self) -> int:
        while not self._stopping:
            now = time.monotonic()
            ready = self._ready_names()
            for child in self._children:
                if child.may_start(now, ready):
                    child.start(now)
                    log.debug("started", process=child.role.name, pid=child.pid)
                if (code := child.ended(time.monotonic())) is not None and self._report(child, code):
                    return 1
                if child.process is not None and not child.ready and not child.role.job and child.role.ready():
                    child.ready = True
                if child.ready and not child.announced:
                    child.announced = True
                    if child.role.says:
                        self._say(child.role.says)
            time.sleep(LOOK)
        return 0

    def _ready_names(self) -> set[str]:
        """Names of roles all of whose processes are ready."""
        names = {child.role.name for child in self._children}
        return names - {child.role.name for child in self._children if not child.ready}

    def _report(self, child: Child, code: int) -> bool:
        """Tell that a child ended; True when there is no use in going on."""
        if child.role.job:
            if code:
                log.error("job failed", process=child.role.name, code=code)
            return False
        if code == WRONG_USAGE:
            log.error("cannot work with these settings: stopping", process=child.role.name)
            return True
        log.warning("ended: starting it again", process=child.role.name, code=code, restarts=child.restarts)
        return False

    def _stop(self) -> None:
        """SIGTERM to all, SIGKILL to whoever is left after the grace or on a second request."""
        for child in self._children:
            child.signal(signal.SIGTERM)
        asked, deadline = self._stopping, time.monotonic() + self._grace
        while self._alive() and time.monotonic() < deadline and self._stopping <= max(asked, 1):
            time.sleep(0.02)
        for child in self._alive():
            log.warning("did not stop in time: killed", process=child.role.name)
            child.signal(signal.SIGKILL)
        for child in self._alive():
            if child.process is not None:
                child.process.wait()

    def _alive(self) -> list[Child]:
        return [child for child in self._children if child.process is not None and child.process.poll() is None]
