"""Segments -> one batch, for the store to take apart.

A segment goes there as the file it is: nothing of a record is looked at here, its checksum neither, unless the segment
is damaged. Then, and where the store refuses something, it goes as lines that were chosen one by one.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import msgspec
from xxhash import xxh64_intdigest

from tracker.core.drops import Reject
from tracker.core.event import Rejected, Suppressed
from tracker.spool.reader import Segment, SegmentRef
from tracker.spool.record import Outline, frames

Ending = tuple[str, str, str]  # (site, ending, reason), as in the ledger


class Seen(msgspec.Struct, gc=False):  # only text and numbers: nothing for the collector to follow
    """What is looked at of an event that names a user, carries identifiers or says what a person decided."""

    site: str
    id: str
    arrival: int
    ts: int
    type: str = ""
    visitor: str = ""
    user: str = ""
    previous: str = ""
    vault: str = ""
    gpc: int = 0
    analytics: int = -1
    ads: int = -1
    mode: str = ""
    source: str = ""
    consent: str = ""
    consent_text: str = ""

    @property
    def decides(self) -> bool:
        """Whether its person, or the browser in the person's name, said something about consent."""
        return self.gpc == 1 or self.type == "consent"


@dataclass(slots=True)
class Part:
    """One segment of a batch. `start`: records its lineage wrote before it.

    `text`: the file where it is whole, else lines of the spool, without header and trailer.
    """

    ref: SegmentRef
    start: int
    count: int
    text: Path | bytes
    endings: Counter[Ending] = field(default_factory=Counter)


@dataclass(slots=True)
class Batch:
    """Several segments that are loaded together. `rejected`: with the number of their part."""

    parts: list[Part] = field(default_factory=list)
    rejected: list[tuple[int, Rejected]] = field(default_factory=list)

    @property
    def texts(self) -> list[tuple[int, Path | bytes]]:
        """With the number of their part."""
        return [(number, part.text) for number, part in enumerate(self.parts)]

    def lines(self) -> list[Line]:
        """All records, one by one."""
        found = []
        for number, part in enumerate(self.parts):
            whole = isinstance(part.text, Path)
            lines = (part.text.read_bytes() if isinstance(part.text, Path) else part.text).split(b"\n")
            found += [Line(number, line) for line in (lines[1:-2] if whole else lines[:-1])]
        return found

    def keep(self, lines: Iterable[Line]) -> None:
        """Only these records are left to be stored."""
        texts = dict(texts_of(lines))
        for number, part in enumerate(self.parts):
            part.text = texts.get(number, b"")


class Line(NamedTuple):
    """A line of the spool, without its newline, and the number of the part it is of."""

    part: int
    text: bytes

    @property
    def body(self) -> bytes:
        """The record."""
        return self.text[_BODY:]


class _Id(msgspec.Struct):
    """What tells events apart."""

    site: str
    id: str
    arrival: int


_other = msgspec.json.Decoder(Rejected | Suppressed).decode
_id = msgspec.json.Decoder(_Id).decode
LONGEST_RAW = 32_768  # of a rejected record, as at the collector
_BODY = 9  # characters of a line before the JSON
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def whole(segments: Iterable[tuple[SegmentRef, Outline]]) -> Batch:
    """One batch of segments whose records nobody has looked at yet."""
    batch = Batch()
    for ref, found in segments:
        batch.parts.append(Part(ref=ref, start=found.header.start, count=found.count, text=ref.path))
    return batch


def looked_through(segments: Iterable[tuple[SegmentRef, Segment, int]]) -> Batch:
    """One batch of (ref, what is readable in it, start)."""
    batch = Batch()
    for ref, segment, start in segments:
        part = Part(ref=ref, start=start, count=segment.count, text=frames(segment.bodies))
        if segment.corrupt:
            part.endings["", "rejected", Reject.UNREADABLE] += segment.corrupt
        batch.parts.append(part)
    return batch


def texts_of(lines: Iterable[Line]) -> list[tuple[int, bytes]]:
    """Lines as they travel: those of a part together. `lines`: in the order of their parts."""
    return [
        (part, b"".join([line.text + b"\n" for line in some])) for part, some in groupby(lines, lambda line: line.part)
    ]


def add_other(batch: Batch, part: int, body: bytes) -> None:
    """A record that is no event: an ending, or several, of its segment."""
    try:
        record = _other(body)
    except _UNREADABLE:
        batch.rejected.append((part, _unreadable(body)))
        return
    if isinstance(record, Suppressed):
        batch.parts[part].endings[record.site, "suppressed", record.reason] += record.n
    else:
        batch.rejected.append((part, record))


def refused(body: bytes, message: str) -> Rejected:
    """A record for an event that the store cannot hold, so that it can be listed and replayed."""
    try:
        event = _id(body)
    except _UNREADABLE:
        return _unreadable(body)
    return Rejected(
        site=event.site,
        arrival=event.arrival,
        received=(event.arrival >> 4) // 1000,  # an arrival is microseconds x 16
        reason=Reject.STORE_REFUSED,
        message=message,
        raw=body[:LONGEST_RAW].decode("utf-8", "replace"),
    )


def id_of(body: bytes) -> tuple[str, str, int] | None:
    """(site, id, arrival) of an event; None of what is none."""
    try:
        event = _id(body)
    except _UNREADABLE:
        return None
    return event.site, event.id.lower(), event.arrival


def _unreadable(body: bytes) -> Rejected:
    """A record whose checksum is right and which is none of ours: written by another version, or by hand."""
    return Rejected(
        site="",
        arrival=xxh64_intdigest(body),
        received=time.time_ns() // 1_000_000,
        reason=Reject.UNREADABLE,
        message="the spool holds a record that is no event",
        raw=body[:LONGEST_RAW].decode("utf-8", "replace"),
    )
