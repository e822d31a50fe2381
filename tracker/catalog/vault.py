"""The identifier vault: sealed hash forms of e-mail addresses and phone numbers, one owner at a time.

The catalog cannot open them (the site's key does), so it cannot tell which of two records is the fuller one: it keeps
the newest few of each owner, and whoever opens them merges. Kept apart from events so that an erasure is one delete.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, text

from tracker.catalog.database import Database
from tracker.catalog.tables import VaultRow
from tracker.core.identifiers import MESSAGE

KEPT_PER_OWNER = 8
MESSAGES_PER_OWNER = 50
_IS_MESSAGE = VaultRow.sealed.startswith(MESSAGE, autoescape=True)
_IN_ONE_QUESTION = 500  # SQLite takes a limited number of variables
_IN_ONE_TEXT = 5_000
# SQLite gives up the interpreter for each row of a result and waits to have it back: beside a busy thread that is 5 ms
# a row. So some thousand records come as one text. A record is Base64: it has neither blanks nor ends of lines in it.
_AS_ONE_TEXT = text(
    """select group_concat(given.key || ' ' || vault.id || ' ' || vault.sealed, char(10))
    from json_each(:owners) as given cross join vault
    where vault.site = :site and vault.owner = given.value and vault.sealed not like :message"""
)


@dataclass(frozen=True)
class VaultEntry:
    """Sealed records, apart by blanks, as they came with an event; the user's, or without one the visitor's."""

    site: str
    user: str
    visitor: str
    sealed: str

    @property
    def owner(self) -> str:
        """'u:' + user, or 'v:' + visitor."""
        return f"u:{self.user}" if self.user else f"v:{self.visitor}"


class Vault:
    """Writing the same record twice is harmless: the loader may repeat a segment."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def upsert(self, site: str, user: str, visitor: str, sealed: str) -> None:
        """Keep one record."""
        self.upsert_many([VaultEntry(site, user, visitor, sealed)])

    def upsert_many(self, entries: Iterable[VaultEntry]) -> None:
        """Keep records, in this order, in one transaction."""
        wanted = {
            (entry.site, entry.owner, _digest(sealed)): sealed for entry in entries for sealed in entry.sealed.split()
        }
        if not wanted:
            return
        with self._database.exclusive() as session:
            owners = {(site, owner) for site, owner, _ in wanted}
            have: set[tuple[str, str, str]] = set()
            for site, owner in owners:
                rows = session.scalars(select(VaultRow.digest).where(VaultRow.site == site, VaultRow.owner == owner))
                have.update((site, owner, digest) for digest in rows)
            session.add_all(
                VaultRow(site=site, owner=owner, digest=digest, sealed=sealed)
                for (site, owner, digest), sealed in wanted.items()
                if (site, owner, digest) not in have
            )
            session.flush()
            for site, owner in owners:
                for kind, most in ((~_IS_MESSAGE, KEPT_PER_OWNER), (_IS_MESSAGE, MESSAGES_PER_OWNER)):
                    mine = (VaultRow.site == site, VaultRow.owner == owner, kind)
                    newest = select(VaultRow.id).where(*mine).order_by(VaultRow.id.desc()).limit(most)
                    session.execute(delete(VaultRow).where(*mine, VaultRow.id.not_in(newest.scalar_subquery())))

    def get(self, site: str, *, user: str = "", visitor: str = "") -> list[str]:
        """The sealed hash forms of one owner, the newest first; empty if there are none."""
        owner = VaultEntry(site, user, visitor, "").owner
        with self._database.read() as session:
            rows = session.scalars(
                select(VaultRow.sealed)
                .where(VaultRow.site == site, VaultRow.owner == owner, ~_IS_MESSAGE)
                .order_by(VaultRow.id.desc())
            )
            return list(rows)

    def messages(self, site: str, *, limit: int, before: int | None = None) -> list[tuple[int, str, str]]:
        """(number, owner, sealed) of what was written into the site's forms, the newest first; older than `before`."""
        wanted = select(VaultRow.id, VaultRow.owner, VaultRow.sealed).where(VaultRow.site == site, _IS_MESSAGE)
        if before is not None:
            wanted = wanted.where(VaultRow.id < before)
        with self._database.read() as session:
            rows = session.execute(wanted.order_by(VaultRow.id.desc()).limit(limit))
            return [(number, owner, sealed) for number, owner, sealed in rows]

    def of_owners(self, site: str, owners: Sequence[str]) -> dict[str, list[tuple[int, str]]]:
        """owner ('u:' + user, 'v:' + visitor) -> its (number, sealed record)s; the higher number is the newer one."""
        found: dict[str, list[tuple[int, str]]] = {}
        for owner, number, sealed in self._records(site, sorted(owners)):
            found.setdefault(owner, []).append((number, sealed))
        return found

    def _records(self, site: str, owners: Sequence[str]) -> Iterator[tuple[str, int, str]]:
        if not self._database.is_sqlite or any("\0" in owner for owner in owners):  # which ends a text of JSON there
            query = select(VaultRow.owner, VaultRow.id, VaultRow.sealed).where(VaultRow.site == site, ~_IS_MESSAGE)
            yield from self._database.among(query, VaultRow.owner, owners)
            return
        with self._database.read() as session:
            connection = session.connection()
            for at in range(0, len(owners), _IN_ONE_TEXT):
                some = owners[at : at + _IN_ONE_TEXT]
                given = {"site": site, "owners": json.dumps(some), "message": f"{MESSAGE}%"}
                words = (connection.execute(_AS_ONE_TEXT, given).scalar() or "").split()
                for place, number, sealed in zip(words[::3], words[1::3], words[2::3], strict=True):
                    yield some[int(place)], int(number), sealed

    def messages_of(self, site: str, owners: Sequence[str]) -> dict[str, list[str]]:
        """owner -> what they wrote into the site's forms, sealed, the newest first."""
        found: dict[str, list[str]] = {}
        with self._database.read() as session:
            for at in range(0, len(owners), _IN_ONE_QUESTION):
                query = select(VaultRow.owner, VaultRow.sealed).where(
                    VaultRow.site == site, VaultRow.owner.in_(owners[at : at + _IN_ONE_QUESTION]), _IS_MESSAGE
                )
                for owner, sealed in session.execute(query.order_by(VaultRow.id.desc())):
                    found.setdefault(owner, []).append(sealed)
        return found

    def delete(self, site: str, *, users: Iterable[str] = (), visitors: Iterable[str] = ()) -> int:
        """Forget every record of these owners; gives how many there were."""
        owners = [f"u:{user}" for user in users] + [f"v:{visitor}" for visitor in visitors]
        with self._database.write() as session:
            gone = 0
            for owner in owners:
                found = session.scalars(select(VaultRow).where(VaultRow.site == site, VaultRow.owner == owner)).all()
                for row in found:
                    session.delete(row)
                gone += len(found)
            return gone


def _digest(sealed: str) -> str:
    return hashlib.sha256(sealed.encode()).hexdigest()
