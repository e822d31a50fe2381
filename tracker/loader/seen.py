"""The memory of event ids: which arrival of an id counts.

    unknown id               new: remember it with this arrival, then store the event
    known, this arrival      our own earlier try: store it again
    known, another arrival   a duplicate: counted, not stored

The memory is written before the events are, so a crash in between leaves a known id whose event is stored by the
repeat. It does not ask when the event happened or what else it says, so an id counts once however often and with
whatever content it comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracker.store.engine import Columns, Engine, Query

# Keys go to RocksDB in its own order (bytes): neighbours then share what was just read, at a third of the cost.
_LOOK = """
select lower(hex(reinterpretAsFixedString(given.id))), seen.arrival
from (select reinterpretAsUInt128(key) as id from /*table:given*/ order by key) as given
any left join seen on given.id = seen.id
where seen.arrival != 0
"""
_COLUMNS = [("key", "FixedString(16)"), ("arrival", "UInt64")]
_REMEMBER = """
insert into seen (id, arrival) select reinterpretAsUInt128(key), arrival from /*table:given*/ order by key
"""
# `direct` asks the key-value store for these keys alone; any other algorithm reads it all.
_DIRECT: dict[str, str | int] = {"join_algorithm": "direct"}


@dataclass(frozen=True)
class Sorted:
    """Indices into the batch."""

    new: Sequence[int]
    own: list[int]
    duplicates: list[int]


def sort_out(engine: Engine, keys: Sequence[bytes], arrivals: Sequence[int]) -> Sorted:
    """Which rows are new, which we have tried before, which are duplicates. Of equal new ids the first arrival wins."""
    known = _look(engine, keys)
    if not known and len(set(keys)) == len(keys):
        return Sorted(new=range(len(keys)), own=[], duplicates=[])
    winners: dict[bytes, int] = {}
    own: list[int] = []
    duplicates: list[int] = []
    for index, key in enumerate(keys):
        if (arrival := known.get(key)) is not None:
            (own if arrival == arrivals[index] else duplicates).append(index)
            continue
        first = winners.setdefault(key, index)
        if first != index:
            loser = index
            if arrivals[index] < arrivals[first]:
                winners[key], loser = index, first
            duplicates.append(loser)
    return Sorted(new=sorted(winners.values()), own=own, duplicates=duplicates)


def remember(engine: Engine, keys: Sequence[bytes], arrivals: Sequence[int]) -> None:
    """Keep what arrived as which key, of events about to be stored. Writing the same again is harmless."""
    if keys:
        given = Columns(columns=_COLUMNS, data=[keys, arrivals])
        engine.put("seen", Query(text=_REMEMBER, tables={"given": given}))


def forget(engine: Engine, keys: Sequence[bytes]) -> None:
    """Ids of events that the store refused: they come again when they are replayed, and are no duplicates then."""
    remember(engine, keys, [0] * len(keys))


def _look(engine: Engine, keys: Sequence[bytes]) -> dict[bytes, int]:
    if not keys:
        return {}
    given = Columns(columns=_COLUMNS[:1], data=[keys])
    answer = engine.ask(Query(text=_LOOK, tables={"given": given}, settings=_DIRECT))
    return {bytes.fromhex(key): int(arrival) for key, arrival in answer.rows}
