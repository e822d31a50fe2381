"""Whether a person allows that a network is told what they did: asked when events are chosen and when written."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.audiences import known
from tracker.audiences.changes import people_of
from tracker.audiences.definition import Definition
from tracker.audiences.membership import gate
from tracker.audiences.reader import Reader
from tracker.audiences.rules import All
from tracker.catalog import Catalog
from tracker.core.consent_strings import tcf
from tracker.core.site import Site
from tracker.networks import Member, Network
from tracker.store.engine import Engine

_MEASURE = 1 << 1 | 1 << 7  # TCF purposes 1 and 7 (privacy rules, P-14: a measurement postback)


def verdicts(
    engine: Engine, catalog: Catalog, site: Site, people: Sequence[int], vendor: int | None
) -> dict[int, tuple[str, bool]]:
    """Person's key -> (verdict, said yes to ads), as of now; erased persons have none.

    As for an audience without a hold-out, and where the person's last word was a TC string, only where that also
    allows measuring (`no_measurement`).
    """
    anyone = Definition(site=site.name, rule=All(()), holdout=0.0)
    found = gate(engine, site, anyone, people, vendor)
    asked = [one for one, (verdict, _) in found.items() if verdict == "exportable"]
    for person in _unmeasured(engine, catalog, site.name, asked, vendor):
        found[person] = ("no_measurement", found[person][1])
    return found


def known_now(
    engine: Engine, catalog: Catalog, site: Site, network: Network, people: Sequence[int], *, vendor: int | None
) -> dict[int, Member | str]:
    """Person's key -> what the network may see, or why nothing: asked at the moment of writing, of the store, the
    consent log and the suppression list itself.
    """
    found: dict[int, Member | str] = dict.fromkeys(people, "erased")
    said = verdicts(engine, catalog, site, people, vendor)
    found |= {person: verdict for person, (verdict, _) in said.items()}
    allowed = [person for person, (verdict, _) in said.items() if verdict == "exportable"]
    for some in Reader(engine, catalog, site, network, vendor=vendor).read(people_of(allowed)):
        for person, verdict, member in some:
            found[person] = verdict if member is None else member if network.may_take(member) else "no_consent"
    return found


def _unmeasured(engine: Engine, catalog: Catalog, site: str, people: Sequence[int], vendor: int | None) -> set[int]:
    """Those whose last word was a TC string without purposes 1 and 7 for the network."""
    whose = {
        subject: person
        for person, (users, visitors) in (known.owners(engine, site, people) if people else {}).items()
        for subject in (*(f"u:{user}" for user in users), *(f"v:{visitor}" for visitor in visitors))
    }
    last: dict[int, str] = {}
    for subject, text in catalog.consents.last_texts(site, list(whose)):
        last[whose[subject]] = text
    return {person for person, text in last.items() if not _measures(text, vendor)}


def _measures(text: str, vendor: int | None) -> bool:
    tc = tcf.decode(text) if text else None
    if tc is None:
        return True  # no TC string decided: then what was said about ads is all that was asked
    return tc.allows_vendor(vendor, _MEASURE) if vendor is not None else tc.purposes & _MEASURE == _MEASURE
