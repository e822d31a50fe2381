"""Alerts and their firings."""

from __future__ import annotations

import builtins
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update

from tracker.catalog.database import Database, now_ms
from tracker.catalog.tables import AlertRow, FiringRow
from tracker.core.alerts import Firing
from tracker.core.errors import NotFound

_NEVER = 0  # in place of the time at which somebody was told: nobody was, and nobody will be


@dataclass(frozen=True)
class StoredAlert:
    """One alert; `looked_at` is the start of the interval it last looked at, "" before the first.

    `destination`: who is told what fires, "" for nobody.
    """

    id: str
    site: str
    name: str
    alert: dict[str, Any]
    looked_at: str
    destination: str


class Alerts:
    """The definitions are checked by whoever saves them (the API)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, site: str, name: str, alert: dict[str, Any], destination: str = "") -> StoredAlert:
        """Save a new one."""
        row = AlertRow(
            id=f"alt_{secrets.token_hex(8)}",
            site=site,
            name=name,
            alert=alert,
            looked_at="",
            destination=destination,
            created_at=now_ms(),
        )
        with self._database.write() as session:
            session.add(row)
        return _told(row)

    def get(self, alert: str) -> StoredAlert:
        """Raises NotFound."""
        with self._database.read() as session:
            return _told(_found(session.get(AlertRow, alert)))

    def list(self, site: str | None = None) -> list[StoredAlert]:
        """Those of one site, or all, by name."""
        query = select(AlertRow).order_by(AlertRow.name, AlertRow.id)
        if site is not None:
            query = query.where(AlertRow.site == site)
        with self._database.read() as session:
            return [_told(row) for row in session.scalars(query)]

    def update(self, alert: str, *, name: str, definition: dict[str, Any], destination: str) -> StoredAlert:
        """Change one; with another definition it begins anew. Raises NotFound.

        What fired while nobody was to be told is told to nobody later either.
        """
        with self._database.write() as session:
            row = _found(session.get(AlertRow, alert, with_for_update=True))
            if row.alert != definition:
                row.alert, row.looked_at = definition, ""
            if destination and not row.destination:
                unheard = update(FiringRow).where(FiringRow.alert == alert, FiringRow.told_at.is_(None))
                session.execute(unheard.values(told_at=_NEVER))
            row.name, row.destination = name, destination
            return _told(row)

    def delete(self, alert: str) -> None:
        """With its firings. Raises NotFound."""
        with self._database.write() as session:
            row = _found(session.get(AlertRow, alert))
            session.execute(delete(FiringRow).where(FiringRow.alert == alert))
            session.delete(row)

    def looked(self, alert: StoredAlert, start: str, firing: Firing | None) -> bool:
        """Remember in one transaction that an interval was looked at and what came of it.

        False, and nothing is remembered: another was first, or the alert was changed or deleted meanwhile.
        """
        with self._database.write() as session:
            row = session.get(AlertRow, alert.id, with_for_update=True)
            if row is None or (row.looked_at, row.alert) != (alert.looked_at, alert.alert):
                return False
            row.looked_at = start
            if firing is not None:
                told = {name: getattr(firing, name) for name in ("id", "alert", "site", "start", "kind", "value")}
                session.add(FiringRow(**told, usual=firing.usual, score=firing.score, at=firing.at, told_at=None))
        return True

    def firings(self, site: str, limit: int) -> builtins.list[tuple[Firing, bool]]:
        """The newest of a site, each with whether it was told."""
        query = select(FiringRow, AlertRow).join(AlertRow, AlertRow.id == FiringRow.alert)
        query = query.where(FiringRow.site == site).order_by(FiringRow.at.desc(), FiringRow.id).limit(limit)
        with self._database.read() as session:
            return [(_firing(row, alert), bool(row.told_at)) for row, alert in session.execute(query)]

    def untold(self) -> builtins.list[Firing]:
        """What somebody is to be told and was not yet, the oldest first."""
        query = select(FiringRow, AlertRow).join(AlertRow, AlertRow.id == FiringRow.alert)
        query = query.where(FiringRow.told_at.is_(None), AlertRow.destination != "").order_by(
            FiringRow.at, FiringRow.id
        )
        with self._database.read() as session:
            return [_firing(row, alert) for row, alert in session.execute(query)]

    def told(self, firing: str) -> None:
        """Remember that somebody was told."""
        with self._database.write() as session:
            session.execute(update(FiringRow).where(FiringRow.id == firing).values(told_at=now_ms()))


def _found(row: AlertRow | None) -> AlertRow:
    if row is None:
        raise NotFound("there is no such alert", code="no_such_alert")
    return row


def _told(row: AlertRow) -> StoredAlert:
    return StoredAlert(
        id=row.id,
        site=row.site,
        name=row.name,
        alert=row.alert,
        looked_at=row.looked_at,
        destination=row.destination,
    )


def _firing(row: FiringRow, alert: AlertRow) -> Firing:
    return Firing(
        id=row.id,
        alert=row.alert,
        site=row.site,
        name=alert.name,
        start=row.start,
        kind=row.kind,
        value=row.value,
        usual=row.usual,
        score=row.score,
        at=row.at,
        destination=alert.destination,
    )
