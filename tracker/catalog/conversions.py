"""Conversions: which events of a site which network is told of, and through which destination."""

from __future__ import annotations

import builtins
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from tracker.catalog.activation_tables import ConversionRow
from tracker.catalog.database import Database, now_ms
from tracker.catalog.tables import PlanRow
from tracker.core.errors import NotFound

PREFIX = "cnv_"
"""What ids of conversions begin with, also where the id of an audience could stand."""


@dataclass(frozen=True)
class StoredConversion:
    """As it was saved. `events`: `{"event", "where", "send_as"}` each; `since`: nothing before it is sent, ms."""

    id: str
    site: str
    name: str
    network: str
    destination: str
    events: Sequence[Mapping[str, Any]]
    event_id: str
    since: int
    created_at: int


class Conversions:
    """Every method blocks. What is saved is checked by whoever saves it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        site: str,
        name: str,
        *,
        network: str,
        destination: str,
        events: Sequence[Mapping[str, Any]],
        event_id: str,
        since: int,
    ) -> StoredConversion:
        """A new one."""
        row = ConversionRow(
            id=f"{PREFIX}{secrets.token_hex(8)}",
            site=site,
            name=name,
            network=network,
            destination=destination,
            events=[dict(one) for one in events],
            event_id=event_id,
            since=since,
            created_at=now_ms(),
        )
        with self._database.write() as session:
            session.add(row)
        return _stored(row)

    def get(self, conversion_id: str) -> StoredConversion:
        """Raises NotFound."""
        with self._database.read() as session:
            return _stored(_found(session.get(ConversionRow, conversion_id)))

    def list(self, site: str | None = None) -> builtins.list[StoredConversion]:
        """Those of one site, or all, by name."""
        query = select(ConversionRow).order_by(ConversionRow.name, ConversionRow.id)
        if site is not None:
            query = query.where(ConversionRow.site == site)
        with self._database.read() as session:
            return [_stored(row) for row in session.scalars(query)]

    def delete(self, conversion_id: str) -> None:
        """It is sent no more; what was sent stays known. Raises NotFound."""
        with self._database.write() as session:
            row = _found(session.get(ConversionRow, conversion_id))
            for plan in session.scalars(select(PlanRow).where(PlanRow.audience == row.id)):
                session.delete(plan)
            session.delete(row)


def _found(row: ConversionRow | None) -> ConversionRow:
    if row is None:
        raise NotFound("there is no such conversion", code="no_such_conversion", field="id")
    return row


def _stored(row: ConversionRow) -> StoredConversion:
    return StoredConversion(
        id=row.id,
        site=row.site,
        name=row.name,
        network=row.network,
        destination=row.destination,
        events=row.events,
        event_id=row.event_id,
        since=row.since,
        created_at=row.created_at,
    )
