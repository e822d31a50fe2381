"""Sets of persons in this process: those of `rollups`, whose members are the numbers of `rollup_numbers`, and of keys.

ClickHouse's bitmaps are read as they are (`coded`), so a set of a million persons is 400 KB and united with another one
in some microseconds.
"""

from __future__ import annotations

from array import array
from base64 import b64decode
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

Keys = NDArray[np.uint64]
"""Keys of persons who have no number, each once, in their order."""

NOBODY = np.empty(0, np.uint64)


def coded(*columns: str) -> str:
    """SQL: columns (bitmaps of UInt32, arrays of UInt64) as one text for `Coded`."""
    return f"base64Encode(formatRow('RowBinary', {', '.join(columns)}))"


class Coded:
    """What `coded` gives, read column by column."""

    def __init__(self, text: str) -> None:
        self._left = memoryview(b64decode(text))

    def numbers(self) -> BitMap:
        """A bitmap: few members as they are, many in the portable form of Roaring."""
        small = self._take(1) == b"\0"
        if small:
            return BitMap(array("I", self._take(4 * self._length())))
        return BitMap.deserialize(self._take(self._length()))

    def keys(self) -> Keys:
        """An array of keys."""
        return np.unique(np.frombuffer(self._take(8 * self._length()), "<u8"))

    def _length(self) -> int:
        """Seven bits a byte, the lowest first."""
        found = shift = 0
        while True:
            [byte] = self._take(1)
            found |= (byte & 127) << shift
            if byte < 128:
                return found
            shift += 7

    def _take(self, many: int) -> bytes:
        taken, self._left = self._left[:many], self._left[many:]
        return bytes(taken)


class Moves:
    """Who became known since some builds: puts sets of those builds right. rows: as of `rollups.Road.moves`."""

    def __init__(self, rows: Sequence[tuple[int, int, int, int]]) -> None:
        rows = sorted(rows)
        self._numbers = np.array([row[0] for row in rows], np.uint32)
        self._owners = np.array([row[2] for row in rows], np.uint32)
        self._persons = np.array([row[3] for row in rows], np.uint64)
        self._moved = _bitmap(self._numbers)

    def count(self, numbers: BitMap, keys: Iterable[Keys]) -> int:
        """How many persons have one of some numbers or of some keys."""
        strangers = list(keys)
        if self._moved and (hit := numbers & self._moved):
            at = np.searchsorted(self._numbers, np.frombuffer(hit.to_array(), np.uint32))
            owners = self._owners[at]
            numbers = (numbers - self._moved) | _bitmap(owners[owners != 0])
            strangers.append(self._persons[at][owners == 0])
        some = [each for each in strangers if len(each)]
        return len(numbers) + (len(np.unique(np.concatenate(some))) if some else 0)


def united(sets: Sequence[BitMap]) -> BitMap:
    """All members of some sets, which are left as they are."""
    return BitMap.union(*sets) if len(sets) > 1 else sets[0] if sets else BitMap()


def _bitmap(numbers: NDArray[np.uint32]) -> BitMap:
    return BitMap(array("I", numbers.tobytes()))
