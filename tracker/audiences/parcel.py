"""What an export leaves in its folder: one file, or a zip of several with a manifest.

Everything is written beside its name and renamed when it is complete and on disk; who sees the name sees all of it.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from tracker.audiences.manifest import manifest
from tracker.catalog.exports import Export, ExportFile
from tracker.networks import Network, Terms
from tracker.networks.network import Action, Row
from tracker.networks.parquet_file import ParquetRows

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "zip": "application/zip",
    "gz": "application/gzip",
}
_LEVEL = 1  # of deflate: on hashes 6 saves three hundredths of the size more, for three times the work
Known = tuple[Row, bool]
"""A member's row, and whether they said yes to ads."""


@dataclass(frozen=True)
class Group:
    """Requests of one batch: when `requests` of the parcel have been taken, so have `rows` of its rows to do this."""

    requests: int
    action: Action
    rows: int


class _Part(io.RawIOBase):
    """One file while it is being written; hashes and counts what goes through."""

    def __init__(self, folder: Path, name: str, compression: str = "none") -> None:
        self.name, self.path = name, folder / f"{name}.part"
        self.rows = self.size = 0
        self._hash = hashlib.sha256()
        self._gzip = zlib.compressobj(_LEVEL, wbits=31) if compression == "gzip" else None  # RFC 1952, no time
        self._out = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def write(self, data: Any, /) -> int:
        self._put(self._gzip.compress(data) if self._gzip is not None else data)
        return len(data)

    def _put(self, data: Any) -> None:
        self._hash.update(data)
        self.size += self._out.write(data)

    def close(self) -> None:
        self._out.close()
        super().close()

    def end(self) -> ExportFile:
        """All of it is on disk."""
        if self._gzip is not None:
            self._put(self._gzip.flush())
        self._out.flush()
        os.fsync(self._out.fileno())
        self._out.close()
        return ExportFile(name=self.name, rows=self.rows, sha256=self._hash.hexdigest(), bytes=self.size)


class Parcel:
    """Takes rows of removals, then of additions. Leaving the `with` block without `finish()` leaves nothing behind."""

    def __init__(self, folder: Path, stem: str, network: Network, shape: str, terms: Terms) -> None:
        self._folder, self._stem, self._network, self._terms = folder, stem, network, terms
        self._api = shape == "api"
        self._parts: list[_Part] = []
        self._label: str | None = None
        self._files_of_label = 0
        self._table: ParquetRows | None = None
        self._waiting: list[Known] = []
        self._action: Action = "add"
        self._sent: dict[Action, int] = {"add": 0, "remove": 0}
        self.groups: list[Group] = []

    def write(self, action: Action, rows: Sequence[Known], label: str = "") -> None:
        """Write rows. `label` sets the files of the two actions apart by name; requests are all in one file."""
        if self._api:
            self._ask(action, rows)
            return
        self._action = action
        self._begin(label)
        if self._table is not None:
            self._table.write([row for row, _ in rows])
            self._parts[-1].rows += len(rows)
            return
        self._lines(self._network.write([row for row, _granted in rows], self._terms, action))

    def put(self, lines: list[bytes], label: str = "") -> None:
        """Additions that are lines of a file already (`Network.write`)."""
        self._action = "add"
        self._begin(label)
        self._lines(lines)

    def finish(self, about: Export | None) -> tuple[ExportFile, ...]:
        """Put everything on disk under its name: one file as it is, several in a zip with `manifest.json`.

        `about`: the export as its manifest is to tell it, without the files. None: several files stay apart, and
        whoever sends them away makes the manifest.
        """
        if self._api:
            self._send()
            self._send_nobody()
        if not self._parts:
            self._begin("")
        self._close_table()
        files = tuple(part.end() for part in self._parts)
        if len(files) > 1 and about is not None:
            self._bundle(replace(about, files=files))
        else:
            for part in self._parts:
                part.path.replace(self._folder / part.name)
        _on_disk(self._folder)
        return files

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        for part in self._parts:
            part.close()
            part.path.unlink(missing_ok=True)
        (self._folder / f"{self._stem}.zip.part").unlink(missing_ok=True)

    def _begin(self, label: str) -> None:
        """The file of this label is the one that is being written."""
        if label != self._label:
            self._label, self._files_of_label = label, 0
            self._next()

    def _next(self) -> None:
        self._close_table()
        self._files_of_label += 1
        number = f"-{self._files_of_label}" if self._files_of_label > 1 else ""
        extension = "requests.jsonl" if self._api else self._network.extension
        compression = "none" if self._api else self._network.compression
        ending = f"{extension}.gz" if compression == "gzip" else extension
        part = _Part(self._folder, f"{self._stem}{self._label}{number}.{ending}", compression)
        self._parts.append(part)
        if not self._api and self._network.extension == "parquet":
            self._table = ParquetRows(part)
        elif not self._api:
            part.write(self._network.head(self._terms, self._action))

    def _lines(self, lines: list[bytes]) -> None:
        """Rows, into as many files as the network's limits ask for."""
        most_rows, most_bytes = self._network.file_rows, self._network.file_bytes
        while lines:
            part, fit = self._parts[-1], len(lines)
            if most_rows:
                fit = min(fit, max(0, most_rows - part.rows))
            if most_bytes:
                sizes = itertools.accumulate(map(len, lines), initial=part.size)
                fit = min(fit, sum(size <= most_bytes for size in sizes) - 1)
            if fit <= 0 and part.rows:
                self._next()
                continue
            fit = max(1, fit)  # one that is too long for a file of its own is in one
            part.write(b"".join(lines[:fit]))
            part.rows += fit
            lines = lines[fit:]

    def _close_table(self) -> None:
        if self._table is not None:
            self._table.close()
            self._table = None

    def _ask(self, action: Action, rows: Sequence[Known]) -> None:
        if action != self._action:
            self._send()
            self._action = action
        self._waiting += rows
        while len(self._waiting) > self._network.batch:
            self._send()

    def _send(self) -> None:
        size = self._network.batch
        rows, self._waiting = self._waiting[:size], self._waiting[size:]
        self._begin("")
        for request in self._network.requests(self._action, rows, self._terms):
            self._parts[-1].write(msgspec.json.encode(request) + b"\n")
            self._parts[-1].rows += 1
        self._sent[self._action] += len(rows)
        self.groups.append(Group(self._parts[-1].rows, self._action, self._sent[self._action]))

    def _send_nobody(self) -> None:
        """A list that is replaced by nobody is said too, or whom it held would stay in it."""
        network = self._network
        if network.replaces and network.build is not None and not self._parts[-1].rows:
            for request in network.build("add", [], [], self._terms):
                self._parts[-1].write(msgspec.json.encode(request) + b"\n")
                self._parts[-1].rows += 1

    def _bundle(self, export: Export) -> None:
        bundle = self._folder / f"{self._stem}.zip.part"
        with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as box:
            for part in self._parts:
                box.write(part.path, part.name)
            box.writestr("manifest.json", msgspec.json.format(msgspec.json.encode(manifest(export), order="sorted")))
        bundle.chmod(0o600)
        _on_disk(bundle)
        bundle.replace(self._folder / f"{self._stem}.zip")


def artefact(folder: Path, export: Export) -> tuple[Path, str]:
    """The file to hand out, and its media type."""
    return folder / export.stored, TYPES[export.stored.rpartition(".")[2]]


def _on_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
