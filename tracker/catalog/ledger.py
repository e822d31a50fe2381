"""The ledger: how every accepted event ended, exactly, whatever crashed in between.

A segment is entered once, in one transaction, together with its endings. Segments of a lineage form a chain: each says
how many records its lineage wrote before it (`start`). While the chain is whole, only its end is kept; a segment that
comes out of order is kept as a row of its own until what is missing before it has come. So the ledger stays small, and
`gaps` is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.catalog.database import Database, now_ms
from tracker.catalog.tables import EndingRow, LineageRow, SegmentRow
from tracker.core.site import INTERNAL

ENDINGS = ("stored", "duplicate", "rejected", "suppressed")

Endings = Mapping[tuple[str, str, str], int]
"""(site, ending, reason) -> events; reason is '' for stored and duplicate."""


class Ledger:
    """Entries are idempotent: entering a known segment changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, segment: str) -> bool:
        """True if this segment (`lineage/number`) was entered."""
        lineage, number = _parse(segment)
        with self._database.read() as session:
            return _known(session, lineage, number)

    def commit(self, segment: str, lineage: str, start: int, count: int, endings: Endings) -> bool:
        """Enter a segment of `count` records that begins after `start` records of its lineage. False: it was known.

        Durable when this returns. Raises TryLater if the catalog is busy or away (nothing was entered), ValueError for
        an unknown ending or a segment of another lineage.
        """
        if unknown := {ending for _, ending, _ in endings} - set(ENDINGS):
            raise ValueError(f"no such ending: {sorted(unknown)}")
        named, number = _parse(segment)
        if named != lineage or start < 0 or count < 0:
            raise ValueError(f"segment {segment} does not belong to lineage {lineage}")
        with self._database.exclusive() as session:
            if _known(session, lineage, number):
                return False
            _chain(session, lineage, number, start, count)
            for (site, ending, reason), n in endings.items():
                row = session.get(EndingRow, (site, ending, reason))
                if row is None:
                    session.add(EndingRow(site=site, ending=ending, reason=reason, n=n))
                else:
                    row.n += n
        return True

    def totals(self, site: str | None = None) -> dict[str, Any]:
        """`{"stored":n,"duplicates":n,"rejected":{reason:n},"suppressed":n}` of one site or of all."""
        with self._database.read() as session:
            return _totals(session, site)

    def picture(self, site: str | None = None) -> tuple[dict[str, Any], Callable[[str], bool]]:
        """`totals` and `known` as of one moment. This `known` asks nobody: cheap for the thousands of a long outage."""
        with self._database.read() as session:
            totals = _totals(session, site)
            ends = {row.lineage: row.number for row in session.scalars(select(LineageRow))}
            kept = {(row.lineage, row.number) for row in session.scalars(select(SegmentRow))}

        def known(segment: str) -> bool:
            lineage, number = _parse(segment)
            return number <= ends.get(lineage, -1) or (lineage, number) in kept

        return totals, known

    def suppressed(self, site: str | None = None) -> dict[str, int]:
        """Suppressed events by reason."""
        query = select(EndingRow).where(EndingRow.ending == "suppressed")
        ours = EndingRow.site.startswith(INTERNAL, autoescape=True)
        query = query.where(~ours if site is None else EndingRow.site == site)
        counts: dict[str, int] = {}
        with self._database.read() as session:
            for row in session.scalars(query):
                counts[row.reason] = counts.get(row.reason, 0) + row.n
        return dict(sorted(counts.items()))

    def gaps(self) -> int:
        """Records missing in the chains: written once, in no segment that was entered.

        A segment that still waits while a later one of its lineage was entered counts until it is entered too.
        """
        with self._database.read() as session:
            ends = {row.lineage: row.next_start for row in session.scalars(select(LineageRow))}
            missing = 0
            later = select(SegmentRow).order_by(SegmentRow.lineage, SegmentRow.start, SegmentRow.number)
            for row in session.scalars(later):
                missing += max(0, row.start - ends.get(row.lineage, 0))
                ends[row.lineage] = max(ends.get(row.lineage, 0), row.start + row.count)
            return missing

    def ends(self) -> dict[str, int]:
        """Lineage -> how many of its records were entered, or lie before one that was."""
        with self._database.read() as session:
            ends = {row.lineage: row.next_start for row in session.scalars(select(LineageRow))}
            for row in session.scalars(select(SegmentRow)):
                ends[row.lineage] = max(ends.get(row.lineage, 0), row.start + row.count)
            return ends

    def last_commit(self) -> int | None:
        """When a segment was last entered, ms; None if never."""
        with self._database.read() as session:
            return session.scalar(select(LineageRow.updated_at).order_by(LineageRow.updated_at.desc()).limit(1))


def _totals(session: Session, site: str | None) -> dict[str, Any]:
    ours = EndingRow.site.startswith(INTERNAL, autoescape=True)
    query = select(EndingRow).where(~ours if site is None else EndingRow.site == site)
    plain = dict.fromkeys(ENDINGS, 0)
    rejected: dict[str, int] = {}
    for row in session.scalars(query):
        plain[row.ending] += row.n
        if row.ending == "rejected":
            rejected[row.reason] = rejected.get(row.reason, 0) + row.n
    return {
        "stored": plain["stored"],
        "duplicates": plain["duplicate"],
        "rejected": dict(sorted(rejected.items())),
        "suppressed": plain["suppressed"],
    }


def _known(session: Session, lineage: str, number: int) -> bool:
    end = session.get(LineageRow, lineage)
    if end is not None and number <= end.number:
        return True
    return session.get(SegmentRow, (lineage, number)) is not None


def _chain(session: Session, lineage: str, number: int, start: int, count: int) -> None:
    """Put a segment at the chain's end if it fits there, and then every kept one that fits after it."""
    end = session.get(LineageRow, lineage)
    if end is None:
        end = LineageRow(lineage=lineage, number=-1, next_start=0, updated_at=0)
        session.add(end)
    end.updated_at = now_ms()
    session.add(SegmentRow(lineage=lineage, number=number, start=start, count=count))
    session.flush()
    kept = select(SegmentRow).where(SegmentRow.lineage == lineage).order_by(SegmentRow.start, SegmentRow.number)
    for row in session.scalars(kept).all():
        if row.start > end.next_start:
            break
        end.number, end.next_start = max(end.number, row.number), row.start + row.count
        session.delete(row)


def _parse(segment: str) -> tuple[str, int]:
    lineage, _, number = segment.rpartition("/")
    if not lineage or not number.isdigit():
        raise ValueError(f"not a segment name: {segment}")
    return lineage, int(number)
