"""Segments -> one batch: events ready for the store, and the records that are none.

Only what enrichment, the memory of seen ids and identity need is decoded here; the event's JSON itself goes on to
ClickHouse as it came, with the answers of `enrich` put at its end.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
from xxhash import xxh3_128_digest, xxh64_intdigest

from tracker.core.drops import Reject
from tracker.core.event import Rejected, Suppressed
from tracker.loader.enrich.columns import client_columns, source_columns
from tracker.spool.reader import Segment, SegmentRef

Ending = tuple[str, str, str]  # (site, ending, reason), as in the ledger


class _Row(msgspec.Struct, gc=False):  # only text and numbers: nothing for the collector to follow
    """What is looked at of every event."""

    site: str
    id: str
    arrival: int
    ts: int
    type: str = ""
    user: str = ""
    url: str = ""
    referrer: str = ""
    ua: str = ""
    vault: str = ""
    gpc: int = 0
    bot: str = ""


class Seen(msgspec.Struct, gc=False):
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
    """One segment of a batch.

    `start`: records its lineage wrote before it. `first`: its first row in the batch. `stored`: its rows by site.
    """

    ref: SegmentRef
    start: int
    count: int
    corrupt: int
    first: int
    stored: Counter[str] = field(default_factory=Counter)
    endings: Counter[Ending] = field(default_factory=Counter)


@dataclass(slots=True)
class Batch:
    """Several segments that are loaded together. Row i is `keys[i]`, `arrivals[i]`, `times[i]` and `sites[i]`.

    `text` is the rows for the store, hundreds of lines a piece. `telling`: the rows, one in ten, that name a user,
    carry identifiers or say what a person decided; the others are not kept, which halves the memory of a batch.
    """

    parts: list[Part] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    arrivals: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    sites: list[str] = field(default_factory=list)
    text: list[bytes] = field(default_factory=list)
    telling: dict[int, Seen] = field(default_factory=dict)
    rejected: list[tuple[int, Rejected]] = field(default_factory=list)

    def owner(self, row: int) -> int:
        """Index of the part that a row came with."""
        return bisect_right(self.parts, row, key=lambda part: part.first) - 1


_row = msgspec.json.Decoder(_Row).decode
_event = msgspec.json.Decoder(Seen).decode
_other = msgspec.json.Decoder(Rejected | Suppressed).decode
LONGEST_RAW = 32_768  # of a rejected record, as at the collector
_EVENT = b'{"k":"e",'
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_AT_ONCE = 500  # events: what is made of them stays in the processor's cache


def seen_key(site: str, event_id: str) -> bytes:
    """128 bits of (site, event id): the same id at two sites is two events; case does not make a UUID another one."""
    return xxh3_128_digest(f"{site}\0{event_id.lower()}".encode())


def read(segments: Iterable[tuple[SegmentRef, Segment, int]]) -> Batch:
    """One batch of (ref, contents, start)."""
    batch = Batch()
    for ref, segment, start in segments:
        part = Part(ref=ref, start=start, count=segment.count, corrupt=segment.corrupt, first=len(batch.keys))
        if segment.corrupt:
            part.endings["", "rejected", Reject.UNREADABLE] += segment.corrupt
        batch.parts.append(part)
        events = [body for body in segment.bodies if body.startswith(_EVENT)]
        if len(events) < len(segment.bodies):
            _each(batch, [body for body in segment.bodies if not body.startswith(_EVENT)], _add_other)
        for at in range(0, len(events), _AT_ONCE):
            some = events[at : at + _AT_ONCE]
            try:
                _add(batch, some)
            except _UNREADABLE:
                _each(batch, some, lambda batch, body: _add(batch, [body]))
        part.stored.update(batch.sites[part.first :])
    return batch


def _each(batch: Batch, bodies: Iterable[bytes], add: Callable[[Batch, bytes], None]) -> None:
    for body in bodies:
        try:
            add(batch, body)
        except _UNREADABLE:
            batch.rejected.append((len(batch.parts) - 1, _unreadable(body)))


def _add(batch: Batch, bodies: Sequence[bytes]) -> None:
    """All of these events, or none of them and an error."""
    client, source, first = client_columns, source_columns, len(batch.keys)
    events = [_row(body) for body in bodies]
    pieces: list[bytes] = []
    for body, event in zip(bodies, events, strict=True):
        pieces += (body[:-1], client(event.ua, event.bot != ""), source(event.url, event.referrer, event.type), b"}\n")
    batch.keys += [seen_key(event.site, event.id) for event in events]
    batch.arrivals += [event.arrival for event in events]
    batch.times += [event.ts for event in events]
    batch.sites += [event.site for event in events]
    batch.telling.update(
        (row, _event(bodies[row - first]))
        for row, event in enumerate(events, first)
        if event.user or event.vault or event.gpc or event.type == "consent"
    )
    batch.text.append(b"".join(pieces))


def _add_other(batch: Batch, body: bytes) -> None:
    record = _other(body)
    owner = len(batch.parts) - 1
    if isinstance(record, Suppressed):
        batch.parts[owner].endings[record.site, "suppressed", record.reason] += record.n
    else:
        batch.rejected.append((owner, record))


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
