"""What is known of some persons: who they are by now, by what names they go, what the ledger keeps of them, sealed."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Sequence

from tracker.core.identifiers import Identifier, Keys, seal, unseal
from tracker.networks import Member, Network
from tracker.networks.network import Row
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.sql import Fragment, fill, load

AT_ONCE = 20_000


def now(engine: Engine, site: str, people: Sequence[int]) -> dict[int, int]:
    """Keys -> the persons they belong to by now."""
    found = {person: person for person in people}
    for at in range(0, len(people), AT_ONCE):
        found |= moved(engine, site, people[at : at + AT_ONCE])
    return found


def moved(engine: Engine, site: str, keys: Sequence[int]) -> dict[int, int]:
    """Those of at most `AT_ONCE` keys that belong to somebody else, and to whom."""
    query = fill(load(__package__, "person_now"), params={"site": site, "keys": list(keys)})
    return {int(key): int(person) for key, person in engine.ask(query).rows}


def sealed_forms(keys: Keys, member: Member) -> str:
    """What a removal will need, sealed."""
    kinds: dict[str, dict[str, str]] = {}
    for form, value in member.forms.items():
        kind, name = _parts(form)
        if kind in kinds:
            kinds[kind][name] = value
        else:
            kinds[kind] = {name: value}
    return seal(keys, [Identifier(kind, forms) for kind, forms in kinds.items()], os.urandom(12))


@functools.cache
def _parts(form: str) -> tuple[str, str]:
    """Kind and name: there are some dozens of them."""
    kind, _, name = form.partition(".")
    return kind, name


def all_sealed(keys: Keys, before: str, member: Member) -> str:
    """What a removal will need of somebody who is delivered again: also what they went by before (`before`, sealed)."""
    if not before:
        return sealed_forms(keys, member)
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
