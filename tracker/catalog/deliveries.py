"""Whom each network was given at each destination: the ledger that additions and removals are reckoned against.

A row stays until a delivery takes the person back, also when everything else that is known of the person was erased: a
removal must carry what was added. What they went by is sealed with the site's key.

A file for download changes the ledger in the transaction that declares its export done. What is sent elsewhere is noted
before it is sent: whom it brings may be there from then on (`at` 0), and whom it takes back is there until the other
side has said that it understood; where that stays unknown, perhaps (`at` 0). So whatever stops a delivery, nobody is
forgotten who may have arrived, nobody is believed to be gone who may still be there, nor to be there who may be gone.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple, TypeVar

from sqlalchemy import ColumnElement, and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tracker.catalog.database import Database, execute_many, now_ms
from tracker.catalog.tables import DeliveredRow, DeliveryRow, ExportRow, RemovalRow
from tracker.core.errors import Conflict

DOWNLOAD = "download"
_T = TypeVar("_T")
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
    removed: Iterable[int] = ()
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
        query = select(DeliveredRow.person, DeliveredRow.at).where(*_of(line)).order_by(DeliveredRow.person)
        with self._database.read() as session:
            head = session.get(DeliveryRow, line.key)
            found.generation = head.generation if head else 0
            rows = session.connection().execute(query.execution_options(yield_per=_AT_ONCE))
            for some in rows.partitions():
                found.people.extend([int(person, 16) for person, _ in some])
                found.at.extend([at for _, at in some])
        return found

    def of_person(self, site: str, keys: Sequence[int]) -> list[tuple[int, str, str]]:
        """(when last, audience, network) of where one person is, under any of these keys; not where it is unsure."""
        same = [getattr(DeliveredRow, name) == getattr(DeliveryRow, name) for name in _LINE]  # so that the key is used
        query = (
            select(DeliveredRow.at, DeliveredRow.audience, DeliveredRow.network)
            .select_from(DeliveryRow)
            .join(DeliveredRow, and_(*same))
            .where(
                DeliveryRow.site == site,
                DeliveredRow.person.in_([_hex(one) for one in keys[:_IN_ONE_QUESTION]]),
                DeliveredRow.at > 0,
            )
        )
        with self._database.read() as session:
            return [(at, audience, network) for at, audience, network in session.execute(query)]

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
        keys = sorted(_hex(person) for person in people)
        query = select(DeliveredRow.person, DeliveredRow.sealed).where(*_of(line))
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
            for some in _chunks(people):
                mine = (*_of(line), DeliveredRow.export == export, DeliveredRow.person.in_([_hex(one) for one in some]))
                _take(session, mine, at, taking=taking)

    def waiting(self, site: str | None = None) -> dict[str, int]:
        """Destination -> persons of whom nobody knows whether they arrived, or who are to be taken back."""
        query = select(DeliveredRow.destination).where((DeliveredRow.at == 0) | (DeliveredRow.taking == 1))
        if site is not None:
            query = query.where(DeliveredRow.site == site)
        found: dict[str, int] = {}
        with self._database.read() as session:
            for one in session.scalars(query):
                found[one] = found.get(one, 0) + 1
        return found


def record(session: Session, delivery: Delivery) -> None:
    """Note what was delivered. Raises Conflict where another came in between."""
    line = delivery.line
    head = _head(session, delivery)
    head.generation += 1
    session.flush()
    mine = _of(line)
    if delivery.everybody:
        session.execute(delete(DeliveredRow).where(*mine))
    for some in _chunks(delivery.removed):
        session.execute(delete(DeliveredRow).where(*mine, DeliveredRow.person.in_([_hex(one) for one in some])))
    _put(session, delivery, at=delivery.at, export="")
    if delivery.recalls:
        _recalled(session, line, delivery.at)


def begin(session: Session, delivery: Delivery, export: str) -> None:
    """Note what is about to be sent. Raises Conflict where another came in between, or is on its way."""
    head = _head(session, delivery)
    if head.sending:
        raise Conflict("another export of this audience is on its way there; wait for its end", code="overtaken")
    head.sending = export
    session.flush()
    _put(session, delivery, at=0, export=export)
    for some in _chunks(delivery.removed):
        mine = (*_of(delivery.line), DeliveredRow.person.in_([_hex(one) for one in some]))
        session.execute(update(DeliveredRow).where(*mine).values(export=export, taking=1))


def end(
    session: Session,
    line: Line,
    export: str,
    at: int,
    *,
    arrived: bool,
    gone: bool,
    in_parts: bool,
    everybody: bool,
    recalls: bool,
) -> None:
    """What `begin` noted has arrived as a whole, or not: whom it may have brought or taken is said again next time.

    `gone`: it is known that nothing of it is there, so that those who were new are not there either. `in_parts`: a
    part counts there without the rest, so that whom it was to take back may be gone.
    """
    head = session.get(DeliveryRow, line.key)
    if head is None or head.sending != export:
        return
    head.sending = ""
    mine = _of(line)
    if arrived:
        head.generation += 1
        if everybody:
            session.execute(delete(DeliveredRow).where(*mine, DeliveredRow.export != export))
        its = (*mine, DeliveredRow.export == export)
        _take(session, its, at, taking=True)
        session.execute(update(DeliveredRow).where(*its).values(at=at, export="", taking=0))
        if recalls:
            _recalled(session, line, at)
    elif gone:
        theirs = (*mine, DeliveredRow.export == export, DeliveredRow.taking == 0)
        session.execute(delete(DeliveredRow).where(*theirs, DeliveredRow.at == 0))
    elif in_parts:  # who is a member again is said again, who is not is taken back again
        theirs = (*mine, DeliveredRow.export == export, DeliveredRow.taking == 1)
        session.execute(update(DeliveredRow).where(*theirs).values(at=0))
    session.execute(update(DeliveredRow).where(*mine, DeliveredRow.export == export).values(export="", taking=0))


def _take(session: Session, mine: tuple[ColumnElement[bool], ...], at: int, *, taking: bool) -> None:
    theirs = (*mine, DeliveredRow.taking == int(taking))
    if taking:
        session.execute(delete(DeliveredRow).where(*theirs))
    else:
        session.execute(update(DeliveredRow).where(*theirs).values(at=at))


def _head(session: Session, delivery: Delivery) -> DeliveryRow:
    line = delivery.line
    head = session.get(DeliveryRow, line.key)
    if (head.generation if head else 0) != delivery.generation:
        raise Conflict("another export of this audience to this network ended meanwhile; start again", code="overtaken")
    if head is None:
        site, audience, network, destination = line.key
        head = DeliveryRow(
            site=site, audience=audience, network=network, destination=destination, generation=0, sending=""
        )
        session.add(head)
    return head


def _put(session: Session, delivery: Delivery, *, at: int, export: str) -> None:
    """Who is there already stays there where `at` is 0, whatever becomes of the export."""
    line, connection = delivery.line, session.connection()
    owner = {"site": line.site, "audience": line.audience, "network": line.network, "destination": line.destination}
    dialect = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    made = dialect(DeliveredRow)
    theirs = {"sealed": made.excluded.sealed, "export": export, "taking": 0, **({"at": at} if at else {})}
    putting = made.on_conflict_do_update(index_elements=[*owner, "person"], set_=theirs)
    rest = {**owner, "at": at, "export": export, "taking": 0}
    rows = ((_hex(person), sealed) for person, sealed in delivery.added)
    execute_many(connection, putting.values({**rest, "person": "", "sealed": ""}), ("person", "sealed"), rows)


def _recalled(session: Session, line: Line, at: int) -> None:
    """Erasures that ordered removals there before `at`: the network knows, the identifiers kept for telling it go."""
    waiting = session.execute(
        select(RemovalRow, ExportRow.details)
        .join(ExportRow, ExportRow.id == RemovalRow.export)
        .where(
            RemovalRow.site == line.site,
            RemovalRow.audience == line.audience,
            RemovalRow.network == line.network,
            RemovalRow.delivered_at.is_(None),
            RemovalRow.asked_at <= at,
        )
    )
    for row, details in waiting.all():
        if (details or {}).get("destination", DOWNLOAD) == line.destination:
            row.delivered_at, row.sealed = now_ms(), []


def _chunks(items: Iterable[_T], size: int = _IN_ONE_QUESTION) -> Iterator[list[_T]]:
    left = iter(items)
    while some := list(islice(left, size)):
        yield some


def _hex(person: int) -> str:
    return f"{person:016x}"


def _of(line: Line) -> tuple[ColumnElement[bool], ...]:
    return (
        DeliveredRow.site == line.site,
        DeliveredRow.audience == line.audience,
        DeliveredRow.network == line.network,
        DeliveredRow.destination == line.destination,
    )
