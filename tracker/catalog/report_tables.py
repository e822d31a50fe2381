"""The catalog's tables of reports that are sent again and again, and of each time they were.

Times are milliseconds since the epoch. JSON columns hold what the API takes and gives, unchanged.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Connection, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from tracker.catalog.tables import Base


class ScheduleRow(Base):
    """A report, its rhythm and whom it goes to. `funnel`: id of a saved one, '' for none.

    `claimed_at`: moments of the rhythm up to this one have their run, or need none.
    """

    __tablename__ = "report_schedules"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("sites.name"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    report: Mapped[str] = mapped_column(String(32))
    question: Mapped[dict[str, Any]] = mapped_column(JSON)
    funnel: Mapped[str] = mapped_column(String(32), index=True)
    period: Mapped[str] = mapped_column(String(32))
    rhythm: Mapped[dict[str, Any]] = mapped_column(JSON)
    to: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    paused: Mapped[int] = mapped_column(Integer)
    actor: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int] = mapped_column(BigInteger)
    claimed_at: Mapped[int] = mapped_column(BigInteger)


class ReportRunRow(Base):
    """One time that a report is sent: `due` by its rhythm, or `now` because somebody asked. `at`: that moment.

    `again_at`: when it may be taken, or taken over from a process that has gone; `told`: destination -> what became
    of it there.
    """

    __tablename__ = "report_runs"
    __table_args__ = (
        Index("report_run_once", "schedule", "kind", "at", unique=True),
        Index("report_run_next", "state", "again_at"),
    )
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    schedule: Mapped[str] = mapped_column(ForeignKey("report_schedules.id"))
    site: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(8))
    at: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(8))
    attempt: Mapped[int] = mapped_column(Integer)
    again_at: Mapped[int] = mapped_column(BigInteger)
    start: Mapped[int | None] = mapped_column(BigInteger)
    end: Mapped[int | None] = mapped_column(BigInteger)
    rows: Mapped[int | None] = mapped_column(Integer)
    told: Mapped[dict[str, Any]] = mapped_column(JSON)
    error: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    ended_at: Mapped[int | None] = mapped_column(BigInteger)


def make(connection: Connection) -> None:
    """Create what is missing."""
    Base.metadata.create_all(connection)
