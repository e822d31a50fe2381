"""Which persons are in an audience, as a file: the engine writes it, collectors look persons up without a database.

`DATA/segments/SITE/AUDIENCE.bin`: one line of JSON, filled up with spaces to 256 bytes, then the 64-bit keys of all
visitors and users of the members (`core.identity`), sorted, 8 bytes each, the lowest byte first. Only members who may
leave the house are in it. It is replaced as a whole, by rename.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec

from tracker.core.errors import Broken

FOLDER = "segments"
HEAD = 256  # bytes
_KEY = 8  # bytes


class Head(msgspec.Struct):
    """The first line. `at`: as of when, ms."""

    v: int
    site: str
    audience: str
    at: int
    count: int


def path_of(data: Path, site: str, audience: str) -> Path:
    """The file of one audience."""
    return data / FOLDER / site / f"{audience}.bin"


def head(site: str, audience: str, at: int, count: int) -> bytes:
    """The first 256 bytes of a file of `count` keys."""
    line = msgspec.json.encode(Head(1, site, audience, at, count))
    if len(line) >= HEAD:
        raise Broken("the name of a site or an audience is too long")
    return line.ljust(HEAD - 1) + b"\n"


def keys(numbers: Sequence[int]) -> bytes:
    """Sorted keys as they stand in the file."""
    packed = array("Q", numbers)
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


def read(blob: memoryview) -> Members:
    """Raises Broken for anything but a whole file."""
    try:
        first = msgspec.json.decode(bytes(blob[:HEAD]), type=Head)
    except ValueError:
        raise Broken("the file of an audience has no head") from None
    if first.v != 1 or len(blob) != HEAD + first.count * _KEY:
        raise Broken("the file of an audience is not whole")
    if sys.byteorder == "little":
        return Members(first, cast("Sequence[int]", blob[HEAD:].cast("Q")))
    swapped = array("Q", bytes(blob[HEAD:]))
    swapped.byteswap()
    return Members(first, swapped)
