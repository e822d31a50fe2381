"""One writer's folder: its lock, its state, the names of its segments, and what a dead writer left behind.

    lock                 flock held while the writer lives
    state.json           two fixed slots, written in turn and in place: no free space is needed to note a number, and a
                         torn slot leaves the other one
    000000000017.open    being written
    000000000017.seg     sealed

The number of a segment is never used twice, not even when a folder was emptied by hand: a folder without a state starts
at the clock. Otherwise the loader would take a new segment for one it already loaded.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

import msgspec

from tracker.core.errors import Broken
from tracker.spool.disk import Disk
from tracker.spool.record import Header, Trailer, contents, frame

_SKIP = 10_000  # segments; more than are ever sealed between two notes of a number
_SLOT = 256  # bytes; one sector holds it, so a slot is written whole or torn, never mixed with its neighbour


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What a lineage must never forget: next segment number, records written so far, last arrival number given."""

    next: int
    records: int = 0
    arrival: int = 0


class _Arrival(msgspec.Struct):
    arrival: int = 0


class Lineage:
    """The folder of one writer. `lock()` first; every other method is for the holder of the lock."""

    def __init__(self, root: Path, name: str, disk: Disk) -> None:
        self.name = name
        self.folder = root / name
        self._disk = disk
        self._lock_fd = -1
        self._state_fd = -1
        self._slot = 0
        self._unsynced: list[Path] = []  # folders that got a name which may not be on the device yet

    def lock(self, *, patience: float = 0.0) -> bool:
        """Become the one writer of this lineage; False when somebody else is, after waiting `patience` seconds."""
        deadline = time.monotonic() + patience
        while True:
            self._unsynced += self._disk.make_folder(self.folder)
            fd = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with contextlib.suppress(OSError):
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # An adopter may have removed the folder between our open and our lock: then ours is nobody's lock.
                if os.fstat(fd).st_ino == (self.folder / "lock").stat().st_ino:
                    self._lock_fd = fd
                    return True
            os.close(fd)
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)

    def release(self) -> None:
        """Let go of lock and state."""
        for fd in (self._state_fd, self._lock_fd):
            if fd >= 0:
                self._disk.close(fd)
        self._state_fd = self._lock_fd = -1

    def remove(self) -> None:
        """Remove the whole folder; only for a finished import, with the lock held."""
        for name in ("state.json", "lock"):
            self._disk.unlink(self.folder / name)
        self.folder.rmdir()

    def open_path(self, number: int) -> Path:
        """Path of a segment being written."""
        return self.folder / f"{number:012d}.open"

    def sealed_path(self, number: int) -> Path:
        """Path of a sealed segment."""
        return self.folder / f"{number:012d}.seg"

    def load(self) -> State:
        """Read the state, seal what a dead writer left open, and say where to go on. Raises OSError, Broken.

        Broken also for a segment in a newer format (`NewerFormat`): nothing is changed then.
        """
        while self._unsynced:
            self._disk.sync_folder(self._unsynced[-1])
            self._unsynced.pop()
        state = self._read_state()
        for path in sorted(self.folder.glob("*.open")):
            state = self._seal_dead(path, state)
        for path in self.folder.glob("*.seg"):
            state = State(next=max(state.next, int(path.stem) + 1), records=state.records, arrival=state.arrival)
        return state

    def note(self, state: State) -> None:
        """Put the state on disk, in place. Raises OSError."""
        if self._state_fd < 0:
            self._state_fd = self._open_state()
        line = frame(msgspec.json.encode(state).ljust(_SLOT - 10))
        self._disk.write(self._state_fd, line, self._slot * _SLOT)
        self._disk.sync(self._state_fd)
        self._slot = 1 - self._slot

    def _open_state(self) -> int:
        path = self.folder / "state.json"
        if path.exists():
            return self._disk.reopen(path)
        fd = self._disk.create(path)
        self._disk.write(fd, b" " * (2 * _SLOT), 0)
        self._disk.sync(fd)
        self._disk.sync_folder(self.folder)
        return fd

    def _read_state(self) -> State:
        best: State | None = None
        unreadable = False
        path = self.folder / "state.json"
        blob = path.read_bytes() if path.exists() else b""
        for slot in (0, 1):
            line = blob[slot * _SLOT : (slot + 1) * _SLOT].rstrip(b"\n")
            state = None
            with contextlib.suppress(msgspec.DecodeError):
                found = contents(line + b"\n").bodies
                state = msgspec.json.decode(found[0], type=State) if found else None
            unreadable = unreadable or (state is None and bool(line.strip()))
            # A sealing that failed after its note is noted again with more records: the later one counts.
            if state is not None and (best is None or (state.next, state.records) >= (best.next, best.records)):
                best = state
                self._slot = 1 - slot
        clock = time.time_ns() // 10_000_000
        if best is None:
            return State(next=clock)
        if unreadable:  # it may have been the newer one: numbers it knew as used must not come again
            return State(next=max(best.next + _SKIP, clock), records=best.records, arrival=best.arrival)
        return best

    def _seal_dead(self, path: Path, state: State) -> State:
        """Cut the torn tail of a segment nobody writes any more, and seal it; an empty one is dropped."""
        number = int(path.stem)
        found = contents(path.read_bytes())
        header = found.header
        if header is not None and header.lineage != self.name:
            raise Broken(f"segment {path.stem} lies in the folder of {self.name} but belongs to {header.lineage}")
        start = header.start if header is not None else state.records
        count = found.trailer.count if found.trailer is not None else len(found.bodies) + found.damaged
        arrival = max([state.arrival, header.arrival if header else 0, *map(_arrival_of, found.bodies)])
        after = State(next=max(state.next, number + 1), records=max(state.records, start + count), arrival=arrival)
        if count == 0:
            self.note(after)
            self._disk.unlink(path)
            return after
        fd = self._disk.reopen(path)
        try:
            self._disk.cut(fd, found.good_end)
            trailer = Trailer(lineage=self.name, segment=number, start=start, count=count)
            try:
                self._disk.write(fd, frame(msgspec.json.encode(trailer)), found.good_end)
            except OSError:  # a full disk: the trailer is a help, not a need
                self._disk.cut(fd, found.good_end)
            self._disk.sync(fd)
        finally:
            self._disk.close(fd)
        self.note(after)
        self._disk.rename(path, self.sealed_path(number))
        self._disk.sync_folder(self.folder)
        return after


def _arrival_of(body: bytes) -> int:
    try:
        return msgspec.json.decode(body, type=_Arrival).arrival
    except msgspec.DecodeError:
        return 0


def header_of(lineage: str, number: int, state: State) -> Header:
    """The first record of the next segment."""
    return Header(lineage=lineage, segment=number, start=state.records, arrival=state.arrival)
