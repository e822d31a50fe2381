"""Destinations: where exports go. Their secrets are sealed with the site's key and never given back."""

from __future__ import annotations

import builtins
import os
import secrets as random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from tracker.catalog.database import Database, now_ms
from tracker.catalog.report_tables import ScheduleRow
from tracker.catalog.tables import AlertRow, DeliveryRow, DestinationRow, PlanRow
from tracker.core.errors import BadRequest, Conflict, NotFound
from tracker.core.identifiers import Identifier, Keys, seal, unseal

_KIND = "destination"


@dataclass(frozen=True)
class Destination:
    """One destination as it may be shown; `secrets` are only the names of what is kept."""

    id: str
    site: str
    name: str
    kind: str
    options: Mapping[str, Any]
    secrets: tuple[str, ...]
    created_at: int
    updated_at: int
    sealed: str = field(repr=False)

    def opened(self, keys: Keys) -> dict[str, str]:
        """The secrets, for whoever sends. Raises Broken where the site's key is another one."""
        if not self.sealed:
            return {}
        [one] = unseal(keys, self.sealed)
        return one.forms


class Destinations:
    """Options and secrets are checked by whoever saves them. Every method blocks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, keys: Keys, name: str, kind: str, options: Mapping[str, Any], secrets: Mapping[str, str]
    ) -> Destination:
        """A new one of the site of `keys`."""
        now = now_ms()
        row = DestinationRow(
            id=f"dst_{random.token_hex(8)}",
            site=keys.site,
            name=name,
            kind=kind,
            options=dict(options),
            sealed=_sealed(keys, secrets),
            secrets=sorted(secrets),
            created_at=now,
            updated_at=now,
        )
        with self._database.write() as session:
            session.add(row)
        return _destination(row)

    def get(self, destination_id: str) -> Destination:
        """Raises NotFound."""
        with self._database.read() as session:
            return _destination(_found(session.get(DestinationRow, destination_id)))

    def list(self, site: str | None = None) -> builtins.list[Destination]:
        """Those of one site, or all, by name."""
        query = select(DestinationRow).order_by(DestinationRow.name, DestinationRow.id)
        if site is not None:
            query = query.where(DestinationRow.site == site)
        with self._database.read() as session:
            return [_destination(row) for row in session.scalars(query)]

    def update(
        self, keys: Keys, destination_id: str, *, name: str, options: Mapping[str, Any], secrets: Mapping[str, str]
    ) -> Destination:
        """Replace all of it but its kind. Raises NotFound."""
        with self._database.write() as session:
            row = _found(session.get(DestinationRow, destination_id))
            row.name, row.options, row.updated_at = name, dict(options), now_ms()
            row.sealed, row.secrets = _sealed(keys, secrets), sorted(secrets)
        return _destination(row)

    def delete(self, destination_id: str) -> None:
        """Raises NotFound, Conflict while something is on its way there or will be. What it got stays known."""
        with self._database.forgetting() as session:
            row = _found(session.get(DestinationRow, destination_id))
            sending = select(DeliveryRow).where(DeliveryRow.destination == destination_id, DeliveryRow.sending != "")
            planned = select(PlanRow.id).where(PlanRow.destination == destination_id)
            told = select(AlertRow.id).where(AlertRow.destination == destination_id)
            reports = session.scalars(select(ScheduleRow.to).where(ScheduleRow.site == row.site))
            reported = any(one["destination"] == destination_id for to in reports for one in to)
            if reported or any(session.scalars(use).first() is not None for use in (sending, planned, told)):
                raise Conflict(
                    "something is delivered there; end its deliveries, alerts and scheduled reports first",
                    code="in_use",
                )
            session.delete(row)


def _sealed(keys: Keys, secrets: Mapping[str, str]) -> str:
    if not secrets:
        return ""
    if keys.seal is None:
        raise BadRequest("this site has no identifier key, so that no secret can be kept", code="no_key")
    return seal(keys, [Identifier(_KIND, dict(secrets))], os.urandom(12))


def _found(row: DestinationRow | None) -> DestinationRow:
    if row is None:
        raise NotFound("there is no such destination", code="no_such_destination", field="destination")
    return row


def _destination(row: DestinationRow) -> Destination:
    return Destination(
        id=row.id,
        site=row.site,
        name=row.name,
        kind=row.kind,
        options=row.options,
        secrets=tuple(row.secrets),
        created_at=row.created_at,
        updated_at=row.updated_at,
        sealed=row.sealed,
    )
