"""What to tell a network: whom to add, and whom to take back, reckoned against what it was given last."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tracker.audiences import known
from tracker.audiences.definition import Definition
from tracker.audiences.membership import gate
from tracker.audiences.rules import All
from tracker.catalog.deliveries import There
from tracker.core.site import Site
from tracker.store.engine import Engine

DAY_MS = 86_400_000
FEW = 5
"""A change of fewer persons than this would show who they are; removals after a refusal or an erasure always go."""

People = NDArray[np.uint64]
"""Keys of persons, in order."""


def people_of(keys: Iterable[int] = ()) -> People:
    """Some keys, in order."""
    return np.array(sorted(keys), np.uint64)


@dataclass
class Changes:
    """Persons to add; keys of the ledger to take back, of those who refused or were erased (`refused`) before those
    who only left the audience (`left`); how many were kept back because they are too few; who stays as they are.

    `lost`: keys of those who stay members and lost an id; they are taken back as those who refused are. `stays`: who
    may leave the house, but for them.
    """

    add: People
    refused: People = field(default_factory=people_of)
    left: People = field(default_factory=people_of)
    lost: People = field(default_factory=people_of)
    too_few: int = 0
    left_later: int = 0
    unchanged: int = 0
    stays: People = field(default_factory=people_of)


@dataclass
class News:
    """What became of persons' ids since: person -> when (ms). `fresh`: they have others; `lost`: they have none."""

    fresh: dict[int, int] = field(default_factory=dict)
    lost: dict[int, int] = field(default_factory=dict)

    def __or__(self, other: News) -> News:
        """Both; of two times the later one."""
        both = News(dict(self.fresh), dict(self.lost))
        for mine, theirs in ((both.fresh, other.fresh), (both.lost, other.lost)):
            for person, at in theirs.items():
                mine[person] = max(at, mine.get(person, 0))
        return both


def changes(
    engine: Engine,
    site: Site,
    definition: Definition,
    *,
    leaving: People,
    delivered: There,
    due_before: int,
    few: int,
    vendor: int | None = None,
    news: News | None = None,
) -> Changes:
    """`leaving`: persons who may leave the house. `delivered`: what the ledger says; who was delivered before
    `due_before` (ms) is said again, or the membership would end. So is who was delivered before the `news` of them,
    and who lost an id is taken back, and comes anew with the next delivery, without it.
    """
    keys, at = np.array(delivered.people, np.uint64), np.array(delivered.at, np.int64)
    standing = _standing(engine, site.name, keys)
    there, since = _latest(standing, at)
    found = Changes(leaving)
    is_new = ~is_among(leaving, there)
    last = np.zeros(len(leaving), np.int64)
    last[~is_new] = since[np.searchsorted(there, leaving[~is_new])]
    due = (last <= due_before) | _since(leaving, last, news.fresh if news else {})
    lost = _since(standing, at, news.lost if news else {})
    stays = ~is_among(leaving, np.unique(standing[lost]))
    due &= stays
    found.unchanged = int((stays & ~due).sum())
    new = int((due & is_new).sum())
    if len(keys) and 0 < new < few:
        found.too_few = new
        due &= ~is_new
    found.add = leaving[due]
    gone = ~is_among(standing, leaving)
    lost &= ~gone
    refused = _refused(engine, site, definition, set(standing[gone].tolist()), vendor)
    is_refused = is_among(standing[gone], people_of(refused))
    found.refused, found.left, found.lost = keys[gone][is_refused], keys[gone][~is_refused], keys[lost]
    found.stays = leaving[stays]
    if 0 < len(found.left) < few:
        found.left_later, found.left = len(found.left), people_of()
    return found


def any_lost(engine: Engine, site: str, delivered: There, news: News) -> bool:
    """Whether somebody who is there has lost an id since they were delivered."""
    keys, at = np.array(delivered.people, np.uint64), np.array(delivered.at, np.int64)
    return bool(news.lost) and bool(_since(_standing(engine, site, keys), at, news.lost).any())


def any_refused(engine: Engine, site: Site, delivered: There, vendor: int | None) -> bool:
    """Whether somebody who is there may not leave the house any more, or is erased."""
    everybody = Definition(site=site.name, rule=All(()), holdout=0.0)
    standing = _standing(engine, site.name, np.array(delivered.people, np.uint64))
    return bool(_refused(engine, site, everybody, np.unique(standing).tolist(), vendor))


def _since(people: NDArray[np.uint64], at: NDArray[np.int64], when: Mapping[int, int]) -> NDArray[np.bool_]:
    """Of each person whether something happened to them after they were delivered `at`."""
    found = np.zeros(len(people), np.bool_)
    if when:
        which = people_of(when)
        times = np.array([when[one] for one in which.tolist()], np.int64)
        theirs = is_among(people, which)
        found[theirs] = at[theirs] < times[np.searchsorted(which, people[theirs])]
    return found


def among(some: People, people: People) -> People:
    """Those of some keys that are these persons'."""
    return some[is_among(some, people)]


def is_among(some: NDArray[np.uint64], people: People) -> NDArray[np.bool_]:
    """Of each of some keys, in any order, whether it is one of these persons'."""
    if not len(people):
        return np.zeros(len(some), np.bool_)
    at = np.minimum(np.searchsorted(people, some), len(people) - 1)
    return np.asarray(people[at] == some)


def _standing(engine: Engine, site: str, keys: People) -> NDArray[np.uint64]:
    """The persons that keys of the ledger belong to by now."""
    standing = keys.copy()
    for start in range(0, len(keys), known.AT_ONCE):
        some = keys[start : start + known.AT_ONCE]
        moved = known.moved(engine, site, some.tolist())
        if moved:
            which = np.array(sorted(moved), np.uint64)
            standing[start + np.searchsorted(some, which)] = [moved[key] for key in which.tolist()]
    return standing


def _latest(persons: NDArray[np.uint64], at: NDArray[np.int64]) -> tuple[People, NDArray[np.int64]]:
    """Each person once, with the latest of their times."""
    if not len(persons):
        return people_of(), np.empty(0, np.int64)
    order = np.argsort(persons, kind="stable")
    ordered = persons[order]
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return ordered[first], np.maximum.reduceat(at[order], first)


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
