"""Export files for download: CSV that a spreadsheet can open safely, and JSON lines.

A file is written beside its name and renamed when it is complete and on disk; who sees the name sees all of it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

COLUMNS = ("person", "visitor", "user", "last_seen", "last_event", "country", "device", "channel")
FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ExportWriter:
    """One file. Leaving the `with` block without `finish()` leaves nothing behind."""

    def __init__(self, folder: Path, name: str, kind: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / name
        self._part = folder / f"{name}.part"
        self._csv = kind == "csv"
        self._hash = hashlib.sha256()
        self.rows = 0
        self.bytes = 0
        self._file = os.fdopen(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        if self._csv:
            self._write(_csv_line(COLUMNS))

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows of `COLUMNS`."""
        for row in rows:
            values = [row[column] for column in COLUMNS]
            if self._csv:
                self._write(_csv_line([harmless(str(value)) for value in values]))
            else:
                self._write(msgspec.json.encode(dict(zip(COLUMNS, values, strict=True))) + b"\n")
            self.rows += 1

    def finish(self) -> str:
        """Put the file on disk under its name; gives its SHA-256, hex."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return self._hash.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.bytes += len(data)


def harmless(text: str) -> str:
    """A cell that a spreadsheet would run as a formula gets an apostrophe before it (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv_line(values: Iterable[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(values)  # RFC 4180
    return buffer.getvalue().encode()
