"""What is known of some persons at the moment of writing: their names, their sealed identifiers, their consent."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from tracker.analytics import person_card
from tracker.catalog import Catalog
from tracker.core.identifiers import Identifier, Keys, keyed, keys_of, seal, unseal
from tracker.core.site import Site
from tracker.core.suppression import hash_of
from tracker.networks import Member, Network
from tracker.networks.network import Row
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.sql import Fragment, fill, load

AT_ONCE = 20_000
EUROPE = frozenset(
    "AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()
)
"""Where Google takes only persons who said yes: the EEA, the United Kingdom, Switzerland."""

_CARD = ("person", "visitor", "user", "last_seen", "last_event", "country", "device", "channel")


def members(
    engine: Engine, catalog: Catalog, site: Site, network: Network, people: Sequence[int]
) -> Iterator[tuple[int, Member | None, str]]:
    """(person's key, what this network may see, country) of at most `AT_ONCE` persons; None: on the suppression list.

    Erased persons are left out. Raises TryLater where the list cannot be asked.
    """
    keys = keys_of(site.name, site.write_key, site.identifier_key)
    cards = person_card.cards(engine, site.name, "person", people)
    names = owners(engine, site.name, people)
    alone = _left_alone(catalog, site.name, keys, names)
    wanted = network.forms()
    sealed = {} if keys.seal is None else _sealed(catalog, site.name, names)
    for person, card in cards.items():
        if person in alone:
            yield person, None, ""
            continue
        forms = _identifiers(keys, sealed.get(person, ()))
        forms |= {f"card.{name}": str({**card, **card["props"]}[name]) for name in _CARD}
        forms["person.pseudonym"] = keyed(keys, f"person:{card['person']}")
        seen = {form: value for form, value in forms.items() if form in wanted and value}
        yield person, Member(seen), card["props"]["country"]


def now(engine: Engine, site: str, people: Sequence[int]) -> dict[int, int]:
    """Keys -> the persons they belong to by now."""
    found = {person: person for person in people}
    for at in range(0, len(people), AT_ONCE):
        some = list(people[at : at + AT_ONCE])
        query = fill(load(__package__, "person_now"), params={"site": site, "keys": some})
        found |= {int(key): int(person) for key, person in engine.ask(query).rows}
    return found


def sealed_forms(keys: Keys, member: Member) -> str:
    """What a removal will need, sealed."""
    kinds: dict[str, dict[str, str]] = {}
    for form, value in member.forms.items():
        kind, _, name = form.partition(".")
        kinds.setdefault(kind, {})[name] = value
    return seal(keys, [Identifier(kind, forms) for kind, forms in kinds.items()], os.urandom(12))


def all_sealed(keys: Keys, before: str, member: Member) -> str:
    """What a removal will need of somebody who is delivered again: also what they went by before (`before`, sealed)."""
    opened = [(one, _names(opened_forms(keys, one))) for one in before.split()]
    mine = _names(member)
    return " ".join([*(one for one, names in opened if names != mine), sealed_forms(keys, member)])


def _names(member: Member) -> dict[str, str]:
    """What they are recognised by, without what is only told of them."""
    told = ("card.last_seen", "card.last_event", "card.country", "card.device", "card.channel")
    return {form: value for form, value in member.forms.items() if form not in told}


def rows_of(keys: Keys, network: Network, shape: str, sealed: Iterable[str]) -> list[Row]:
    """The rows by which persons are taken back, each once, of all that they were delivered under."""
    rows = [
        row
        for records in sealed
        for record in records.split()
        for row in network.encode(opened_forms(keys, record), shape)
    ]
    return list(dict.fromkeys(rows))


def opened_forms(keys: Keys, sealed: str) -> Member:
    """What `sealed_forms` sealed. Raises Broken."""
    return Member({f"{one.kind}.{name}": value for one in unseal(keys, sealed) for name, value in one.forms.items()})


def owners(engine: Engine, site: str, people: Sequence[int]) -> dict[int, tuple[list[str], list[str]]]:
    """Person's key -> every (users, visitors) that they go by."""
    query = fill(
        load(__package__, "owners"),
        {
            "person": Fragment(persons.PERSON),
            "events": events_source(engine),
            "persons": persons.join(),
            "theirs": Fragment(persons.keys_of("people").text),
        },
        {"site": site, "people": list(people)},
    )
    return {int(who): (list(users), list(visitors)) for who, users, visitors in engine.ask(query).rows}


def _left_alone(catalog: Catalog, site: str, keys: Keys, owners: dict[int, tuple[list[str], list[str]]]) -> set[int]:
    """Who of them is on the suppression list by any of their names: asked of the list itself, at the last moment."""
    whose: dict[bytes, int] = {}
    for person, (users, visitors) in owners.items():
        for user in users:
            whose[hash_of(keys, "user", user)] = person
            if user.startswith("e:"):
                whose[hash_of(keys, "email", user[2:])] = person
        for visitor in visitors:
            whose[hash_of(keys, "visitor", visitor)] = person
    return {whose[one] for one in catalog.suppressions.find(site, list(whose))}


def _sealed(catalog: Catalog, site: str, owners: dict[int, tuple[list[str], list[str]]]) -> dict[int, list[str]]:
    """Each person's sealed records, the newest first."""
    whose = {
        owner: person
        for person, (users, visitors) in owners.items()
        for owner in (*(f"u:{user}" for user in users), *(f"v:{visitor}" for visitor in visitors))
    }
    found: dict[int, list[tuple[int, str]]] = {}
    for owner, records in catalog.vault.of_owners(site, list(whose)).items():
        found.setdefault(whose[owner], []).extend(records)
    return {person: [sealed for _, sealed in sorted(records, reverse=True)] for person, records in found.items()}


def _identifiers(keys: Keys, sealed: Iterable[str]) -> dict[str, str]:
    """Of each kind the newest; one with all forms before one that was hashed before it came."""
    best: dict[str, Identifier] = {}
    for record in sealed:
        for one in unseal(keys, record):
            known = best.get(one.kind)
            if known is None or (len(known.forms) == 1 < len(one.forms)):
                best[one.kind] = one
    found: dict[str, str] = {}
    for kind, one in best.items():
        if len(one.forms) == 1 and kind in ("email", "phone"):
            found[f"{kind}.given"] = next(iter(one.forms.values()))
        else:
            found |= {f"{kind}.{form}": value for form, value in one.forms.items()}
    return found
