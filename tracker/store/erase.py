"""Takes a person out of the store, whole: the ids they go by, the rows they have, and the deleting of those rows.

Deleting rewrites parts (`alter table ... delete`): no mask over bytes that stay. Its text names the table `erasing` and
never a person, because ClickHouse keeps the text of mutations on disk. Everything here may be repeated.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tracker.core.errors import TryLater
from tracker.core.identity import user_key, visitor_key
from tracker.store import persons
from tracker.store.engine import Engine, Query, Rows
from tracker.store.sql import fill, load

_LINKS = (
    "(toString(site), 'key', xxHash64(concat(if(kind = 'alias', 'u:', 'v:'), source))) in erasing"
    " or (toString(site), 'key', xxHash64(concat('u:', target))) in erasing"
)
_OWNED = "(toString(site), 'key', key) in erasing"
_COLUMNS = [("site", "String"), ("kind", "String"), ("number", "UInt64")]
_FILL = "insert into erasing (site, kind, number) select site, kind, number from /*table:given*/"
_RUNNING = """
select count(), any(latest_fail_reason) from system.mutations
where database = currentDatabase() and table = {table:String} and not is_done
"""
_NEEDLES = 200  # multiSearchAny takes 255
_PAUSE = 0.02  # seconds between two looks at a mutation


@dataclass(frozen=True)
class Names:
    """Ids as events hold them. A person goes by any number of both kinds."""

    visitors: tuple[str, ...] = ()
    users: tuple[str, ...] = ()

    @property
    def keys(self) -> list[int]:
        """The keys of `core.identity`, sorted."""
        return sorted({visitor_key(one) for one in self.visitors} | {user_key(one) for one in self.users})

    @property
    def subjects(self) -> list[str]:
        """As the vault and the consent log know them."""
        return [f"u:{one}" for one in self.users] + [f"v:{one}" for one in self.visitors]


def all_names(engine: Engine, site: str, known: Names) -> Names:
    """Every id of the person or persons behind the known ones, those themselves included."""
    text = (
        "select key, argMax(person, version) from person_map"
        " where site = {site:String} and key in {keys:Array(UInt64)} group by key"
    )
    keys = known.keys
    owners = dict(engine.ask(Query(text=text, params={"site": site, "keys": keys})).rows)
    everybody = sorted({int(owners.get(key, key)) for key in keys})
    theirs = persons.keys_of("units").text
    found = engine.ask(Query(text=f"select distinct key from {theirs}", params={"site": site, "units": everybody}))  # noqa: S608
    wider = sorted({int(key) for (key,) in found.rows} | set(keys))
    names = set(engine.ask(fill(load(__package__, "erase_names"), params={"site": site, "keys": wider})).rows)
    return Names(
        visitors=tuple(sorted({name for kind, name in names if kind == "visitor"} | set(known.visitors))),
        users=tuple(sorted({name for kind, name in names if kind == "user"} | set(known.users))),
    )


def held(engine: Engine, site: str, names: Names) -> int:
    """How many events the person has, each counted once."""
    text = "select count() from events final where site = {site:String} and key in {keys:Array(UInt64)}"
    return int(engine.ask(Query(text=text, params={"site": site, "keys": names.keys})).rows[0][0])


def rejected_with(engine: Engine, site: str, spellings: Sequence[str]) -> list[tuple[int, str]]:
    """(arrival, text) of rejected events whose text holds one of these, as a part of a word too."""
    text = (
        "select arrival, raw from rejected final"
        " where site = {site:String} and multiSearchAny(raw, {spellings:Array(String)})"
    )
    found: dict[int, str] = {}
    for start in range(0, len(spellings), _NEEDLES):
        part = list(spellings[start : start + _NEEDLES])
        found |= dict(engine.ask(Query(text=text, params={"site": site, "spellings": part})).rows)
    return sorted(found.items())


def note(engine: Engine, site: str, erasure: str, events: int) -> None:
    """Tell the ledger's audit how many events an erasure takes away. Telling it again changes nothing."""
    known = engine.ask(
        Query(text="select count() from erased where erasure = {erasure:String}", params={"erasure": erasure})
    )
    if known.rows[0][0] == 0:
        text = "insert into erased (site, events, erasure) select {site:String}, {events:UInt64}, {erasure:String}"
        engine.command(Query(text=text, params={"site": site, "events": events, "erasure": erasure}))


def delete(engine: Engine, site: str, names: Names, arrivals: Iterable[int]) -> None:
    """Delete events, identity and audience marks of a person, and these rejected events, on every node.

    Returns once nothing of it is left. Raises TryLater where something is; it may then be repeated.
    """
    data = [(site, "key", key) for key in names.keys] + [(site, "arrival", one) for one in arrivals]
    given = Rows(columns=_COLUMNS, data=data)
    events = "events_local" if engine.cluster else "events"
    nodes = engine.nodes()
    for node in nodes:
        node.command(Query(text="truncate table erasing"))
        node.command(Query(text=_FILL, tables={"given": given}))
    for node in nodes:
        _drop(node, events, _OWNED)
        _drop(node, "person_map", f"{_OWNED} or (toString(site), 'key', person) in erasing")
        _drop(node, "suppressed", _OWNED)
        _drop(node, "touched_local" if engine.cluster else "touched", _OWNED)
    for table in ("members", "expiring"):
        _drop(engine, table, "(toString(site), 'key', person) in erasing")
    _drop(engine, "identity_links", _LINKS)
    _drop(engine, "rejected", "(toString(site), 'arrival', arrival) in erasing")
    for node in nodes:
        node.command(Query(text="truncate table erasing"))


def _drop(node: Engine, table: str, where: str) -> None:
    left = Query(text=f"select count() from {table} where {where}")  # noqa: S608 - our own names only
    if node.ask(left).rows[0][0] == 0:
        return
    node.command(Query(text=f"alter table {table} delete where {where}", settings={"mutations_sync": 0}))
    running = Query(text=_RUNNING, params={"table": table})
    while (state := node.ask(running).rows[0])[0]:
        if state[1]:
            raise TryLater("the store cannot delete at this moment", code="not_erased")
        time.sleep(_PAUSE)
    if node.ask(left).rows[0][0]:  # the store was started again meanwhile, and `erasing` is empty
        raise TryLater("the store was started again while it deleted", code="not_erased")
