"""A batch taken apart in the store, before it is known which of its events count: one session, one temporary table.

ClickHouse does what is to be done for every event; what comes back is counts, values not seen before and exceptions.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tracker.core.event import Rejected
from tracker.loader.batch import Seen, refused
from tracker.store.engine import Engine, Query, Session, Settings, Texts
from tracker.store.sql import Fragment, fill, load

# What is staged is read and stored as one block: one part on the disk for each month, whole or not at all.
_ONE_BLOCK: Settings = {"max_block_size": 1 << 20, "min_insert_block_size_rows": 1 << 20}
_SECRET = Fragment(f"(toUInt64({secrets.randbits(64)}), toUInt64({secrets.randbits(64)}))")
_STAGE = fill(load(__package__, "stage"), {"secret": _SECRET, "texts": Fragment("/*table:texts*/")}).text
_INSERT = load(__package__, "insert")
_ALL, _NO_DUPLICATES = Fragment("1"), Fragment("s.row not in (select row from others where own = 0)")
_COUNTS = """
select part, site, countIf(ok), count(), countIf(not sound or kind in ('{"k":"h",', '{"k":"t",'))
from staged group by part, site
"""
_TOTALS = "select uniqExactIf(digest, ok), groupUniqArrayIf(toYYYYMM(ts), ok) from staged"
_OTHERS = 'select part, raw from staged where not ok and kind != \'{"k":"e",\' order by part, row'
_BAD = """
select part, raw, isNull(toUUIDOrNull(JSONExtractString(raw, 'id'))), event = '', toUnixTimestamp64Milli(ts) = 0
from staged where not ok and kind = '{"k":"e",' order by part, row
"""
_TELLING = """
select
    site, toString(id), arrival, toUnixTimestamp64Milli(ts), type, visitor, user, previous, vault, gpc, analytics, ads,
    mode, source, consent, consent_text
from staged as s
where ok and (user != '' or vault != '' or gpc = 1 or type = 'consent') and /*wanted*/
order by part, arrival
"""
_MONTHS = "select distinct toYYYYMM(ts) from staged where row in (select row from others where own)"


@dataclass(slots=True)
class Staged:
    """Records taken apart. `counts`: (segment, site) -> events that can be stored, `odd`: how many records are others.

    `lines`: how many records each segment has. `damaged`: some are not as they were written, or not where they should
    be. `twins`: an id is among them twice.
    """

    session: Session
    counts: Counter[tuple[int, str]]
    lines: Counter[int]
    odd: int
    damaged: int
    months: set[int]
    twins: bool

    def months_of_own(self) -> set[int]:
        """YYYYMM of events that were tried before; after `seen.sort_out` found some."""
        return {int(month) for (month,) in self.session.ask(Query(text=_MONTHS)).rows}

    def others(self) -> list[tuple[int, bytes]]:
        """(segment, JSON) of what is no event."""
        return [(int(part), str(raw).encode()) for part, raw in self.session.ask(Query(text=_OTHERS)).rows]

    def bad(self) -> list[tuple[int, Rejected]]:
        """With their segment, events that `events` cannot hold."""
        return [
            (int(part), refused(raw.encode(), f"the store cannot hold it: the event needs {_needs(*what)}"))
            for part, raw, *what in self.session.ask(Query(text=_BAD)).rows
        ]

    def telling(self, *, duplicates: bool) -> list[Seen]:
        """Events, one in ten, that name a user, carry identifiers or say what a person decided."""
        return [Seen(*row) for row in self.session.ask(fill(_TELLING, {"wanted": _wanted(duplicates)})).rows]

    def insert(self, *, duplicates: bool) -> None:
        """Store all but the duplicates. Raises Refused, TryLater, Doubtful."""
        query = fill(_INSERT, {"wanted": _wanted(duplicates)}, settings=_ONE_BLOCK)
        self.session.command(Query(text=query.text, settings=query.settings, content=True))


def stage(engine: Engine, texts: Sequence[tuple[int, Path | bytes]]) -> Staged:
    """Take texts apart in a session of their own; close it. `texts`: with their segment. Raises Refused, TryLater."""
    session = engine.session()
    try:
        session.command(Query(text=_STAGE, tables={"texts": Texts(data=texts)}, settings=_ONE_BLOCK))
        staged = Staged(session, Counter(), Counter(), odd=0, damaged=0, months=set(), twins=False)
        for part, site, good, lines, damaged in session.ask(Query(text=_COUNTS)).rows:
            staged.counts[int(part), str(site)] += good
            staged.lines[int(part)] += lines
            staged.odd += lines - good
            staged.damaged += damaged
        [(ids, months)] = session.ask(Query(text=_TOTALS)).rows
        staged.months = {int(month) for month in months}
        staged.twins = ids < staged.counts.total()
        return staged
    except BaseException:
        session.close()
        raise


def _needs(no_id: bool, no_name: bool, no_time: bool) -> str:
    return "a UUID as its id" if no_id else "a name" if no_name else "a time" if no_time else "a site and an arrival"


def _wanted(duplicates: bool) -> Fragment:
    return _NO_DUPLICATES if duplicates else _ALL
