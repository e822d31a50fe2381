"""One supervised process: how it is started, when it is ready, when it is started again."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tracker.supervisor.leash import leash

FIRST_PAUSE = 0.2  # seconds before the first restart; doubled every time
LONGEST_PAUSE = 15.0
CALM = 30.0  # a child that ran this long has recovered: the next pause is the first one again
WRONG_USAGE = 2  # the exit code that no restart can cure


@dataclass(frozen=True, kw_only=True)
class Role:
    """What to run. `job`: runs to its end once, and a failure is reported, not repeated.

    `ready` asks whether it works (called about ten times a second until it says yes); `after` names the roles that must
    be ready first; `says` is printed when it is ready; `quiet` drops what it prints itself (not its errors).
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] = lambda: True
    says: str = ""
    after: tuple[str, ...] = ()
    job: bool = False
    quiet: bool = False


class Child:
    """The process of a role, over all its lives. Times are seconds of a monotonic clock, given by the caller."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.process: subprocess.Popen[bytes] | None = None
        self.ready = False
        self.done = False
        self.announced = False
        self.restarts = 0
        self._started = 0.0
        self._pause = FIRST_PAUSE
        self._next_start = 0.0

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self.process.pid if self.process else None

    def may_start(self, now: float, ready: set[str]) -> bool:
        """True when it is not running, is wanted, and its pause is over."""
        return self.process is None and not self.done and now >= self._next_start and ready.issuperset(self.role.after)

    def start(self, now: float) -> None:
        """Start it in a process group of its own, so that Ctrl-C reaches the supervisor only."""
        self.process = subprocess.Popen(
            list(self.role.argv),
            env=os.environ | dict(self.role.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if self.role.quiet else None,
            start_new_session=True,
            preexec_fn=leash(os.getpid()),  # noqa: PLW1509 - the supervisor has one thread
        )
        self._started = now

    def ended(self, now: float) -> int | None:
        """Exit code if it has ended since the last call (negative: the signal); sets the time of the next start."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self.process = None
        self.ready = False
        if self.role.job:
            self.done = True
            self.ready = code == 0
            return code
        if now - self._started >= CALM:
            self._pause = FIRST_PAUSE
        self._next_start = now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self.restarts += 1
        return code

    @property
    def pause(self) -> float:
        """Seconds from the last end to the next start."""
        return max(self._next_start - self._started, 0.0)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group of the child, so that grandchildren go too."""
        if self.process is not None and self.process.poll() is None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                return
