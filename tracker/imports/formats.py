"""What a file holds, entry by entry, in each format. An entry is a line, or a record of a CSV file.

The dialects are the collector's own, so that what a file says means the same as what a browser or a library sends.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tracker.collector.parsed import Batch, Unreadable
from tracker.collector.protocols import native, segment
from tracker.core.drops import Reject
from tracker.core.errors import BadRequest
from tracker.core.event import RawEvent
from tracker.core.identifiers import Keys
from tracker.core.site import Site
from tracker.imports import access_log, matomo_log
from tracker.imports.access_log import Skipped
from tracker.imports.mapping import FieldMap
from tracker.imports.source import Line, lines

Outcome = RawEvent | Unreadable | Skipped

LONGEST_EVENT = 32_768  # bytes; as at the collector's door
LONGEST_LOG_LINE = 16_384  # bytes; web servers cut theirs well before


@dataclass(frozen=True)
class Entry:
    """One line or record: its position from 1, bytes of the file read so far, and what it says.

    `found` pairs each outcome with the text to keep if it is rejected; no text where it would name a person's address.
    """

    position: int
    read: int
    found: list[tuple[Outcome, bytes]]


@dataclass(frozen=True)
class Reading:
    """What the reading of any format needs to know."""

    path: Path
    after: int
    site: Site
    keys: Keys
    mapping: FieldMap | None


def read_segment(reading: Reading) -> Iterator[Entry]:
    """Segment calls, one JSON object a line; a line may also be a whole `{"batch": [...]}`."""
    for line in lines(reading.path, after=reading.after):
        yield _entry(line, lambda text: segment.parse(_as_segment_batch(text), None, reading.site.write_key))


def read_native(reading: Reading) -> Iterator[Entry]:
    """Native events, one JSON object a line; a line may also be a whole batch. With a mapping: any JSON objects."""
    for line in lines(reading.path, after=reading.after):
        if reading.mapping is None:
            yield _entry(line, lambda text: native.parse(_as_native_batch(text, reading.site.write_key)))
        elif line.text.strip():
            yield Entry(line.number, line.read, _mapped_json(line.text, reading.mapping))


def read_csv(reading: Reading) -> Iterator[Entry]:
    """A CSV file whose first record names the columns; the mapping says which column is what."""
    if reading.mapping is None:
        raise BadRequest("csv needs a mapping of columns to fields: --map FILE (docs/import.md)", code="no_mapping")
    at = Line(0, b"", 0)

    def texts() -> Iterator[str]:
        nonlocal at
        for at in lines(reading.path):
            yield at.text.decode("utf-8-sig" if at.number == 1 else "utf-8", "replace") + "\n"

    records = csv.reader(texts(), strict=False)
    try:
        columns = next(records, [])
    except csv.Error:
        columns = []
    if not columns:
        raise BadRequest(f"{reading.path} has no line with column names", code="no_columns")
    position = 0
    while True:
        position += 1
        found: list[tuple[Outcome, bytes]] = []
        try:
            record = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            record = []
            found.append((Unreadable(Reject.UNREADABLE, f"not CSV: {error}"), b""))
        if position > reading.after:
            if record:
                found = _mapped(dict(zip(columns, record, strict=False)), reading.mapping)
            yield Entry(position, at.read, found)


def read_access_log(reading: Reading) -> Iterator[Entry]:
    """A web server's log. Lines that cannot be read are counted, not kept: they hold addresses."""
    host = reading.site.domains[0] if reading.site.domains else "localhost"
    for line in lines(reading.path, after=reading.after):
        text = line.text[:LONGEST_LOG_LINE].decode("utf-8", "replace")
        if text.strip():
            yield Entry(line.number, line.read, [(access_log.parse(text, host=host, key=reading.keys.join), b"")])


def read_matomo_log(reading: Reading) -> Iterator[Entry]:
    """A web server's log as Matomo's own importer reads it, or hits as JSON or query strings: see `matomo_log`."""
    for line in lines(reading.path, after=reading.after):
        if line.text.strip():
            yield Entry(line.number, line.read, matomo_log.parse(line.text, site=reading.site, key=reading.keys.join))


READERS: dict[str, Callable[[Reading], Iterator[Entry]]] = {
    "segment": read_segment,
    "native": read_native,
    "csv": read_csv,
    "access-log": read_access_log,
    "matomo-log": read_matomo_log,
}


def _entry(line: Line, parse: Callable[[bytes], Batch]) -> Entry:
    """One line through a dialect. A whole batch is refused together only where nothing of it can be told apart."""
    if not line.text.strip():
        return Entry(line.number, line.read, [])
    try:
        batch = parse(line.text)
    except BadRequest as error:
        kept = line.text[:LONGEST_EVENT]
        return Entry(line.number, line.read, [(Unreadable(Reject.UNREADABLE, error.message), kept)])
    found: list[tuple[Outcome, bytes]] = [(event, text) for event, text in zip(batch.events, batch.texts, strict=True)]
    return Entry(line.number, line.read, found)


class _Peek(msgspec.Struct):
    """Is a line an envelope? What is missing is empty."""

    batch: msgspec.Raw = msgspec.Raw()
    events: msgspec.Raw = msgspec.Raw()
    type: msgspec.Raw = msgspec.Raw()


def _peek(text: bytes) -> _Peek | None:
    try:
        return msgspec.json.decode(text, type=_Peek)
    except (ValueError, RecursionError):
        return None


def _as_segment_batch(text: bytes) -> bytes:
    peek = _peek(text)
    if peek is not None and bytes(peek.batch) and not bytes(peek.type):
        return text
    return b'{"batch":[' + text + b"]}"


def _as_native_batch(text: bytes, write_key: str) -> bytes:
    """The envelope's own key, where there is one, does not matter: the command says which site."""
    peek = _peek(text)
    if peek is not None and bytes(peek.events) and not bytes(peek.type):
        events = bytes(peek.events)
    else:
        events = b"[" + text + b"]"
    return b'{"site":' + msgspec.json.encode(write_key) + b',"events":' + events + b"}"


def _mapped_json(text: bytes, mapping: FieldMap) -> list[tuple[Outcome, bytes]]:
    try:
        row = msgspec.json.decode(text, type=dict)
    except (ValueError, RecursionError):
        return [(Unreadable(Reject.UNREADABLE, "not a JSON object"), text[:LONGEST_EVENT])]
    return _mapped(row, mapping)


def _mapped(row: dict[str, object], mapping: FieldMap) -> list[tuple[Outcome, bytes]]:
    try:
        texts = [msgspec.json.encode(event) for event in mapping.events(row)]
    except (BadRequest, OverflowError, UnicodeEncodeError) as error:
        reason = Reject.BAD_TIME if getattr(error, "field", None) == "ts" else Reject.BAD_FIELD
        return [(Unreadable(reason, str(error)[:200]), msgspec.json.encode(str(row))[:LONGEST_EVENT])]
    found: list[tuple[Outcome, bytes]] = []
    for text in texts:
        batch = native.parse(b'{"site":"","events":[' + text + b"]}")
        found.append((batch.events[0], text))
    return found
