"""The suppression list: an append-only log, the set it amounts to, and the file through which collectors know of it.

Every addition is repeatable: the loader may come with the same segment again. A withdrawal is ended by a later yes of
the same person, Global Privacy Control by a later yes to ads where the site says so; every other reason stays.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.catalog import sites_file
from tracker.catalog.database import Database, now_ms
from tracker.catalog.tables import SuppressedRow, SuppressionRow
from tracker.core.suppression import Entry, Reason, State, encode

_IN_ONE_QUESTION = 500  # SQLite takes a limited number of variables
_QUICK = 0.25  # seconds; what takes longer to write rests for `_REST` times as long: a long list is not written all day
_REST = 20


class Deed(NamedTuple):
    """Somebody is put on the list at `at` (ms) for a reason; with `lift`, what was before `at` is over.

    When a withdrawal was is known here; of Global Privacy Control whoever lifts it has looked."""

    site: str
    hash: bytes
    kind: str
    reason: Reason
    at: int
    lift: bool = False


class Suppressions:
    """Every method blocks. Raises TryLater where the catalog is busy or away."""

    def __init__(self, database: Database, file: Path) -> None:
        self._database = database
        self._file = file
        self._lock = threading.Lock()
        self._dirty = False
        self._not_before = 0.0

    def apply(self, deeds: Iterable[Deed], source: str) -> int:
        """Take in deeds, in their order; gives how many changed something. The file follows, see `settle`."""
        wanted = list(deeds)
        if not wanted:
            return 0
        with self._database.exclusive() as session:
            rows = _rows(session, {(deed.site, deed.hash.hex()) for deed in wanted})
            changed = sum(_one(session, rows, deed, source) for deed in wanted)
        if changed:
            self._dirty = True
            self.settle()
        return changed

    def settle(self) -> None:
        """Write the file if something changed and its rest is over."""
        with self._lock:
            if self._dirty and time.monotonic() >= self._not_before:
                self._write()

    def publish(self) -> None:
        """Write the file from the database as it is now."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        began = time.monotonic()
        self._dirty = False
        try:
            with sites_file.locked(self._file):
                sites_file.replace(self._file, encode(self._entries()))
        except BaseException:
            self._dirty = True
            raise
        ended = time.monotonic()
        self._not_before = ended + _REST * max(0.0, ended - began - _QUICK)

    def _entries(self) -> Mapping[str, Sequence[Entry]]:
        found: dict[str, list[Entry]] = {}
        columns = (SuppressedRow.site, SuppressedRow.hash, SuppressedRow.reasons, SuppressedRow.since)
        with self._database.read() as session:
            for site, text, reasons, since in session.execute(select(*columns).where(SuppressedRow.reasons > 0)):
                found.setdefault(site, []).append(Entry(bytes.fromhex(text), reasons, since // 1000))
        return found

    def find(self, site: str, hashes: Iterable[bytes]) -> dict[bytes, State]:
        """Those of the hashes that are on the list, with what is known of them."""
        query = select(SuppressedRow.hash, SuppressedRow.reasons).where(
            SuppressedRow.site == site, SuppressedRow.reasons > 0
        )
        wanted = sorted(one.hex() for one in set(hashes))
        rows = self._database.among(query, SuppressedRow.hash, wanted)
        return {bytes.fromhex(text): State(reasons) for text, reasons in rows}

    def any(self, site: str) -> bool:
        """Whether anybody of the site is on the list."""
        query = select(SuppressedRow.hash).where(SuppressedRow.site == site, SuppressedRow.reasons > 0).limit(1)
        with self._database.read() as session:
            return session.scalar(query) is not None

    def list(self, site: str | None = None, limit: int = 100) -> dict[str, object]:
        """`{"total": n, "entries": [...]}`, the newest first. Nobody is named."""
        where = [SuppressedRow.reasons > 0] + ([SuppressedRow.site == site] if site is not None else [])
        with self._database.read() as session:
            total = session.scalar(select(func.count()).select_from(SuppressedRow).where(*where)) or 0
            rows = session.scalars(select(SuppressedRow).where(*where).order_by(SuppressedRow.at.desc()).limit(limit))
            entries = [
                {
                    "site": row.site,
                    "hash": row.hash,
                    "kind": row.kind,
                    "reasons": [one.value for one in Reason if row.reasons & one.bit],
                    "at": row.at,
                }
                for row in rows
            ]
        return {"total": total, "entries": entries}


def _rows(session: Session, keys: set[tuple[str, str]]) -> dict[tuple[str, str], SuppressedRow]:
    found: dict[tuple[str, str], SuppressedRow] = {}
    for site in {site for site, _ in keys}:
        hashes = sorted(text for one, text in keys if one == site)
        for start in range(0, len(hashes), _IN_ONE_QUESTION):
            part = hashes[start : start + _IN_ONE_QUESTION]
            query = select(SuppressedRow).where(SuppressedRow.site == site, SuppressedRow.hash.in_(part))
            found |= {(row.site, row.hash): row for row in session.scalars(query)}
    return found


def _one(session: Session, rows: dict[tuple[str, str], SuppressedRow], deed: Deed, source: str) -> bool:
    """Whether the deed changed something."""
    key = (deed.site, deed.hash.hex())
    row = rows.get(key)
    bit = deed.reason.bit
    if deed.lift:
        if row is None or not row.reasons & bit or (bit == State.WITHDRAWN and row.since >= deed.at):
            return False
        row.reasons &= ~bit
    else:
        if row is None:
            row = rows[key] = SuppressedRow(site=key[0], hash=key[1], kind=deed.kind, reasons=0, since=0, at=0)
            session.add(row)
        newer = bit == State.WITHDRAWN and deed.at > row.since
        if (row.reasons & bit and not newer) or (bit == State.WITHDRAWN and not newer):
            return False
        row.reasons |= bit
    if bit == State.WITHDRAWN:
        row.since = deed.at  # of a lift too: an older withdrawal that comes late changes nothing any more
    row.at = now_ms()
    session.add(
        SuppressionRow(
            at=deed.at,
            site=key[0],
            hash=key[1],
            kind=deed.kind,
            reason=deed.reason.value,
            deed="lift" if deed.lift else "add",
            source=source,
        )
    )
    return True
