"""Who belongs together, by the rule of `docs/decisions/identity.md`, in plain Python: no store, no clock.

    users     `alias` edges join users; all users joined together are one person, named by the user that the latest
              alias (time, arrival, id) points at. So chains and cycles need no order of arrival.
    visitors  a visitor belongs to the person of the first user (time, arrival, id) it was seen with

`previous` of an alias may be a user or a visitor: it counts as both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

When = tuple[int, int]  # (event time in ms, arrival)
Pair = tuple[str, str, str, str]  # (site, kind, source, target)


class Link(NamedTuple):
    """`kind` is identify (source is a visitor) or alias (source is a user); `target` is always a user.

    A tuple, because thousands are compared, sorted and sent at a time.
    """

    site: str
    kind: str
    source: str
    target: str
    ts: int
    arrival: int


def links_of(site: str, visitor: str, user: str, previous: str, when: When) -> list[Link]:
    """The links that one event says."""
    if not user:
        return []
    ts, arrival = when
    found = []
    if visitor:
        found.append(Link(site, "identify", visitor, user, ts, arrival))
    if previous and previous != user:
        found.append(Link(site, "alias", previous, user, ts, arrival))
        found.append(Link(site, "identify", previous, user, ts, arrival))
    return found


@dataclass
class Aliases:
    """The aliases of one site: a union of users with a name for each joined group."""

    _parent: dict[str, str] = field(default_factory=dict)
    _members: dict[str, list[str]] = field(default_factory=dict)
    _latest: dict[str, tuple[int, int, str]] = field(default_factory=dict)

    def add(self, links: Iterable[Link]) -> set[str]:
        """Take in aliases; gives the users whose person may have changed."""
        touched = set()
        for link in links:
            source, target = self._root(link.source), self._root(link.target)
            latest = max(
                (link.ts, link.arrival, link.target), *(self._latest.get(root, _NEVER) for root in (source, target))
            )
            before = {root: self._latest.get(root) for root in (source, target)}
            if source != target:
                big, small = sorted((source, target), key=lambda root: len(self._group(root)), reverse=True)
                self._members[big] = self._group(big) + self._group(small)
                self._members.pop(small, None)
                self._latest.pop(small, None)
                self._parent[small] = source = big
            self._latest[source] = latest
            if len(before) > 1 or before.get(source) != latest:
                touched.add(source)
        return {user for root in touched for user in self._group(self._root(root))}

    def person(self, user: str) -> str:
        """The user that names the person of this user; itself where no alias speaks of it."""
        latest = self._latest.get(self._root(user))
        return latest[2] if latest else user

    def _group(self, root: str) -> list[str]:
        return self._members.get(root, [root])

    def _root(self, user: str) -> str:
        path = []
        while (parent := self._parent.get(user)) is not None:
            path.append(user)
            user = parent
        for passed in path:
            self._parent[passed] = user
        return user


_NEVER = (-(2**63), 0, "")
