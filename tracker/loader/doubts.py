"""Months of `events` that may hold an event twice, because an insert had to be repeated.

Opened before the repeat, so that no report can count an event twice in between; closed once the month has been looked
at and holds every event once. Reports read with FINAL while any is open (`tracker.store.clean`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from tracker.store.engine import Engine, Query, Rows

_OPEN = "select month, max(version) from doubts group by month having argMax(open, version) = 1 order by month"
_WRITE = "insert into doubts (month, open, version) select month, open, version from /*table:given*/"
_COLUMNS = [("month", "UInt32"), ("open", "UInt8"), ("version", "UInt64")]
_TWICE = """
select (select count() from events where toYYYYMM(ts) = {month:UInt32})
    - (select count() from events final where toYYYYMM(ts) = {month:UInt32})
"""


def months_of(times: Iterable[int]) -> set[int]:
    """YYYYMM, UTC, of times in ms: the names of the partitions."""
    return {moment.tm_year * 100 + moment.tm_mon for moment in {time.gmtime(ms // 1000) for ms in times}}


class Doubts:
    """The open doubts of one store. `patience`: seconds after which a cut-off write cannot come alive again."""

    def __init__(self, engine: Engine, *, patience: float) -> None:
        self._engine = engine
        self._patience = patience
        self._since: dict[
            tuple[int, int], float
        ] = {}  # by a clock that nobody sets; after a restart from the first look

    def open(self, months: Iterable[int]) -> None:
        """Durable when this returns."""
        # Higher than every version before, also when the machine's clock was set back.
        [(last,)] = self._engine.ask(Query(text="select max(version) from doubts")).rows
        version = max(time.time_ns(), int(last) + 1)
        self._write([(month, 1, version) for month in sorted(set(months))])

    def settle(self) -> int:
        """Close what can be closed; gives how many doubts are still open. Raises TryLater."""
        left = 0
        for month, version in self._engine.ask(Query(text=_OPEN)).rows:
            since = self._since.setdefault((int(month), int(version)), time.monotonic())
            if time.monotonic() - since < self._patience or not self._clean(int(month)):
                left += 1
                continue
            # A doubt opened again meanwhile has a higher version and stays open.
            self._write([(int(month), 0, int(version) + 1)])
            del self._since[int(month), int(version)]
        return left

    def _clean(self, month: int) -> bool:
        if self._twice(month):
            for node in self._engine.nodes():
                table = "events_local" if self._engine.cluster else "events"
                node.command(Query(text=f"optimize table {table} partition {month:d} final", settings=_PATIENT))
        return not self._twice(month)

    def _twice(self, month: int) -> bool:
        return bool(self._engine.ask(Query(text=_TWICE, params={"month": month})).rows[0][0])

    def _write(self, rows: list[tuple[int, int, int]]) -> None:
        if rows:
            self._engine.command(Query(text=_WRITE, tables={"given": Rows(columns=_COLUMNS, data=rows)}))


_PATIENT: dict[str, str | int] = {"optimize_throw_if_noop": 0, "alter_sync": 1}
