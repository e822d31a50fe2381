"""How far the stored members of each audience are, and how its last refresh went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import delete, select

from tracker.catalog.database import Database
from tracker.catalog.tables import AudienceRow, MembershipRow


@dataclass(frozen=True, kw_only=True)
class Membership:
    """The stored members are those of `as_of` (ms). `basis` "": nothing is stored yet.

    `block`, `moved` and `listed` say up to where inserts, identities and the suppression list were seen (`inserts`: how
    many of the last ones, because one may become visible after a later one); `whole_at` when everybody was judged last,
    `judged` how many persons the last refresh looked at.
    """

    audience: str
    site: str
    basis: str = ""
    as_of: int = 0
    block: int = 0
    inserts: int = 0
    moved: int = 0
    listed: int = 0
    whole_at: int = 0
    took_ms: int = 0
    judged: int = 0
    members: int = 0
    exportable: int = 0
    error: Mapping[str, str] | None = None
    failed_at: int | None = None
    failures: int = 0


class Memberships:
    """Every method blocks. Raises TryLater where the catalog is busy or away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, site: str | None = None) -> dict[str, Membership]:
        """Of all audiences of a site, or of all sites, that were ever refreshed."""
        query = select(MembershipRow)
        if site is not None:
            query = query.where(MembershipRow.site == site)
        with self._database.read() as session:
            return {row.audience: _state(row) for row in session.scalars(query)}

    def get(self, audience: str) -> Membership | None:
        """None: never refreshed."""
        with self._database.read() as session:
            row = session.get(MembershipRow, audience)
            return None if row is None else _state(row)

    def save(self, states: Iterable[Membership]) -> None:
        """Replace these, all in one transaction."""
        with self._database.write() as session:
            for state in states:
                values = asdict(state)
                values["error"] = None if state.error is None else dict(state.error)
                session.merge(MembershipRow(**values))

    def tidy(self) -> list[tuple[str, str]]:
        """Forget audiences that were deleted; gives (site, audience) of each."""
        gone = MembershipRow.audience.not_in(select(AudienceRow.id))
        with self._database.write() as session:
            rows = session.execute(select(MembershipRow.site, MembershipRow.audience).where(gone)).all()
            if rows:
                session.execute(delete(MembershipRow).where(gone))
        return [(site, audience) for site, audience in rows]


def _state(row: MembershipRow) -> Membership:
    return Membership(**{name: getattr(row, name) for name in Membership.__dataclass_fields__})
