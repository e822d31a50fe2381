"""Stored key -> person, as of now (`docs/decisions/identity.md`).

`person_map` lists only keys that belong to somebody else, so the join's table is as large as the number of identified
visitors, not of events. Measured (`docs/decisions/funnel.md`): with three events a key, joining row by row costs less
than grouping twice; with sixteen (all events of a month) it costs twice as much.
"""

from __future__ import annotations

from collections.abc import Iterable

from tracker.store.engine import Engine, Query, Rows
from tracker.store.sql import Fragment, fill, load

PERSON = "if(persons.person = 0, key, persons.person)"
"""The person of a row of `events` joined with `join()`; 0 marks a key that the map does not list."""

SESSION = "xxHash64(concat('s:', if(visitor = '', user, visitor), '\\0', session))"
"""The 64-bit number of a row's session; that of its visitor where it has none."""


def join(keys: Fragment | None = None, *, among: Fragment | None = None) -> Fragment:
    """`any left join ...` to put behind `from events`; needs the parameter `site`.

    keys: a subquery of all keys there can be; where they are few, it spares the work of joining with the whole map.
    among: a condition that all of them meet.

    FINAL gives the highest version of a key and keeps the table's order: keys that are looked up in their order, as
    events stand, are found near each other. Grouped by key (argMax), the look-ups of a funnel cost 1.6 times as much.
    """
    if keys is not None and keys.text:
        among = Fragment(f"key in {keys.text}", keys.params)
    some = f" and {among.text}" if among else ""
    return Fragment(
        "any left join (select key, person from person_map final"  # noqa: S608 - text of our own
        f" where site = {{site:String}}{some}) as persons using (key)",
        among.params if among else {},
    )


def linked(engine: Engine, site: str) -> bool:
    """Whether any key of the site belongs to another one. Without, a key is a person, and nothing need be joined."""
    text = "select 1 from person_map where site = {site:String} limit 1"
    return bool(engine.ask(Query(text=text, params={"site": site})).rows)


def of_keys(gathered: Fragment, *, linked: bool, only: str | None = None, joined: Fragment | None = None) -> Fragment:
    """A subquery with `person` and `packed` from one with `key` and the array `packed`, a row each.

    `only`: an array parameter of the persons that matter; `joined`: tells whose the keys are, as `join()` does.

    Where a key has many events, bringing the keys' arrays together costs half of looking up each event's person first.
    """
    if not linked:
        return Fragment(f"select key as person, packed from ({gathered.text})", gathered.params)  # noqa: S608
    slots = {
        "person": Fragment(PERSON),
        "gathered": gathered,
        "persons": joined or join(None if only is None else keys_of(only)),
    }
    query = fill(load(__package__, "persons_of_keys"), slots)
    return Fragment(query.text, query.params)


def spread(rows: Fragment, *, linked: bool) -> Fragment:
    """Rows with a person each as `unit` -> the same rows for every stored key as `unit`, with the person as `who`.

    Joined with events by key, that costs one look-up an event, where the person would cost another.
    """
    if not linked:
        return Fragment(f"select *, unit as who from ({rows.text})", rows.params)  # noqa: S608 - text of our own
    query = fill(load(__package__, "persons_spread"), {"rows": rows})
    return Fragment(query.text, query.params)


def keys_of(slot: str) -> Fragment:
    """All stored keys of the persons in the array parameter `slot`, as a subquery; needs the parameter `site`.

    Only keys that ever belonged to one of them are looked at as of now: that costs a look at the map, not a sort of it.
    """
    keys = "{" + slot + ":Array(UInt64)}"
    once = f"select key from person_map where site = {{site:String}} and person in {keys}"  # noqa: S608 - our own text
    return Fragment(
        f"(select arrayJoin({keys}) as key union all"  # noqa: S608 - the slot is a name of our own
        " select key from (select key, argMax(person, version) as owner from person_map"
        f" where site = {{site:String}} and key in ({once}) group by key) where owner in {keys})"
    )


def moved() -> Fragment:
    """Keys (`key`) that went over to another person, or from one: a SELECT; needs the parameters `site` and `moved`."""
    return Fragment(load(__package__, "moved_keys"))


def suppressed(site: str = "site") -> Fragment:
    """Keys on the suppression list and the persons they belong to, as a subquery; `site` names its parameter."""
    of_site = f"site = {{{site}:String}}"
    listed = f"select key from suppressed where {of_site} group by key having argMax(listed, version) = 1"  # noqa: S608
    return Fragment(
        f"({listed} union all select argMax(person, version) as key from person_map"  # noqa: S608 - text of our own
        f" where {of_site} and person_map.key in ({listed}) group by person_map.key)"
    )


def suppress(engine: Engine, site: str, keys: Iterable[int], *, listed: bool, version: int) -> None:
    """Write keys of persons to every node: audiences read them where the events are. Repeating it is harmless."""
    data = [(site, key, int(listed), version) for key in sorted(set(keys))]
    if not data:
        return
    columns = [("site", "String"), ("key", "UInt64"), ("listed", "UInt8"), ("version", "UInt64")]
    text = "insert into suppressed (site, key, listed, version) select site, key, listed, version from /*table:given*/"
    for node in engine.nodes():
        node.command(Query(text=text, tables={"given": Rows(columns=columns, data=data)}))
