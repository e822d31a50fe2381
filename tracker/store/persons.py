"""Stored key -> person, as of now (`docs/decisions/identity.md`).

`person_map` lists only keys that belong to somebody else, so the join's table is as large as the number of identified
visitors, not of events. Measured (`docs/decisions/funnel.md`): joining row by row costs less than grouping twice.
"""

from __future__ import annotations

from tracker.store.sql import Fragment

PERSON = "if(persons.person = 0, key, persons.person)"
"""The person of a row of `events` joined with `join()`; 0 marks a key that the map does not list."""


def join() -> Fragment:
    """`any left join ...` to put behind `from events`; needs the parameter `site`."""
    return Fragment(
        "any left join (select key, argMax(person, version) as person from person_map"
        " where site = {site:String} group by key) as persons using (key)"
    )


def keys_of(slot: str) -> Fragment:
    """All stored keys of the persons in the array parameter `slot`, as a subquery; needs the parameter `site`."""
    keys = "{" + slot + ":Array(UInt64)}"
    return Fragment(
        f"(select arrayJoin({keys}) as key union all"  # noqa: S608 - the slot is a name of our own
        " select key from (select key, argMax(person, version) as person from person_map"
        f" where site = {{site:String}} group by key) where person in {keys})"
    )
