"""The narrow door to the file system, so that every failure a disk can have can be tried out."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

# macOS has no fdatasync; fsync there is the nearest thing.
_sync = getattr(os, "fdatasync", os.fsync)


_WRITE_THROUGH = getattr(os, "RWF_DSYNC", 0)  # Linux


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # said while writing: nothing was handed to the device


class NotSynced(OSError):
    """The bytes may have been written; whether they are on the device cannot be known any more."""


class Disk:
    """What a spool asks of a disk. Every method raises OSError as the system does.

    `one_call`: the system can write and sync in one call, which wakes this process half as often.
    """

    one_call = bool(_WRITE_THROUGH)

    def make_folder(self, folder: Path) -> list[Path]:
        """Make a folder and those above it, where they are not there; gives the folders that are to be synced then."""
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        return [one.parent for one in missing]

    def create(self, path: Path) -> int:
        """Open a new file for writing; it must not exist."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def reopen(self, path: Path) -> int:
        """Open an existing file for writing."""
        return os.open(path, os.O_WRONLY | os.O_CLOEXEC)

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> None:
        """Write all of `data` at `offset`. A partial write followed by a failure leaves bytes behind `offset`."""
        view = memoryview(data)
        while view:
            done = os.pwrite(fd, view, offset)
            offset += done
            view = view[done:]

    def sync(self, fd: int) -> None:
        """Return once the file's bytes are on the device."""
        _sync(fd)

    def append(self, fd: int, data: bytes, offset: int) -> None:
        """`write`, then `sync`. Raises NotSynced unless it is certain that only the writing failed."""
        view = memoryview(data)
        while self.one_call and view:
            try:
                done = os.pwritev(fd, [view], offset, _WRITE_THROUGH)
            except OSError as failure:
                if failure.errno in _NO_ROOM:
                    raise
                if failure.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                    raise NotSynced(failure.errno, failure.strerror) from failure
                self.one_call = False  # a file system that cannot
            else:
                offset += done
                view = view[done:]
        if view:
            self.write(fd, view, offset)
            try:
                self.sync(fd)
            except OSError as failure:
                raise NotSynced(failure.errno, failure.strerror) from failure

    def cut(self, fd: int, size: int) -> None:
        """Make the file `size` bytes long."""
        os.ftruncate(fd, size)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file its new name, at once."""
        old.rename(new)

    def unlink(self, path: Path) -> None:
        """Remove a file, if it is there."""
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Return once the names in a folder are on the device."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def close(self, fd: int) -> None:
        """Give the descriptor back; what it says about old writes no longer matters."""
        with contextlib.suppress(OSError):
            os.close(fd)
