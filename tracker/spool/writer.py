"""The one writer of a lineage: append, group commit, seal.

Whoever waits while a sync runs is written by the next one: there is no timer, so a lone request waits for one sync and
a crowd shares one. Writing and syncing run in a thread of their own (see `turns` for when it is woken).

After any OSError the whole group gets TryLater and the file ends where it ended before, so "not stored" is true. The
next group tries again: nothing has to be restarted when a disk has room again.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from typing import Any

import structlog

from tracker.core.errors import Broken, TryLater
from tracker.spool.disk import Disk
from tracker.spool.lineage import Lineage, State, header_of
from tracker.spool.record import frames
from tracker.spool.segment import OpenSegment
from tracker.spool.turns import Group, Told, Turns, answer

log = structlog.get_logger()

IMPORT_WORKER = 15  # the worker number in the arrivals of everything that is not a collector worker
_PATIENCE = 10.0  # seconds to wait for the lock: a loader that adopts a dead folder holds it for moments
_LAST_TRIES = 3  # to seal when closing; what stays open is adopted by the loader or the next start
_RETRY = 0.5  # seconds between tries to put a damaged segment right while nobody writes


class SpoolWriter:
    """Append records to `root/lineage`; at most one process at a time, which the lock sees to.

    segment_bytes, segment_age   a segment is sealed when it is that large, or that many seconds after its first record
    max_bytes                    of the whole lineage, sealed segments included; beyond it TryLater
    max_pending                  bytes accepted but not yet synced; beyond it TryLater

    Raises Broken when another process keeps the lineage locked.
    """

    def __init__(
        self,
        root: Path,
        lineage: str,
        *,
        segment_bytes: int = 8_000_000,
        segment_age: float = 0.5,
        max_bytes: int = 4_000_000_000,
        max_pending: int = 64_000_000,
        disk: Disk | None = None,
    ) -> None:
        self._disk = disk or Disk()
        self._lineage = Lineage(root, lineage, self._disk)
        self._segment_bytes = segment_bytes
        self._segment_age = segment_age
        self._max_bytes = max_bytes
        self._max_pending = max_pending
        if not self._lineage.lock(patience=_PATIENCE):
            raise Broken(f"another process writes the spool folder {lineage}; stop it first")
        self._worker = int(lineage[1:]) % 15 if lineage[:1] == "c" and lineage[1:].isdigit() else IMPORT_WORKER
        self._arrival = 0
        self._arrival_lock = threading.Lock()
        self._state: State | None = None
        self._segment: OpenSegment | None = None
        self._sealed_bytes = 0
        self._looked_at = 0.0
        self._not_before = 0.0  # a failed sealing is not tried again before this
        self._pending = 0
        self._pending_lock = threading.Lock()
        self._closed = False
        self._queue: queue.SimpleQueue[list[Group] | None] = queue.SimpleQueue()
        self._turns = Turns(self._queue.put, self._pending_lock)
        try:
            self._load()
        except OSError as failure:  # a full disk: start all the same, answer TryLater until it has room
            log.warning("spool.not_ready", lineage=lineage, error=failure.strerror)
        except BaseException:
            self._lineage.release()
            raise
        self._thread = threading.Thread(target=self._run, name=f"spool-{lineage}", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """Bytes accepted from callers and not yet synced."""
        return self._pending

    def next_arrival(self) -> int:
        """A number larger than every one this lineage gave before: microseconds x 16 + worker."""
        return self._take_arrivals(1)

    def arrivals(self, records: int) -> Callable[[], int]:
        """`next_arrival` for at most `records` calls, all numbers taken now: cheaper where many are needed."""
        return self.next_arrival if records == 1 else count(self._take_arrivals(records), 16).__next__

    def _take_arrivals(self, records: int) -> int:
        with self._arrival_lock:
            first = max((time.time_ns() // 1000 << 4) + self._worker, self._arrival + 16)
            self._arrival = first + 16 * (records - 1)
            return first

    def append(self, bodies: Sequence[bytes]) -> asyncio.Future[None]:
        """To be awaited: done once every body is on the device. Raises TryLater: then nothing of them is stored."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        if bodies:
            self._enqueue(bodies, loop, done)
        else:
            done.set_result(None)
        return done

    def append_for(self, bodies: Sequence[bytes], loop: asyncio.AbstractEventLoop, who: Told) -> None:
        """`append` for one who does not wait: `who` is told in `loop`. Raises TryLater as `append` does."""
        self._enqueue(bodies, loop, who)

    def append_now(self, bodies: Sequence[bytes]) -> None:
        """`append` for callers without an event loop; blocks."""
        if not bodies:
            return
        done: Future[None] = Future()
        self._enqueue(bodies, None, done)
        done.result()

    def close(self) -> None:
        """Finish what was accepted, seal, let go of the lock. Blocks; harmless when called again."""
        with self._pending_lock:
            first = not self._closed
            self._closed = True
        if first:
            self._turns.take_next()
            self._queue.put(None)
        self._thread.join()

    def _enqueue(self, bodies: Sequence[bytes], loop: asyncio.AbstractEventLoop | None, done: Any) -> None:
        blob = frames(bodies)
        size = len(blob)
        with self._pending_lock:
            if self._closed:
                raise TryLater("the spool is closing", code="closing")
            if self._pending + size > self._max_pending:
                raise TryLater("too much is waiting to be written", code="overloaded")
            if self._total() + self._pending + size > self._max_bytes and not self._room_for(size):
                raise TryLater("the spool is full", code="spool_full")
            self._pending += size
            if loop is None:
                self._queue.put([(blob, len(bodies), None, done)])
            else:
                self._turns.add((blob, len(bodies), loop, done), loop)

    def _total(self) -> int:
        segment = self._segment
        return self._sealed_bytes + (segment.durable if segment is not None else 0)

    def _room_for(self, size: int) -> bool:
        """Look at the folder again, ten times a second at most: the loader may have taken segments away."""
        now = time.monotonic()
        if now - self._looked_at < 0.1:
            return False
        self._looked_at = now
        self._sealed_bytes = self._measure()
        return self._total() + self._pending + size <= self._max_bytes

    def _measure(self) -> int:
        total = 0
        for path in self._lineage.folder.glob("*.seg"):
            with contextlib.suppress(FileNotFoundError):
                total += path.stat().st_size
        return total

    # From here on: the committing thread.

    def _run(self) -> None:
        closing = False
        while not closing:
            groups, closing = self._gathered()
            if groups:
                self._commit(groups)
                # The loop that made what hangs on them is the better one to take it apart: here it would wait for more.
                groups.clear()
            self._try_to_seal(now=closing)
        for _ in range(_LAST_TRIES):
            if self._segment is None:
                break
            time.sleep(0.05)
            self._try_to_seal(now=True)
        if self._segment is not None:
            self._segment.close()
        self._lineage.release()

    def _gathered(self) -> tuple[list[Group], bool]:
        """What is to be committed now, waiting for it; whether it is the last."""
        groups: list[Group] = []
        with contextlib.suppress(queue.Empty):
            more = self._queue.get(timeout=self._patience())
            while more is not None:
                groups += more
                more = self._queue.get_nowait()
            return groups, True
        return groups, False

    def _patience(self) -> float | None:
        """Seconds until something is due without being asked; None when nothing is."""
        segment = self._segment
        if segment is None or (not segment.count and not segment.suspect):
            return None
        due = 0.0 if segment.suspect else segment.first_at + self._segment_age
        return max(0.001, max(due, self._not_before) - time.monotonic())

    def _commit(self, groups: list[Group]) -> None:
        blob = groups[0][0] if len(groups) == 1 else b"".join([group[0] for group in groups])
        error: TryLater | None = None
        try:
            self._ready_segment().append(blob, sum([group[1] for group in groups]))
        except OSError as failure:
            log.warning("spool.write_failed", lineage=self._lineage.name, error=failure.strerror)
            error = TryLater("the event cannot be written to disk now", code="disk")
        except Exception:  # whatever it is, nobody may wait for ever and nothing may be called stored
            log.exception("spool.commit_failed", lineage=self._lineage.name)
            error = TryLater("the event cannot be stored now", code="spool")
        with self._pending_lock:
            self._pending -= len(blob)
        answer(groups, error, self._turns.take_next)

    def _ready_segment(self) -> OpenSegment:
        if self._state is None:
            self._load()
        if self._segment is not None and self._segment.suspect:
            self._seal()
        if self._segment is None:
            self._segment = self._open_next()
        return self._segment

    def _load(self) -> None:
        state = self._lineage.load()
        self._arrival = max(self._arrival, state.arrival)
        self._sealed_bytes = self._measure()
        self._lineage.note(state)
        self._state = state

    def _open_next(self) -> OpenSegment:
        state = self._state
        if state is None:
            raise Broken("a segment was opened before the state of its lineage was read")
        # The number is used up even if creating the file fails half-way.
        self._state = State(next=state.next + 1, records=state.records, arrival=self._arrival)
        path = self._lineage.open_path(state.next)
        return OpenSegment(self._disk, path, header_of(self._lineage.name, state.next, self._state))

    def _try_to_seal(self, *, now: bool) -> None:
        try:
            self._seal_if_due(now=now)
        except OSError as failure:
            log.warning("spool.seal_failed", lineage=self._lineage.name, error=failure.strerror)
            self._not_before = time.monotonic() + _RETRY

    def _seal_if_due(self, *, now: bool) -> None:
        segment = self._segment
        if segment is None or (not now and time.monotonic() < self._not_before):
            return
        old = segment.count > 0 and time.monotonic() - segment.first_at >= self._segment_age
        if now or old or segment.suspect or segment.durable >= self._segment_bytes:
            self._seal()

    def _seal(self) -> None:
        """End, note, rename: each step harmless to repeat. Raises OSError; the segment then stays open."""
        segment = self._segment
        if segment is None or self._state is None:
            return
        records = segment.header.start + segment.count
        state = State(next=segment.header.segment + 1, records=records, arrival=self._arrival)
        if segment.count:
            segment.end()
            try:
                self._lineage.note(state)
                self._disk.rename(segment.path, self._lineage.sealed_path(segment.header.segment))
            except OSError:
                segment.go_on()
                raise
            self._sealed_bytes += segment.durable
        else:
            self._lineage.note(state)
            self._disk.unlink(segment.path)
        segment.close()
        self._segment = None
        self._state = state
        # The next segment's creation syncs the folder too; a lone rename must not wait for it.
        self._disk.sync_folder(self._lineage.folder)
