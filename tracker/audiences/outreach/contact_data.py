"""Phone numbers and addresses that persons gave in order to be contacted: opened only while a list is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tracker.audiences import known
from tracker.catalog import Catalog
from tracker.core.identifiers import keys_of, unseal_message
from tracker.core.site import Site
from tracker.store.engine import Engine


def contact_data(engine: Engine, catalog: Catalog, site: Site, people: Sequence[int]) -> Mapping[int, dict[str, str]]:
    """Person's key -> `{"phone", "email"}` as far as given, the newest; what a machine filled in is left out."""
    keys = keys_of(site.name, site.write_key, site.identifier_key)
    if keys.seal is None or not people:
        return {}
    whose = {
        owner: person
        for person, (users, visitors) in known.owners(engine, site.name, people).items()
        for owner in (*(f"u:{user}" for user in users), *(f"v:{visitor}" for visitor in visitors))
    }
    said: dict[int, list[dict[str, str]]] = {}
    for owner, messages in catalog.vault.messages_of(site.name, list(whose)).items():
        said.setdefault(whose[owner], []).extend(unseal_message(keys, one) for one in messages)
    found: dict[int, dict[str, str]] = {}
    for person, messages_ in said.items():
        mine = found.setdefault(person, {})
        for one in sorted(messages_, key=lambda message: int(message.get("at", "0")), reverse=True):
            if not one.get("marked"):
                for name in ("phone", "email"):
                    if one.get(name):
                        mine.setdefault(name, one[name])
    return found
