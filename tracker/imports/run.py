"""An import from the first line to the last: read, understand, travel the road, append to the spool, note how far.

It needs no engine: events wait in the spool like the collector's, in a lineage of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tracker.collector.place import Place
from tracker.core.errors import BadRequest
from tracker.core.identifiers import keys_of
from tracker.core.site import Site
from tracker.imports.formats import READERS, Entry, Reading
from tracker.imports.mapping import FieldMap
from tracker.imports.sink import Sink
from tracker.imports.source import fingerprint
from tracker.imports.state import Progress, import_id, load, save
from tracker.spool.writer import SpoolWriter


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
        _all(job, mapping, progress, on_progress)
    return progress


def _all(job: Job, mapping: FieldMap | None, progress: Progress, on_progress: Callable[[Progress], None]) -> None:
    keys = keys_of(job.site.name, job.site.write_key, job.site.identifier_key)
    writer = SpoolWriter(job.data / "spool", f"import-{progress.id}", max_bytes=job.spool_max_bytes)
    try:
        sink = Sink(writer, job.site, job.format, job.find_place, progress, data=job.data)
        last: Entry | None = None

        def flush() -> None:
            sink.flush()
            if last is not None:
                progress.position, progress.read = last.position, last.read
            save(job.folder, progress)
            on_progress(progress)

        try:
            for entry in READERS[job.format](Reading(job.path, progress.position, job.site, keys, mapping)):
                last = entry
                for index, (outcome, text) in enumerate(entry.found):
                    sink.take(outcome, text, f"line {entry.position}" + (f", event {index + 1}" if index else ""))
                if sink.full:
                    flush()
        except BadRequest:  # a gzip file that ends too early: what could be read is kept
            flush()
            raise
        progress.done = True
        flush()
    finally:
        writer.close()
