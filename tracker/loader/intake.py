"""Sealed segments -> batches that are taken apart in the store, damaged segments and erased persons looked after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Protocol

import structlog

from tracker.core.errors import Refused
from tracker.core.event import Rejected
from tracker.loader.batch import Batch, add_other, looked_through, refused, texts_of, whole
from tracker.loader.erased import Erased
from tracker.loader.insert import Bad, store_singly
from tracker.loader.staging import Staged, stage
from tracker.spool.reader import Segment, SegmentRef, Spool
from tracker.spool.record import NewerFormat, Outline
from tracker.store.engine import Engine

log = structlog.get_logger()


class Entered(Protocol):
    """What the intake needs of `tracker.catalog.ledger.Ledger`."""

    def picture(self, site: str | None = None) -> tuple[dict[str, Any], Callable[[str], bool]]:
        """Endings so far, and whether a segment is among what was entered, as of one moment."""
        ...


class Intake:
    """`batch_bytes`: segments are loaded together up to this size. `erased`: who was, as of now; None: nobody ever."""

    def __init__(
        self, spool: Spool, engine: Engine, ledger: Entered, *, erased: Callable[[], Erased | None], batch_bytes: int
    ) -> None:
        self._spool = spool
        self._engine = engine
        self._ledger = ledger
        self._erased = erased
        self.batch_bytes = batch_bytes
        self._headless: set[str] = set()
        self._newer: set[str] = set()  # segments for a newer version of this service

    def groups(self) -> Iterator[list[SegmentRef]]:
        """What is sealed and not yet entered, in groups that are loaded together."""
        group: list[SegmentRef] = []
        size = 0
        _, known = self._ledger.picture()  # nobody else enters segments
        for ref in self._spool.sealed():
            if known(ref.name):
                self._spool.forget(ref)  # entered, then cut off before its end
                continue
            if ref.name in self._newer:
                continue
            try:
                length = ref.path.stat().st_size
            except FileNotFoundError:
                continue
            if group and size + length > self.batch_bytes:
                yield group
                group, size = [], 0
            group.append(ref)
            size += length
        if group:
            yield group

    def stage(self, group: list[SegmentRef]) -> tuple[Batch, Staged]:
        """Nearly always no record is looked at before it is in the store; else each is, here. Raises TryLater."""
        outlines = self._outlines(group)
        if outlines is not None:
            batch = whole(outlines)
            with suppress(Refused):  # then it is looked for below
                staged = stage(self._engine, batch.texts)
                if _as_written(batch, staged):
                    return batch, _with_others(batch, staged)
                staged.session.close()
        batch = looked_through(self._segments(group))
        try:
            staged = stage(self._engine, batch.texts)
        except Refused:
            lines = batch.lines()
            bad = store_singly(lines, lambda some: stage(self._engine, texts_of(some)).session.close())
            batch.rejected += [rejected_of(one) for one in bad]
            wrong = {line for line, _ in bad}
            batch.keep(line for line in lines if line not in wrong)
            staged = stage(self._engine, batch.texts)
        return batch, _with_others(batch, staged)

    def _outlines(self, group: list[SegmentRef]) -> list[tuple[SegmentRef, Outline]] | None:
        """None where any of the segments has to be looked through."""
        if (erased := self._erased()) is not None and erased.anybody:
            return None
        found = []
        for ref in group:
            try:
                outline = self._spool.outline(ref)
            except NewerFormat:
                return None
            if outline is None or outline.header.start < 0:
                return None
            found.append((ref, outline))
        return found

    def _segments(self, group: list[SegmentRef]) -> Iterator[tuple[SegmentRef, Segment, int]]:
        for ref in group:
            try:
                segment = self._spool.read(ref)
                start = segment.header.start if segment.header.start >= 0 else self._start_before(ref, segment.count)
            except NewerFormat as newer:
                log.error("loader.newer_segment", segment=ref.name, reason=newer.message)
                self._newer.add(ref.name)
                continue
            if segment.corrupt:
                log.error("loader.corrupt_records", segment=ref.name, records=segment.corrupt)
            if (erased := self._erased()) is not None:
                segment = erased.without(segment)
            if start is not None:
                yield ref, segment, start

    def _start_before(self, ref: SegmentRef, count: int) -> int | None:
        """Where a segment begins that lost header and trailer: its successor says where it ends. None: wait for one."""
        later = [other for other in self._spool.sealed() if other.lineage == ref.lineage and other.number > ref.number]
        if not later:
            if ref.name not in self._headless:
                log.error("loader.segment_without_header", segment=ref.name)
                self._headless.add(ref.name)
            return None
        following = self._spool.read(min(later, key=lambda other: other.number)).header.start
        return max(0, following - count)


def rejected_of(bad: Bad) -> tuple[int, Rejected]:
    """A line that the store refused, as a record with the number of its part."""
    return bad.line.part, refused(bad.line.body, bad.message)


def _as_written(batch: Batch, staged: Staged) -> bool:
    """Whether every segment has as many records as its trailer says, all of them sound."""
    return not staged.damaged and all(staged.lines[number] == part.count for number, part in enumerate(batch.parts))


def _with_others(batch: Batch, staged: Staged) -> Staged:
    """Put the records that are no events, or such as the store cannot hold, into the batch."""
    if staged.odd:
        try:
            for part, body in staged.others():
                add_other(batch, part, body)
            batch.rejected += staged.bad()
        except BaseException:
            staged.session.close()
            raise
    return staged
