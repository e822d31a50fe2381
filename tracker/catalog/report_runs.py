"""Runs of scheduled reports: who makes one, how it ended, when it is tried again."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tracker.catalog.database import Database
from tracker.catalog.report_tables import ReportRunRow
from tracker.core.errors import NotFound

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
PAUSES_S = (60, 300, 900, 3600, 10_800)
"""Seconds between two tries; a run that failed after the last of them has failed."""
KEPT = 100
"""Runs of a schedule that are remembered."""

_INTERRUPTED = {"code": "interrupted", "message": "the service ended in the middle of it, each time it was tried"}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One time that a report is sent; `at` is the moment (ms) that it is about. See `ReportRunRow`."""

    id: str
    schedule: str
    site: str
    kind: str
    at: int
    state: str
    attempt: int
    again_at: int
    start: int | None
    end: int | None
    rows: int | None
    error: dict[str, str] | None
    ended_at: int | None
    told: dict[str, dict[str, Any]] = field(default_factory=dict)


class Runs:
    """Every method blocks. Whoever took a run and was too slow writes nothing any more: another has it now."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, run: str) -> Run:
        """Raises NotFound."""
        with self._database.read() as session:
            row = session.get(ReportRunRow, run)
            if row is None:
                raise NotFound("there is no such run", code="no_such_run", field="id")
            return run_of(row)

    def list(self, schedule: str, limit: int) -> builtins.list[Run]:
        """Those of a schedule, the newest first."""
        query = select(ReportRunRow).where(ReportRunRow.schedule == schedule)
        query = query.order_by(ReportRunRow.at.desc(), ReportRunRow.id).limit(limit)
        with self._database.read() as session:
            return [run_of(row) for row in session.scalars(query)]

    def newest(self, site: str) -> dict[str, Run]:
        """Schedule -> its newest run, of those of a site that have one."""
        last = select(ReportRunRow.schedule, func.max(ReportRunRow.at).label("at"))
        latest = last.where(ReportRunRow.site == site).group_by(ReportRunRow.schedule).subquery()
        query = select(ReportRunRow).join(
            latest, (ReportRunRow.schedule == latest.c.schedule) & (ReportRunRow.at == latest.c.at)
        )
        with self._database.read() as session:
            return {row.schedule: run_of(row) for row in session.scalars(query)}

    def take(self, at: int, lease_ms: int) -> Run | None:
        """The run that has waited longest, for whoever asks alone until `at` + `lease_ms`; None: nothing waits.

        One whose taker has gone is taken over then. Each taking counts as a try, so that what ends the process is not
        tried for ever.
        """
        open_ = select(ReportRunRow).where(ReportRunRow.state.in_((WAITING, RUNNING)), ReportRunRow.again_at <= at)
        with self._database.exclusive() as session:
            for row in session.scalars(open_.order_by(ReportRunRow.again_at, ReportRunRow.id)):
                if row.attempt > len(PAUSES_S):
                    row.state, row.error, row.ended_at = FAILED, row.error or _INTERRUPTED, at
                    continue
                row.state, row.attempt, row.again_at = RUNNING, row.attempt + 1, at + lease_ms
                return run_of(row)
        return None

    def release(self, at: int) -> None:
        """At the start of the one process that makes runs: what it left when it ended last may be taken at once.

        Nothing where the database is shared: another process may be at it. There its time runs out first.
        """
        if not self._database.is_sqlite:
            return
        with self._database.write() as session:
            for row in session.scalars(select(ReportRunRow).where(ReportRunRow.state == RUNNING)):
                row.again_at = min(row.again_at, at)

    def hold(self, run: Run, until: int) -> bool:
        """Keep it longer. False: it was deleted, or another has it."""
        with self._database.write() as session:
            row = _mine(session, run)
            if row is not None:
                row.again_at = until
            return row is not None

    def found(self, run: Run, start: int, end: int, rows: int) -> None:
        """Note which time (ms) the report is about, and how many rows its table has."""
        with self._database.write() as session:
            row = _mine(session, run)
            if row is not None:
                row.start, row.end, row.rows = start, end, rows

    def told(self, run: Run, destination: str, error: dict[str, str] | None, *, ends: bool) -> None:
        """Note what became of it at one destination; `ends`: it is not tried there again."""
        state = DONE if error is None else FAILED if ends else WAITING
        with self._database.write() as session:
            row = _mine(session, run)
            if row is not None:
                row.told = {**row.told, destination: {"state": state, "error": error}}

    def ended(self, run: Run, at: int, error: dict[str, str] | None = None, *, again: bool = False) -> str:
        """It went well, or failed: for good, or (`again`) for this time. The state it is in now."""
        with self._database.write() as session:
            row = _mine(session, run)
            if row is None:
                return run.state
            row.error = error
            if error is not None and again and run.attempt <= len(PAUSES_S):
                row.state, row.again_at = WAITING, at + PAUSES_S[run.attempt - 1] * 1000
            else:
                row.state, row.ended_at = (DONE if error is None else FAILED), at
                row.told = {
                    name: {**said, "state": FAILED} if said["error"] else said for name, said in row.told.items()
                }
            return row.state


def run_of(row: ReportRunRow) -> Run:
    """A row as it is given out."""
    return Run(
        id=row.id,
        schedule=row.schedule,
        site=row.site,
        kind=row.kind,
        at=row.at,
        state=row.state,
        attempt=row.attempt,
        again_at=row.again_at,
        start=row.start,
        end=row.end,
        rows=row.rows,
        error=row.error,
        ended_at=row.ended_at,
        told=row.told,
    )


def _mine(session: Session, run: Run) -> ReportRunRow | None:
    row = session.get(ReportRunRow, run.id, with_for_update=True)
    return row if row is not None and (row.state, row.attempt) == (RUNNING, run.attempt) else None
