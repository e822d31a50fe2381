"""A cap on how often a person is contacted, over all audiences and channels; of several audiences the first wins."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.catalog import Catalog
from tracker.catalog.contacts import DAY_MS, Contact
from tracker.catalog.exports import Export
from tracker.store.engine import Engine, Param
from tracker.store.sql import fill, load


class Cap:
    """Of one export. Where the site has no cap everybody passes, nothing is looked up. A dry run contacts nobody."""

    def __init__(self, engine: Engine, catalog: Catalog, export: Export, now_ms: int) -> None:
        self._engine, self._catalog, self._noted = engine, catalog, not export.dry_run
        self._frequency = catalog.contacts.frequency(export.site)
        self._contact = Contact(
            site=export.site, audience=export.audience, channel=channel_of(export), export=export.id, at=now_ms
        )
        if self._frequency is not None:
            catalog.contacts.forget(export.site, now_ms - self._frequency.days * DAY_MS)
            self._first = self._before()

    def allowed(self, people: Sequence[int]) -> set[int]:
        """Those who may be contacted; from now on they count as contacted, unless `Contacts.undo` says otherwise."""
        if self._frequency is None or not people:
            return set(people)
        site = self._contact.site
        rows = self._engine.ask(fill(load(__package__, "aliases"), params={"site": site, "people": list(people)})).rows
        aliases = {int(who): list(keys) for who, keys in rows}
        contacts, reserved = self._catalog.contacts, self._reserved(people)
        return contacts.claim(self._contact, self._frequency, people, aliases, reserved, noted=self._noted)

    def _before(self) -> list[str]:
        """Audiences that come first and are delivered again and again: for them contacts are kept."""
        assert self._frequency is not None
        order, mine = self._frequency.priority, self._contact.audience
        ahead = order[: order.index(mine)] if mine in order else order
        planned = {plan.audience for plan in self._catalog.plans.list()}
        return [one for one in ahead if one in planned]

    def _reserved(self, people: Sequence[int]) -> dict[int, int]:
        """How many contacts of each person are kept for audiences that come first and have not had them yet."""
        if not self._first:
            return {}
        assert self._frequency is not None
        site = self._contact.site
        params: dict[str, Param] = {"site": site, "audiences": self._first, "people": list(people)}
        rows = self._engine.ask(fill(load(__package__, "reserved"), params=params)).rows
        since = self._contact.at - self._frequency.days * DAY_MS
        had = self._catalog.contacts.audiences_since(site, since, self._first)
        return {int(who): sum((int(who), one) not in had for one in audiences) for who, audiences in rows}


def channel_of(export: Export) -> str:
    """A network at a destination, or a list for people."""
    return export.network if export.destination == "download" else f"{export.network}@{export.destination}"
