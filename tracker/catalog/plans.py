"""Delivery plans: which audience goes where, how often, and how the last time ended."""

from __future__ import annotations

import builtins
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from tracker.catalog.database import Database, now_ms
from tracker.catalog.tables import PlanRow
from tracker.core.errors import NotFound

LONGEST_PAUSE_MS = 3_600_000
"""A plan that fails is tried again after a minute, then two, then four, at the latest after an hour or its own turn."""


@dataclass(frozen=True)
class Plan:
    """One audience delivered again and again. `due_at`: when next, ms; `failures`: how many in a row.

    `details`: what a list for people takes more.
    """

    id: str
    site: str
    audience: str
    destination: str
    network: str
    mode: str
    shape: str
    every: str
    actor: str
    created_at: int
    due_at: int
    last_export: str
    failures: int
    details: Mapping[str, Any] = field(default_factory=dict)


class Plans:
    """Every method blocks. The texts are checked by whoever saves them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        site: str,
        audience: str,
        *,
        destination: str,
        network: str,
        mode: str,
        shape: str,
        every: str,
        actor: str,
        details: dict[str, Any] | None = None,
    ) -> Plan:
        """A new one, due at once."""
        row = PlanRow(
            id=f"del_{secrets.token_hex(8)}",
            site=site,
            audience=audience,
            destination=destination,
            network=network,
            mode=mode,
            shape=shape,
            every=every,
            actor=actor,
            created_at=now_ms(),
            due_at=0,
            last_export="",
            failures=0,
            details=details,
        )
        with self._database.write() as session:
            session.add(row)
        return _plan(row)

    def get(self, plan_id: str) -> Plan:
        """Raises NotFound."""
        with self._database.read() as session:
            row = session.get(PlanRow, plan_id)
            if row is None:
                raise NotFound("there is no such delivery", code="no_such_delivery", field="id")
            return _plan(row)

    def list(self, *, audience: str | None = None) -> builtins.list[Plan]:
        """Those of one audience, or all, the oldest first."""
        query = select(PlanRow).order_by(PlanRow.created_at, PlanRow.id)
        if audience is not None:
            query = query.where(PlanRow.audience == audience)
        with self._database.read() as session:
            return [_plan(row) for row in session.scalars(query)]

    def due(self, at: int) -> builtins.list[Plan]:
        """Those whose turn has come, the one that waits longest first."""
        query = select(PlanRow).where(PlanRow.due_at <= at).order_by(PlanRow.due_at, PlanRow.id)
        with self._database.read() as session:
            return [_plan(row) for row in session.scalars(query)]

    def ended(self, plan_id: str, export: str, *, good: bool, every_ms: int, at: int) -> None:
        """A turn is over at `at`: the next is due after `every_ms`, or sooner where it failed."""
        with self._database.write() as session:
            row = session.get(PlanRow, plan_id)
            if row is None:
                return
            row.last_export = export
            row.failures = 0 if good else row.failures + 1
            pause = every_ms
            if not good:
                pause = min(every_ms, LONGEST_PAUSE_MS, 60_000 * 2 ** min(row.failures - 1, 10))
            row.due_at = at + pause

    def delete(self, plan_id: str) -> None:
        """It is delivered no more; whom the destination has stays known."""
        with self._database.write() as session:
            row = session.get(PlanRow, plan_id)
            if row is None:
                raise NotFound("there is no such delivery", code="no_such_delivery", field="id")
            session.delete(row)


def _plan(row: PlanRow) -> Plan:
    return Plan(
        id=row.id,
        site=row.site,
        audience=row.audience,
        destination=row.destination,
        network=row.network,
        mode=row.mode,
        shape=row.shape,
        every=row.every,
        actor=row.actor,
        created_at=row.created_at,
        due_at=row.due_at,
        last_export=row.last_export,
        failures=row.failures,
        details=row.details or {},
    )
