"""Segment -> enrich -> drop ids already seen -> one insert -> identity -> ledger -> forget.

Every step may be cut off by a crash or an engine that goes away. The segment then stays and is loaded again, and each
step says why doing it twice is harmless. `Done` is said last: the ledger entry, then the segment's end.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import structlog

from tracker.catalog.vault import VaultEntry
from tracker.core.drops import Reject
from tracker.core.errors import TryLater
from tracker.core.event import Rejected
from tracker.loader import rejected, seen
from tracker.loader.batch import Batch, Ending, Reader
from tracker.loader.doubts import Doubts, months_of
from tracker.loader.enrich.columns import remembered
from tracker.loader.identity import Identity
from tracker.loader.insert import insert
from tracker.spool.reader import SegmentRef, Spool
from tracker.store.engine import Engine

log = structlog.get_logger()
_LONGEST_RAW = 32_768


class Ledger(Protocol):
    """What the loader needs of `tracker.catalog.ledger.Ledger`."""

    def known(self, segment: str) -> bool:
        """True if the segment was entered."""
        ...

    def commit(self, segment: str, lineage: str, start: int, count: int, endings: Mapping[Ending, int]) -> bool:
        """Enter a segment; entering it again changes nothing."""
        ...


class Vault(Protocol):
    """What the loader needs of `tracker.catalog.vault.Vault`."""

    def upsert_many(self, entries: Iterable[VaultEntry]) -> None:
        """Keep sealed identifiers; keeping them again changes nothing."""
        ...


class Loader:
    """Drains a spool into a store. One loader a spool; its methods are for one thread, `run` for a thread of its own.

    `batch_bytes`: segments are loaded together up to this size. `patience`: see `Doubts`.
    """

    def __init__(
        self,
        spool: Spool,
        engine: Engine,
        ledger: Ledger,
        *,
        vault: Vault | None = None,
        batch_bytes: int = 32_000_000,
        idle: float = 0.2,
        patience: float | None = None,
    ) -> None:
        self._spool = spool
        self._engine = engine
        self._ledger = ledger
        self._vault = vault
        self._batch_bytes = batch_bytes
        self._idle = idle
        self._identity = Identity(engine)
        self._reader = Reader(*remembered())
        waits = patience if patience is not None else (0.0 if engine.kind == "embedded" else 30.0)
        self.doubts = Doubts(engine, patience=waits)

    def run_once(self) -> int:
        """Load what is sealed now; gives the number of segments loaded. Raises TryLater where the store is away."""
        loaded = 0
        groups = self._groups()
        with ThreadPoolExecutor(1, thread_name_prefix="loader-read") as pool:
            ahead: Future[Batch] | None = None
            for group in groups:
                following = pool.submit(self._read, group)
                if ahead is not None:
                    loaded += self._load(ahead.result())
                ahead = following
            if ahead is not None:
                loaded += self._load(ahead.result())
        return loaded

    def _groups(self) -> Iterable[list[SegmentRef]]:
        group: list[SegmentRef] = []
        size = 0
        for ref in self._spool.sealed():
            if self._ledger.known(ref.name):
                self._spool.forget(ref)  # entered, then cut off before its end
                continue
            try:
                length = ref.path.stat().st_size
            except FileNotFoundError:
                continue
            if group and size + length > self._batch_bytes:
                yield group
                group, size = [], 0
            group.append(ref)
            size += length
        if group:
            yield group

    def _read(self, group: list[SegmentRef]) -> Batch:
        segments = []
        for ref in group:
            segment = self._spool.read(ref)
            segments.append((ref, segment, segment.header.start))
        return self._reader.read(segments)

    def _load(self, batch: Batch) -> int:
        """The road of one batch. Raises TryLater; everything before it may then be repeated."""
        found = seen.sort_out(self._engine, batch.keys, [event.arrival for event in batch.events])
        if found.own:  # tried before: those rows may be in the store already
            self.doubts.open(months_of(batch.events[index].ts for index in found.own))
        # An id that is remembered without its event being stored is found as our own by the repeat.
        seen.remember(self._engine, [(batch.keys[index], batch.events[index].arrival) for index in found.new])
        wanted = sorted(found.new + found.own)
        refused = self._insert(batch, wanted)
        rejected.keep(self._engine, [record for _, record in batch.rejected])
        stored = [batch.events[index] for index in wanted if index not in refused]
        self._identity.learn(stored)
        if self._vault is not None:
            self._vault.upsert_many(
                VaultEntry(event.site, event.user, event.visitor, event.vault) for event in stored if event.vault
            )
        self._enter(batch, found, refused)
        return len(batch.parts)

    def _insert(self, batch: Batch, wanted: list[int]) -> set[int]:
        bad = insert(self._engine, [batch.lines[index] for index in wanted])
        refused = set()
        for position, message in bad:
            index = wanted[position]
            event = batch.events[index]
            raw = batch.lines[index][:_LONGEST_RAW].decode("utf-8", "replace")
            record = Rejected(
                site=event.site,
                arrival=event.arrival,
                received=(event.arrival >> 4) // 1000,  # an arrival is microseconds x 16
                reason=Reject.STORE_REFUSED,
                message=message,
                raw=raw,
            )
            batch.rejected.append((batch.owners[index], record))
            refused.add(index)
        return refused

    def _enter(self, batch: Batch, found: seen.Sorted, refused: set[int]) -> None:
        endings = [part.endings for part in batch.parts]
        for index in (*found.new, *found.own):
            if index not in refused:
                endings[batch.owners[index]][batch.events[index].site, "stored", ""] += 1
        for index in found.duplicates:
            endings[batch.owners[index]][batch.events[index].site, "duplicate", ""] += 1
        for owner, record in batch.rejected:
            endings[owner][record.site, "rejected", record.reason] += 1
        for part in batch.parts:
            self._ledger.commit(part.ref.name, part.ref.lineage, part.start, part.count, part.endings)
            self._spool.forget(part.ref)

    def run(self, stop: threading.Event) -> None:
        """Load until told to stop; waits longer and longer while the store is away, and loses nothing."""
        pause = self._idle
        while not stop.is_set():
            try:
                self._spool.adopt()
                loaded = self.run_once()
                pause = self._idle
                if loaded:
                    continue
                self.doubts.settle()
            except TryLater as later:
                pause = min(max(pause, 0.2) * 2, 30.0)
                log.warning("loader.store_away", reason=later.message, code=later.code, again_in=round(pause, 1))
            stop.wait(pause)
