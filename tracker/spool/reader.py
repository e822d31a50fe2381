"""The reading side of the spool: which segments are ready, what is in them, how much is waiting."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from tracker.spool.disk import Disk
from tracker.spool.lineage import Lineage
from tracker.spool.record import Header, NewerFormat, Outline, contents, outline, unframe

_END = 1_000  # bytes: more than a header or a trailer has


class SegmentRef(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed segment: `name` is unique for ever, like `c0/000000000017`."""

    name: str
    path: Path
    lineage: str
    number: int


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """What a sealed segment holds. `corrupt` records were written but cannot be read."""

    header: Header
    bodies: list[bytes]
    corrupt: int

    @property
    def count(self) -> int:
        """Records of the lineage in this segment, the unreadable ones included."""
        return len(self.bodies) + self.corrupt


class _Kind(msgspec.Struct):
    site: str = ""
    k: str = ""


class _Seen(msgspec.Struct):
    """What was counted of one file so far, up to `offset`."""

    inode: int
    offset: int = 0
    counts: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)


class Spool:
    """All lineages under `root`. Any number of readers; only the loader may `forget` and `adopt`."""

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self._root = root
        self._disk = disk or Disk()
        self._seen: dict[str, _Seen] = {}

    def sealed(self) -> list[SegmentRef]:
        """Segments ready to load, oldest first over all lineages."""
        found = []
        for path in self._files(".seg"):
            with contextlib.suppress(FileNotFoundError):
                found.append((path.stat().st_mtime_ns, path))
        return [_ref(path) for _, path in sorted(found)]

    def read(self, ref: SegmentRef) -> Segment:
        """Everything readable in a sealed segment. Raises FileNotFoundError when it is gone, NewerFormat."""
        found = contents(ref.path.read_bytes())
        header = found.header or Header(lineage=ref.lineage, segment=ref.number, start=-1)
        return Segment(header=header, bodies=found.bodies, corrupt=found.corrupt)

    def outline(self, ref: SegmentRef) -> Outline | None:
        """A sealed segment without a look at its records; None where its ends are damaged. Raises as `read` does."""
        with ref.path.open("rb") as file:
            beginning = file.read(_END)
            file.seek(max(0, file.seek(0, 2) - _END))
            return outline(beginning, file.read())

    def forget(self, ref: SegmentRef) -> None:
        """Remove a segment whose records are safe elsewhere. One that comes back after a power cut is known by name."""
        self._disk.unlink(ref.path)

    def adopt(self) -> list[str]:
        """Seal what dead writers left open and drop the folders of finished imports; names of the lineages touched."""
        touched = []
        for folder in self._folders():
            imported = folder.name.startswith("import-")
            if not imported and next(folder.glob("*.open"), None) is None:
                continue
            lineage = Lineage(self._root, folder.name, self._disk)
            if not lineage.lock():
                continue
            try:
                state = lineage.load()
                lineage.note(state)
                if imported and next(folder.glob("*.seg"), None) is None:
                    lineage.remove()
                touched.append(folder.name)
            except NewerFormat:
                continue  # its own version will seal it; a writer that starts here says so
            finally:
                lineage.release()
        return touched

    def waiting(self, known: Callable[[str], bool]) -> Counter[tuple[str, str]]:
        """Records in segments the ledger does not know, open ones included, as (site, kind) -> count.

        Kinds are the tags of core.event: e, r, s. Cheap to call often: of each file only what was appended since the
        last call is read. `known` is asked once all of them are counted.
        """
        found: dict[str, _Seen] = {}
        for path in [*self._files(".open"), *self._files(".seg")]:
            name = _ref(path).name
            if name in found:
                continue
            try:
                seen = self._count(name, path)
            except FileNotFoundError:  # sealed or loaded just now
                sealed = path.with_suffix(".seg")
                try:
                    seen = self._count(name, sealed)
                except FileNotFoundError:
                    continue
            found[name] = seen
        self._seen = found
        total: Counter[tuple[str, str]] = Counter()
        for name, seen in found.items():
            if not known(name):
                total.update(seen.counts)
        return total

    def _count(self, name: str, path: Path) -> _Seen:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            inode = path.stat().st_ino
            seen = self._seen.get(name)
            if seen is None or seen.inode != inode or size < seen.offset:
                seen = self._seen[name] = _Seen(inode=inode)
            if size == seen.offset:
                return seen
            file.seek(seen.offset)
            blob = file.read(size - seen.offset)
        end = blob.rfind(b"\n") + 1
        for _, body in unframe(blob[:end]):
            if body is None:
                continue
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                kind = msgspec.json.decode(body, type=_Kind)
                if kind.k in ("e", "r", "s"):
                    seen.counts[kind.site, kind.k] += 1
        seen.offset += end
        return seen

    def _folders(self) -> list[Path]:
        try:
            return sorted(path for path in self._root.iterdir() if path.is_dir())
        except FileNotFoundError:
            return []

    def _files(self, suffix: str) -> Iterator[Path]:
        for folder in self._folders():
            yield from sorted(folder.glob(f"*{suffix}"))


def _ref(path: Path) -> SegmentRef:
    lineage = path.parent.name
    return SegmentRef(name=f"{lineage}/{path.stem}", path=path, lineage=lineage, number=int(path.stem))
