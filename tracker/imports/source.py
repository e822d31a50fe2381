"""A file as numbered lines, plain or gzip, without ever holding more than one line."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tracker.core.errors import BadRequest

LONGEST_LINE = 4_000_000  # bytes; what is longer is cut, and is then rejected as unreadable
_EDGE = 65_536


@dataclass(frozen=True)
class Line:
    """`number` counts from 1; `read` is how many bytes of the file (compressed, if it is) have been consumed so far."""

    number: int
    text: bytes
    read: int


def fingerprint(path: Path) -> str:
    """A name for the content: size, first and last 64 kB. Reads no more than that, so it is quick for any size."""
    size = path.stat().st_size
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    with path.open("rb") as file:
        digest.update(file.read(_EDGE))
        if size > _EDGE:
            file.seek(-_EDGE, io.SEEK_END)
            digest.update(file.read(_EDGE))
    return digest.hexdigest()


def lines(path: Path, *, after: int = 0) -> Iterator[Line]:
    """Lines with numbers above `after`, without their line ends. Raises BadRequest for a broken gzip file."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream: IO[bytes] = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if packed else raw
        number = 0
        try:
            while text := stream.readline(LONGEST_LINE):
                number += 1
                while (
                    not text.endswith(b"\n") and len(text) >= LONGEST_LINE and (more := stream.readline(LONGEST_LINE))
                ):
                    if more.endswith(b"\n"):
                        break
                if number > after:
                    yield Line(number, text.rstrip(b"\r\n"), raw.tell())
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise BadRequest(
                f"{path} is not whole: the gzip data end or break after line {number} (what came before is imported)"
            ) from None
