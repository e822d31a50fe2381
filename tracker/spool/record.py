"""Frames and the records that describe a segment. Pure: bytes in, values out.

A frame is one line: eight hex digits of the CRC-32 of the body, a space, the body, a newline. Bodies are compact JSON,
so they hold no newline, and a reader finds the next frame after any damage.

A segment begins with a `Header` and, once sealed, ends with a `Trailer`. Each alone is enough to know which records of
its lineage the segment holds, so a single flipped bit never makes the count unknown.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from typing import TypeVar
from zlib import crc32

import msgspec

from tracker.core.errors import Broken

FORMAT = 1  # of segments, as written; a reader takes it and everything older
_FRAME = re.compile(rb"[0-9a-f]{8} \{")
_HEAD = 9  # eight digits and a space
_HEADER = b'{"k":"h"'
_TRAILER = b'{"k":"t"'
_MARKS = (_HEADER, _TRAILER)
_Mark = TypeVar("_Mark", "Header", "Trailer")


class NewerFormat(Broken):
    """A segment was written by a newer version of this service. It is left as it is, for that version."""


class _Version(msgspec.Struct):
    v: int = 1


class Header(msgspec.Struct, frozen=True, kw_only=True, tag_field="k", tag="h"):
    """First record: `start` is how many records its lineage wrote before, `arrival` the last arrival number given."""

    v: int = FORMAT
    lineage: str
    segment: int
    start: int
    arrival: int = 0


class Trailer(msgspec.Struct, frozen=True, kw_only=True, tag_field="k", tag="t"):
    """Last record of a sealed segment: as the header, and how many records lie between the two."""

    v: int = FORMAT
    lineage: str
    segment: int
    start: int
    count: int


class Contents(msgspec.Struct, frozen=True):
    """What was found in a segment's bytes.

    `damaged` counts records lost: damaged lines. An end without a newline is a torn tail and is not counted. `good_end`
    is the offset behind the last line that is neither the trailer nor that tail: a dead segment is cut there.
    """

    header: Header | None
    trailer: Trailer | None
    bodies: list[bytes]
    damaged: int
    good_end: int

    @property
    def corrupt(self) -> int:
        """Records that were written but cannot be read."""
        if self.trailer is not None:
            return max(0, self.trailer.count - len(self.bodies))
        return self.damaged


class Outline(msgspec.Struct, frozen=True):
    """What header and trailer of a sealed segment say; between them `count` records should be, one line each."""

    header: Header
    count: int


def frames(bodies: Sequence[bytes]) -> bytes:
    """One line for each body. Raises ValueError for a body with a newline in it: that would be two lines."""
    pieces: list[bytes] = []
    for body in bodies:
        if b"\n" in body:
            raise ValueError("a record must not contain a newline")
        pieces += (b"%08x " % crc32(body), body, b"\n")
    return b"".join(pieces)


def frame(body: bytes) -> bytes:
    """`frames` of one."""
    return frames((body,))


def _open_line(line: bytes) -> bytes | None:
    body = line[_HEAD:]
    return body if line[:_HEAD] == b"%08x " % crc32(body) else None


def _split_glued(line: bytes) -> tuple[list[bytes], bool]:
    """Frames inside a line whose newlines were damaged, and whether they explain all of it.

    Every piece must prove itself with its own checksum, so text that merely looks like a frame is harmless.
    """
    found = []
    explained = 0
    starts = [match.start() for match in _FRAME.finditer(line)]
    for at, start in enumerate(starts):
        for end in [*(later - 1 for later in starts[at + 1 :]), len(line)]:
            body = _open_line(line[start:end])
            if body is not None:
                found.append(body)
                explained += end - start + 1
                break
    return found, explained == len(line) + 1


def unframe(blob: bytes) -> Iterator[tuple[int, bytes | None]]:
    """Every frame of a blob as (offset behind its line, body); the body is None once for each damaged record.

    A last line without its newline is a torn tail and is yielded as damaged, unless only the newline is.
    """
    at = 0
    size = len(blob)
    broken = False  # the line before was damaged
    while at < size:
        end = blob.find(b"\n", at)
        whole = end >= 0
        line = blob[at : end if whole else size]
        at = end + 1 if whole else size
        body = _open_line(line if whole else line[:-1])
        if body is not None:
            broken = False
            yield at, body
            continue
        found, explained = _split_glued(line)
        for piece in found:
            yield at, piece
        # A damaged byte that became a newline splits one record into two lines: that is one loss, not two.
        second_half = broken and not found and _FRAME.match(line) is None
        if not explained and not second_half:
            yield at, None
        broken = not explained


def _mark(body: bytes, kind: type[_Mark]) -> _Mark:
    version = msgspec.json.decode(body, type=_Version).v
    if version > FORMAT:
        raise NewerFormat(
            f"a spool segment has format {version}, and this version reads up to {FORMAT}: run the newer version again "
            "until it has loaded its segments; the segment is kept",
            code="newer_spool",
        )
    return msgspec.json.decode(body, type=kind)


def _undamaged(blob: bytes) -> Contents | None:
    """What `contents` finds in a sealed segment without a flaw, in half of the time; None for any other."""
    lines = blob.split(b"\n")
    if len(lines) < 3 or lines.pop():
        return None
    bodies = [line[_HEAD:] for line in lines]
    sums = struct.pack(f">{len(lines)}I", *map(crc32, bodies)).hex(" ", 4)
    if b"".join([line[:_HEAD] for line in lines]) != sums.encode() + b" ":
        return None
    first, last = bodies[0], bodies.pop()
    del bodies[0]
    if not (first.startswith(_HEADER) and last.startswith(_TRAILER)):
        return None
    if any(body.startswith(_MARKS) for body in bodies):
        return None
    return Contents(
        header=_mark(first, Header),
        trailer=_mark(last, Trailer),
        bodies=bodies,
        damaged=0,
        good_end=len(blob) - len(lines[-1]) - 1,
    )


def outline(beginning: bytes, end: bytes) -> Outline | None:
    """Of the first and the last thousand bytes of a sealed segment; None where it is damaged there.

    Raises NewerFormat.
    """
    first, _, _ = beginning.partition(b"\n")
    last = end[end.rfind(b"\n", 0, -1) + 1 :]
    head, tail = _open_line(first), _open_line(last[:-1]) if last.endswith(b"\n") else None
    if head is None or tail is None or not (head.startswith(_HEADER) and tail.startswith(_TRAILER)):
        return None
    return Outline(header=_mark(head, Header), count=_mark(tail, Trailer).count)


def contents(blob: bytes) -> Contents:
    """Sort the frames of a whole segment into header, bodies and trailer, and count the damage. Raises NewerFormat."""
    return _undamaged(blob) or _whatever_is_there(blob)


def _whatever_is_there(blob: bytes) -> Contents:
    header: Header | None = None
    trailer: Trailer | None = None
    bodies: list[bytes] = []
    damaged = pending = good_end = whole_end = 0
    for at, body in unframe(blob):
        if body is None:
            if at < len(blob) or blob.endswith(b"\n"):  # else a torn tail
                pending += 1
                whole_end = at
            continue
        if body.startswith(_TRAILER):
            trailer = _mark(body, Trailer)
            continue
        if body.startswith(_HEADER):
            header = _mark(body, Header)
        else:
            if header is None and not bodies and pending:
                pending -= 1  # the first frame of a segment is its header, not a record
            bodies.append(body)
        damaged += pending
        pending = 0
        good_end = at
    unsure = header if pending and trailer is None else None  # lines were lost at the end: records, or the trailer
    if unsure is not None and not _was_trailer(blob[good_end:], unsure, len(bodies) + damaged):
        damaged += pending
        good_end = whole_end
    if header is None and trailer is not None:
        header = Header(lineage=trailer.lineage, segment=trailer.segment, start=trailer.start)
    return Contents(header=header, trailer=trailer, bodies=bodies, damaged=damaged, good_end=good_end)


def _was_trailer(rest: bytes, header: Header, count: int) -> bool:
    """True if the end of a segment is its trailer with one byte changed: that is no lost record."""
    trailer = Trailer(lineage=header.lineage, segment=header.segment, start=header.start, count=count)
    wanted = frame(msgspec.json.encode(trailer))
    return len(rest) == len(wanted) and sum(a != b for a, b in zip(rest, wanted, strict=True)) <= 1
