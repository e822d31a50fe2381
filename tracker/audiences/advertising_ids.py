"""UID2s and EUIDs of persons, for the networks that take them: asked for once, asked again when due, lost with an
opt-out.

Asked for is only who may leave the house, towards the network of the export and towards the operator's own vendor; by
the address, or the number where there is no address. An id is used until its operator says that it may have changed
(`refresh_at`). Whoever opted out at the operator has none, and is taken back wherever the id was delivered.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tracker.audiences import known
from tracker.audiences.changes import DAY_MS, News, People, people_of
from tracker.audiences.definition import Definition
from tracker.audiences.deliver import sender_of
from tracker.audiences.delivery import Senders
from tracker.audiences.delivery.operator import Operator
from tracker.audiences.membership import gate
from tracker.catalog import Catalog
from tracker.catalog.advertising_ids import INVALID, MAPPED, OPTOUT, WITHHELD, Entry
from tracker.core.errors import TrackerError
from tracker.core.identifiers import Identifier, Keys, keyed, keys_of, seal, unseal
from tracker.core.site import Site
from tracker.networks import Network, uid2
from tracker.store.engine import Engine

TWINS = ("uid2", "euid")
CHECK_MS = 12 * 3_600_000
"""How often it is asked who has opted out of the ids that are in use."""
FORGET_MS = 30 * DAY_MS
"""An id that nobody needed for so long after it was due is forgotten."""
_AGAIN = {OPTOUT: DAY_MS, INVALID: 30 * DAY_MS}
_KIND, _HASH = "asked_kind", "asked_hash"


@dataclass
class Ids:
    """Those of one twin, for one export. `vendor`: the operator's, as the site names it; None for anywhere.

    `warnings`: what to know about it afterwards. A failing operator stops nothing: whoever has no id that holds now
    is left out, and comes with a later export. `quiet`: no operator is asked, and nothing is noted.
    """

    engine: Engine
    catalog: Catalog
    site: Site
    definition: Definition
    twin: str
    operator: Operator
    vendor: int | None
    now_ms: Callable[[], int]
    quiet: bool = False
    warnings: list[str] = field(default_factory=list)
    _keys: Keys = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._keys = keys_of(self.site.name, self.site.write_key, self.site.identifier_key)

    @property
    def form(self) -> str:
        """What a network's column is filled with."""
        return f"{self.twin}.raw"

    def fill(self, people: Mapping[int, dict[str, str]]) -> None:
        """Person's key -> forms, to which the raw id is added. All of them may leave the house."""
        asked: dict[str, tuple[int, tuple[str, str]]] = {}
        allowed = self._allowed(list(people))
        for person, forms in people.items():
            kind, value = uid2.asked_of(forms)
            if kind and person in allowed:
                asked[self._key(person, kind, value)] = (person, (kind, value))
        have = self.catalog.advertising_ids.find(self.site.name, self.twin, asked)
        now = self.now_ms()
        missing = {
            key: (who, item, have.get(key))
            for key, (who, item) in asked.items()
            if key not in have or have[key].refresh_at <= now or have[key].state == WITHHELD
        }
        have |= self._ask(missing)
        for key, (person, _) in asked.items():
            entry = have.get(key)
            if entry is not None and entry.state == MAPPED and entry.refresh_at > now:
                people[person][self.form] = self._opened(entry)["raw"]

    def upkeep(self, leaving: Callable[[People], People]) -> None:
        """Ask again for the ids that are due, and who has opted out of the others. `leaving`: those of some persons who
        may leave the house towards a network that takes the ids.
        """
        if self.quiet:
            return
        now = self.now_ms()
        for some in self.catalog.advertising_ids.due(self.site.name, self.twin, now, now - CHECK_MS):
            self._keep(some, leaving, now)

    def _keep(self, due: Sequence[Entry], leaving: Callable[[People], People], now: int) -> None:
        name = self.site.name
        old = [one.person for one in due if one.refresh_at < now - FORGET_MS]
        self.catalog.advertising_ids.erase(name, old, but=OPTOUT)
        due = [one for one in due if one.refresh_at >= now - FORGET_MS]
        standing = known.now(self.engine, name, sorted({one.person for one in due}))
        inside = set(leaving(people_of(set(standing.values()))).tolist())
        allowed = self._allowed(sorted(inside))
        lost = [one for one in due if standing[one.person] in inside - allowed]
        self._put([self._lost(one, WITHHELD, now) for one in lost])
        mine = [one for one in due if standing[one.person] in allowed]
        again: dict[str, tuple[int, tuple[str, str], Entry | None]] = {}
        for one in mine:
            if one.refresh_at <= now:
                forms = self._opened(one)
                again[one.key] = (standing[one.person], (forms[_KIND], forms[_HASH]), one)
        self._ask(again)
        self._poll([one for one in mine if one.key not in again and one.checked_at < now - CHECK_MS])

    def news(self, since: int) -> News:
        """Whose ids became others, or were lost, at `since` (ms) or later."""
        entries = self.catalog.advertising_ids.changed(self.site.name, self.twin, since)
        standing = known.now(self.engine, self.site.name, sorted({one.person for one in entries}))
        news = News()
        for one in entries:
            where = news.fresh if one.state == MAPPED else news.lost
            where[standing[one.person]] = max(one.changed_at, where.get(standing[one.person], 0))
        return news

    def forget(self, people: Iterable[int]) -> None:
        """They refused, or are erased: nothing is kept but who opted out."""
        if not self.quiet:
            self.catalog.advertising_ids.erase(self.site.name, people, but=OPTOUT)

    def _allowed(self, people: Sequence[int]) -> set[int]:
        found: set[int] = set()
        for at in range(0, len(people), known.AT_ONCE):
            some = people[at : at + known.AT_ONCE]
            verdicts = gate(self.engine, self.site, self.definition, some, self.vendor)
            found |= {person for person, (verdict, _) in verdicts.items() if verdict == "exportable"}
        return found

    def _ask(self, items: Mapping[str, tuple[int, tuple[str, str], Entry | None]]) -> dict[str, Entry]:
        """Key -> what the operator says now. What it said before it failed is kept."""
        found: dict[str, Entry] = {}
        if not items:
            return found
        if self.quiet:
            self._warn(f"the {self.twin.upper()} operator is not asked in a dry run: some have no id yet")
            return found
        by_item: dict[tuple[str, str], list[str]] = {}
        for key, (_, item, _) in items.items():
            by_item.setdefault(item, []).append(key)
        try:
            for answered in self.operator.map(list(by_item)):
                made = [self._entry(key, items[key], said) for item, said in answered for key in by_item[item]]
                self._put(made)
                found |= {one.key: one for one in made}
        except TrackerError as error:
            self._warn(f"the {self.twin.upper()} operator could not be asked ({error.message}): some have no id yet")
        return found

    def _entry(self, key: str, item: tuple[int, tuple[str, str], Entry | None], said: uid2.Answer) -> Entry:
        person, (kind, value), before = item
        now = self.now_ms()
        had = before.state == MAPPED if before is not None else False
        if said.error:
            state = OPTOUT if said.error == uid2.OPTOUT else INVALID
            changed = now if had else (before.changed_at if before is not None else 0)
            return Entry(key, person, state, "", now + _AGAIN[state], now, changed)
        same = before is not None and had and self._opened(before)["raw"] == said.raw
        forms = {"raw": said.raw, "previous": said.previous, _KIND: kind, _HASH: value}
        sealed = seal(self._keys, [Identifier(self.twin, forms)], os.urandom(12))
        changed = now if before is not None and not same else (before.changed_at if before is not None else 0)
        return Entry(key, person, MAPPED, sealed, said.refresh_at, now, changed)

    def _poll(self, entries: Sequence[Entry]) -> None:
        raws: dict[str, list[Entry]] = {}
        for one in entries:
            raws.setdefault(self._opened(one)["raw"], []).append(one)
        if not raws:
            return
        now, asked = self.now_ms(), iter(_chunks(list(raws)))
        try:
            for gone in self.operator.opted_out(list(raws)):
                some = next(asked)
                self._put([self._lost(one, OPTOUT, now) for raw in some if raw in gone for one in raws[raw]])
                well = [one.key for raw in some if raw not in gone for one in raws[raw]]
                self.catalog.advertising_ids.checked(self.site.name, self.twin, well, now)
        except TrackerError as error:
            self._warn(f"the {self.twin.upper()} operator could not be asked who has opted out ({error.message})")

    def _lost(self, entry: Entry, state: str, now: int) -> Entry:
        return entry._replace(state=state, sealed="", refresh_at=now + _AGAIN.get(state, DAY_MS), changed_at=now)

    def _put(self, entries: Sequence[Entry]) -> None:
        if entries:
            self.catalog.advertising_ids.put(self.site.name, self.twin, entries)

    def _key(self, person: int, kind: str, value: str) -> str:
        """Of two persons with one address each has an entry: both are taken back when it is lost."""
        return keyed(self._keys, f"{self.twin}:{person}:{kind}:{value}")

    def _opened(self, entry: Entry) -> dict[str, str]:
        [one] = unseal(self._keys, entry.sealed)
        return one.forms

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def ids_for(  # noqa: PLR0917
    engine: Engine,
    catalog: Catalog,
    senders: Senders,
    site: Site,
    definition: Definition,
    network: Network,
    now_ms: Callable[[], int],
) -> tuple[Ids, ...]:
    """What an export to this network needs: nothing where it takes neither, or the site has connected no operator.

    Raises BadRequest, Broken where what is connected cannot be used.
    """
    return twins_of(engine, catalog, senders, site, definition, now_ms) if takes_ids(network) else ()


def takes_ids(network: Network) -> bool:
    """Whether it is told UID2s or EUIDs."""
    return bool(network.forms() & {f"{one}.raw" for one in TWINS})


def twins_of(  # noqa: PLR0917
    engine: Engine,
    catalog: Catalog,
    senders: Senders,
    site: Site,
    definition: Definition,
    now_ms: Callable[[], int],
) -> tuple[Ids, ...]:
    """Of each operator that the site has connected. Raises as `ids_for`."""
    found = []
    for twin in TWINS:
        operator = _operator(catalog, senders, site.name, twin)
        if operator is not None:
            vendor = site.privacy.vendor_of(twin)
            found.append(Ids(engine, catalog, site, definition, twin, operator, vendor, now_ms))
    return tuple(found)


def _operator(catalog: Catalog, senders: Senders, site: str, twin: str) -> Operator | None:
    """The one that was connected first."""
    places = [
        one for one in catalog.destinations.list(site) if one.kind == "network" and one.options["network"] == twin
    ]
    for one in sorted(places, key=lambda place: place.created_at):
        made = sender_of(catalog, senders, one)
        if isinstance(made, Operator):
            return made
    return None


def _chunks(raws: Sequence[str]) -> Iterator[Sequence[str]]:
    return (raws[at : at + uid2.ITEMS] for at in range(0, len(raws), uid2.ITEMS))
