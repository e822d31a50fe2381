"""Exports: what was written for whom, and how it ended. Rows are never deleted."""

from __future__ import annotations

import builtins
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.catalog import noting
from tracker.catalog.database import Database, Step, now_ms
from tracker.catalog.deliveries import DOWNLOAD, Added, Delivery, Line
from tracker.catalog.tables import ExportRow
from tracker.core.errors import NotFound, TryLater

RUNNING, DONE, FAILED = "running", "done", "failed"


@dataclass(frozen=True)
class ExportFile:
    """A finished file in the exports folder."""

    name: str
    rows: int
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Export:
    """One export. `counts`: {"written": n, "withheld": {reason: n}} once it is done; `details`: how it was made."""

    id: str
    site: str
    audience: str
    network: str
    mode: str
    state: str
    counts: dict[str, Any]
    files: tuple[ExportFile, ...]
    error: dict[str, str] | None
    actor: str
    min_size: int
    created_at: int
    finished_at: int | None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """What the names of its files begin with, in the exports folder and in the browser."""
        return f"{self.audience}-{self.id}-{self.network}"

    @property
    def stored(self) -> str:
        """Name of what is in the exports folder: its one file, or a zip of several; "" where there is none."""
        if len(self.files) > 1:
            return f"{self.stem}.zip"
        return self.files[0].name if self.files else ""

    @property
    def destination(self) -> str:
        """Where it goes: `download`, or the id of a destination."""
        return str(self.details.get("destination", DOWNLOAD))

    @property
    def line(self) -> Line:
        """What its delivery is reckoned against."""
        return Line(self.site, self.audience, self.network, self.destination)

    @property
    def was_declared(self) -> bool:
        """Whether it was noted to the end that it goes out; before that nothing has left the house."""
        return "ends" in self.details

    @property
    def arrived(self) -> bool | None:
        """Whether what went out is there as a whole, or is here for whoever downloads it; None: it is not known."""
        known: bool | None = self.details.get("ends", {}).get("arrived")
        return known

    @property
    def dry_run(self) -> bool:
        """Whether it only says what would be sent: nothing was, and no ledger was told."""
        return self.mode == "dry" or bool(self.details.get("dry_run"))

    @property
    def is_list(self) -> bool:
        """Whether somebody keeps a list of what it brought, from which a person can be taken back."""
        return "kind" not in self.details and not self.dry_run

    @property
    def legible(self) -> bool:
        """Whether its file names persons in lines of text, so that it can be searched for one."""
        return len(self.files) == 1 and self.network in ("csv", "jsonl") and self.details.get("shape") != "api"


class Exports:
    """running -> done | failed, once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        site: str,
        audience: str,
        *,
        network: str,
        mode: str,
        actor: str,
        min_size: int,
        details: dict[str, Any] | None = None,
    ) -> Export:
        """A new export, running."""
        row = ExportRow(
            id=f"exp_{secrets.token_hex(8)}",
            site=site,
            audience=audience,
            network=network,
            mode=mode,
            state=RUNNING,
            counts={},
            files=[],
            error=None,
            actor=actor,
            min_size=min_size,
            created_at=now_ms(),
            details=details,
        )
        with self._database.write() as session:
            session.add(row)
        return _export(row)

    def get(self, export_id: str) -> Export:
        """Raises NotFound."""
        with self._database.read() as session:
            row = session.get(ExportRow, export_id)
            if row is None:
                raise NotFound("there is no such export", code="no_such_export", field="id")
            return _export(row)

    def list(self, *, site: str | None = None, audience: str | None = None, limit: int = 100) -> list[Export]:
        """The newest first."""
        query = select(ExportRow).order_by(ExportRow.created_at.desc(), ExportRow.id).limit(limit)
        if site is not None:
            query = query.where(ExportRow.site == site)
        if audience is not None:
            query = query.where(ExportRow.audience == audience)
        with self._database.read() as session:
            return [_export(row) for row in session.scalars(query)]

    def claim(self, export_id: str, delivery: Delivery) -> None:
        """Nothing else is delivered on its line until it has ended. The ledger may be told meanwhile whom it will bring
        (`bring`), before `finish` or `send` say that it goes out.

        Raises Conflict where something else was delivered since the export began, or is on its way there.
        """
        self._database.in_turns([partial(noting.claim, delivery=delivery, export=export_id)])

    def bring(self, export_id: str, delivery: Delivery, added: Sequence[Added]) -> None:
        """Some of whom it will bring."""
        self._database.in_turns(noting.put(replace(delivery, added=added), export_id))

    def undo(self, export_id: str) -> None:
        """It will not go out: whom it was to bring is there as before, and its line is free."""
        line = self.get(export_id).line
        with self._database.read() as session:
            if not noting.on_its_way(session, line, export_id):
                return
        over = partial(noting.over, line=line, export=export_id, delivered=False, recalled=None)
        self._database.in_turns(chain(noting.not_arrived(line, export_id, gone=True, in_parts=False), [over]))

    def finish(
        self,
        export_id: str,
        *,
        counts: dict[str, Any],
        files: tuple[ExportFile, ...],
        details: dict[str, Any] | None = None,
        delivery: Delivery | None = None,
    ) -> None:
        """It is done: the files are complete and on disk. What was delivered is noted with it, or neither is.

        Raises Conflict where something else was delivered since the export began, or is on its way.
        """

        def declared(session: Session) -> None:
            row = session.get_one(ExportRow, export_id)
            ends = {"ends": {**_ends(delivery), "arrived": True}} if delivery is not None else {}
            row.details = (row.details or {}) | (details or {}) | ends
            row.counts, row.files = counts, described(files)

        if self.get(export_id).state != RUNNING:
            return
        steps = noting.begin(delivery, export_id) if delivery is not None else ()
        self._database.in_turns(chain(steps, [declared]))
        self._end(export_id, lambda session: _done(session.get_one(ExportRow, export_id)))

    def send(
        self,
        export_id: str,
        *,
        counts: dict[str, Any],
        files: tuple[ExportFile, ...],
        details: dict[str, Any],
        delivery: Delivery,
    ) -> Export:
        """Its files are complete, and from now on somebody may have them: `settle` says how that ended.

        Raises Conflict where something else was delivered since the export began, or is on its way there.
        """

        def declared(session: Session) -> None:
            row = session.get_one(ExportRow, export_id)
            row.details = (row.details or {}) | details | {"ends": _ends(delivery)}
            row.counts, row.files = counts, described(files)

        self._database.in_turns(chain(noting.begin(delivery, export_id), [declared]))
        return self.get(export_id)

    def understood(self, export_id: str, parts: int) -> None:
        """So many of its files or requests have been taken by the other side."""
        with self._database.write() as session:
            row = session.get_one(ExportRow, export_id)
            row.details = (row.details or {}) | {"understood": parts}

    def warn(self, export_id: str, text: str) -> None:
        """Something to know about it."""
        with self._database.write() as session:
            row = session.get_one(ExportRow, export_id)
            before = list((row.details or {}).get("warnings", []))
            row.details = (row.details or {}) | {"warnings": [*before, text]}

    def settle(
        self,
        export_id: str,
        *,
        arrived: bool,
        gone: bool = False,
        in_parts: bool = True,
        error: dict[str, str] | None = None,
        counts: dict[str, Any] | None = None,
    ) -> None:
        """What was sent has arrived as a whole, or not. Saying it again changes nothing, and the first word counts.

        `gone`: nothing of it did. `in_parts`: a part of it may have counted there without the rest.
        """
        with self._database.exclusive() as session:
            row = session.get_one(ExportRow, export_id)
            ends = (row.details or {}).get("ends", {})
            arrived = ends.get("arrived", arrived)
            if noting.on_its_way(session, _export(row).line, export_id):
                ends = {"arrived": arrived, "gone": gone, "in_parts": in_parts, **ends}
                row.details = (row.details or {}) | {"ends": ends}

        def ended(session: Session) -> None:
            row = session.get_one(ExportRow, export_id)
            if arrived and row.state != DONE:
                row.counts = {**row.counts, **(counts or {})}
                _done(row)
            elif not arrived and row.state == RUNNING:
                row.state, row.finished_at = FAILED, now_ms()
                row.error = error or {"code": "interrupted", "message": "the service stopped during this export"}
                row.counts, row.files = {**row.counts, "written": 0}, []

        self._end(export_id, ended)

    def _end(self, export_id: str, ended: Step) -> None:
        """Tell the ledger how it ended, and with the last of that the export.

        What the catalog is too busy for is done by the next `settle`: how it ended is written down already.
        """
        export = self.get(export_id)
        ends, line = export.details.get("ends", {}), export.line
        with self._database.read() as session:
            on_its_way = noting.on_its_way(session, line, export_id)
        if not on_its_way:
            self._database.in_turns([ended])
            return
        arrived, at = bool(ends.get("arrived")), int(ends.get("at", 0))

        def over(session: Session) -> None:
            noting.over(session, line, export_id, delivered=arrived, recalled=at if ends.get("recalls") else None)
            ended(session)

        steps: Iterable[Step]
        if arrived:
            others = noting.alone(line, export_id) if ends.get("everybody") and not ends.get("alone") else ()
            steps = chain(others, noting.arrived(line, export_id) if ends.get("takes", True) else ())
        else:
            gone, in_parts = bool(ends.get("gone")), bool(ends.get("in_parts"))
            steps = noting.not_arrived(line, export_id, gone=gone, in_parts=in_parts)
        with suppress(TryLater):
            self._database.in_turns(chain(steps, [over]))

    def fail(self, export_id: str, error: dict[str, str], *, counts: dict[str, Any] | None = None) -> None:
        """It failed: `error` is {"code", "message"}."""
        with self._database.write() as session:
            row = session.get(ExportRow, export_id)
            if row is not None and row.state == RUNNING:
                row.state, row.error, row.counts, row.finished_at = FAILED, error, counts or {}, now_ms()

    def fail_interrupted(self) -> builtins.list[str]:
        """Called at start: nobody works any more on what a stopped process left running. Gives the ids.

        What was on its way to a destination stays undecided (`Deliveries.undecided`).
        """
        with self._database.write() as session:
            rows = session.scalars(select(ExportRow).where(ExportRow.state == RUNNING)).all()
            for row in rows:
                row.state, row.finished_at = FAILED, now_ms()
                row.error = {"code": "interrupted", "message": "the service stopped during this export; start it again"}
            return [row.id for row in rows]


def _ends(delivery: Delivery) -> dict[str, Any]:
    """What will have to be known of a delivery when it has ended."""
    return {
        "at": delivery.at,
        "everybody": delivery.everybody,
        "recalls": delivery.recalls,
        "takes": bool(delivery.removed),
    }


def _done(row: ExportRow) -> None:
    row.state, row.error, row.finished_at = DONE, None, now_ms()


def described(files: Iterable[ExportFile]) -> list[dict[str, Any]]:
    """Files as they are stored, and named in answers and manifests."""
    return [{"name": file.name, "rows": file.rows, "sha256": file.sha256, "bytes": file.bytes} for file in files]


def _export(row: ExportRow) -> Export:
    return Export(
        id=row.id,
        site=row.site,
        audience=row.audience,
        network=row.network,
        mode=row.mode,
        state=row.state,
        counts=row.counts,
        files=tuple(ExportFile(**file) for file in row.files),
        error=row.error,
        actor=row.actor,
        min_size=row.min_size,
        created_at=row.created_at,
        finished_at=row.finished_at,
        details=row.details or {},
    )
