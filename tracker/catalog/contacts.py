"""Who was put into which export or onto which list, when: what a cap on frequency counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from tracker.catalog.activation_tables import ContactRow, CouponRow
from tracker.catalog.database import Database
from tracker.catalog.tables import DeliveredRow

LIST = "list."
"""What the name of a list for people begins with, where that of a network could stand."""
_IN_ONE_QUESTION = 500  # SQLite takes a limited number of variables


@dataclass(frozen=True)
class Made:
    """One contact."""

    person: int
    at: int
    audience: str
    channel: str


class Contacts:
    """Every method blocks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, site: str, people: Sequence[int], *, at: int, audience: str, channel: str, export: str) -> None:
        """These persons were put into one export."""
        rest = {"site": site, "at": at, "audience": audience, "channel": channel, "export": export}
        with self._database.write() as session:
            for start in range(0, len(people), 10_000):
                rows = [{"person": f"{one:016x}", **rest} for one in people[start : start + 10_000]]
                session.execute(insert(ContactRow), rows)

    def since(self, site: str, at: int) -> list[Made]:
        """All contacts from then on; older ones are forgotten where they are older than `at` by much."""
        query = select(ContactRow.person, ContactRow.at, ContactRow.audience, ContactRow.channel)
        with self._database.read() as session:
            rows = session.execute(query.where(ContactRow.site == site, ContactRow.at >= at))
            return [Made(int(person, 16), when, audience, channel) for person, when, audience, channel in rows]

    def forget(self, site: str, *, before: int) -> None:
        """What nobody counts any more."""
        with self._database.write() as session:
            session.execute(delete(ContactRow).where(ContactRow.site == site, ContactRow.at < before))

    def erase(self, site: str, keys: Sequence[int]) -> None:
        """Erased persons: contacts go, lists forget them, and a coupon's code stays given, to nobody."""
        with self._database.forgetting() as session:
            for start in range(0, len(keys), _IN_ONE_QUESTION):
                some = [f"{one:016x}" for one in keys[start : start + _IN_ONE_QUESTION]]
                session.execute(delete(ContactRow).where(ContactRow.site == site, ContactRow.person.in_(some)))
                theirs = (CouponRow.site == site, CouponRow.person.in_(some))
                session.execute(update(CouponRow).where(*theirs).values(person=None, gone=1))
                listed = DeliveredRow.network.startswith(LIST, autoescape=True)
                mine = (DeliveredRow.site == site, listed, DeliveredRow.person.in_(some))
                session.execute(delete(DeliveredRow).where(*mine))
