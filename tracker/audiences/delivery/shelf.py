"""Places that hold files: folder, bucket, SFTP server. Files first, each complete or not there, manifest last."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tracker.audiences.delivery.sender import Outcome, Shipment
from tracker.core.errors import Broken, Refused, TryLater


class Shelf(Protocol):
    """One place. A name is a file that is complete, or is not there."""

    def put(self, name: str, content: Path | bytes) -> None:
        """Put a file there as one step; what had that name is replaced."""

    def size(self, name: str) -> int | None:
        """Its bytes; None: it is not there."""

    def delete(self, name: str) -> None:
        """Neither it nor what was half written of it is there any more."""


class ShelfSender:
    """Sends to any shelf."""

    leaves_nothing = True
    in_parts = False

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def check(self) -> list[str]:
        """Write, look, delete."""
        name, content = f"check-{secrets.token_hex(8)}.txt", b"This file may be deleted.\n"
        self._shelf.put(name, content)
        try:
            if self._shelf.size(name) != len(content):
                raise TryLater("what was written cannot be seen there", code="not_sent")
        finally:
            self._shelf.delete(name)
        return []

    def send(self, shipment: Shipment, understood: Callable[[int], None]) -> Outcome:
        """Each file is what was written here (its SHA-256 is compared before), and there as long as here."""
        for number, file in enumerate(shipment.files, 1):
            path = shipment.folder / file.name
            if _sha256(path) != file.sha256:
                raise Broken("a file of this export is not what was written")
            self._shelf.put(file.name, path)
            if self._shelf.size(file.name) != file.bytes:
                raise TryLater("a file there has another size than here", code="not_sent")
            understood(number)
        self._shelf.put(shipment.manifest_name, shipment.manifest)
        return Outcome()

    def settle(self, shipment: Shipment) -> bool:
        """Whole where its manifest and all its files are there; else nothing of it is left."""
        if self._shelf.size(shipment.manifest_name) is not None and all(
            self._shelf.size(file.name) == file.bytes for file in shipment.files
        ):
            return True
        self._shelf.delete(shipment.manifest_name)
        for file in shipment.files:
            self._shelf.delete(file.name)
        return False


class Folder:
    """A folder of this machine, or one that is mounted here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, content: Path | bytes) -> None:
        """Written beside it, on disk, then renamed."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            half = self._folder / f".{name}.part"
            with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                if isinstance(content, bytes):
                    file.write(content)
                else:
                    with content.open("rb") as source:
                        while chunk := source.read(1 << 20):
                            file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            half.replace(self._folder / name)
            self._synced()
        except OSError as error:
            raise Refused(f"the folder cannot be written ({error.strerror})", code="folder_refused") from None

    def size(self, name: str) -> int | None:
        """Bytes of a file."""
        try:
            return (self._folder / name).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Refused(f"the folder cannot be read ({error.strerror})", code="folder_refused") from None

    def delete(self, name: str) -> None:
        """The file and its half."""
        try:
            for one in (self._folder / name, self._folder / f".{name}.part"):
                one.unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):
                self._synced()
        except OSError as error:
            raise Refused(f"the folder cannot be written ({error.strerror})", code="folder_refused") from None

    def _synced(self) -> None:
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
