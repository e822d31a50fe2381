"""What to tell a network: whom to add, and whom to take back, reckoned against what it was given last."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tracker.audiences import known
from tracker.audiences.definition import Definition
from tracker.audiences.membership import gate
from tracker.core.site import Site
from tracker.store.engine import Engine

DAY_MS = 86_400_000
FEW = 5
"""A change of fewer persons than this would show who they are; removals after a refusal or an erasure always go."""


@dataclass
class Changes:
    """Persons to add; keys of the ledger to take back, of those who refused or were erased (`refused`) before those
    who only left the audience (`left`); how many were kept back because they are too few; who stays as they are.
    """

    add: list[int]
    refused: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    too_few: int = 0
    left_later: int = 0
    unchanged: int = 0


def changes(
    engine: Engine,
    site: Site,
    definition: Definition,
    *,
    leaving: list[int],
    delivered: Mapping[int, int],
    due_before: int,
    few: int,
    vendor: int | None = None,
) -> Changes:
    """`leaving`: persons who may leave the house. `delivered`: ledger key -> when (ms); earlier than `due_before` it is
    said again, or the membership would end.
    """
    standing = known.now(engine, site.name, list(delivered))
    members = set(leaving)
    since: dict[int, int] = {}
    for key, person in standing.items():
        since[person] = max(since.get(person, 0), delivered[key])
    found = Changes([one for one in leaving if since.get(one, 0) <= due_before])
    found.unchanged = len(leaving) - len(found.add)
    gone = [key for key, person in standing.items() if person not in members]
    refused = _refused(engine, site, definition, {standing[key] for key in gone}, vendor)
    for key in gone:
        (found.refused if standing[key] in refused else found.left).append(key)
    new = sum(one not in since for one in found.add)
    if delivered and 0 < new < few:
        found.too_few = new
        found.add = [one for one in found.add if one in since]
    if 0 < len(found.left) < few:
        found.left_later, found.left = len(found.left), []
    return found


def _refused(
    engine: Engine, site: Site, definition: Definition, people: Collection[int], vendor: int | None
) -> set[int]:
    """Those of some persons who may not leave the house any more, or of whom nothing is left."""
    refused: set[int] = set()
    asked = sorted(people)
    for at in range(0, len(asked), known.AT_ONCE):
        some = asked[at : at + known.AT_ONCE]
        verdicts = gate(engine, site, definition, some, vendor)
        refused |= {one for one in some if verdicts.get(one, ("erased", False))[0] != "exportable"}
    return refused
