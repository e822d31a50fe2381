"""One holder a thing: a lock file in the data folder that also says who holds it.

The kernel drops the lock when the holder dies, however it dies, so a stale file never blocks anybody.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any, Self

from tracker.core.errors import Conflict


class Claim:
    """Holds `DATA/<name>.lock` until `release` or the end of the process."""

    def __init__(self, fd: int, path: Path) -> None:
        self._fd = fd
        self.path = path

    @classmethod
    def take(cls, data: Path, name: str, **info: Any) -> Self:
        """Take it and write `info` and our process id into it. Raises Conflict when somebody else has it."""
        data.mkdir(parents=True, exist_ok=True)
        path = data / f"{name}.lock"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            other = holder(data, name) or {}
            raise Conflict(
                f"{WHAT.get(name, name)} is already running on {data} (process {other.get('pid', 'unknown')}): "
                "stop it first, or choose another data folder with --data",
                code="already_running",
            ) from None
        claim = cls(fd, path)
        claim.say(**info)
        return claim

    def say(self, **info: Any) -> None:
        """Replace what the file says about the holder."""
        text = json.dumps({"pid": os.getpid(), **info}).encode()
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text, 0)

    def release(self) -> None:
        """Let go. The file stays: removing it would let two processes lock two files of one name."""
        os.close(self._fd)


WHAT = {"up": "tracker up", "store": "an engine with the embedded store", "loader": "a loader", "api": "an API"}


def holder(data: Path, name: str) -> dict[str, Any] | None:
    """What the present holder says about itself; None when nobody holds it."""
    path = data / f"{name}.lock"
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        try:
            return dict(json.loads(os.pread(fd, 4096, 0) or b"{}"))
        except ValueError:
            return {}
    else:
        return None
    finally:
        os.close(fd)
