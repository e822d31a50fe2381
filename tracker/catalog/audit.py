"""The audit log: who exported, lowered a minimum, changed a site or a token. Append-only."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from tracker.catalog.database import Database, now_ms
from tracker.catalog.tables import AuditRow


class Audit:
    """One row a deed. `details` must never name a person."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, actor: str, action: str, *, site: str | None = None, **details: Any) -> None:
        """Note that `actor` (a token's id, `admin`, `cli`) did `action`."""
        with self._database.write() as session:
            session.add(AuditRow(at=now_ms(), actor=actor, action=action, site=site, details=details))

    def list(self, *, site: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """The newest first."""
        query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
        if site is not None:
            query = query.where(AuditRow.site == site)
        with self._database.read() as session:
            return [
                {"at": row.at, "actor": row.actor, "action": row.action, "site": row.site, "details": row.details}
                for row in session.scalars(query)
            ]
