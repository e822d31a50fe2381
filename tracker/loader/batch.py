"""Segments -> one batch: the lines of their records, for the store to take apart.

A line of a batch is a line of the spool (checksum and JSON) behind the number of its segment in the batch, in six
digits and a space. Nothing of a record is looked at here, its checksum neither, unless its segment is damaged.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

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
    """One segment of a batch. `start`: records its lineage wrote before it."""

    ref: SegmentRef
    start: int
    count: int
    endings: Counter[Ending] = field(default_factory=Counter)


@dataclass(slots=True)
class Batch:
    """Several segments that are loaded together. `text`: many lines a piece. `rejected`: with their part."""

    parts: list[Part] = field(default_factory=list)
    text: list[bytes] = field(default_factory=list)
    rejected: list[tuple[int, Rejected]] = field(default_factory=list)


class _Id(msgspec.Struct):
    """What tells events apart."""

    site: str
    id: str
    arrival: int


_other = msgspec.json.Decoder(Rejected | Suppressed).decode
_id = msgspec.json.Decoder(_Id).decode
LONGEST_RAW = 32_768  # of a rejected record, as at the collector
_PART, _BODY = 6, 16  # characters of a line before the checksum, and before the JSON
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def whole(segments: Iterable[tuple[SegmentRef, Outline]]) -> Batch:
    """One batch of segments whose records nobody has looked at yet."""
    batch = Batch()
    for ref, found in segments:
        batch.parts.append(Part(ref=ref, start=found.header.start, count=found.count))
        _add(batch, found.lines)
    return batch


def looked_through(segments: Iterable[tuple[SegmentRef, Segment, int]]) -> Batch:
    """One batch of (ref, what is readable in it, start)."""
    batch = Batch()
    for ref, segment, start in segments:
        part = Part(ref=ref, start=start, count=segment.count)
        if segment.corrupt:
            part.endings["", "rejected", Reject.UNREADABLE] += segment.corrupt
        batch.parts.append(part)
        _add(batch, frames(segment.bodies))
    return batch


def _add(batch: Batch, lines: bytes) -> None:
    if lines:
        prefix = b"%06d " % (len(batch.parts) - 1)
        batch.text.append(b"".join((prefix, lines[:-1].replace(b"\n", b"\n" + prefix), b"\n")))


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


def lines_of(text: Iterable[bytes]) -> list[bytes]:
    """One line an item, each with its newline."""
    return b"".join(text).splitlines(keepends=True)


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


def of_line(line: bytes) -> tuple[int, bytes]:
    """Segment and event of a line."""
    return int(line[:_PART]), line[_BODY:].rstrip(b"\n")


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
