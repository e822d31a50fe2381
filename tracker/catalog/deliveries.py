"""Whom each network was given at each destination: the ledger that additions and removals are reckoned against.

A row stays until a delivery takes the person back, also when everything else that is known of the person was erased: a
removal must carry what was added. What they went by is sealed with the site's key.

What is delivered is noted before it leaves the house (`noting.py`): whom it brings may be there from then on (when: 0),
and whom it takes back is there until the other side has said that it understood; where that stays unknown, perhaps
(`at` 0). So whatever stops a delivery, nobody is forgotten who may have arrived, nobody is believed to be gone who may
still be there, nor to be there who may be gone.

A row of the export that its line has on its way says by `before` when somebody was delivered, every other row by `at`:
so the arrival of a million is noted in one row, the head's.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, case, delete, select, update
from sqlalchemy.orm import InstrumentedAttribute

from tracker.catalog.database import Database
from tracker.catalog.tables import DeliveredRow, DeliveryRow

DOWNLOAD = "download"
_IN_ONE_QUESTION = 500  # SQLite takes a limited number of variables
_LINE = ("site", "audience", "network", "destination")
_AT_ONCE = 10_000


class Added(NamedTuple):
    """Somebody who was delivered: the person's key, and the sealed forms."""

    person: int
    sealed: str


@dataclass(frozen=True)
class Line:
    """One audience, for one network, at one destination."""

    site: str
    audience: str
    network: str
    destination: str = DOWNLOAD

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The primary key of its head."""
        return (self.site, self.audience, self.network, self.destination)


@dataclass
class There:
    """Whom a line may have, in the order of their keys, and when each was delivered last (ms; 0: perhaps)."""

    generation: int = 0
    people: array[int] = field(default_factory=lambda: array("Q"))
    at: array[int] = field(default_factory=lambda: array("q"))


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What one export delivers at `at` (ms), reckoned against `generation`.

    `removed`: keys that are taken back; `everybody`: what is added is all there is now; `recalls`: everybody who had
    to be taken back by `at` is, so that removals ordered before are done.
    """

    line: Line
    generation: int
    at: int
    added: Iterable[Added]
    removed: Sequence[int] = ()
    everybody: bool = False
    recalls: bool = False


class Deliveries:
    """Every method blocks. Raises TryLater where the catalog is busy or away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self, line: Line) -> tuple[int, dict[int, int]]:
        """The generation, and person's key -> when it was delivered last (ms; 0: perhaps), as of one moment."""
        there = self.there(line)
        return there.generation, dict(zip(there.people, there.at, strict=True))

    def there(self, line: Line) -> There:
        """As `now`, in 16 bytes a person."""
        found = There()
        with self._database.read() as session:
            head = session.get(DeliveryRow, line.key)
            found.generation = head.generation if head else 0
            query = select(DeliveredRow.person, _when(head.sending if head else ""))
            query = query.where(*of(line)).order_by(DeliveredRow.person)
            rows = session.connection().execute(query.execution_options(yield_per=_AT_ONCE))
            for some in rows.partitions():
                found.people.extend([int(person, 16) for person, _ in some])
                found.at.extend([max(at, 0) for _, at in some])
        return found

    def of_person(self, site: str, keys: Sequence[int]) -> list[tuple[int, str, str]]:
        """(when last, audience, network) of where one person is, under any of these keys; not where it is unsure."""
        same = [getattr(DeliveredRow, name) == getattr(DeliveryRow, name) for name in _LINE]  # so that the key is used
        at = _when(DeliveryRow.sending)
        query = (
            select(at, DeliveredRow.audience, DeliveredRow.network)
            .select_from(DeliveryRow)
            .join(DeliveredRow, and_(*same))
            .where(
                DeliveryRow.site == site,
                DeliveredRow.person.in_([hexed(one) for one in keys[:_IN_ONE_QUESTION]]),
                at > 0,
            )
        )
        with self._database.read() as session:
            return [(at, audience, network) for at, audience, network in session.execute(query)]

    def holding(self, site: str, keys: Sequence[int]) -> dict[Line, bool]:
        """Where somebody is, or may be, under any of these keys. True: was delivered there; False: perhaps."""
        same = [getattr(DeliveredRow, name) == getattr(DeliveryRow, name) for name in _LINE]  # so that the key is used
        columns = [getattr(DeliveryRow, name) for name in _LINE]
        query = select(*columns, _when(DeliveryRow.sending)).join(DeliveredRow, and_(*same))
        found: dict[Line, bool] = {}
        with self._database.read() as session:
            for start in range(0, len(keys), _IN_ONE_QUESTION):
                some = [hexed(one) for one in keys[start : start + _IN_ONE_QUESTION]]
                theirs = query.where(DeliveryRow.site == site, DeliveredRow.person.in_(some))
                for *key, at in session.execute(theirs):
                    line = Line(*key)
                    found[line] = found.get(line, False) or at > 0
        return found

    def kept(self, site: str) -> set[Line]:
        """The lines of which the ledger knows everybody who may be there."""
        query = select(*(getattr(DeliveryRow, name) for name in _LINE)).where(DeliveryRow.site == site)
        with self._database.read() as session:
            return {Line(*key) for key in session.execute(query)}

    def lines(self, site: str, audience: str) -> list[Line]:
        """Where persons of an audience are, or may be."""
        query = (
            select(DeliveredRow.network, DeliveredRow.destination)
            .where(DeliveredRow.site == site, DeliveredRow.audience == audience)
            .distinct()
            .order_by(DeliveredRow.network, DeliveredRow.destination)
        )
        with self._database.read() as session:
            return [Line(site, audience, network, destination) for network, destination in session.execute(query)]

    def sealed(self, line: Line, people: Sequence[int]) -> dict[int, str]:
        """Person's key -> the sealed forms that were delivered."""
        keys = sorted(hexed(person) for person in people)
        query = select(DeliveredRow.person, DeliveredRow.sealed).where(*of(line))
        rows = self._database.among(query, DeliveredRow.person, keys)
        return {int(person, 16): sealed for person, sealed in rows}

    def undecided(self, line: Line | None = None) -> list[str]:
        """Exports of which nobody knows yet whether they arrived."""
        query = select(DeliveryRow.sending).where(DeliveryRow.sending != "")
        if line is not None:
            query = query.where(DeliveryRow.site == line.site, DeliveryRow.audience == line.audience)
            query = query.where(DeliveryRow.network == line.network, DeliveryRow.destination == line.destination)
        with self._database.read() as session:
            return list(session.scalars(query))

    def understood(self, line: Line, export: str, at: int, people: Sequence[int], *, taking: bool) -> None:
        """The other side has taken these persons of an export that is still on its way."""
        with self._database.exclusive() as session:
            for start in range(0, len(people), _IN_ONE_QUESTION):
                some = [hexed(one) for one in people[start : start + _IN_ONE_QUESTION]]
                theirs = (*of(line), DeliveredRow.export == export, DeliveredRow.person.in_(some))
                if taking:
                    session.execute(delete(DeliveredRow).where(*theirs, DeliveredRow.taking == 1))
                else:
                    session.execute(update(DeliveredRow).where(*theirs, DeliveredRow.taking == 0).values(before=at))

    def waiting(self, site: str | None = None) -> dict[str, int]:
        """Destination -> persons of whom nobody knows whether they arrived, or who are to be taken back."""
        same = [getattr(DeliveredRow, name) == getattr(DeliveryRow, name) for name in _LINE]
        unsure = (DeliveredRow.taking == 1) | (_when(DeliveryRow.sending) <= 0)
        query = select(DeliveredRow.destination).join(DeliveryRow, and_(*same)).where(unsure)
        if site is not None:
            query = query.where(DeliveredRow.site == site)
        found: dict[str, int] = {}
        with self._database.read() as session:
            for one in session.scalars(query):
                found[one] = found.get(one, 0) + 1
        return found


def _when(sending: ColumnElement[str] | InstrumentedAttribute[str] | str) -> ColumnElement[int]:
    """When the person of a row was delivered last, where this is the export that its line has on its way."""
    theirs = and_(DeliveredRow.export == sending, DeliveredRow.export != "", DeliveredRow.taking == 0)
    return case((theirs, DeliveredRow.before), else_=DeliveredRow.at)


def hexed(person: int) -> str:
    """A key as the ledger has it: in this form its order is that of the numbers."""
    return f"{person:016x}"


def of(line: Line) -> tuple[ColumnElement[bool], ...]:
    """The rows of a line."""
    return (
        DeliveredRow.site == line.site,
        DeliveredRow.audience == line.audience,
        DeliveredRow.network == line.network,
        DeliveredRow.destination == line.destination,
    )
