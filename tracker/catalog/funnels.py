"""Saved funnels: a name and the body of a funnel report."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from tracker.catalog.database import Database, now_ms
from tracker.catalog.report_tables import ScheduleRow
from tracker.catalog.tables import FunnelRow
from tracker.core.errors import Conflict, NotFound


@dataclass(frozen=True)
class SavedFunnel:
    """One saved funnel."""

    id: str
    site: str
    name: str
    funnel: dict[str, Any]


class Funnels:
    """The bodies are checked by whoever saves them (the API)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, site: str, name: str, funnel: dict[str, Any]) -> SavedFunnel:
        """Save a new one."""
        now = now_ms()
        row = FunnelRow(
            id=f"fun_{secrets.token_hex(8)}", site=site, name=name, funnel=funnel, created_at=now, updated_at=now
        )
        with self._database.write() as session:
            session.add(row)
        return _saved(row)

    def get(self, funnel_id: str) -> SavedFunnel:
        """Raises NotFound."""
        with self._database.read() as session:
            return _saved(_found(session.get(FunnelRow, funnel_id)))

    def list(self, site: str | None = None) -> list[SavedFunnel]:
        """Those of one site, or all, by name."""
        query = select(FunnelRow).order_by(FunnelRow.name, FunnelRow.id)
        if site is not None:
            query = query.where(FunnelRow.site == site)
        with self._database.read() as session:
            return [_saved(row) for row in session.scalars(query)]

    def update(self, funnel_id: str, *, name: str, funnel: dict[str, Any]) -> SavedFunnel:
        """Replace name and body. Raises NotFound."""
        with self._database.write() as session:
            row = _found(session.get(FunnelRow, funnel_id))
            row.name, row.funnel, row.updated_at = name, funnel, now_ms()
        return _saved(row)

    def delete(self, funnel_id: str) -> None:
        """Raises NotFound, Conflict where a scheduled report is about it."""
        with self._database.write() as session:
            row = _found(session.get(FunnelRow, funnel_id))
            if session.scalars(select(ScheduleRow.id).where(ScheduleRow.funnel == funnel_id)).first() is not None:
                raise Conflict("a scheduled report is about this funnel; delete that first", code="in_use")
            session.delete(row)


def _found(row: FunnelRow | None) -> FunnelRow:
    if row is None:
        raise NotFound("there is no such saved funnel", code="no_such_funnel", field="id")
    return row


def _saved(row: FunnelRow) -> SavedFunnel:
    return SavedFunnel(id=row.id, site=row.site, name=row.name, funnel=row.funnel)
