"""Makes the journey table's months anew from `events` when enough has come since (`docs/decisions/journeys.md`).

A month is made in a thread of its own, beside loading, and replaces the one before at once. Nothing of it may be taken
for the truth, so a crash anywhere costs a repetition and no more: `journey_months` says what may not be read.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import structlog

from tracker.core.errors import TryLater
from tracker.loader import folding_site
from tracker.store.engine import Engine, Query
from tracker.store.journeys import CHANGING, MISSING, READY

log = structlog.get_logger()
LEAST = 20_000
"""Events that came since; fewer are cheaper to read from `events` than to make the month anew."""
SHARE = 0.08
"""Of the month's events."""
REST = 9.0
"""Times as long as the last month took, before the next one: upkeep is at most a tenth of the time."""
_LOOK = 2.0  # seconds

_TAILS = """
select toUInt32(partition), sumIf(rows, table = 'journey_tail'), sumIf(rows, table = 'journey_folding'),
    sumIf(rows, table = 'events')
from system.parts
where database = currentDatabase() and active and table in ('journey_tail', 'journey_folding', 'events')
group by partition
"""
_STATES = "select month, argMax(state, version) from journey_months group by month"
_MARK = (
    "insert into journey_months (month, state, version)"
    " select {month:UInt32}, {state:UInt8}, greatest((select max(version) from journey_months) + 1, {now:UInt64})"
)
_OLD = """
select distinct toString(version) from journey_persons
where version not in (select max(version) from journey_lanes group by site, month) and version != {version:UInt64}
"""


@dataclass(frozen=True)
class _Need:
    """A month that should be made. `state`: what may be read of it meanwhile."""

    month: int
    state: int
    waits: bool  # rows in `journey_tail`


class Folds:
    """For the loader's thread, which calls `when_due` while no insert of its own is on the way."""

    def __init__(self, engine: Engine, *, least: int = LEAST, share: float = SHARE) -> None:
        self._engine = engine
        self._least = least
        self._share = share
        self._next = 0.0
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def when_due(self) -> None:
        """Begin to make a month, if one is due and none is being made. Raises TryLater."""
        if self._engine.cluster or time.monotonic() < self._next or (self._thread and self._thread.is_alive()):
            return
        self._next = time.monotonic() + _LOOK
        if needs := self._needs(self._least, self._share):
            self._begin(needs[0])
            self._stop.clear()
            self._thread = threading.Thread(target=self._work, args=(needs[0],), name="loader-fold", daemon=True)
            self._thread.start()

    def make(self) -> int:
        """Make every month that has a tail, here and now; gives how many. Raises TryLater."""
        self.stop()
        self._stop.clear()
        needs = [] if self._engine.cluster else self._needs(1, 0.0)
        for need in needs:
            self._begin(need)
            self._make(need.month)
        return len(needs)

    def stop(self) -> None:
        """Nothing is being made when this returns; what was begun is made later."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _needs(self, least: int, share: float) -> list[_Need]:
        """The month with the largest share first."""
        states = {int(month): int(state) for month, state in self._engine.ask(Query(text=_STATES)).rows}
        rows = {int(month): counts for month, *counts in self._engine.ask(Query(text=_TAILS)).rows}
        found = []
        for month in states.keys() | rows.keys():
            tail, folding, held = rows.get(month, (0, 0, 0))
            state = states.get(month, READY)
            broken = state != READY  # nobody is at work: it was cut off
            if broken or folding or (tail >= least and tail >= share * held):
                need = _Need(month, MISSING if broken else READY, bool(tail))
                found.append((not broken, -tail / max(held, 1), month, need))
        return [need for *_, need in sorted(found)]

    def _begin(self, need: _Need) -> None:
        """What came until now is set apart: all of it is in `events`, so the month that is made now has it."""
        self._mark(need.month, CHANGING)
        if need.waits:
            self._command(f"alter table journey_tail move partition {need.month:d} to table journey_folding")
        self._mark(need.month, need.state)

    def _work(self, need: _Need) -> None:
        began = time.monotonic()
        try:
            self._make(need.month)
        except TryLater as later:
            log.warning("journeys.not_made", month=need.month, reason=later.message, code=later.code)
        except Exception:
            log.exception("journeys.not_made", month=need.month)
        took = time.monotonic() - began
        self._next = time.monotonic() + max(_LOOK, took * REST)
        log.info("journeys.made", month=need.month, seconds=round(took, 1))

    def _make(self, month: int) -> None:
        version = max(
            time.time_ns(), int(self._engine.ask(Query(text="select max(version) from journey_lanes")).rows[0][0]) + 1
        )
        self._command(f"alter table journeys_made drop partition {month:d}")
        known = folding_site.keep_persons(self._engine, version)
        made = []
        for site in folding_site.sites(self._engine, month):
            lanes = folding_site.make(self._engine, site, month, version, self._stop)
            if lanes is None or self._stop.is_set():
                return
            made.append(lanes)
        if self._stop.is_set():
            return
        self._mark(month, CHANGING)
        self._command(f"alter table journeys replace partition {month:d} from journeys_made")
        folding_site.keep_lanes(self._engine, made, month, version, known)
        self._command(f"alter table journey_folding drop partition {month:d}")
        self._mark(month, READY)
        self._command(f"alter table journeys_made drop partition {month:d}")
        for (old,) in self._engine.ask(Query(text=_OLD, params={"version": version})).rows:
            self._command(f"alter table journey_persons drop partition {int(old):d}")

    def _mark(self, month: int, state: int) -> None:
        params = {"month": month, "state": state, "now": time.time_ns()}
        self._engine.command(Query(text=_MARK, params=params))

    def _command(self, text: str) -> None:
        self._engine.command(Query(text=text))
