"""A disk that keeps a list of what it was asked, and what such a disk may hold when its power is cut.

What was synced is there. Of everything else any part may be: each write that was not synced whole, torn, as zeros or
not at all, in any order; of the names in a folder those up to any moment since the folder was synced last.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from pathlib import Path

from tracker.spool.disk import Disk

Op = tuple[object, ...]


class RecordingDisk(Disk):
    """Does what it is asked, and writes it down. `note` writes down what others did between."""

    def __init__(self, *, one_call: bool) -> None:
        self.one_call = one_call and Disk.one_call
        self.log: list[Op] = []
        self._lock = threading.Lock()
        self._files: dict[Path, int] = {}
        self._open: dict[int, int] = {}
        self._next = 0

    def note(self, *op: object) -> None:
        with self._lock:
            self.log.append(op)

    def make_folder(self, folder: Path) -> list[Path]:
        made = super().make_folder(folder)
        self.note("make_folder", folder)
        return made

    def create(self, path: Path) -> int:
        fd = super().create(path)
        self._next += 1
        self._files[path] = self._open[fd] = self._next
        self.note("create", path, self._next)
        return fd

    def reopen(self, path: Path) -> int:
        fd = super().reopen(path)
        self._open[fd] = self._files[path]
        return fd

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> None:
        super().write(fd, data, offset)
        self.note("write", self._open[fd], offset, bytes(data))

    def sync(self, fd: int) -> None:
        super().sync(fd)
        self.note("sync", self._open[fd])

    def append(self, fd: int, data: bytes, offset: int) -> None:
        super().append(fd, data, offset)
        if self.one_call:
            self.note("through", self._open[fd], offset, data)

    def cut(self, fd: int, size: int) -> None:
        super().cut(fd, size)
        self.note("cut", self._open[fd], size)

    def rename(self, old: Path, new: Path) -> None:
        super().rename(old, new)
        self._files[new] = self._files.pop(old)
        self.note("rename", old, new)

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        self.note("unlink", path)

    def sync_folder(self, folder: Path) -> None:
        super().sync_folder(folder)
        self.note("sync_folder", folder)


@dataclass
class _Log:
    """Operations in order, and how many of the first are on the device for sure."""

    ops: list[Op] = field(default_factory=list)
    through: set[int] = field(default_factory=set)
    synced: int = 0


def after_the_cut(log: list[Op], root: Path, copy: Path, dice: random.Random) -> None:
    """Make in `copy` what the disk under `root` may hold if its power went right after these operations."""
    files: dict[int, _Log] = {}
    names = _Log()
    folders: set[Path] = set()
    for op in log:
        kind = op[0]
        if kind in ("write", "cut", "through"):
            file = files.setdefault(int(str(op[1])), _Log())
            if kind == "through":
                file.through.add(len(file.ops))
            file.ops.append(op)
        elif kind == "sync":
            found = files.setdefault(int(str(op[1])), _Log())
            found.synced = len(found.ops)
        elif kind in ("create", "rename", "unlink"):
            names.ops.append(op)
        elif kind == "sync_folder":
            names.synced = len(names.ops)
        elif kind == "make_folder":
            folders.add(Path(str(op[1])))
    there: dict[Path, int] = {}
    for op in names.ops[: dice.randint(names.synced, len(names.ops))]:
        if op[0] == "create":
            there[Path(str(op[1]))] = int(str(op[2]))
        elif op[0] == "rename":
            there[Path(str(op[2]))] = there.pop(Path(str(op[1])))
        else:
            there.pop(Path(str(op[1])), None)
    for folder in folders:
        (copy / folder.relative_to(root)).mkdir(parents=True, exist_ok=True)
    for path, file_number in there.items():
        # A file in a folder whose own name is nowhere is gone with it.
        if path.parent in folders:
            content = _content(files.get(file_number, _Log()), dice)
            (copy / path.relative_to(root)).write_bytes(content)


def _content(file: _Log, dice: random.Random) -> bytes:
    blob = bytearray()
    for number, op in enumerate(file.ops):
        sure = number < file.synced or number in file.through
        luck = 1.0 if sure else dice.random()
        if op[0] == "cut":
            size = int(str(op[2]))
            if luck >= 0.5:
                del blob[size:]
                blob.extend(bytes(size - len(blob)))
            continue
        offset, data = op[2], op[3]
        assert isinstance(offset, int)
        assert isinstance(data, bytes)
        if luck < 0.3:
            continue
        if luck < 0.5:
            data = data[: dice.randrange(len(data) + 1)]
        elif luck < 0.65:
            data = bytes(len(data))  # its length was noted before its bytes came
        blob.extend(bytes(max(0, offset - len(blob))))
        blob[offset : offset + len(data)] = data
    return bytes(blob)
