"""Keeps `identity_links` (who was seen with whom) and `person_map` (which key is really whose) up to date.

The links are written first and the map is computed from all links there are, so a batch that is repeated, or comes
late, or in another order, ends in the same map. Aliases are kept in memory, site by site: about 300 bytes each.
One loader a store: two would not see each other's aliases until they start again.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence

from tracker.core.identity import user_key, visitor_key
from tracker.loader.batch import Seen
from tracker.loader.people import Aliases, Link, Pair, When, links_of
from tracker.store.engine import Engine, Query, Rows

_LINK_COLUMNS = [
    ("site", "String"), ("kind", "String"), ("source", "String"), ("target", "String"), ("ts", "Int64"),
    ("arrival", "UInt64"),
]  # fmt: skip
_WRITE_LINKS = """
insert into identity_links (site, kind, source, target, ts, arrival)
select site, kind, source, target, fromUnixTimestamp64Milli(ts, 'UTC'), arrival from /*table:given*/
"""
_MAP_COLUMNS = [("site", "String"), ("key", "UInt64"), ("person", "UInt64"), ("version", "UInt64")]
_WRITE_MAP = (
    "insert into person_map (site, key, person, version) select site, key, person, version from /*table:given*/"
)
_ALIASES = """
select source, target, toUnixTimestamp64Milli(ts), arrival from identity_links
where site = {site:String} and kind = 'alias'
"""
_FIRST_USER = """
select source, argMin(target, (ts, arrival, target)) from identity_links
where site = {site:String} and kind = 'identify' and source in (select source from /*table:given*/)
group by source
"""
_VISITORS_OF = """
select distinct source from identity_links
where site = {site:String} and kind = 'identify' and target in (select target from /*table:given*/)
"""
_REMEMBERED = 200_000


class Identity:
    """For one thread. Forgets nothing that matters when it is made anew: everything is in the store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._nodes: Sequence[Engine] = ()
        self._aliases: dict[str, Aliases] = {}
        # (site, kind, source, target) -> the earliest and latest time already written: most links say nothing new.
        self._written: dict[Pair, tuple[When, When]] = {}
        self._version = 0

    def learn(self, events: Iterable[Seen]) -> None:
        """Take in what these events say about who is who. Repeating it is harmless. Raises TryLater."""
        links = self._news(events)
        if not links:
            return
        by_site: dict[str, list[Link]] = defaultdict(list)
        for link in links:
            by_site[link.site].append(link)
        for site in by_site:
            self._aliases_of(site)  # as they were before these links
        self._engine.command(Query(text=_WRITE_LINKS, tables={"given": Rows(columns=_LINK_COLUMNS, data=links)}))
        try:
            changed = [row for site, news in by_site.items() for row in self._changes(site, news)]
            if not self._version:  # a clock that was set back must not make what is learnt now look old
                [(last,)] = self._engine.ask(Query(text="select max(version) from person_map")).rows
                self._version = int(last)
            self._version = max(time.time_ns(), self._version + 1)
            data = [(site, key, person, self._version) for site, key, person in changed]
            if data:
                self._write_map(data)
        except BaseException:
            for site in by_site:  # these aliases are in memory, but not yet in the map: read them again next time
                self._aliases.pop(site, None)
            raise
        self._note(links)

    def _write_map(self, data: list[tuple[str, int, int, int]]) -> None:
        """To every node: reports join the map where the events are."""
        self._nodes = self._nodes or self._engine.nodes()
        for node in self._nodes:
            node.command(Query(text=_WRITE_MAP, tables={"given": Rows(columns=_MAP_COLUMNS, data=data)}))

    def _news(self, events: Iterable[Seen]) -> list[Link]:
        """Links that can change something: of each pair the earliest (who was first) and the latest (for aliases)."""
        first: dict[Pair, When] = {}
        last: dict[Pair, When] = {}
        for event in events:
            site, visitor, user, previous, when = (
                *(event.site, event.visitor, event.user, event.previous),
                (event.ts, event.arrival),
            )
            if not user or not (visitor or previous):
                continue
            pairs: list[Pair] = [(site, "identify", visitor, user)]
            if previous:
                pairs = [link[:4] for link in links_of(site, visitor, user, previous, when)]
            elif (known := self._written.get(pairs[0])) is not None and known[0] <= when:
                continue  # nearly always: a visitor known to be this user, seen again
            for pair in pairs:
                if when < first.setdefault(pair, when):
                    first[pair] = when
                if when > last.setdefault(pair, when):
                    last[pair] = when
        news = set()
        for pair, when in first.items():
            known = self._written.get(pair)
            if known is None or when < known[0]:
                news.add(Link(*pair, *when))
            if pair[1] == "alias" and (known is None or last[pair] > known[1]):
                news.add(Link(*pair, *last[pair]))
        return sorted(news)

    def _note(self, links: Sequence[Link]) -> None:
        if len(self._written) > _REMEMBERED:
            self._written.clear()
        for link in links:
            pair, when = link[:4], link[4:]
            earliest, latest = self._written.get(pair, (when, when))
            self._written[pair] = (min(earliest, when), max(latest, when))

    def _aliases_of(self, site: str) -> Aliases:
        if site not in self._aliases:
            rows = self._engine.ask(Query(text=_ALIASES, params={"site": site})).rows
            self._aliases[site] = Aliases()
            self._aliases[site].add(
                Link(site, "alias", source, target, ts, arrival) for source, target, ts, arrival in rows
            )
        return self._aliases[site]

    def _changes(self, site: str, news: Sequence[Link]) -> list[tuple[str, int, int]]:
        """(site, key, person) of every key whose person these links may have changed."""
        aliases = self._aliases_of(site)
        moved = aliases.add(link for link in news if link.kind == "alias")
        visitors = {link.source for link in news if link.kind == "identify"}
        if moved:
            visitors |= self._column(_VISITORS_OF, site, "target", moved)
        rows = [(site, user_key(user), user_key(aliases.person(user))) for user in sorted(moved)]
        for visitor, user in self._first_users(site, visitors):
            rows.append((site, visitor_key(visitor), user_key(aliases.person(user))))
        return rows

    def _first_users(self, site: str, visitors: Iterable[str]) -> list[tuple[str, str]]:
        given = _one_column("source", visitors)
        if not given.data:
            return []
        answer = self._engine.ask(Query(text=_FIRST_USER, params={"site": site}, tables={"given": given}))
        return [(str(visitor), str(user)) for visitor, user in answer.rows]

    def _column(self, text: str, site: str, name: str, values: Iterable[str]) -> set[str]:
        given = _one_column(name, values)
        return {
            str(row[0])
            for row in self._engine.ask(Query(text=text, params={"site": site}, tables={"given": given})).rows
        }


def _one_column(name: str, values: Iterable[str]) -> Rows:
    return Rows(columns=[(name, "String")], data=[(value,) for value in sorted(values)])
