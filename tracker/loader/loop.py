"""Segment -> stage -> enrich -> drop ids already seen -> one insert -> identity -> ledger -> forget.

Every step may be cut off by a crash or an engine that goes away. The segment then stays and is loaded again, and each
step says why doing it twice is harmless. `Done` is said last: the ledger entry, then the segment's end.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import structlog

from tracker.catalog.vault import VaultEntry
from tracker.core.errors import Refused, TrackerError, TryLater
from tracker.loader import rejected, seen
from tracker.loader.audit import Audit
from tracker.loader.batch import Batch, Ending, Line, Seen, id_of, texts_of
from tracker.loader.choices import Choices
from tracker.loader.doubts import Doubts
from tracker.loader.erased import Erased
from tracker.loader.erasing import Eraser
from tracker.loader.identity import Identity
from tracker.loader.insert import Bad, store_singly
from tracker.loader.intake import Intake, rejected_of
from tracker.loader.known import Known
from tracker.loader.staging import Staged, stage
from tracker.spool.reader import Spool
from tracker.store.engine import Engine

log = structlog.get_logger()
_LOOK_AT_DOUBTS = 2.0  # seconds
_AT_ONCE = 3  # batches looked up, but not yet entered: about 100 MB each, in the store as much


class Ledger(Protocol):
    """What the loader needs of `tracker.catalog.ledger.Ledger`."""

    def picture(self, site: str | None = None) -> tuple[dict[str, Any], Callable[[str], bool]]:
        """Endings so far, and whether a segment is among what was entered, as of one moment."""
        ...

    def totals(self, site: str | None = None) -> dict[str, Any]:
        """Endings so far."""
        ...

    def commit(self, segment: str, lineage: str, start: int, count: int, endings: Mapping[Ending, int]) -> bool:
        """Enter a segment; entering it again changes nothing."""
        ...


class Vault(Protocol):
    """What the loader needs of `tracker.catalog.vault.Vault`."""

    def upsert_many(self, entries: Iterable[VaultEntry]) -> None:
        """Keep sealed identifiers; keeping them again changes nothing."""
        ...


@dataclass(slots=True)
class _Inserting:
    """A batch on its way into the store. `done`: what the store refused, and the events that are to be learnt from."""

    batch: Batch
    staged: Staged
    found: seen.Sorted
    done: Future[tuple[list[Bad], list[Seen]]]


class Loader:
    """Drains a spool into a store. One loader a spool; its methods are for one thread, `run` for a thread of its own.

    `batch_bytes`: segments are loaded together up to this size. `patience`: see `Doubts`. `told`: called by `run` when
    something was loaded.
    """

    def __init__(
        self,
        spool: Spool,
        engine: Engine,
        ledger: Ledger,
        *,
        vault: Vault | None = None,
        choices: Choices | None = None,
        eraser: Eraser | None = None,
        batch_bytes: int = 48_000_000,
        idle: float = 0.2,
        patience: float | None = None,
    ) -> None:
        self._spool = spool
        self._engine = engine
        self._ledger = ledger
        self._vault = vault
        self._choices = choices
        self._eraser = eraser
        self._idle = idle
        self.told: Callable[[], None] = lambda: None
        self._intake = Intake(spool, engine, ledger, erased=self._erased, batch_bytes=batch_bytes)
        self._identity = Identity(engine)
        self._known = Known(engine)
        self.audit = Audit(engine, ledger)
        waits = patience if patience is not None else (0.0 if engine.kind == "embedded" else 30.0)
        self.doubts = Doubts(engine, patience=waits)

    def run_once(self) -> int:
        """Load what is sealed now; gives the number of segments loaded. Raises TryLater where the store is away.

        One batch is staged and one looked up while those before them are being inserted and entered. Each of these is
        done batch by batch, in turn; only inserts may overlap.
        """
        loaded = 0
        finishing: deque[Future[int]] = deque()
        with (
            ThreadPoolExecutor(2, "loader-stage") as staging,
            ThreadPoolExecutor(2, "loader-insert") as writing,
            ThreadPoolExecutor(1, "loader-finish") as ending,
        ):
            ahead: deque[Future[tuple[Batch, Staged]]] = deque()
            groups = self._intake.groups()
            try:
                for group in islice(groups, 2):
                    ahead.append(staging.submit(self._intake.stage, group))
                while ahead:
                    if len(finishing) == _AT_ONCE - 1:
                        loaded += finishing.popleft().result()
                    batch, staged = ahead.popleft().result()
                    for group in islice(groups, 1):  # now, so that it is not idle while this one is looked up
                        ahead.append(staging.submit(self._intake.stage, group))
                    finishing.append(ending.submit(self._finish, self._begin(batch, staged, writing)))
            finally:
                # Also after an error: what is in the store already is entered now, not repeated later.
                for future in ahead:
                    with suppress(TrackerError):
                        future.result()[1].session.close()
                while finishing:
                    loaded += finishing.popleft().result()
        return loaded

    def _erased(self) -> Erased | None:
        return self._eraser.erased if self._eraser is not None else None

    def adopt(self) -> None:
        """Seal what dead writers left open."""
        self._spool.adopt()

    def _begin(self, batch: Batch, staged: Staged, writing: Executor) -> _Inserting:
        """Raises TryLater; everything may then be repeated."""
        try:
            self._known.learn(staged.session)
            found = seen.sort_out(staged.session, twins=staged.twins)
            if found.own:  # tried before: those rows may be in the store already
                self.doubts.open(staged.months_of_own())
            # An id that is remembered without its event being stored is found as our own by the repeat.
            seen.remember(staged.session, found)
        except BaseException:
            staged.session.close()
            raise
        return _Inserting(batch, staged, found, writing.submit(self._insert, batch, staged, found))

    def _insert(self, batch: Batch, staged: Staged, found: seen.Sorted) -> tuple[list[Bad], list[Seen]]:
        duplicates = bool(found.duplicates)
        try:
            telling = staged.telling(duplicates=duplicates)
            staged.insert(duplicates=duplicates)
        except Refused:
            self.doubts.open(staged.months)
            return store_singly(batch.lines(), lambda some: self._store(some, found)), telling
        finally:
            staged.session.close()
        return [], telling

    def _store(self, lines: Sequence[Line], found: seen.Sorted) -> None:
        """Store some lines of a batch that was refused whole."""
        staged = stage(self._engine, texts_of(lines))
        try:
            self._known.learn(staged.session)
            duplicates = seen.mark(staged.session, found.duplicates)
            staged.insert(duplicates=duplicates)
        finally:
            staged.session.close()

    def _finish(self, work: _Inserting) -> int:
        """Wait for the insert, then all that follows it. Raises TryLater; everything may then be repeated."""
        batch = work.batch
        bad, telling = work.done.result()
        if bad:
            ids = {known for one in bad if (known := id_of(one.line.body))}
            telling = [event for event in telling if (event.site, event.id, event.arrival) not in ids]
            batch.rejected += [rejected_of(one) for one in bad]
        rejected.keep(self._engine, [record for _, record in batch.rejected])
        if bad:
            seen.forget(self._engine, {(site, event) for site, event, _ in ids})
        self._identity.learn(telling)
        if self._vault is not None:
            self._vault.upsert_many(
                VaultEntry(event.site, event.user, event.visitor, event.vault) for event in telling if event.vault
            )
        if self._choices is not None:
            self._choices.learn(event for event in telling if event.decides)
        self._enter(work, bad)
        return len(batch.parts)

    def _enter(self, work: _Inserting, bad: Sequence[Bad]) -> None:
        batch, stored = work.batch, work.staged.counts
        endings = [part.endings for part in batch.parts]
        for row in work.found.duplicates:
            stored[row.part, row.site] -= 1
            endings[row.part][row.site, "duplicate", ""] += 1
        for one in bad:
            owner, record = rejected_of(one)
            stored[owner, record.site] -= 1
        for owner, record in batch.rejected:
            endings[owner][record.site, "rejected", record.reason] += 1
        for (owner, site), count in stored.items():
            if count:
                endings[owner][site, "stored", ""] += count
        for part in batch.parts:
            self._ledger.commit(part.ref.name, part.ref.lineage, part.start, part.count, part.endings)
            self._spool.forget(part.ref)

    def erase_due(self) -> int:
        """Erase who is to be erased; gives how many were. Only after `run_once` came to its end. Raises TryLater."""
        if self._eraser is None:
            return 0
        erased = sum(self._eraser.run(erasure) for erasure in self._eraser.due())
        if erased:
            self._identity = Identity(self._engine)  # it remembers who was whom
            if self._choices is not None:
                self._choices.forget()
            self.audit.loaded()
        return erased

    def run(self, stop: threading.Event) -> None:
        """Load until told to stop; waits longer and longer while the store is away, and loses nothing."""
        pause = self._idle
        with ThreadPoolExecutor(1, "loader-settle") as settling:
            doubts: Future[int] | None = None
            look_again = 0.0
            while not stop.is_set():
                try:
                    self.adopt()
                    loaded = self.run_once()
                    self.erase_due()
                    pause = self._idle
                    if time.monotonic() >= look_again and (doubts is None or doubts.done()):
                        _warn(doubts)
                        doubts = settling.submit(self.doubts.settle)  # merging a big month may take minutes
                        look_again = time.monotonic() + _LOOK_AT_DOUBTS
                    if loaded:
                        self.told()
                        self.audit.loaded()
                        continue
                    self.audit.when_due()
                    if self._choices is not None:
                        self._choices.settle()
                except TryLater as later:
                    pause = min(max(pause, 0.2) * 2, 30.0)
                    log.warning("loader.store_away", reason=later.message, code=later.code, again_in=round(pause, 1))
                stop.wait(pause)


def _warn(doubts: Future[int] | None) -> None:
    if doubts is not None and (error := doubts.exception()) is not None:
        log.warning("loader.doubts_not_settled", error=type(error).__name__)
