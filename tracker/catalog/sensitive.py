"""Who declared that something about a special category may leave the house, and on what ground."""

from __future__ import annotations

from dataclasses import dataclass

from tracker.catalog.activation_tables import SensitiveRow
from tracker.catalog.database import Database, now_ms


@dataclass(frozen=True)
class Declared:
    """The controller's own words; `at`: ms."""

    ground: str
    actor: str
    at: int


class Sensitive:
    """Every method blocks. `subject`: the id of an audience or a conversion."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def declared(self, subject: str) -> Declared | None:
        """None: nobody said so."""
        with self._database.read() as session:
            row = session.get(SensitiveRow, subject)
            return None if row is None else Declared(row.ground, row.actor, row.at)

    def declare(self, site: str, subject: str, ground: str, actor: str) -> None:
        """From now on it may leave the house."""
        with self._database.write() as session:
            session.merge(SensitiveRow(subject=subject, site=site, ground=ground, actor=actor, at=now_ms()))

    def withdraw(self, subject: str) -> None:
        """From now on it may not. Saying it again changes nothing."""
        with self._database.write() as session:
            row = session.get(SensitiveRow, subject)
            if row is not None:
                session.delete(row)
