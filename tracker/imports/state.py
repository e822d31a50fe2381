"""How far an import has come: one small file in `DATA/imports/`, named after what is imported.

It is written after the events are in the spool. A crash between the two repeats some lines; their ids are the same, so
they end as duplicates (lines that are rejected are counted again).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from tracker.core.errors import TrackerError


class Progress(msgspec.Struct, kw_only=True):
    """`position`: the last line or record whose events are in the spool."""

    id: str
    site: str
    format: str
    position: int = 0
    read: int = 0
    done: bool = False
    accepted: int = 0
    suppressed: int = 0
    rejected: dict[str, int] = {}
    skipped: dict[str, int] = {}


def import_id(*parts: str) -> str:
    """The same for the same content, site, format and mapping."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


def load(folder: Path, identity: str, *, site: str, form: str) -> Progress:
    """What an earlier run left, or the beginning. Raises TrackerError for a damaged file."""
    path = folder / f"{identity}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Progress)
    except FileNotFoundError:
        return Progress(id=identity, site=site, format=form)
    except ValueError:
        raise TrackerError(f"{path} is damaged: remove it, and the import starts again", code="bad_state") from None


def save(folder: Path, progress: Progress) -> None:
    """Replace the file as a whole."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{progress.id}.json"
    aside = path.with_suffix(".new")
    aside.write_bytes(msgspec.json.encode(progress))
    aside.replace(path)
