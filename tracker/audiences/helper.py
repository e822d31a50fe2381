"""A process beside this one that packs the persons of a large export: the second core, past Python's lock.

It is told everything through its standard input, the site's keys and where the vault is too: nothing of that is on its
command line or in its environment. It reads the vault, and writes no file, no log and no core dump. It ends when the
pipe does, however this process ended. When it dies, or cannot be started, its work is done here.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

import structlog

from tracker.audiences.ahead import ahead
from tracker.audiences.packing import Judged, Packed, Packer, Plan, Records
from tracker.catalog.database import Database
from tracker.catalog.vault import Vault
from tracker.core.errors import TrackerError

log = structlog.get_logger()

_AHEAD = 1  # pieces that wait to be written, beside the one that is being packed
_LOOKED_UP = 1  # pieces with their records, which the disk may have to look for, beside the one that is being packed
_PIPE = 1 << 20  # bytes
_PR_SET_DUMPABLE = 4


class Helper:
    """Packs pieces by a plan, in their order. Leaving the `with` block ends the process.

    `vault`: what the vault has of some owners of a site, for whom it cannot be asked there.
    """

    def __init__(self, plan: Plan, vault: Callable[[str, Sequence[str]], Records]) -> None:
        self._plan, self._vault = plan, vault
        self._packer: Packer | None = None  # made when it is needed here
        self._process: subprocess.Popen[bytes] | None = None
        self._to: Connection | None = None
        self._from: Connection | None = None
        self._lost = True

    def __enter__(self) -> Self:
        inside, outside = _pipe(), _pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=inside[0],
                stdout=outside[1],
                stderr=subprocess.DEVNULL,  # a traceback may quote what it works on
                env={name: value for name, value in os.environ.items() if not name.startswith("TRACKER_")},
            )
        except OSError:
            log.warning("export.helper_lost", why="it does not start")
            for one in (inside[1], outside[0]):
                os.close(one)
        else:
            self._to, self._from = Connection(inside[1], readable=False), Connection(outside[0], writable=False)
            self._lost = False
        finally:
            os.close(inside[0])
            os.close(outside[1])
        if self._to is not None:
            with suppress(OSError):  # it is dead already: that is seen when its first answer is read
                self._to.send(self._plan)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._end()
        for one in (self._to, self._from):
            if one is not None:
                one.close()

    @property
    def pid(self) -> int | None:
        """Of the process; None where it could not be started."""
        return self._process.pid if self._process is not None else None

    def packed(self, pieces: Generator[Judged, None, None]) -> Generator[tuple[Judged, Packed], None, None]:
        """Each piece with what became of it; read ahead while somebody works on the one before.

        Raises Broken, TryLater.
        """
        with closing(ahead(self._sent(pieces), _AHEAD)) as sent:
            try:
                for piece in sent:
                    yield piece, self._answer(piece)
            finally:
                self._end()  # whoever waits to send something to it waits no more

    def _sent(self, pieces: Generator[Judged, None, None]) -> Generator[Judged, None, None]:
        with closing(pieces):
            for piece in pieces:
                if self._to is not None and not self._lost:
                    with suppress(OSError):
                        self._to.send(piece)
                yield piece

    def _answer(self, piece: Judged) -> Packed:
        if self._from is not None and not self._lost:
            try:
                answer = self._from.recv()
            except (EOFError, OSError):
                log.warning("export.helper_lost", why="it died")
                self._lost = True
            else:
                if isinstance(answer, Packed):
                    return answer
        self._packer = self._packer or Packer(self._plan, self._vault)
        return self._packer.judged(piece)

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _pipe() -> tuple[int, int]:
    """As wide as anybody may make one: a piece is megabytes, and each fill of a narrow one wakes up both sides."""
    ends = os.pipe()
    with suppress(OSError):
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, _PIPE)
    return ends


def main() -> None:
    """Answer each piece on standard output until standard input ends."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    gc.disable()  # nothing here is in a cycle
    given, answers = Connection(0, writable=False), Connection(os.dup(1), readable=False)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever is printed is no answer
    with suppress(EOFError, OSError):
        plan: Plan = given.recv()
        packer = Packer(plan, Vault(Database(plan.catalog, as_it_is=True)).of_owners)
        with closing(ahead(_looked_up(given, packer), _LOOKED_UP)) as pieces:
            for piece, records in pieces:
                answers.send(_opened(packer, piece, records))


def _looked_up(given: Connection, packer: Packer) -> Generator[tuple[Judged, Records | None], None, None]:
    """Pieces, and what the vault has of their persons; None where it cannot be asked. Raises EOFError, OSError."""
    while True:
        piece: Judged = given.recv()
        records: Records | None = None
        with suppress(TrackerError):
            records = packer.records(piece)
        yield piece, records


def _opened(packer: Packer, piece: Judged, records: Records | None) -> Packed | None:
    """None: it is tried again where it came from, and raised."""
    if records is not None:
        with suppress(TrackerError):
            return packer.opened(piece, records)
    return None


if __name__ == "__main__":
    main()
