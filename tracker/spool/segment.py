"""The segment being written. What was synced is never touched again; what failed is cut off."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import msgspec

from tracker.spool.disk import Disk, NotSynced
from tracker.spool.record import Header, Trailer, frame


class OpenSegment:
    """One file between its creation and its sealing. Not thread-safe: only the committing thread holds it.

    `durable` is the offset up to which everything is synced, `count` the records before it. After a failed sync
    `suspect` is true: the kernel may have dropped the pages and will say nothing the next time, so this descriptor must
    not be written to again.
    """

    def __init__(self, disk: Disk, path: Path, header: Header) -> None:
        """Create the file with its header and make its name durable. Raises OSError and leaves no file behind."""
        self.path = path
        self.header = header
        self.count = 0
        self.suspect = False
        self.first_at = 0.0
        self._disk = disk
        line = frame(msgspec.json.encode(header))
        self._fd = disk.create(path)
        try:
            disk.write(self._fd, line, 0)
            disk.sync(self._fd)
            disk.sync_folder(path.parent)
        except OSError:
            disk.close(self._fd)
            with contextlib.suppress(OSError):
                disk.unlink(path)
            raise
        self.durable = len(line)

    def append(self, blob: bytes, count: int) -> None:
        """Write `count` framed records and return once they are on the device; on OSError nothing of them is kept."""
        try:
            self._disk.append(self._fd, blob, self.durable)
        except OSError as failure:
            self.suspect = isinstance(failure, NotSynced)
            try:
                self._disk.cut(self._fd, self.durable)
            except OSError:  # tried again, through a new descriptor, before anything else is done
                self.suspect = True
            raise
        if not self.count:
            self.first_at = time.monotonic()
        self.durable += len(blob)
        self.count += count

    def end(self) -> None:
        """Make the file ready to be sealed: trailer written, everything synced, descriptor closed. Raises OSError.

        After a failure the file still ends at `durable`, or it is suspect and `end` may be tried again.
        """
        if self.suspect:
            self.close()
            self._fd = self._disk.reopen(self.path)
            self._disk.cut(self._fd, self.durable)
        trailer = Trailer(
            lineage=self.header.lineage, segment=self.header.segment, start=self.header.start, count=self.count
        )
        try:
            self._disk.write(self._fd, frame(msgspec.json.encode(trailer)), self.durable)
        except OSError:  # a full disk: the trailer is a help, not a need, and sealing is what frees space
            self._disk.cut(self._fd, self.durable)
        try:
            self._disk.sync(self._fd)
        except OSError:
            self.suspect = True
            raise

    def go_on(self) -> None:
        """Take the trailer away again: the sealing failed after `end`, so records may follow."""
        try:
            self._disk.cut(self._fd, self.durable)
        except OSError:
            self.suspect = True

    def close(self) -> None:
        """Give the descriptor back; harmless when called again."""
        if self._fd >= 0:
            self._disk.close(self._fd)
            self._fd = -1
