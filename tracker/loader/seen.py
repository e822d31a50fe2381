"""The memory of event ids: which arrival of an id counts.

    unknown id               new: remember it with this arrival, then store the event
    known, this arrival      our own earlier try: store it again
    known, another arrival   a duplicate: counted, not stored

The memory is written before the events are, so a crash in between leaves a known id whose event is stored by the
repeat. It does not ask when the event happened or what else it says, so an id counts once however often and with
whatever content it comes. A key is XXH3 (128 bits) of site, a zero byte, the id in lower case: the same id at two sites
is two events; case does not make a UUID another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tracker.store.engine import Engine, Query, Rows, Session

# Keys go to RocksDB in its own order (bytes): neighbours then share what was just read, at a third of the cost.
_LOOK = """
select toString(given.digest), known.arrival
from (select digest, byteSwap(digest) as id from staged where ok order by digest) as given
any left join seen as known on given.id = known.id
where known.arrival != 0
"""
_KNOWN = """
select row, part, site, toString(digest), arrival from staged
where ok and digest in (select toUInt128(digest) from /*table:given*/) order by arrival, row
"""
_TWINS = """
select row, part, site, toString(digest), arrival from staged
where ok and digest in (select digest from staged where ok group by digest having count() > 1)
order by arrival, row
"""
_OTHERS = "create temporary table others (row UInt64, own UInt8) engine = Memory"
_FILL_OTHERS = "insert into others select row, own from /*table:given*/"
_OTHER_COLUMNS = [("row", "UInt64"), ("own", "UInt8")]
_REMEMBER = "insert into seen (id, arrival) select byteSwap(digest), arrival from staged where ok order by digest"
_REMEMBER_NEW = _REMEMBER.replace("where ok", "where ok and row not in (select row from others)")
_FORGET = """
insert into seen (id, arrival) select byteSwap(xxh3_128(concat(site, '\\0', lower(id)))), 0 from /*table:given*/
"""
_MARK = """
create temporary table others engine = Memory as select row, toUInt8(0) as own from staged
where (digest, arrival) in (select toUInt128(digest), arrival from /*table:given*/)
"""
_PAIRS = [("digest", "String"), ("arrival", "UInt64")]
# `direct` asks the key-value store for these keys alone; any other algorithm reads it all.
_DIRECT: dict[str, str | int] = {"join_algorithm": "direct"}


class Row(NamedTuple):
    """A staged event: where it stands among the staged ones, and the segment it is of. `digest`: decimal digits."""

    row: int
    part: int
    site: str
    digest: str
    arrival: int


@dataclass(frozen=True)
class Sorted:
    """All other staged events are new."""

    own: list[Row] = field(default_factory=list)
    duplicates: list[Row] = field(default_factory=list)


def sort_out(session: Session, *, twins: bool) -> Sorted:
    """Which staged events we have tried before, which are duplicates. Of equal new ids the first arrival wins.

    `twins`: an id was staged twice. The answer is kept in this session, as the table `others` where it is not empty.
    """
    found = Sorted()
    known: dict[str, int] = dict(session.ask(Query(text=_LOOK, settings=_DIRECT)).rows)
    if known:
        given = Rows(columns=[("digest", "String")], data=[(digest,) for digest in known])
        tried: set[tuple[str, int]] = set()
        for row in map(Row._make, session.ask(Query(text=_KNOWN, tables={"given": given})).rows):
            again = row.arrival != known[row.digest] or (row.digest, row.arrival) in tried
            (found.duplicates if again else found.own).append(row)
            tried.add((row.digest, row.arrival))
    if twins:
        winners: set[str] = set()
        for row in map(Row._make, session.ask(Query(text=_TWINS)).rows):
            if row.digest in known:
                continue
            if row.digest in winners:
                found.duplicates.append(row)
            winners.add(row.digest)
    if found.own or found.duplicates:
        data = [*((row.row, 1) for row in found.own), *((row.row, 0) for row in found.duplicates)]
        session.command(Query(text=_OTHERS))
        session.command(Query(text=_FILL_OTHERS, tables={"given": Rows(columns=_OTHER_COLUMNS, data=data)}))
    return found


def mark(session: Session, duplicates: Sequence[Row]) -> bool:
    """Make `others` again for some of the lines, staged anew; gives whether it is needed."""
    if duplicates:
        data = [(row.digest, row.arrival) for row in duplicates]
        session.command(Query(text=_MARK, tables={"given": Rows(columns=_PAIRS, data=data)}))
    return bool(duplicates)


def remember(session: Session, found: Sorted) -> None:
    """Keep what arrived as which id, of staged events about to be stored. Writing the same again is harmless."""
    session.put("seen", Query(text=_REMEMBER_NEW if found.own or found.duplicates else _REMEMBER))


def forget(engine: Engine, ids: Iterable[tuple[str, str]]) -> None:
    """(site, id) of events that the store refused: when they come again, replayed, they are no duplicates."""
    data: Sequence[tuple[str, str]] = sorted(ids)
    if data:
        given = Rows(columns=[("site", "String"), ("id", "String")], data=data)
        engine.put("seen", Query(text=_FORGET, tables={"given": given}))
