"""How the ledger of deliveries is told of an export: that it goes out, and how it ended, some persons at a time.

A list of a million takes seconds to note, and SQLite has one writer. So what is noted is a row of small steps, and
others who wait to write get their turn between them (`Database.in_turns`). What keeps them together is the head of the
line: it names the export from its `claim` until it is `over`, and nothing else is delivered there
meanwhile. Whatever stops this in between, `Exports.settle` goes on with it: steps that were taken change
nothing when they are taken again.

The rows of an export have its id, and while it is on its way say by `before` what was true before it; `at` counts once
the line is free. So where it only brought somebody, its arrival changes no row of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, case, delete, func, literal, select, true, update
from sqlalchemy.orm import Session

from tracker.catalog.database import Step, execute_many, insert_into, now_ms
from tracker.catalog.deliveries import DOWNLOAD, Added, Delivery, Line, hexed, of
from tracker.catalog.tables import DeliveredRow, DeliveryRow, ExportRow, RemovalRow
from tracker.core.errors import Conflict

NEVER = -1
"""`before` of somebody who was not there before an export that is on its way."""
_T = TypeVar("_T")
_IN_A_STEP = 2_000  # rows
_IN_ONE_QUESTION = 500  # SQLite takes a limited number of variables
_Where = tuple[ColumnElement[bool], ...]


def begin(delivery: Delivery, export: str) -> Iterator[Step]:
    """Note what is about to go out. The first step raises Conflict where another came in between, or is on its way."""
    yield partial(claim, delivery=delivery, export=export)
    yield from put(delivery, export)
    for removed in _chunks(delivery.removed, _IN_ONE_QUESTION):
        yield partial(_mark, line=delivery.line, removed=removed, export=export)


def put(delivery: Delivery, export: str) -> Iterator[Step]:
    """Whom an export that has its line will bring."""
    for some in _chunks(delivery.added, _IN_A_STEP):
        yield partial(_put, line=delivery.line, added=some, at=delivery.at, export=export)


def arrived(line: Line, export: str) -> Iterator[Step]:
    """Whom it took back is not there any more. Whom it brought is once it is `over`."""

    def settled(session: Session, where: _Where) -> None:
        session.execute(delete(DeliveredRow).where(*where, DeliveredRow.export == export, DeliveredRow.taking == 1))

    yield from _sweep(line, settled)


def alone(line: Line, export: str) -> Iterator[Step]:
    """Nobody is there but those of an export that replaced everything; before `arrived`, while its rows have its id."""

    def settled(session: Session, where: _Where) -> None:
        if not _ends(session, export).get("alone"):
            session.execute(delete(DeliveredRow).where(*where, DeliveredRow.export != export))

    def noted(session: Session) -> None:
        row = session.get_one(ExportRow, export)
        row.details = {**(row.details or {}), "ends": {**_ends(session, export), "alone": True}}

    yield from _sweep(line, settled)
    yield noted


def not_arrived(line: Line, export: str, *, gone: bool, in_parts: bool) -> Iterator[Step]:
    """What `begin` noted did not arrive as a whole: whom it may have brought or taken is said again next time.

    `gone`: it is known that nothing of it is there, so that those who were new are not there either. `in_parts`: a
    part counts there without the rest, so that whom it was to take back may be gone.
    """
    theirs = (DeliveredRow.export == export,)

    def settled(session: Session, where: _Where) -> None:
        if gone:
            new = (DeliveredRow.taking == 0, DeliveredRow.before == NEVER)
            session.execute(delete(DeliveredRow).where(*where, *theirs, *new))
        elif in_parts:  # who is a member again is said again, who is not is taken back again
            session.execute(update(DeliveredRow).where(*where, *theirs, DeliveredRow.taking == 1).values(at=0))
        before = case(
            (DeliveredRow.taking == 1, DeliveredRow.at), (DeliveredRow.before == NEVER, 0), else_=DeliveredRow.before
        )
        session.execute(update(DeliveredRow).where(*where, *theirs).values(at=before, export="", taking=0))

    yield from _sweep(line, settled)


def over(session: Session, line: Line, export: str, *, delivered: bool, recalled: int | None) -> None:
    """The line is free for the next. `recalled`: everybody who had to be taken back by then (ms) is."""
    head = session.get(DeliveryRow, line.key)
    if head is None or head.sending != export:
        return
    head.sending = ""
    head.generation += int(delivered)
    if delivered and recalled is not None:
        _recalled(session, line, recalled)


def on_its_way(session: Session, line: Line, export: str) -> bool:
    """Whether `begin` was begun for this export, and its end is not noted to the last step."""
    head = session.get(DeliveryRow, line.key)
    return head is not None and head.sending == export


def claim(session: Session, *, delivery: Delivery, export: str) -> None:
    """The line is the export's until it is `over`; also said again. Raises Conflict where another came in between."""
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
    if head.sending not in ("", export):
        raise Conflict("another export of this audience is on its way there; wait for its end", code="overtaken")
    head.sending = export
    session.flush()


def _put(session: Session, *, line: Line, added: Sequence[Added], at: int, export: str) -> None:
    """Who is there already stays there, whatever becomes of the export."""
    connection = session.connection()
    is_sqlite = connection.dialect.name == "sqlite"
    owner = {"site": line.site, "audience": line.audience, "network": line.network, "destination": line.destination}
    same = {**owner, "at": at, "export": export, "taking": 0, "before": NEVER}
    made = insert_into(connection, DeliveredRow)
    theirs = {
        "sealed": made.excluded.sealed,
        "export": export,
        "taking": 0,
        "at": at,
        "before": case((DeliveredRow.export == export, DeliveredRow.before), else_=DeliveredRow.at),
    }
    index = [*owner, "person"]
    if not is_sqlite:
        putting = made.on_conflict_do_update(index_elements=index, set_=theirs)
        rows = ((hexed(person), sealed) for person, sealed in added)
        execute_many(connection, putting.values({**same, "person": "", "sealed": ""}), ("person", "sealed"), rows)
        return
    # One statement: with one a row, each would wait for its turn among the threads of a busy process.
    text = msgspec.json.encode([(hexed(person), sealed) for person, sealed in added]).decode()
    one = func.json_each(text).table_valued("value").c.value
    columns = {
        **{name: literal(value) for name, value in same.items()},
        "person": func.json_extract(one, "$[0]"),
        "sealed": func.json_extract(one, "$[1]"),
    }
    given = select(*columns.values()).where(true())  # else "on conflict" would be read as a join's
    session.execute(made.from_select(list(columns), given).on_conflict_do_update(index_elements=index, set_=theirs))


def _mark(session: Session, *, line: Line, removed: Sequence[int], export: str) -> None:
    mine = (*of(line), DeliveredRow.person.in_([hexed(one) for one in removed]))
    session.execute(update(DeliveredRow).where(*mine).values(export=export, taking=1))


def _sweep(line: Line, change: Callable[[Session, _Where], None]) -> Iterator[Step]:
    """Change the rows of a line in the order of their keys, some a step."""
    after: str | None = ""

    def step(session: Session) -> None:
        nonlocal after
        where = (*of(line), DeliveredRow.person > after)
        ordered = select(DeliveredRow.person).where(*where).order_by(DeliveredRow.person)
        last = session.scalar(ordered.offset(_IN_A_STEP - 1).limit(1))
        change(session, where if last is None else (*where, DeliveredRow.person <= last))
        after = last

    while after is not None:
        yield step


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


def _chunks(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    left = iter(items)
    while some := list(islice(left, size)):
        yield some


def _ends(session: Session, export: str) -> dict[str, Any]:
    return dict((session.get_one(ExportRow, export).details or {}).get("ends", {}))
