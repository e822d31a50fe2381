"""Who was put into which export or onto which list, when, and how often that may be."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from tracker.catalog.activation_tables import ContactRow, CouponRow, FrequencyRow
from tracker.catalog.database import Database
from tracker.catalog.tables import DeliveredRow

LIST = "list."
"""What the name of a list for people begins with, where that of a network could stand."""
DAY_MS = 86_400_000
_IN_ONE_QUESTION = 500  # SQLite takes a limited number of variables


@dataclass(frozen=True)
class Frequency:
    """At most `most` contacts in `days`; of audiences in `priority` the first wins."""

    most: int
    days: int
    priority: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Contact:
    """One export or list that persons are put into, at `at` ms. An audience in one channel is one contact, however
    often it is repeated within the days.
    """

    site: str
    audience: str
    channel: str
    export: str
    at: int


class Contacts:
    """Every method blocks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def frequency(self, site: str) -> Frequency | None:
        """The site's cap; None: there is none, and nothing is counted."""
        with self._database.read() as session:
            row = session.get(FrequencyRow, site)
            return None if row is None else Frequency(row.most, row.days, tuple(row.priority))

    def set_frequency(self, site: str, frequency: Frequency | None) -> None:
        """Set or lift the cap. Lifting it forgets what was counted."""
        with self._database.write() as session:
            row = session.get(FrequencyRow, site)
            if frequency is None:
                session.execute(delete(ContactRow).where(ContactRow.site == site))
                if row is not None:
                    session.delete(row)
                return
            if row is None:
                row = FrequencyRow(site=site)
                session.add(row)
            row.most, row.days, row.priority = frequency.most, frequency.days, list(frequency.priority)

    def claim(
        self,
        contact: Contact,
        frequency: Frequency,
        people: Sequence[int],
        aliases: Mapping[int, Collection[int]],
        reserved: Mapping[int, int],
        *,
        noted: bool = True,
    ) -> set[int]:
        """Those of some persons who may be contacted now; they are noted in the same step, so that what happens at the
        same time elsewhere counts too.

        `aliases`: other keys a person was known by; `reserved`: how many contacts are kept for what comes first;
        `noted`: False only asks.
        """
        since = contact.at - frequency.days * DAY_MS
        keys = {key: person for person in people for key in (*aliases.get(person, ()), person)}
        had: dict[int, set[tuple[str, str]]] = {}
        with self._database.exclusive() as session:
            every = list(keys)
            for start in range(0, len(every), _IN_ONE_QUESTION):
                some = [_hex(one) for one in every[start : start + _IN_ONE_QUESTION]]
                query = select(ContactRow.person, ContactRow.audience, ContactRow.channel)
                theirs = (ContactRow.site == contact.site, ContactRow.person.in_(some), ContactRow.at > since)
                for person, audience, channel in session.execute(query.where(*theirs)):
                    had.setdefault(keys[int(person, 16)], set()).add((audience, channel))
            this = (contact.audience, contact.channel)
            known = {person for person in people if this in had.get(person, ())}
            allowed = known | {
                person for person in people if len(had.get(person, ())) + reserved.get(person, 0) < frequency.most
            }
            rest = {"site": contact.site, "audience": contact.audience, "channel": contact.channel}
            rest_ = {**rest, "at": contact.at, "export": contact.export}
            rows = [{"person": _hex(person), **rest_} for person in people if person in allowed - known]
            if rows and noted:
                session.execute(insert(ContactRow), rows)
        return allowed

    def audiences_since(self, site: str, at: int, audiences: Sequence[str]) -> set[tuple[int, str]]:
        """(person's key, audience) of contacts later than `at`, of these audiences."""
        query = select(ContactRow.person, ContactRow.audience).where(
            ContactRow.site == site, ContactRow.at > at, ContactRow.audience.in_(audiences)
        )
        with self._database.read() as session:
            return {(int(person, 16), audience) for person, audience in session.execute(query.distinct())}

    def of(self, site: str, people: Collection[int]) -> list[tuple[int, str, str]]:
        """(at, audience, channel) of what these keys of one person were put into, as far back as the cap counts."""
        keys = [_hex(one) for one in people]
        query = select(ContactRow.at, ContactRow.audience, ContactRow.channel).where(
            ContactRow.site == site, ContactRow.person.in_(keys[:_IN_ONE_QUESTION])
        )
        with self._database.read() as session:
            return [(at, audience, channel) for at, audience, channel in session.execute(query)]

    def undo(self, export: str) -> None:
        """Nothing of this export reached anybody."""
        with self._database.write() as session:
            session.execute(delete(ContactRow).where(ContactRow.export == export))

    def forget(self, site: str, before: int) -> None:
        """What is too old to count."""
        with self._database.write() as session:
            session.execute(delete(ContactRow).where(ContactRow.site == site, ContactRow.at <= before))

    def erase(self, site: str, keys: Sequence[int]) -> None:
        """Erased persons: contacts go, lists forget them, and a coupon's code stays given, to nobody."""
        with self._database.forgetting() as session:
            for start in range(0, len(keys), _IN_ONE_QUESTION):
                some = [_hex(one) for one in keys[start : start + _IN_ONE_QUESTION]]
                session.execute(delete(ContactRow).where(ContactRow.site == site, ContactRow.person.in_(some)))
                theirs = (CouponRow.site == site, CouponRow.person.in_(some))
                session.execute(update(CouponRow).where(*theirs).values(person=None, gone=1))
                listed = DeliveredRow.network.startswith(LIST, autoescape=True)
                mine = (DeliveredRow.site == site, listed, DeliveredRow.person.in_(some))
                session.execute(delete(DeliveredRow).where(*mine))


def _hex(person: int) -> str:
    return f"{person:016x}"
