"""What one network may see of persons, read some persons at a time, and true when it is handed over.

The store is asked once for many persons: verdict, names, and what the network takes of their events, in the order of
their keys, as a stream. Each piece is looked at again when its turn has come: whom something happened to since is
judged anew, the suppression list itself is asked, and only then are identifiers opened.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple, Protocol

from tracker.audiences.ahead import ahead
from tracker.audiences.changes import People
from tracker.audiences.definition import Definition
from tracker.audiences.membership import gate, judged_with
from tracker.audiences.opening import Opener
from tracker.audiences.packing import MATCH, NAMED, Judged, Showing
from tracker.audiences.rules import All
from tracker.audiences.watch import Watch
from tracker.catalog import Catalog
from tracker.core.identifiers import keys_of
from tracker.core.site import Site
from tracker.core.suppression import hash_of
from tracker.core.uncollected import uncollected
from tracker.networks import Member, Network, uid2
from tracker.networks.network import EUROPE, MATCHED
from tracker.store.engine import Engine

SPAN = 125_000
"""Persons that the store is asked about in one question: about 200 MB there with all columns."""
_AHEAD = 4  # pieces: while they are worked on, the store answers the next question
_RECORDS_AHEAD = 2  # pieces with what the vault has of their persons, 1.2 kB each

_NAMES = {
    "users": "groupUniqArrayIf(user, user != '')",
    "visitors": "groupUniqArrayIf(visitor, visitor != '')",
}
# As on a person's card (`person_card.sql`): bots' events say nothing.
_OWN = dict(
    zip(
        NAMED,
        (
            "anyIf(user, user != '' and bot = '' and xxHash64(concat('u:', user)) = who)",
            "argMaxIf(user, (ts, arrival), user != '' and bot = '')",
            "argMaxIf(visitor, (ts, arrival), visitor != '' and bot = '')",
        ),
        strict=True,
    )
)
_CARD = {
    "last_seen": "toUnixTimestamp64Milli(maxIf(ts, bot = ''))",
    "last_event": "argMaxIf(event, (ts, seq, arrival), bot = '')",
    "last_country": "argMaxIf(country, (ts, arrival), country != '' and bot = '')",
    "last_device": "argMaxIf(device, (ts, arrival), device != '' and bot = '')",
    "first_channel": "argMinIf(channel, (ts, arrival), channel != '' and bot = '')",
}
_MATCH = (
    "argMaxIf(if(event = 'id_match', JSONExtractString(props, 'partner_uid'), ''), (ts, arrival), event = 'id_match'"
    " and JSONExtractString(props, 'partner') = {partner:String}"
    " and ts >= fromUnixTimestamp64Milli({matched_since:Int64}, 'UTC'))"
)
"""The id by which a partner knows the person: the newest match, "" where it was ended."""
_SAID = _OWN | _CARD | {MATCH: _MATCH}
_Seen = dict[str, Any]
_Records = dict[int, list[tuple[int, str]]]
"""Person -> their sealed records with their numbers."""


class Found(NamedTuple):
    """A person, and what the network may see of them; without it `verdict` says why: it is `erased` where nothing is
    left of somebody.
    """

    person: int
    verdict: str
    member: Member | None = None


class IdSource(Protocol):
    """Where ids of persons come from that others give out (`advertising_ids.Ids`)."""

    def fill(self, people: Mapping[int, dict[str, str]]) -> None:
        """Person's key -> forms, to which the id is added where they have one."""


class Match(NamedTuple):
    """Whose ids are read, and since when a match counts (ms)."""

    partner: str
    since: int


class _Piece(NamedTuple):
    """Some persons (keys in order), what the store said of them, and who knows what has happened since."""

    watch: Watch
    people: list[int]
    rows: dict[int, _Seen]


class Reader:
    """For one network. `definition`: whose hold-out counts; None: nobody's. `ids`: what the vault does not hold.

    `match`: the partner whose ids are read too.
    """

    def __init__(
        self,
        engine: Engine,
        catalog: Catalog,
        site: Site,
        network: Network,
        *,
        definition: Definition | None = None,
        vendor: int | None = None,
        ids: Sequence[IdSource] = (),
        match: Match | None = None,
    ) -> None:
        self._match = match if match is not None and MATCHED in network.forms() else None
        self._ids = ids
        self._engine, self._catalog, self._site, self._network = engine, catalog, site, network
        self._definition = definition or Definition(site=site.name, rule=All(()), holdout=0.0)
        self._vendor = vendor
        self._keys = keys_of(site.name, site.write_key, site.identifier_key)
        self._wanted = network.forms()
        self._open = Opener(self._keys, self._wanted | (set(uid2.FORMS) if ids else set())).forms
        self.matched = self._match is not None
        self._show = Showing(self._keys, self._wanted, matched=self.matched)
        self._vault = self._keys.seal is not None and any(not form.startswith("card.") for form in self._wanted)

    def read(self, people: People) -> Iterator[list[Found]]:
        """Each of some persons (keys in order) once, in this order, at most `membership.IN_A_PIECE` and those of whom
        nothing is left at a time. Raises TryLater where the suppression list cannot be asked.
        """
        with closing(ahead(self._with_records(people), _RECORDS_AHEAD)) as pieces:
            for piece, sealed in pieces:
                with uncollected():
                    rows, again = self._judged(piece)
                    may = {who: row for who, row in rows.items() if row["verdict"] == "exportable"}
                    late = {who: may[who] for who in again if who in may} if self._vault else {}
                    records = {who: some for who, some in sealed.items() if who in may and who not in late}
                    records |= self._sealed(late) if late else {}
                    found = self._opened(piece.people, rows, records)
                yield found

    def judged(self, people: People, before: Callable[[list[int]], Mapping[int, str]]) -> Generator[Judged, None, None]:
        """As `read`, for whoever asks the vault elsewhere; not with `ids`. `before`: what the ledger has of some."""
        columns = self._show.columns
        with closing(ahead(self._asked(people), _AHEAD)) as pieces:
            for piece in pieces:
                rows, _ = self._judged(piece)
                verdicts = [rows[person]["verdict"] if person in rows else "erased" for person in piece.people]
                mine = [one for one, said in zip(piece.people, verdicts, strict=True) if said == "exportable"]
                yield Judged(
                    people=mine,
                    granted=[bool(rows[one]["granted"]) for one in mine],
                    owners=[_owners(rows[one]) if self._vault else () for one in mine],
                    cells=[[rows[one][name] for name in columns] for one in mine],
                    before=before(mine),
                    withheld=[said for said in verdicts if said != "exportable"],
                )

    def _with_records(self, people: People) -> Generator[tuple[_Piece, _Records], None, None]:
        """Beside them what the vault has, sealed, of those who may leave the house as it looks now."""
        with closing(ahead(self._asked(people), _AHEAD)) as pieces:
            for piece in pieces:
                may = {who: row for who, row in piece.rows.items() if row["verdict"] == "exportable"}
                yield piece, self._sealed(may) if self._vault else {}

    def _asked(self, people: People) -> Generator[_Piece, None, None]:
        """What the store says of them."""
        for start in range(0, len(people), SPAN):
            span = people[start : start + SPAN].tolist()
            watch = Watch(self._engine, self._site.name)
            done = 0
            asked = judged_with(
                self._engine,
                self._site,
                self._definition,
                span,
                more=self._columns(),
                params={"partner": self._match.partner, "matched_since": self._match.since} if self._match else None,
                vendor=self._vendor,
            )
            with closing(asked) as pieces:
                for piece in pieces:
                    end = bisect_right(span, piece.rows[-1][0])
                    yield _Piece(watch, span[done:end], {row["who"]: row for row in piece.dicts()})
                    done = end
            if done < len(span):
                yield _Piece(watch, span[done:], {})

    def _columns(self) -> dict[str, str]:
        wanted = {*self._show.columns, *(("last_country",) if self._network.asks_granted else ())}
        return _NAMES | {name: text for name, text in _SAID.items() if name in wanted}

    def _judged(self, piece: _Piece) -> tuple[dict[int, _Seen], list[int]]:
        """The piece as it is now: what the store says of those of whom something is left, and to whom something has
        happened since it was asked.
        """
        watch, people, rows = piece
        again = watch.happened(people)
        now = gate(self._engine, self._site, self._definition, again, self._vendor)
        for person in again:
            if person not in now:
                rows.pop(person, None)
            elif person in rows:
                rows[person]["verdict"], rows[person]["granted"] = now[person]
        for row in rows.values():
            if row["verdict"] == "exportable" and self._says_too_little(row):
                row["verdict"] = "no_consent"
        may = {who: row for who, row in rows.items() if row["verdict"] == "exportable"}
        for who in self._left_alone(may):
            rows[who]["verdict"] = "suppressed"
        return rows, again

    def _opened(self, people: list[int], rows: dict[int, _Seen], records: _Records) -> list[Found]:
        opened = {who: self._open(some) for who, some in records.items()}
        for ids in self._ids:
            ids.fill(opened)
        return [self._found(person, rows.get(person), opened) for person in people]

    def _says_too_little(self, row: _Seen) -> bool:
        return self._network.asks_granted and row["last_country"] in EUROPE and not row["granted"]

    def _found(self, person: int, row: _Seen | None, opened: dict[int, dict[str, str]]) -> Found:
        if row is None or row["verdict"] != "exportable":
            return Found(person, "erased" if row is None else row["verdict"])
        forms = opened.get(person, {})
        if self._ids:  # what an operator was asked by is not for the network
            forms = {form: value for form, value in forms.items() if form in self._wanted}
        self._show.add(forms, [row[name] for name in self._show.columns])
        return Found(person, "exportable", Member(forms, bool(row["granted"])))

    def _left_alone(self, rows: dict[int, _Seen]) -> set[int]:
        """Who of them is on the suppression list by any of their names, as the list itself says at the last moment."""
        if not self._catalog.suppressions.any(self._site.name):
            return set()
        whose: dict[bytes, int] = {}
        for person, row in rows.items():
            for user in row["users"]:
                whose[hash_of(self._keys, "user", user)] = person
                if user.startswith("e:"):
                    whose[hash_of(self._keys, "email", user[2:])] = person
            for visitor in row["visitors"]:
                whose[hash_of(self._keys, "visitor", visitor)] = person
        return {whose[one] for one in self._catalog.suppressions.find(self._site.name, whose)}

    def _sealed(self, rows: dict[int, _Seen]) -> _Records:
        whose = {owner: person for person, row in rows.items() for owner in _owners(row)}
        found: _Records = {}
        for owner, records in self._catalog.vault.of_owners(self._site.name, list(whose)).items():
            found.setdefault(whose[owner], []).extend(records)
        return found


def _owners(row: _Seen) -> list[str]:
    """By which names the vault may have somebody."""
    return [f"u:{user}" for user in row["users"]] + [f"v:{visitor}" for visitor in row["visitors"]]
