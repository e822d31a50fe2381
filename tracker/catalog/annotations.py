"""Annotations: what happened on a day, shown on every chart over time."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import select

from tracker.catalog.database import Database, now_ms
from tracker.catalog.tables import AnnotationRow
from tracker.core.errors import NotFound


@dataclass(frozen=True)
class Annotation:
    """One day's note; `date` is a day of the site's calendar, YYYY-MM-DD."""

    id: str
    site: str
    date: str
    text: str


class Annotations:
    """What they say is checked by whoever writes them (the API)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, site: str, date: str, text: str) -> Annotation:
        """Write a new one down."""
        row = AnnotationRow(id=f"ann_{secrets.token_hex(8)}", site=site, date=date, text=text, created_at=now_ms())
        with self._database.write() as session:
            session.add(row)
        return _told(row)

    def get(self, annotation: str) -> Annotation:
        """Raises NotFound."""
        with self._database.read() as session:
            return _told(_found(session.get(AnnotationRow, annotation)))

    def list(self, site: str, first: str = "", last: str = "9999-12-31") -> list[Annotation]:
        """Those of a site from `first` to `last`, both included, by day."""
        query = select(AnnotationRow).where(AnnotationRow.site == site, AnnotationRow.date.between(first, last))
        with self._database.read() as session:
            return [_told(row) for row in session.scalars(query.order_by(AnnotationRow.date, AnnotationRow.created_at))]

    def delete(self, annotation: str) -> None:
        """Raises NotFound."""
        with self._database.write() as session:
            session.delete(_found(session.get(AnnotationRow, annotation)))


def _found(row: AnnotationRow | None) -> AnnotationRow:
    if row is None:
        raise NotFound("there is no such annotation", code="no_such_annotation")
    return row


def _told(row: AnnotationRow) -> Annotation:
    return Annotation(id=row.id, site=row.site, date=row.date, text=row.text)
