"""An import from the first line to the last: read, understand, travel the road, append to the spool, note how far.

It needs no engine: events wait in the spool like the collector's, in a lineage of their own.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tracker.collector.parsed import Unreadable
from tracker.collector.place import Place
from tracker.collector.road import Context, to_body, turn_away
from tracker.core.errors import BadRequest, TryLater
from tracker.core.event import RawEvent, Rejected, Suppressed
from tracker.core.identifiers import keys_of
from tracker.core.site import Site
from tracker.imports.access_log import Skipped
from tracker.imports.formats import READERS, Entry, Reading
from tracker.imports.mapping import FieldMap
from tracker.imports.source import fingerprint
from tracker.imports.state import Progress, import_id, load, save
from tracker.spool.writer import SpoolWriter

GROUP = 2000  # events appended together: one flush to disk for all
PATIENCE = 60.0  # seconds to wait for the loader to make room in a full spool


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to import and where to. `find_place` gives country and truncated address of an IP address."""

    path: Path
    site: Site
    format: str
    mapping: object | None
    data: Path
    find_place: Callable[[str], Place]
    spool_max_bytes: int
    again: bool = False

    @property
    def folder(self) -> Path:
        """Where progress is kept."""
        return self.data / "imports"


def run(job: Job, on_progress: Callable[[Progress], None]) -> Progress:
    """Import the file, or the rest of it; the same call again goes on where this one stopped.

    Raises BadRequest for a file or mapping that cannot be used, TryLater when the spool stays full.
    """
    mapping = FieldMap(job.mapping) if job.mapping is not None else None
    if job.format not in READERS:
        raise BadRequest(f"no such format: {job.format} (there are {', '.join(READERS)})", code="bad_format")
    stamp = hashlib.blake2b(msgspec.json.encode(job.mapping), digest_size=8).hexdigest()
    identity = import_id(job.site.name, job.format, stamp, fingerprint(job.path))
    progress = load(job.folder, identity, site=job.site.name, form=job.format)
    if job.again:
        progress = Progress(id=identity, site=job.site.name, format=job.format)
    if not progress.done:
        _Run(job, mapping, progress, on_progress).all()
    return progress


class _Run:
    """One pass over a file."""

    def __init__(
        self, job: Job, mapping: FieldMap | None, progress: Progress, on_progress: Callable[[Progress], None]
    ) -> None:
        self._job = job
        self._progress = progress
        self._on_progress = on_progress
        self._keys = keys_of(job.site.name, job.site.write_key, job.site.identifier_key)
        self._mapping = mapping
        self._bodies: list[bytes] = []

    def all(self) -> None:
        job, progress = self._job, self._progress
        reading = Reading(job.path, progress.position, job.site, self._keys, self._mapping)
        writer = SpoolWriter(job.data / "spool", f"import-{progress.id}", max_bytes=job.spool_max_bytes)
        last: Entry | None = None
        try:
            context = self._context(writer)
            try:
                for entry in READERS[job.format](reading):
                    last = entry
                    for index, (outcome, text) in enumerate(entry.found):
                        self._take(outcome, text, f"{entry.position}.{index}", context)
                    if len(self._bodies) >= GROUP:
                        self._flush(writer, entry)
                        context = self._context(writer)
            except BadRequest:  # a gzip file that ends too early: what could be read is kept
                self._flush(writer, last)
                raise
            self._flush(writer, last)
            progress.done = True
            save(job.folder, progress)
        finally:
            writer.close()

    def _context(self, writer: SpoolWriter) -> Context:
        """Server-side, with its own times. Made anew for each group, so that `received` is about right."""
        return Context(
            site=self._job.site,
            keys=self._keys,
            source=self._job.format,
            received=time.time_ns() // 1_000_000,
            arrival=writer.next_arrival,
            find_place=self._job.find_place,
            keep_times=True,
        )

    def _take(self, outcome: RawEvent | Unreadable | Skipped, text: bytes, place: str, context: Context) -> None:
        progress = self._progress
        if isinstance(outcome, Skipped):
            progress.skipped[outcome.reason] = progress.skipped.get(outcome.reason, 0) + 1
            return
        if isinstance(outcome, Unreadable):
            message = f"line {place.split('.', maxsplit=1)[0]}: {outcome.message}"
            record: object = turn_away(outcome.reason, message, context, text)
            body = msgspec.json.encode(record)
        else:
            record, body = to_body(_with_id(outcome, self._job.format, place, text), context, text)
        if isinstance(record, Rejected):
            progress.rejected[record.reason] = progress.rejected.get(record.reason, 0) + 1
        elif isinstance(record, Suppressed):
            progress.suppressed += record.n
        else:
            progress.accepted += 1
        self._bodies.append(body)

    def _flush(self, writer: SpoolWriter, entry: Entry | None) -> None:
        _append(writer, self._bodies)
        self._bodies = []
        if entry is not None:
            self._progress.position, self._progress.read = entry.position, entry.read
        save(self._job.folder, self._progress)
        self._on_progress(self._progress)


def _with_id(raw: RawEvent, form: str, place: str, text: bytes) -> RawEvent:
    """An event without an id gets one made of its place in the file and its content: the same on every run."""
    if raw.message_id:
        return raw
    content = text or msgspec.json.encode(raw)
    digest = hashlib.blake2b(f"{form}\0{place}\0".encode() + content, digest_size=16).hexdigest()
    return msgspec.structs.replace(raw, message_id=digest)


def _append(writer: SpoolWriter, bodies: Sequence[bytes]) -> None:
    """Append; wait a while for the loader when the spool is full."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            writer.append_now(bodies)
        except TryLater as error:
            if time.monotonic() > deadline:
                raise TryLater(
                    f"{error.message}: see that the engine runs and the disk has room; "
                    "the same command then goes on where it stopped",
                    code=error.code,
                ) from None
            time.sleep(0.5)
        else:
            return
