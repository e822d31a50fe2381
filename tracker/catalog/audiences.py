"""Audience definitions. Who is in one stands in the store; `memberships.py` says as of when."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from tracker.catalog.database import Database, now_ms
from tracker.catalog.tables import AudienceRow
from tracker.core.errors import NotFound


@dataclass(frozen=True)
class StoredAudience:
    """One audience as it was saved; `rule`, `duration` and `refresh` in the API's own spelling."""

    id: str
    site: str
    name: str
    rule: dict[str, Any]
    duration: str
    holdout: float
    refresh: str
    created_at: int
    updated_at: int


class Audiences:
    """The rules are checked by whoever saves them (the API, the command line)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, site: str, name: str, rule: dict[str, Any], *, duration: str, holdout: float, refresh: str
    ) -> StoredAudience:
        """Save a new one."""
        now = now_ms()
        row = AudienceRow(
            id=f"aud_{secrets.token_hex(8)}",
            site=site,
            name=name,
            rule=rule,
            duration=duration,
            holdout=holdout,
            refresh=refresh,
            created_at=now,
            updated_at=now,
        )
        with self._database.write() as session:
            session.add(row)
        return _stored(row)

    def get(self, audience_id: str) -> StoredAudience:
        """Raises NotFound."""
        with self._database.read() as session:
            return _stored(_found(session.get(AudienceRow, audience_id)))

    def list(self, site: str | None = None) -> list[StoredAudience]:
        """Those of one site, or all, by name."""
        query = select(AudienceRow).order_by(AudienceRow.name, AudienceRow.id)
        if site is not None:
            query = query.where(AudienceRow.site == site)
        with self._database.read() as session:
            return [_stored(row) for row in session.scalars(query)]

    def update(
        self, audience_id: str, *, name: str, rule: dict[str, Any], duration: str, holdout: float, refresh: str
    ) -> StoredAudience:
        """Replace the definition. Raises NotFound."""
        with self._database.write() as session:
            row = _found(session.get(AudienceRow, audience_id))
            row.name, row.rule, row.duration = name, rule, duration
            row.holdout, row.refresh, row.updated_at = holdout, refresh, now_ms()
        return _stored(row)

    def delete(self, audience_id: str) -> None:
        """Raises NotFound. Exports made of it stay known."""
        with self._database.write() as session:
            session.delete(_found(session.get(AudienceRow, audience_id)))


def _found(row: AudienceRow | None) -> AudienceRow:
    if row is None:
        raise NotFound("there is no such audience", code="no_such_audience", field="id")
    return row


def _stored(row: AudienceRow) -> StoredAudience:
    return StoredAudience(
        id=row.id,
        site=row.site,
        name=row.name,
        rule=row.rule,
        duration=row.duration,
        holdout=row.holdout,
        refresh=row.refresh,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
