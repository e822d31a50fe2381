"""Every system call of a thread, one by one: list them in a first run, then kill or fail the same run at each."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

TRACER = shutil.which("strace")
CHANGES = (
    "openat,mkdir,write,pwrite64,pwritev,pwritev2,fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink,unlinkat,rmdir,"
    "connect,sendto,recvfrom"
)
SYNCS = {"fsync", "fdatasync", "pwritev2", "pwrite64", "ftruncate"}
AWAY = 4  # how a life ends whose store went away
_CALL = re.compile(r"([a-z0-9_]+)\((.*)")


@dataclass(frozen=True)
class Point:
    """The `number`-th `call` of the traced thread."""

    call: str
    number: int
    text: str


class Lives:
    """The process of `sweep_child.py` and what it is told; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "strace.log"
        self._errors = folder / "lives.err"

    def __enter__(self) -> Lives:
        child = Path(__file__).with_name("sweep_child.py")
        self._process = subprocess.Popen(
            [sys.executable, str(child)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors.open("ab"),
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def run(self, *words: object) -> None:
        """A life that nobody troubles."""
        self._tell(*words, "free")
        status = self._ended()
        assert status == 0, self._errors.read_text()[-2000:]

    def points(self, *words: object) -> list[Point]:
        """Everything the traced thread does to disk and network in a life that nobody troubles."""
        status, log = self._traced(["-y", "-e", f"trace={CHANGES}"], words)
        assert status == 0, self._errors.read_text()[-2000:]
        seen: Counter[str] = Counter()
        found = []
        for line in log.splitlines():
            if (match := _CALL.match(line)) is None:
                continue
            call, text = match.groups()
            seen[call] += 1
            if _matters(call, text, found):
                found.append(Point(call, seen[call], text))
        assert found, log
        return found

    def killed(self, point: Point, *words: object) -> bool:
        """kill -9 as the thread enters that call; False where a run never came to it."""
        status, _ = self._inject(point, "signal=KILL", words)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) in {0, AWAY}, self._errors.read_text()[-2000:]
        return os.WIFSIGNALED(status)

    def failed(self, point: Point, error: str, *words: object) -> bool:
        """That call, once, gives `error` and does nothing. The life must go on to its end."""
        status, log = self._inject(point, f"error={error}", words)
        assert status == 0, f"{status} {point}: {self._errors.read_text()[-2000:]}"
        return "INJECTED" in log

    def _inject(self, point: Point, what: str, words: tuple[object, ...]) -> tuple[int, str]:
        inject = f"inject={point.call}:{what}:when={point.number}"
        return self._traced(["-e", f"trace={point.call}", "-e", inject], words)

    def _traced(self, options: list[str], words: tuple[object, ...]) -> tuple[int, str]:
        self._tell(*words)
        said = self._line()
        assert said.startswith("thread "), said + self._errors.read_text()[-2000:]
        assert TRACER is not None
        tracer = subprocess.Popen(
            [TRACER, "-qq", "-o", str(self._log), *options, "-p", said.split()[1]],
            stderr=self._errors.open("ab"),
        )
        status = self._ended()
        tracer.wait(60)
        return status, self._log.read_text(errors="replace")

    def _tell(self, *words: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()

    def _ended(self) -> int:
        said = self._line()
        assert said.startswith("ended "), said
        return int(said.split()[1])

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def _matters(call: str, text: str, before: Sequence[Point]) -> bool:
    """True unless dying here leaves the same behind as dying at the call before."""
    if call == "openat":
        return "O_CREAT" in text or "O_TRUNC" in text
    if call == "connect":
        return "AF_INET" in text
    if call == "sendto":
        return ", 1, 0, NULL, 0)" not in text  # a ping
    if call == "recvfrom":
        return bool(before) and before[-1].call == "sendto"  # the rest of an answer that has begun
    return True
