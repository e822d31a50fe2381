"""What becomes of a piece of persons who may leave the house: opened, encoded for the network, sealed for the ledger.

Needs neither the store nor, but for the vault, the catalog, so that another process can do it (`helper`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tracker.audiences import known
from tracker.audiences.opening import Opener
from tracker.core.identifiers import Keys, keyed
from tracker.core.period import rfc3339
from tracker.networks import NETWORKS, Member, Terms, options
from tracker.networks.network import MATCHED, Row

WHO = ("card.person", "card.user", "card.visitor", "person.pseudonym")
NAMED = ("own_user", "last_user", "last_visitor")
"""Columns that say what a person is called."""
CARDS = {
    "card.last_seen": "last_seen",
    "card.last_event": "last_event",
    "card.country": "last_country",
    "card.device": "last_device",
    "card.channel": "first_channel",
}
"""Forms, and the columns that say them."""
MATCH = "matched_id"


Records = Mapping[str, Sequence[tuple[int, str]]]
"""Owner in the vault -> their sealed records with their numbers (`Vault.of_owners`)."""


class Judged(NamedTuple):
    """Persons who may leave the house, and what there is of each: whether they said yes, by which names the vault may
    have them, cells of `Showing.columns`. `before`: what the ledger has of those who are in it, sealed. `withheld`: why
    each of the others stays.
    """

    people: list[int]
    granted: list[bool]
    owners: list[Sequence[str]]
    cells: list[list[Any]]
    before: Mapping[int, str]
    withheld: list[str]


class Packed(NamedTuple):
    """Those whom the network recognises: how many rows each has, whether they said yes to ads, and what the ledger is
    to keep of them, sealed. Their rows in their order are `lines` of a file where `made`, else `rows`. `unasked`: those
    whom the network may not take without a yes in so many words.
    """

    people: list[int]
    sizes: list[int]
    granted: list[bool]
    told: list[str]
    made: bool
    lines: list[bytes]
    rows: list[Row]
    unrecognised: int
    unasked: int = 0


class Showing:
    """What the store says of persons, as forms, of those that the network takes. `columns`: what it is asked."""

    def __init__(self, keys: Keys, wanted: Collection[str], *, matched: bool) -> None:
        self._keys, self._matched = keys, matched
        self._named = any(form in wanted for form in WHO)
        self._who = [form if form in wanted else "" for form in WHO[:3]]
        self._pseudonym = "person.pseudonym" in wanted
        self._cards = [form for form in CARDS if form in wanted]
        named = NAMED if self._named else ()
        self.columns = (*named, *(CARDS[form] for form in self._cards), *((MATCH,) if matched else ()))

    def add(self, forms: dict[str, str], cells: Iterable[Any]) -> None:
        """What `columns` say of one person, to the person's other forms."""
        left = iter(cells)
        if self._named:
            own, last, visitor = next(left), next(left), next(left)
            user = own or last
            name = user or visitor
            said = zip(self._who, (name, user, visitor), strict=True)
            forms.update((form, value) for form, value in said if form and value)
            if self._pseudonym:
                forms["person.pseudonym"] = keyed(self._keys, f"person:{name}")
        for form in self._cards:
            value = next(left)
            if shown := rfc3339(value) if form == "card.last_seen" else value:
                forms[form] = shown
        if self._matched and (match := next(left)):
            forms[MATCHED] = match


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How persons are packed: whose keys, for which network with which options, as a file or for its API.

    `matched`: whether partners' ids are among what the store says. `catalog`: the URL of where the vault is.
    """

    keys: Keys
    network: str
    options: Mapping[str, Any]
    shape: str
    terms: Terms
    matched: bool = False
    catalog: str = ""


def _empty(_site: str, _owners: Sequence[str]) -> Records:
    return {}


class Packer:
    """Does as a plan says. `vault`: what the vault has of some owners of a site."""

    def __init__(self, plan: Plan, vault: Callable[[str, Sequence[str]], Records] = _empty) -> None:
        self._vault = vault
        self._keys, self._shape, self._terms = plan.keys, plan.shape, plan.terms
        self._network = options.shaped(NETWORKS[plan.network], plan.options)
        wanted = self._network.forms()
        self._open = Opener(plan.keys, wanted).forms
        self._show = Showing(plan.keys, wanted, matched=plan.matched).add
        self._made = plan.shape == "file" and self._network.extension != "parquet"

    def judged(self, piece: Judged) -> Packed:
        """Looked up, opened and packed. Raises Broken where a record does not open, TryLater where no vault is."""
        return self.opened(piece, self.records(piece))

    def records(self, piece: Judged) -> Records:
        """What the vault has of these persons. Raises TryLater."""
        return self._vault(self._keys.site, [owner for owners in piece.owners for owner in owners])

    def opened(self, piece: Judged, vault: Records) -> Packed:
        """Opened and packed. Raises Broken where a record does not open."""
        members = []
        for person, granted, owners, cells in zip(piece.people, piece.granted, piece.owners, piece.cells, strict=True):
            records = [one for owner in owners if owner in vault for one in vault[owner]]
            forms = self._open(records) if records else {}
            self._show(forms, cells)
            members.append((person, Member(forms, granted)))
        return self.members(members, piece.before)

    def members(self, members: Iterable[tuple[int, Member]], before: Mapping[int, str]) -> Packed:
        """Packed; `before`: what the ledger has of those who are in it, sealed."""
        encode, shape, keys = self._network.encode, self._shape, self._keys
        packed = Packed([], [], [], [], self._made, [], [], 0)
        unrecognised = unasked = 0
        for person, member in members:
            if not self._network.may_take(member):
                unasked += 1
                continue
            encoded = encode(member, shape)
            if not encoded:
                unrecognised += 1
                continue
            packed.people.append(person)
            packed.sizes.append(len(encoded))
            packed.granted.append(member.granted)
            packed.rows.extend(encoded)
            had = before.get(person, "") if before else ""
            told = known.all_sealed(keys, had, member) if had else known.sealed_forms(keys, member)
            packed.told.append(told)
        if self._made:
            lines = self._network.write(packed.rows, self._terms, "add")
            return packed._replace(lines=lines, rows=[], unrecognised=unrecognised, unasked=unasked)
        return packed._replace(unrecognised=unrecognised, unasked=unasked)


def chosen(packed: Packed, people: Collection[int]) -> Packed:
    """Only some of those who were packed."""
    kept = [one in people for one in packed.people]
    of_rows = [keep for keep, size in zip(kept, packed.sizes, strict=True) for _ in range(size)]

    def some(items: list[Any], which: list[bool]) -> list[Any]:
        return [one for one, keep in zip(items, which, strict=False) if keep]

    return packed._replace(
        people=some(packed.people, kept),
        sizes=some(packed.sizes, kept),
        granted=some(packed.granted, kept),
        told=some(packed.told, kept),
        lines=some(packed.lines, of_rows),
        rows=some(packed.rows, of_rows),
    )
