"""Reports that are sent again and again: their definitions, and claiming the moments at which they are due."""

from __future__ import annotations

import builtins
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from tracker.catalog.database import Database
from tracker.catalog.report_runs import KEPT, RUNNING, WAITING, Run, run_of
from tracker.catalog.report_tables import ReportRunRow, ScheduleRow
from tracker.core.errors import Conflict, NotFound

MOST = 100
"""Schedules of a site: each costs a report, and they are made one at a time."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What is sent, when, and where to. `funnel`: id of a saved one that the question is about, "" for none.

    `to`: `{"destination": id, "addresses"?: [...]}` each.
    """

    name: str
    report: str
    question: dict[str, Any]
    funnel: str
    period: str
    rhythm: dict[str, Any]
    to: Sequence[dict[str, Any]]
    paused: bool = False

    @property
    def destinations(self) -> list[str]:
        """Their ids, in the order given."""
        return [str(one["destination"]) for one in self.to]


@dataclass(frozen=True, kw_only=True)
class Schedule(Definition):
    """A saved one. `claimed_at`: moments of its rhythm up to this one (ms) have their run, or need none."""

    id: str
    site: str
    actor: str
    created_at: int
    claimed_at: int


class Schedules:
    """Every method blocks. The definitions are checked by whoever saves them (the API)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, site: str, definition: Definition, actor: str, at: int) -> Schedule:
        """Save a new one; moments before `at` (ms) need no run. Raises Conflict where the site has too many."""
        row = ScheduleRow(
            id=f"sch_{secrets.token_hex(8)}",
            site=site,
            actor=actor,
            created_at=at,
            claimed_at=at,
            **_columns(definition),
        )
        with self._database.write() as session:
            count = session.scalar(select(func.count()).where(ScheduleRow.site == site))
            if count is not None and count >= MOST:
                raise Conflict(f"a site has at most {MOST} scheduled reports; delete one first", code="too_many")
            session.add(row)
        return _schedule(row)

    def get(self, schedule: str) -> Schedule:
        """Raises NotFound."""
        with self._database.read() as session:
            return _schedule(_found(session, schedule))

    def list(self, site: str | None = None) -> builtins.list[Schedule]:
        """Those of one site, or all, by name."""
        query = select(ScheduleRow).order_by(ScheduleRow.name, ScheduleRow.id)
        if site is not None:
            query = query.where(ScheduleRow.site == site)
        with self._database.read() as session:
            return [_schedule(row) for row in session.scalars(query)]

    def update(self, schedule: str, definition: Definition, at: int) -> Schedule:
        """Replace what it is. Raises NotFound.

        With another rhythm, or after a pause, moments before `at` (ms) need no run.
        """
        with self._database.write() as session:
            row = _found(session, schedule)
            if row.rhythm != definition.rhythm or (row.paused and not definition.paused):
                row.claimed_at = at
            for name, value in _columns(definition).items():
                setattr(row, name, value)
            return _schedule(row)

    def delete(self, schedule: str) -> None:
        """With its runs; one that goes on ends before its next destination. Raises NotFound."""
        with self._database.write() as session:
            row = _found(session, schedule)
            session.execute(delete(ReportRunRow).where(ReportRunRow.schedule == schedule))
            session.delete(row)

    def claim(self, schedule: Schedule, moment: int) -> Run | None:
        """The one run of a moment (ms) of the rhythm; moments before it that nobody claimed get none.

        None: another was first, or the schedule was paused, changed or deleted meanwhile.
        """
        with self._database.exclusive() as session:
            row = session.get(ScheduleRow, schedule.id, with_for_update=True)
            if row is None or row.paused or (row.claimed_at, row.rhythm) != (schedule.claimed_at, schedule.rhythm):
                return None
            row.claimed_at = moment
            return _began(session, row, "due", moment)

    def ask(self, schedule: str, at: int) -> Run:
        """A run now, beside its rhythm. Raises NotFound, Conflict while one that was asked for has not ended."""
        with self._database.exclusive() as session:
            row = _found(session, schedule)
            open_ = select(ReportRunRow.id).where(
                ReportRunRow.schedule == schedule,
                ReportRunRow.kind == "now",
                (ReportRunRow.state.in_((WAITING, RUNNING))) | (ReportRunRow.at >= at),
            )
            if session.scalars(open_).first() is not None:
                raise Conflict("it is on its way already; wait for its end", code="on_its_way")
            return _began(session, row, "now", at)


def _began(session: Session, schedule: ScheduleRow, kind: str, at: int) -> Run:
    """A run that waits to be taken; of those before it the newest are kept."""
    run = ReportRunRow(
        id=f"run_{secrets.token_hex(8)}",
        schedule=schedule.id,
        site=schedule.site,
        kind=kind,
        at=at,
        state=WAITING,
        attempt=0,
        again_at=at,
        told={},
    )
    kept = select(ReportRunRow.id).where(ReportRunRow.schedule == schedule.id)
    kept = kept.order_by(ReportRunRow.at.desc(), ReportRunRow.id).limit(KEPT - 1)
    old = [ReportRunRow.schedule == schedule.id, ReportRunRow.id.not_in(list(session.scalars(kept)))]
    session.execute(delete(ReportRunRow).where(*old))
    session.add(run)
    session.flush()
    return run_of(run)


def _columns(definition: Definition) -> dict[str, Any]:
    names = ("name", "report", "question", "funnel", "period", "rhythm")
    said = asdict(definition)
    return {**{name: said[name] for name in names}, "to": list(definition.to), "paused": int(definition.paused)}


def _found(session: Session, schedule: str) -> ScheduleRow:
    row = session.get(ScheduleRow, schedule, with_for_update=True)
    if row is None:
        raise NotFound("there is no such scheduled report", code="no_such_schedule", field="id")
    return row


def _schedule(row: ScheduleRow) -> Schedule:
    return Schedule(
        id=row.id,
        site=row.site,
        name=row.name,
        report=row.report,
        question=row.question,
        funnel=row.funnel,
        period=row.period,
        rhythm=row.rhythm,
        to=row.to,
        paused=bool(row.paused),
        actor=row.actor,
        created_at=row.created_at,
        claimed_at=row.claimed_at,
    )
