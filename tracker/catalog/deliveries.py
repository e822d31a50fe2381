"""Whom each network was given: the ledger that additions and removals are reckoned against.

A row stays until a file takes the person back, also when everything else that is known of the person was erased: a
removal must carry what was added. What they went by is sealed with the site's key. The ledger changes in the same
transaction that declares an export done, so a file counts as delivered exactly once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.orm import Session

from tracker.catalog.database import Database
from tracker.catalog.tables import DeliveredRow, DeliveryRow
from tracker.core.errors import Conflict

_T = TypeVar("_T")
_IN_ONE_QUESTION = 500  # SQLite takes a limited number of variables


@dataclass(frozen=True)
class Added:
    """Somebody who was delivered: the person's key, and the sealed forms."""

    person: int
    sealed: str


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What one export delivered at `at` (ms), reckoned against `generation`.

    `removed`: keys that were taken back; `everybody`: what is added is all there is now.
    """

    site: str
    audience: str
    network: str
    generation: int
    at: int
    added: Iterable[Added]
    removed: Iterable[int] = ()
    everybody: bool = False


class Deliveries:
    """Every method blocks. Raises TryLater where the catalog is busy or away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self, site: str, audience: str, network: str) -> tuple[int, dict[int, int]]:
        """The generation, and person's key -> when it was delivered last (ms), as of one moment."""
        with self._database.read() as session:
            head = session.get(DeliveryRow, (site, audience, network))
            rows = session.execute(
                select(DeliveredRow.person, DeliveredRow.at).where(*_of(site, audience, network))
            ).all()
        return (head.generation if head else 0), {int(person, 16): at for person, at in rows}

    def sealed(self, site: str, audience: str, network: str, people: Sequence[int]) -> dict[int, str]:
        """Person's key -> the sealed forms that were delivered."""
        keys = [_hex(person) for person in people]
        found: dict[int, str] = {}
        with self._database.read() as session:
            for at in range(0, len(keys), _IN_ONE_QUESTION):
                rows = session.execute(
                    select(DeliveredRow.person, DeliveredRow.sealed).where(
                        *_of(site, audience, network), DeliveredRow.person.in_(keys[at : at + _IN_ONE_QUESTION])
                    )
                )
                found |= {int(person, 16): sealed for person, sealed in rows}
        return found


def record(session: Session, delivery: Delivery) -> None:
    """Note a delivery. Raises Conflict where another came in between."""
    where = (delivery.site, delivery.audience, delivery.network)
    head = session.get(DeliveryRow, where)
    if (head.generation if head else 0) != delivery.generation:
        raise Conflict("another export of this audience to this network ended meanwhile; start again", code="overtaken")
    if head is None:
        session.add(DeliveryRow(site=where[0], audience=where[1], network=where[2], generation=1))
    else:
        head.generation += 1
    session.flush()
    where_sql = _of(*where)
    if delivery.everybody:
        session.execute(delete(DeliveredRow).where(*where_sql))
    for some in _chunks(delivery.removed):
        session.execute(delete(DeliveredRow).where(*where_sql, DeliveredRow.person.in_([_hex(one) for one in some])))
    owner = {"site": where[0], "audience": where[1], "network": where[2], "at": delivery.at}
    for added in _chunks(delivery.added):
        again = [_hex(one.person) for one in added]
        session.execute(delete(DeliveredRow).where(*where_sql, DeliveredRow.person.in_(again)))
        rows = [{**owner, "person": _hex(one.person), "sealed": one.sealed} for one in added]
        session.execute(insert(DeliveredRow), rows)


def _chunks(items: Iterable[_T]) -> Iterator[list[_T]]:
    left = iter(items)
    while some := list(islice(left, _IN_ONE_QUESTION)):
        yield some


def _hex(person: int) -> str:
    return f"{person:016x}"


def _of(site: str, audience: str, network: str) -> tuple[ColumnElement[bool], ...]:
    return (DeliveredRow.site == site, DeliveredRow.audience == audience, DeliveredRow.network == network)
