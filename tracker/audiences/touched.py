"""To whom something happened: their keys, and their events with the columns that rules mention, in tables in memory.

Persons with newly stored events, those who won or lost a key or whose place on the suppression list changed, and those
for whom a time in a rule ran out. For one thread: the tables are the store's, and there is one of each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tracker.audiences import judging
from tracker.audiences.by_key import ByKey
from tracker.catalog.memberships import Membership
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param, Query
from tracker.store.sql import Fragment, fill, load

LISTED_MARGIN = 60_000
"""Versions of the suppression list are clocks of several processes (ms): the last minute's are looked at again."""

SOON = 20_000
"""Keys with new events in one refresh: where more wait, the latest inserts come first, and one of them at least."""

OF_A_SHARE = ("touched_events", "judged", "stays")
OF_EVERYBODY = ("touched_keys", "touched_people", "touched_owned")


@dataclass(frozen=True)
class Found:
    """What was found of some persons, before it is stored: all keys of theirs, and of each audience that was asked
    those of its members who may leave the house.
    """

    keys: Sequence[int]
    inside: Mapping[str, Sequence[int]]


class Touched:
    """The tables of one store, filled and read."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._columns: list[str] = []

    def empty(self, *, all_of_it: bool = True) -> None:
        """Forget what is in them, or with `all_of_it` False what is of a share of the persons."""
        for name in (*(OF_EVERYBODY if all_of_it else ()), *OF_A_SHARE):
            self._engine.command(Query(text=f"truncate table {name}"))

    def set_apart(
        self, site: str, before: Sequence[Membership], *, waiting: set[int], now_ms: int
    ) -> tuple[int, frozenset[int]]:
        """Who is to be judged; gives how many persons these are, and those of the `waiting` inserts that must wait."""
        self.empty()
        blocks = self._newest(site, waiting)
        params: dict[str, Param] = {
            "site": site,
            "blocks": sorted(blocks),
            "moved": min(state.moved for state in before),
            "listed": max(0, min(state.listed for state in before) - LISTED_MARGIN),
            "after": min(state.as_of for state in before),
            "now": now_ms,
        }
        for name in OF_EVERYBODY:
            text = about_happened(name)
            self._engine.command(
                Query(text=text, params={key: one for key, one in params.items() if f"{{{key}:" in text})
            )
        people = int(self._engine.ask(Query(text="select count() from touched_people")).rows[0][0])
        return people, frozenset(waiting - blocks)

    def _newest(self, site: str, waiting: set[int]) -> set[int]:
        """Of some inserts those to look at now: who did something just now is not kept waiting by an import."""
        query = Query(text=load(__package__, "touched_sizes"), params={"site": site, "blocks": sorted(waiting)})
        chosen, keys = set[int](), 0
        for at, size in self._engine.ask(query).rows if len(waiting) > 1 else ():
            if chosen and keys + int(size) > SOON:
                return chosen
            chosen.add(int(at))
            keys += int(size)
        return waiting

    def copy(self, site: str, queries: Sequence[Query], share: Mapping[str, Param], by_key: ByKey) -> None:
        """The events of a share of them, for these statements, in place of those of another."""
        self.empty(all_of_it=False)
        text = " ".join(query.text for query in queries)
        if not self._columns:
            columns = "select name from system.columns where database = currentDatabase() and table = 'touched_events'"
            names = (str(name) for (name,) in self._engine.ask(Query(text=columns)).rows)
            self._columns = [name for name in names if name not in ("site", "key", "own")]
        wanted = [name for name in self._columns if _mentions(text, name)]
        keys = Fragment("select key from touched_owned where person % {shares:UInt64} = {share:UInt64}")
        slots = {
            "columns": Fragment("".join(f", `{name}`" for name in wanted)),
            "events": by_key.events(site, wanted, keys) or events_source(self._engine),
        }
        params = {"site": site, "apart": judging.name_apart(site), **share}
        self._engine.command(fill(load(__package__, "touched_events"), slots, params, settings=judging.AT_ONCE))

    def found(self, audiences: Sequence[str], share: Mapping[str, Param]) -> Found:
        """What was judged of a share of them."""
        keys = Query(text=load(__package__, "touched_all"), params=share)
        [(everybody,)] = self._engine.ask(keys).rows
        query = Query(text=load(__package__, "touched_inside"), params={"audiences": list(audiences), **share})
        inside: dict[str, Sequence[int]] = dict.fromkeys(audiences, ())
        inside |= {str(audience): some for audience, some in self._engine.ask(query).rows}
        return Found(everybody, inside)


def about_happened(name: str) -> str:
    """The text of a statement about those to whom something happened (`happened.sql`, slot `happened`)."""
    happened = fill(load(__package__, "happened"), {"moved": persons.moved()}).text
    return load(__package__, name).replace("/*happened*/", happened)


def _mentions(text: str, name: str) -> bool:
    """Whether a statement may read a column of this name; a name that stands for something else does no harm."""
    return re.search(rf"\b{re.escape(name)}\b", text) is not None
