"""From what a dialect understood to the spool: the road, ids where there are none, groups appended together."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from tracker.collector.parsed import Unreadable
from tracker.collector.place import Place
from tracker.collector.road import Context, to_body, turn_away
from tracker.collector.suppressions import Suppressions
from tracker.core.errors import TryLater
from tracker.core.event import RawEvent, Record, Rejected, Suppressed
from tracker.core.gate import lists_of
from tracker.core.identifiers import keys_of
from tracker.core.site import Site
from tracker.imports.access_log import Skipped
from tracker.imports.state import Progress
from tracker.spool.writer import SpoolWriter

GROUP = 2000  # events appended together: one flush to disk for all
PATIENCE = 60.0  # seconds to wait for the loader to make room in a full spool


class Sink:
    """Takes outcomes, counts them in `progress`, and appends them in groups. One writer, one site.

    `data`: the folder whose suppression list is obeyed; None for made-up people.
    """

    def __init__(
        self,
        writer: SpoolWriter,
        site: Site,
        source: str,
        find_place: Callable[[str], Place],
        progress: Progress,
        *,
        data: Path | None = None,
    ) -> None:
        self._lists = None if data is None else Suppressions(data)
        self.progress = progress
        self._writer = writer
        self._site = site
        self._keys = keys_of(site.name, site.write_key, site.identifier_key)
        self._source = source
        self._find_place = find_place
        self._bodies: list[bytes] = []
        self._context = self._fresh_context()

    @property
    def full(self) -> bool:
        """Whether a group is complete."""
        return len(self._bodies) >= GROUP

    def take(self, outcome: RawEvent | Unreadable | Skipped, text: bytes, where: str) -> None:
        """One outcome. `where` is its place in the file, `text` what to keep of it if it is rejected."""
        progress = self.progress
        record: Record
        if isinstance(outcome, Skipped):
            progress.skipped[outcome.reason] = progress.skipped.get(outcome.reason, 0) + 1
            return
        if isinstance(outcome, Unreadable):
            record = turn_away(outcome.reason, f"{where}: {outcome.message}", self._context, text)
            body = msgspec.json.encode(record)
        else:
            record, body = to_body(_with_id(outcome, self._source, where, text), self._context, text)
        if isinstance(record, Rejected):
            progress.rejected[record.reason] = progress.rejected.get(record.reason, 0) + 1
        elif isinstance(record, Suppressed):
            progress.suppressed += record.n
        else:
            progress.accepted += 1
        self._bodies.append(body)

    def flush(self) -> None:
        """Append what was taken; durable when this returns. Raises TryLater when the spool stays full."""
        bodies, self._bodies = self._bodies, []
        _append(self._writer, bodies)
        self._context = self._fresh_context()

    def _fresh_context(self) -> Context:
        """A server speaks, and the times are kept. Made anew for each group, so that `received` is about right."""
        return Context(
            site=self._site,
            keys=self._keys,
            source=self._source,
            received=time.time_ns() // 1_000_000,
            arrival=self._writer.next_arrival,
            find_place=self._find_place,
            keep_times=True,
            lists=lists_of(self._site.gate),
            listed=None if self._lists is None else self._lists.of(self._keys, expected=False),
        )


def pour(events: Iterable[RawEvent], sink: Sink) -> Progress:
    """Every event of a stream that is no file (the sample shop's)."""
    for number, event in enumerate(events, start=1):
        sink.take(event, b"", f"event {number}")
        if sink.full:
            sink.flush()
    sink.flush()
    return sink.progress


def _with_id(raw: RawEvent, source: str, where: str, text: bytes) -> RawEvent:
    """An event without an id gets one made of its place in the file and its content: the same on every run."""
    if raw.message_id:
        return raw
    content = text or msgspec.json.encode(raw)
    digest = hashlib.blake2b(f"{source}\0{where}\0".encode() + content, digest_size=16).hexdigest()
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
