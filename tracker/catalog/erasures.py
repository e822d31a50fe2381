"""Erasures: who is still to be erased, which ids must not be loaded again, and what networks must be told.

asked     the person is on the suppression list, so that nothing new is collected
counted   every id is known, its hash is kept, and the number of events to go is fixed: a crash changes it no more
done      nothing of the person is left; the names are deleted here too
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select

from tracker.catalog import consents
from tracker.catalog.database import Database, now_ms
from tracker.catalog.tables import AuditRow, ErasedRow, ErasureRow, RemovalRow, VaultRow
from tracker.core.errors import NotFound

ASKED, COUNTED, DONE = "asked", "counted", "done"


@dataclass(frozen=True)
class Erasure:
    """One erasure. `events`: how many it takes away, once it is counted; `details`: other counts, once it is done."""

    id: str
    site: str
    state: str
    visitors: tuple[str, ...]
    users: tuple[str, ...]
    events: int
    details: Mapping[str, int]
    actor: str
    asked_at: int
    finished_at: int | None


@dataclass(frozen=True)
class Removal:
    """One network to be told of one erasure, because of one export."""

    id: int
    site: str
    erasure: str
    export: str
    audience: str
    network: str
    certain: bool
    sealed: tuple[str, ...]
    asked_at: int
    delivered_at: int | None


class Erasures:
    """Every method blocks. Raises TryLater where the catalog is busy or away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, site: str, visitors: Iterable[str], users: Iterable[str], actor: str) -> Erasure:
        """A new one. Its person must be on the suppression list already."""
        row = ErasureRow(
            id=f"era_{secrets.token_hex(8)}",
            site=site,
            state=ASKED,
            visitors=sorted(set(visitors)),
            users=sorted(set(users)),
            events=0,
            details={},
            actor=actor,
            asked_at=now_ms(),
        )
        with self._database.write() as session:
            session.add(row)
        return _erasure(row)

    def get(self, erasure_id: str) -> Erasure:
        """Raises NotFound."""
        with self._database.read() as session:
            row = session.get(ErasureRow, erasure_id)
            if row is None:
                raise NotFound("there is no such erasure", code="no_such_erasure", field="id")
            return _erasure(row)

    def finished(self) -> int:
        """How many are done."""
        with self._database.read() as session:
            return session.scalar(select(func.count()).where(ErasureRow.state == DONE)) or 0

    def waiting(self) -> list[Erasure]:
        """Those that are not done, the one begun or asked for first before the others."""
        query = select(ErasureRow).where(ErasureRow.state != DONE)
        with self._database.read() as session:
            rows = session.scalars(query.order_by(ErasureRow.state.desc(), ErasureRow.asked_at, ErasureRow.id))
            return [_erasure(row) for row in rows]

    def count(
        self, erasure_id: str, *, visitors: Iterable[str], users: Iterable[str], hashes: Iterable[bytes], events: int
    ) -> Erasure:
        """Fix what is to go. From now on `hashes` holds every id of the person."""
        with self._database.write() as session:
            row = session.get_one(ErasureRow, erasure_id)
            row.state, row.events = COUNTED, events
            row.visitors, row.users = sorted(set(visitors)), sorted(set(users))
            for one in set(hashes):
                session.merge(ErasedRow(site=row.site, hash=one.hex(), erasure=erasure_id))
        return _erasure(row)

    def keep_out(self, site: str, hashes: Iterable[str]) -> None:
        """Ids (hashes, hex) that were erased elsewhere: they must not be loaded any more. Repeating it is harmless."""
        with self._database.write() as session:
            for one in sorted(set(hashes)):
                if session.get(ErasedRow, (site, one)) is None:
                    session.add(ErasedRow(site=site, hash=one, erasure="restored"))

    def hashes(self) -> dict[str, set[bytes]]:
        """Ids that must not be loaded any more, by site."""
        found: dict[str, set[bytes]] = {}
        with self._database.read() as session:
            for site, text in session.execute(select(ErasedRow.site, ErasedRow.hash)):
                found.setdefault(site, set()).add(bytes.fromhex(text))
        return found

    def sealed(self, erasure: Erasure) -> list[str]:
        """The person's records in the vault."""
        with self._database.read() as session:
            mine = (VaultRow.site == erasure.site, VaultRow.owner.in_(_owners(erasure)))
            return list(session.scalars(select(VaultRow.sealed).where(*mine).order_by(VaultRow.id)))

    def order_removal(
        self, erasure: Erasure, *, export: str, audience: str, network: str, certain: bool, sealed: Sequence[str]
    ) -> None:
        """Whoever delivers to that network must tell it. Ordering it again changes nothing."""
        with self._database.exclusive() as session:
            same = select(RemovalRow.id).where(RemovalRow.erasure == erasure.id, RemovalRow.export == export)
            if session.scalar(same) is None:
                session.add(
                    RemovalRow(
                        site=erasure.site,
                        erasure=erasure.id,
                        export=export,
                        audience=audience,
                        network=network,
                        certain=int(certain),
                        sealed=list(sealed),
                        asked_at=now_ms(),
                    )
                )

    def removals(self, *, site: str | None = None, network: str | None = None, limit: int = 1000) -> list[Removal]:
        """Those that wait for delivery, the oldest first."""
        query = select(RemovalRow).where(RemovalRow.delivered_at.is_(None)).order_by(RemovalRow.id).limit(limit)
        if site is not None:
            query = query.where(RemovalRow.site == site)
        if network is not None:
            query = query.where(RemovalRow.network == network)
        with self._database.read() as session:
            return [_removal(row) for row in session.scalars(query)]

    def backlog(self) -> tuple[int, int]:
        """How many removal orders no network has acknowledged yet, and when the oldest was given (ms; 0: none)."""
        query = select(func.count(RemovalRow.id), func.min(RemovalRow.asked_at)).where(
            RemovalRow.delivered_at.is_(None)
        )
        with self._database.read() as session:
            orders, oldest = session.execute(query).one()
        return orders, oldest or 0

    def delivered(self, removal_id: int) -> None:
        """The network knows: the identifiers kept for telling it go."""
        with self._database.forgetting() as session:
            row = session.get(RemovalRow, removal_id)
            if row is not None and row.delivered_at is None:
                row.delivered_at, row.sealed = now_ms(), []

    def finish(self, erasure: Erasure, hashes: Mapping[str, str], details: Mapping[str, int]) -> Erasure:
        """Forget the person in the catalog, note the deed in the audit log and say done, in one transaction.

        `hashes`: subject -> keyed hash."""
        with self._database.forgetting() as session:
            row = session.get_one(ErasureRow, erasure.id)
            mine = (VaultRow.site == erasure.site, VaultRow.owner.in_(_owners(erasure)))
            session.execute(delete(VaultRow).where(*mine))
            kept = consents.forget(session, erasure.site, hashes)
            row.details = {**details, "consents": kept}
            row.state, row.visitors, row.users, row.finished_at = DONE, [], [], now_ms()
            noted = {"erasure": row.id, "events": row.events, **row.details}
            session.add(AuditRow(at=now_ms(), actor=row.actor, action="erase", site=row.site, details=noted))
        return _erasure(row)

    def list(self, *, site: str | None = None, limit: int = 100) -> list[Erasure]:
        """The newest first."""
        query = select(ErasureRow).order_by(ErasureRow.asked_at.desc(), ErasureRow.id).limit(limit)
        if site is not None:
            query = query.where(ErasureRow.site == site)
        with self._database.read() as session:
            return [_erasure(row) for row in session.scalars(query)]


def _owners(erasure: Erasure) -> list[str]:
    return [f"u:{one}" for one in erasure.users] + [f"v:{one}" for one in erasure.visitors]


def _erasure(row: ErasureRow) -> Erasure:
    return Erasure(
        id=row.id,
        site=row.site,
        state=row.state,
        visitors=tuple(row.visitors),
        users=tuple(row.users),
        events=row.events,
        details=row.details,
        actor=row.actor,
        asked_at=row.asked_at,
        finished_at=row.finished_at,
    )


def _removal(row: RemovalRow) -> Removal:
    return Removal(
        id=row.id,
        site=row.site,
        erasure=row.erasure,
        export=row.export,
        audience=row.audience,
        network=row.network,
        certain=bool(row.certain),
        sealed=tuple(row.sealed),
        asked_at=row.asked_at,
        delivered_at=row.delivered_at,
    )
