"""`DATA/sites.json`: what collectors need to know of the sites, so that they need no database."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tracker.core import suppression
from tracker.core.site import Site, SitesFile


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process at a time: else an older list could be renamed over a newer one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write(path: Path, sites: Sequence[Site]) -> None:
    """Replace the file as a whole, durably; readers see the old list or the new one. Mode 0600: it holds secrets."""
    listed = path.with_name(suppression.FILE).exists()
    replace(path, msgspec.json.format(msgspec.json.encode(SitesFile(sites=tuple(sites), suppression=listed))))


def replace(path: Path, body: bytes) -> None:
    """Put a file in another's place, durably, mode 0600; the same bytes leave it untouched."""
    if path.exists() and path.read_bytes() == body:
        return  # collectors read the file again whenever its time changes
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(path: Path) -> tuple[Site, ...]:
    """The sites in the file; none if there is no file yet."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=SitesFile).sites
    except FileNotFoundError:
        return ()
