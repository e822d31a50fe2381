"""Writes the files that collectors look persons up in (`core.membership`), as few bytes as it can for each refresh.

Whoever an audience's own file is wrong about is noted in the site's `recent` file, for all audiences at once. When
that has grown, some audiences take over what it says of them (`fold`), those first that waited longest; an audience for
which everybody was judged gets its file anew from the store. Whatever is cut off, a reader finds each audience as it
was before or after: `made` ties the columns of `recent` to the files that they were reckoned from.
"""

from __future__ import annotations

import os
import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import structlog
from numpy.typing import NDArray

from tracker.core import membership as files
from tracker.core.errors import Broken

if TYPE_CHECKING:
    from tracker.audiences.refresh import Refreshed
    from tracker.audiences.touched import Found
    from tracker.catalog.memberships import Membership
    from tracker.store.engine import Engine

log = structlog.get_logger()

MOST_RECENT = 100_000
"""Keys in a `recent` file from which on audiences take over; with a hundred audiences such a file has 3 MB."""

_FOLDING_S = 0.2  # seconds in one round for audiences that take over; one is always done
_Keys = NDArray[np.uint64]
_Bits = NDArray[np.uint8]
_Bools = NDArray[np.bool_]


def _no_keys() -> _Keys:
    return np.empty(0, np.uint64)


def _no_bits() -> _Bits:
    return np.empty((0, 0), np.uint8)


@dataclass
class _Recent:
    """A `recent` file in memory: a row a key, a column an audience. `stamp`: the file that it is."""

    stamp: tuple[int, int] = (0, 0)
    audiences: list[tuple[str, int]] = field(default_factory=list)
    keys: _Keys = field(default_factory=_no_keys)
    known: _Bits = field(default_factory=_no_bits)
    inside: _Bits = field(default_factory=_no_bits)

    def column(self, audience: str, made: int) -> int:
        """That of an audience whose file is `made`; a new one where there is none, without what an old file had."""
        for at, (name, of) in enumerate(self.audiences):
            if name == audience:
                if of != made:
                    self.clear(at)
                    self.audiences[at] = audience, made
                return at
        self.audiences.append((audience, made))
        if wider := -(-len(self.audiences) // 8) - self.known.shape[1]:
            more = np.zeros((len(self.keys), wider), np.uint8)
            self.known, self.inside = np.hstack((self.known, more)), np.hstack((self.inside, more))
        return len(self.audiences) - 1

    def rows(self, keys: _Keys) -> NDArray[np.int64]:
        """The places of keys that are there."""
        return np.searchsorted(self.keys, keys)

    def add(self, keys: _Keys) -> None:
        """Rows for keys, sorted, that may be there."""
        if bool(_among(keys, self.keys).all()):
            return
        everybody = np.union1d(self.keys, keys)
        places = np.searchsorted(everybody, self.keys)
        for name in ("known", "inside"):
            wider = np.zeros((len(everybody), self.known.shape[1]), np.uint8)
            wider[places] = getattr(self, name)
            setattr(self, name, wider)
        self.keys = everybody

    def clear(self, column: int) -> None:
        """Forget what is known for an audience."""
        others = np.uint8(~(1 << column % 8) & 255)
        self.known[:, column // 8] &= others
        self.inside[:, column // 8] &= others

    def drop(self, there: Container[str]) -> None:
        """Forget audiences that are gone, and leave out keys of which nothing is known any more."""
        for at, (name, _) in enumerate(self.audiences):
            if name and name not in there:
                self.clear(at)
                self.audiences[at] = "", 0
        left = self.known.any(axis=1)
        self.keys, self.known, self.inside = self.keys[left], self.known[left], self.inside[left]

    def packed(self, site: str) -> bytes:
        return files.recent(
            site, self.audiences, self.keys.astype("<u8").tobytes(), self.known.tobytes(), self.inside.tobytes()
        )


@dataclass(frozen=True)
class _File:
    """An audience's own file, its keys mapped. `stamp`: the file that it is."""

    stamp: tuple[int, int]
    made: int
    keys: _Keys


class SegmentFiles:
    """The files of one data folder; for one thread, and nobody may be erased while it works."""

    def __init__(self, engine: Engine, data: Path) -> None:
        self._engine = engine
        self._data = data
        self._recent: dict[str, _Recent] = {}
        self._files: dict[Path, _File] = {}

    def put(self, site: str, done: Sequence[Refreshed]) -> None:
        """Make the files anew, from the store, of audiences for which everybody was judged, or which have none.

        Raises TrackerError, OSError.
        """
        recent, news = self._open(site), False
        for one in done:
            path = files.path_of(self._data, site, one.state.audience)
            if path.exists() and not (one.everybody and one.changed):
                continue
            made = write(self._engine, path, one.state)
            if any(name == one.state.audience for name, _ in recent.audiences):
                recent.column(one.state.audience, made)
                news = True
        if news:
            self._dropped(site, recent)
            self._save(site, recent)

    def note(self, site: str, found: Found) -> None:
        """Bring look-ups to what was found of some persons. Raises OSError."""
        recent, keys = self._open(site), np.unique(np.array(found.keys, np.uint64))
        there = _among(keys, recent.keys)
        columns: list[tuple[int, _Bools, _Bools]] = []
        for audience, some in found.inside.items():
            file = self._file(files.path_of(self._data, site, audience))
            if file is None:
                continue  # `put` will make it
            inside = _among(keys, np.sort(np.array(some, np.uint64)))
            wrong = inside != _among(keys, file.keys)
            if wrong.any() or there.any():
                columns.append((recent.column(audience, file.made), wrong, inside))
        concerned = np.logical_or.reduce([there, *(wrong for _, wrong, _ in columns)])
        recent.add(keys[concerned])
        rows = recent.rows(keys[concerned])
        known, inside_now = recent.known[rows], recent.inside[rows]
        for at, wrong, inside in columns:
            _set(known, at, wrong[concerned])
            _set(inside_now, at, (wrong & inside)[concerned])
        recent.known[rows], recent.inside[rows] = known, inside_now
        if len(rows):
            self._dropped(site, recent)
            self._save(site, recent)

    def fold(self, site: str) -> None:
        """Where `recent` is long, some audiences take over what it says of them. What a look-up finds stays the same.

        Raises OSError.
        """
        recent = self._open(site)
        if len(recent.keys) > MOST_RECENT:
            self._take_over(recent, self._dropped(site, recent))
            self._save(site, recent)

    def tidy(self, audiences: Mapping[str, Sequence[str]]) -> None:
        """Delete what belongs to no audience: site -> ids of its audiences."""
        there = {files.path_of(self._data, site, one) for site, ids in audiences.items() for one in ids}
        there |= {files.recent_of(self._data, site) for site, ids in audiences.items() if ids}
        for path in (self._data / files.FOLDER).glob("*/*"):
            if path not in there:  # of a half written file too
                path.unlink(missing_ok=True)

    def _open(self, site: str) -> _Recent:
        """As it is on the disk: an erasure may have changed it."""
        path, known = files.recent_of(self._data, site), self._recent.get(site)
        try:
            stamp = _stamp(path)
        except FileNotFoundError:
            stamp = (0, 0)
        if known is not None and known.stamp == stamp:
            return known
        self._recent[site] = fresh = _Recent(stamp)
        if stamp == (0, 0):
            return fresh
        try:
            read = files.read_recent(path.read_bytes())
        except Broken as failure:
            log.error("segments.unreadable", file=path.name, reason=failure.message)
            for old in path.parent.glob("*"):  # what they lack is not known any more: all are made anew
                old.unlink(missing_ok=True)
            return fresh
        fresh.audiences = list(read.head.audiences)
        fresh.keys = np.array(read.keys, dtype=np.uint64)
        shape = (read.head.count, read.width)
        fresh.known = np.frombuffer(read.known, np.uint8).reshape(shape).copy()
        fresh.inside = np.frombuffer(read.inside, np.uint8).reshape(shape).copy()
        return fresh

    def _dropped(self, site: str, recent: _Recent) -> dict[str, Path]:
        """Forget audiences without a file; gives the others' files."""
        paths = {name: files.path_of(self._data, site, name) for name, _ in recent.audiences if name}
        paths = {name: path for name, path in paths.items() if path.exists()}
        recent.drop(paths)
        return paths

    def _file(self, path: Path) -> _File | None:
        """None: there is none."""
        known = self._files.get(path)
        try:
            stamp = _stamp(path)
            if known is not None and known.stamp == stamp:
                return known
            with path.open("rb") as file:
                head = files.read_head(file.read(files.HEAD))
            keys = np.memmap(path, "<u8", "r", files.HEAD, (head.count,)) if head.count else _no_keys()
        except FileNotFoundError:
            self._files.pop(path, None)
            return None
        self._files[path] = made = _File(stamp, head.made, keys)
        return made

    def _take_over(self, recent: _Recent, paths: Mapping[str, Path]) -> None:
        """Write the files of some audiences anew where `recent` is long."""
        began = time.monotonic()
        used = np.bitwise_or.reduce(recent.known, axis=0)
        waiting = sorted((made, at) for at, (_, made) in enumerate(recent.audiences) if used[at // 8] >> at % 8 & 1)
        for _, at in waiting:
            if len(recent.keys) <= MOST_RECENT:
                break
            name = recent.audiences[at][0]
            path = paths[name]
            bit = np.uint8(1 << at % 8)
            mine = (recent.known[:, at // 8] & bit) != 0
            now = mine & ((recent.inside[:, at // 8] & bit) != 0)
            made = amend(path, recent.keys[mine], recent.keys[now])
            recent.clear(at)
            recent.audiences[at] = name, made
            recent.drop(paths)
            if time.monotonic() - began > _FOLDING_S:
                break

    def _save(self, site: str, recent: _Recent) -> None:
        target = files.recent_of(self._data, site)
        half = target.with_suffix(".new")
        with half.open("wb") as file:
            file.write(recent.packed(site))
            file.flush()
            os.fsync(file.fileno())
        half.replace(target)
        recent.stamp = _stamp(target)


def write(engine: Engine, path: Path, state: Membership) -> int:
    """Put the file of an audience's stored members in place; gives its `made`. Raises TrackerError."""
    from tracker.audiences import membership

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half, made = path.with_suffix(".new"), time.time_ns()
    count = 0
    with half.open("wb") as file:
        file.seek(files.HEAD)
        for part in membership.keys(engine, state.site, state.audience, state.exportable):
            file.write(files.keys(part))
            count += len(part)
        file.seek(0)
        file.write(files.head(state.site, state.audience, state.as_of, count, made))
    half.replace(path)
    return made


def amend(path: Path, touched: _Keys, present: _Keys) -> int:
    """Put a file in place in which these keys (sorted) are there or not, and all others as they were; gives its `made`.

    A million keys take some hundredths of a second: the store is not asked for those that stay.
    """
    read = files.read(memoryview(path.read_bytes()))
    before = np.array(read.keys, dtype=np.uint64)
    places = np.searchsorted(before, touched)
    places, asked = places[places < len(before)], touched[places < len(before)]
    left = np.delete(before, places[before[places] == asked])
    after = np.insert(left, np.searchsorted(left, present), present)
    half, made = path.with_suffix(".new"), time.time_ns()
    with half.open("wb") as file:
        file.write(files.head(read.head.site, read.head.audience, read.head.at, len(after), made))
        file.write(after.astype("<u8").tobytes())
    half.replace(path)
    return made


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_ino


def _among(keys: _Keys, some: _Keys) -> _Bools:
    """Of each of the keys whether it is one of some, which are sorted."""
    from tracker.audiences.changes import is_among

    return is_among(keys, some)


def _set(bits: _Bits, column: int, values: _Bools) -> None:
    """A column of rows of bits."""
    bit = np.uint8(1 << column % 8)
    bits[:, column // 8] = np.where(values, bits[:, column // 8] | bit, bits[:, column // 8] & ~bit)
