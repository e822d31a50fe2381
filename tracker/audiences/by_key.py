"""The events of a few persons, from a copy of all events in which those of a key stand side by side (`events_by_key`).

The store copies what comes for the sites that are named in `events_by_key_sites`; what was there before is copied here,
some of it at a time. Until all of it is, and where a rule asks for a column that the copy does not have, and on a
cluster, events themselves are read.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field

from tracker.store.engine import Engine, Param, Query
from tracker.store.shares import share
from tracker.store.sql import Fragment, fill, load

AT_ONCE = 100_000
"""Events copied at a time, about: a second's work."""

SETTLES_S = 120.0
"""So long after a site was named an insert from before may still come to its end."""


@dataclass
class _Going:
    """A site that is being copied: which range of keys is next."""

    since: float = field(default_factory=time.monotonic)
    done: int = 0
    of: int = 0


class ByKey:
    """For one thread, and nobody may be erased while it works. `settles_s`: 0 where nobody loads."""

    def __init__(self, engine: Engine, settles_s: float = SETTLES_S) -> None:
        self._engine, self._settles_s = engine, settles_s
        self._whole: set[str] = set()
        self._going: dict[str, _Going] = {}
        self._columns: frozenset[str] = frozenset()

    def copy(self, site: str) -> bool:
        """Copy the next piece of what was there before; false where nothing is to be done now. Raises TrackerError."""
        if self._engine.cluster is not None or self.whole(site):
            return False
        going = self._going.get(site)
        if going is None:
            going = self._going[site] = _Going()
            self._name(site, 0)
        if time.monotonic() - going.since < self._settles_s:
            return False
        if not going.of:
            count = "select count() from events where site = {site:String}"
            going.of = -(-int(self._engine.ask(Query(text=count, params={"site": site})).rows[0][0]) // AT_ONCE)
        if going.done < going.of:
            first, last = share(going.done, going.of)
            names = ", ".join(f"`{name}`" for name in sorted(self.columns()))
            params: dict[str, Param] = {"site": site, "first": first, "last": last}
            query = fill(load(__package__, "by_key_copy"), {"columns": Fragment(names)}, params)
            self._engine.command(query)
            going.done += 1
        if going.done == going.of:
            self._name(site, 1)
            del self._going[site]
        return True

    def whole(self, site: str) -> bool:
        """Whether the copy has all events of the site."""
        if site not in self._whole and self._engine.cluster is None:
            text = "select max(whole) from events_by_key_sites where site = {site:String}"
            if self._engine.ask(Query(text=text, params={"site": site})).rows[0][0]:
                self._whole.add(site)
        return site in self._whole

    def events(self, site: str, columns: Collection[str], keys: Fragment) -> Fragment | None:
        """A table of the events of some keys, with these columns, each event once; None where the copy cannot tell.

        `keys`: a subquery; the parameter `site` is the site's name.
        """
        if not self.whole(site) or not self.columns().issuperset(columns):
            return None
        names = sorted({*columns, "site", "key", "ts", "event", "id"})
        slots = {"columns": Fragment(", ".join(f"`{name}`" for name in names)), "keys": keys}
        query = fill(load(__package__, "by_key_events"), slots)
        return Fragment(query.text, query.params)

    def columns(self) -> frozenset[str]:
        """Those that the copy has."""
        if not self._columns:
            text = "select name from system.columns where database = currentDatabase() and table = 'events_by_key'"
            self._columns = frozenset(str(name) for (name,) in self._engine.ask(Query(text=text)).rows)
        return self._columns

    def _name(self, site: str, whole: int) -> None:
        text = "insert into events_by_key_sites (site, whole) select {site:String}, {whole:UInt8}"
        self._engine.command(Query(text=text, params={"site": site, "whole": whole}))
