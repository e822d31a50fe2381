"""Segments -> one batch: events ready for the store, and the records that are none.

Only what enrichment, the memory of seen ids and identity need is decoded here; the event's JSON itself goes on to
ClickHouse as it came, with the answers of `enrich` put at its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
from xxhash import xxh3_128_intdigest

from tracker.core.drops import Reject
from tracker.core.event import Rejected, Suppressed
from tracker.spool.reader import Segment, SegmentRef

Ending = tuple[str, str, str]  # (site, ending, reason), as in the ledger


class Seen(msgspec.Struct):
    """The fields of an accepted event that the loader looks at."""

    site: str
    id: str
    arrival: int
    ts: int
    type: str = ""
    visitor: str = ""
    user: str = ""
    previous: str = ""
    url: str = ""
    referrer: str = ""
    ua: str = ""
    vault: str = ""


@dataclass(slots=True)
class Part:
    """One segment of a batch. `start`: records its lineage wrote before it."""

    ref: SegmentRef
    start: int
    count: int
    corrupt: int
    endings: Counter[Ending] = field(default_factory=Counter)


@dataclass(slots=True)
class Batch:
    """Several segments that are loaded together: row i is `events[i]`, `keys[i]`, `lines[i]`, from `parts[owners[i]]`."""

    parts: list[Part] = field(default_factory=list)
    events: list[Seen] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    rejected: list[tuple[int, Rejected]] = field(default_factory=list)


_event = msgspec.json.Decoder(Seen).decode
_other = msgspec.json.Decoder(Rejected | Suppressed).decode
_EVENT = b'{"k":"e",'
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def seen_key(site: str, event_id: str) -> int:
    """128 bits of (site, event id): the same id at two sites is two events; case does not make a UUID another one."""
    return xxh3_128_intdigest(f"{site}\0{event_id.lower()}".encode())


class Reader:
    """Makes batches. Keeps a memory of the user agents and pages it has asked about; use one in one thread at a time."""

    def __init__(self, client: Callable[[str], bytes], source: Callable[[str, str, str], bytes]) -> None:
        self._client = client
        self._source = source

    def read(self, segments: Sequence[tuple[SegmentRef, Segment, int]]) -> Batch:
        """One batch of (ref, contents, start)."""
        batch = Batch()
        for ref, segment, start in segments:
            part = Part(ref=ref, start=start, count=segment.count, corrupt=segment.corrupt)
            if segment.corrupt:
                part.endings["", "rejected", Reject.UNREADABLE] += segment.corrupt
            owner = len(batch.parts)
            batch.parts.append(part)
            self._add(batch, owner, segment.bodies)
        return batch

    def _add(self, batch: Batch, owner: int, bodies: Sequence[bytes]) -> None:
        client, source = self._client, self._source
        add_event, add_key, add_line = batch.events.append, batch.keys.append, batch.lines.append
        before = len(batch.events)
        for body in bodies:
            try:
                if not body.startswith(_EVENT):
                    self._add_other(batch, owner, body)
                    continue
                event = _event(body)
                tail = client(event.ua) + source(event.url, event.referrer, event.type)
            except _UNREADABLE:
                batch.parts[owner].endings["", "rejected", Reject.UNREADABLE] += 1
                continue
            add_event(event)
            add_key(seen_key(event.site, event.id))
            add_line(b"%b%b}" % (body[:-1], tail))
        batch.owners.extend([owner] * (len(batch.events) - before))

    def _add_other(self, batch: Batch, owner: int, body: bytes) -> None:
        record = _other(body)
        if isinstance(record, Suppressed):
            batch.parts[owner].endings[record.site, "suppressed", record.reason] += record.n
        else:
            batch.rejected.append((owner, record))
