"""Segments -> one batch: events ready for the store, and the records that are none.

Only what enrichment, the memory of seen ids and identity need is decoded here; the event's JSON itself goes on to
ClickHouse as it came, with the answers of `enrich` put at its end.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from xxhash import xxh3_128_digest, xxh64_intdigest

from tracker.core.drops import Reject
from tracker.core.event import Rejected, Suppressed
from tracker.loader.enrich.columns import client_columns, source_columns
from tracker.spool.reader import Segment, SegmentRef

Ending = tuple[str, str, str]  # (site, ending, reason), as in the ledger


class Seen(msgspec.Struct, gc=False):  # only text and numbers: nothing for the collector to follow
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
    gpc: int = 0
    analytics: int = -1
    ads: int = -1
    mode: str = ""
    source: str = ""
    consent: str = ""
    consent_text: str = ""
    bot: str = ""


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
    """Several segments that are loaded together: row i is `events[i]`, `keys[i]`, `lines[i]` of `parts[owners[i]]`.

    `telling`: the rows, one in ten, that name a user or carry identifiers; `deciding`: those whose person has said
    something about consent.
    """

    parts: list[Part] = field(default_factory=list)
    events: list[Seen] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    telling: list[int] = field(default_factory=list)
    deciding: list[int] = field(default_factory=list)
    rejected: list[tuple[int, Rejected]] = field(default_factory=list)


_event = msgspec.json.Decoder(Seen).decode
_other = msgspec.json.Decoder(Rejected | Suppressed).decode
LONGEST_RAW = 32_768  # of a rejected record, as at the collector
_EVENT = b'{"k":"e",'
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def seen_key(site: str, event_id: str) -> bytes:
    """128 bits of (site, event id): the same id at two sites is two events; case does not make a UUID another one."""
    return xxh3_128_digest(f"{site}\0{event_id.lower()}".encode())


def read(segments: Sequence[tuple[SegmentRef, Segment, int]]) -> Batch:
    """One batch of (ref, contents, start)."""
    batch = Batch()
    for ref, segment, start in segments:
        part = Part(ref=ref, start=start, count=segment.count, corrupt=segment.corrupt)
        if segment.corrupt:
            part.endings["", "rejected", Reject.UNREADABLE] += segment.corrupt
        owner = len(batch.parts)
        batch.parts.append(part)
        _add(batch, owner, segment.bodies)
    return batch


def _add(batch: Batch, owner: int, bodies: Sequence[bytes]) -> None:
    client, source = client_columns, source_columns
    add_event, add_key, add_line = batch.events.append, batch.keys.append, batch.lines.append
    before = len(batch.events)
    for body in bodies:
        try:
            if not body.startswith(_EVENT):
                _add_other(batch, owner, body)
                continue
            event = _event(body)
            agent, origin = client(event.ua, event.bot != ""), source(event.url, event.referrer, event.type)
            line = b"".join((body[:-1], agent, origin, b"}"))
        except _UNREADABLE:
            batch.rejected.append((owner, _unreadable(body)))
            continue
        if event.user or event.vault:
            batch.telling.append(len(batch.events))
        if event.analytics != -1 or event.ads != -1 or event.gpc or event.consent:
            batch.deciding.append(len(batch.events))
        add_event(event)
        add_key(seen_key(event.site, event.id))
        add_line(line)
    batch.owners.extend([owner] * (len(batch.events) - before))


def _add_other(batch: Batch, owner: int, body: bytes) -> None:
    record = _other(body)
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
