"""Which persons are in an audience, as a file: the engine writes it, collectors look persons up without a database.

`DATA/segments/SITE/AUDIENCE.bin`: one line of JSON, filled up with spaces to 256 bytes, then the 64-bit keys of all
visitors and users of the members (`core.identity`), sorted, 8 bytes each, the lowest byte first. Only members who may
leave the house are in it. It is replaced as a whole, by rename.

A file of a million keys is not written again for each of them that comes or goes: what changed since is in
`DATA/segments/SITE/recent`, one small file for all audiences (`Recent`). It goes before them, audience by audience, as
long as `made` says that it was reckoned from the very file that is there. Whoever reads both reads `recent` first, and
who writes both writes it last: a file that is newer than `recent` holds all that `recent` would say of it.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec

from tracker.core.errors import Broken

FOLDER = "segments"
RECENT = "recent"
HEAD = 256  # bytes
_KEY = 8  # bytes
_FIRST_LINE = 65_536  # bytes that the first line of `recent` mostly fits into


class Head(msgspec.Struct):
    """The first line. `at`: as of when, ms; `made`: another number for each file that was written."""

    v: int
    site: str
    audience: str
    at: int
    count: int
    made: int = 0


class RecentHead(msgspec.Struct):
    """The first line of `recent`. `audiences`: id and `made` of each column, an empty id where there is none."""

    v: int
    site: str
    audiences: list[tuple[str, int]]
    count: int


def path_of(data: Path, site: str, audience: str) -> Path:
    """The file of one audience."""
    return data / FOLDER / site / f"{audience}.bin"


def recent_of(data: Path, site: str) -> Path:
    """The file of what changed in all audiences of a site."""
    return data / FOLDER / site / RECENT


def head(site: str, audience: str, at: int, count: int, made: int = 0) -> bytes:
    """The first 256 bytes of a file of `count` keys."""
    line = msgspec.json.encode(Head(1, site, audience, at, count, made))
    if len(line) >= HEAD:
        raise Broken("the name of a site or an audience is too long")
    return line.ljust(HEAD - 1) + b"\n"


def keys(numbers: Sequence[int]) -> bytes:
    """Sorted keys as they stand in the file."""
    packed = array("Q")
    if isinstance(numbers, memoryview):
        packed.frombytes(numbers.cast("B"))
    else:
        packed.extend(numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


@dataclass(frozen=True)
class Members:
    """A file that is open. `keys` may look into a memory map: a look-up touches some twenty of its pages."""

    head: Head
    keys: Sequence[int]

    def hold(self, key: int) -> bool:
        """Whether a key is in it."""
        place = bisect_left(self.keys, key)
        return place < self.head.count and self.keys[place] == key

    def without(self, gone: Collection[int]) -> bytes:
        """The file without some keys; what is between them is copied as it is, however many there are."""
        places = sorted(bisect_left(self.keys, key) for key in set(gone) if self.hold(key))
        starts, ends = [0, *(place + 1 for place in places)], [*places, self.head.count]
        left = b"".join(keys(self.keys[start:end]) for start, end in zip(starts, ends, strict=True))
        return head(self.head.site, self.head.audience, self.head.at, len(left) // _KEY, self.head.made) + left


def read_head(blob: bytes) -> Head:
    """From the first 256 bytes. Raises Broken."""
    try:
        return msgspec.json.decode(blob, type=Head)
    except ValueError:
        raise Broken("the file of an audience has no head") from None


def read(blob: memoryview) -> Members:
    """Raises Broken for anything but a whole file."""
    first = read_head(bytes(blob[:HEAD]))
    if first.v != 1 or len(blob) != HEAD + first.count * _KEY:
        raise Broken("the file of an audience is not whole")
    return Members(first, _numbers(blob[HEAD:]))


def _numbers(packed: memoryview) -> Sequence[int]:
    if sys.byteorder == "little":
        return cast("Sequence[int]", packed.cast("Q"))
    swapped = array("Q", bytes(packed))
    swapped.byteswap()
    return swapped


@dataclass(frozen=True)
class Recent:
    """Some keys, sorted, and what is known of each: two rows of bits, one bit a column of `head.audiences`.

    `known`: the audience's own file is out of date for this key; `inside`: whether it is in it by now. The bits of a
    key are `width` bytes, the first column in the lowest bit of the first.
    """

    head: RecentHead
    width: int
    keys: Sequence[int]
    known: memoryview
    inside: memoryview

    def of(self, key: int) -> tuple[int, int]:
        """The bits of a key, as numbers."""
        place = bisect_left(self.keys, key)
        if place == self.head.count or self.keys[place] != key:
            return 0, 0
        mine = slice(place * self.width, (place + 1) * self.width)
        return int.from_bytes(self.known[mine], "little"), int.from_bytes(self.inside[mine], "little")

    def without(self, gone: Collection[int]) -> bytes:
        """The file without some keys."""
        left = [at for at in range(self.head.count) if self.keys[at] not in gone]
        known, inside = (
            b"".join(bits[at * self.width : (at + 1) * self.width] for at in left) for bits in (self.known, self.inside)
        )
        return recent(self.head.site, self.head.audiences, keys([self.keys[at] for at in left]), known, inside)


def recent(site: str, audiences: list[tuple[str, int]], packed: bytes, known: bytes, inside: bytes) -> bytes:
    """A file of what changed; `packed`: its keys as `keys` gives them."""
    line = msgspec.json.encode(RecentHead(1, site, audiences, len(packed) // _KEY))
    return b"".join((line, b"\n", packed, known, inside))


def read_recent(blob: bytes | memoryview) -> Recent:
    """Raises Broken for anything but a whole file. What it gives may look into a memory map."""
    body = memoryview(blob)
    line, newline = b"", b""
    for size in (_FIRST_LINE, len(body)):  # the keys behind a line are not copied to find its end
        line, newline, _ = bytes(body[:size]).partition(b"\n")
        if newline:
            break
    try:
        first = msgspec.json.decode(line, type=RecentHead)
    except ValueError:
        raise Broken("the file of recent changes has no head") from None
    width = -(-len(first.audiences) // 8)
    body = body[len(line) + len(newline) :]
    of_keys, of_bits = first.count * _KEY, first.count * width
    if first.v != 1 or len(body) != of_keys + 2 * of_bits:
        raise Broken("the file of recent changes is not whole")
    return Recent(first, width, _numbers(body[:of_keys]), body[of_keys : of_keys + of_bits], body[of_keys + of_bits :])


def holding(audiences: Iterable[Members], changes: Recent | None, key: int) -> list[str]:
    """Ids of the audiences that hold a key, in their order."""
    known, inside = changes.of(key) if changes is not None else (0, 0)
    if changes is None or not known:
        return [one.head.audience for one in audiences if one.hold(key)]
    column = {audience: (at, made) for at, (audience, made) in enumerate(changes.head.audiences)}
    found = []
    for one in audiences:
        at, made = column.get(one.head.audience, (0, -1))
        newer = made == one.head.made and known >> at & 1
        if inside >> at & 1 if newer else one.hold(key):
            found.append(one.head.audience)
    return found
