"""One list from beginning to end, on the road of exports: who may be contacted, in which order, with what."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.audiences import known, rules, sensitive
from tracker.audiences.changes import people_of
from tracker.audiences.definition import Definition, define, stored
from tracker.audiences.deliver import Progress, Rows, sender_of, settle_before, ship
from tracker.audiences.delivery import Sender, Shipment
from tracker.audiences.desk import Desk, attempt
from tracker.audiences.frequency import Cap
from tracker.audiences.manifest import judged_by
from tracker.audiences.membership import WITHHELD, judge
from tracker.audiences.outreach.contact_data import contact_data
from tracker.audiences.outreach.facts import Facts, facts
from tracker.audiences.outreach.lists import LISTS, Contact, List
from tracker.audiences.parcel import Parcel
from tracker.audiences.reader import Reader
from tracker.catalog import Catalog
from tracker.catalog.audiences import StoredAudience
from tracker.catalog.contacts import LIST
from tracker.catalog.deliveries import DOWNLOAD, Added, Delivery
from tracker.catalog.exports import Export
from tracker.catalog.plans import Plan
from tracker.core.errors import BadRequest
from tracker.networks import NETWORKS, Terms

KIND = "outreach"
ASKED: dict[str, Any] = {"did": {"event": "callback_requested", "within": "30d"}}
"""Who may be called where nothing else is said: who asked for it."""
REASONS = (*WITHHELD, "no_permission", "no_coupon", "capped")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """`permission`: a rule that says who may be contacted this way; `pool`: of coupons; `mode` new: only who was not on
    it before, at this destination.
    """

    audience: StoredAudience
    list: str
    permission: Any = None
    pool: str = ""
    limit: int = 1_000
    mode: str = "full"
    destination: str = DOWNLOAD
    actor: str = ""


def plan(catalog: Catalog, wanted: Wanted, every: str) -> Plan:
    """Make this list again and again; it is checked by whoever asks for it."""
    return catalog.plans.create(
        wanted.audience.site,
        wanted.audience.id,
        destination=wanted.destination,
        network=f"{LIST}{wanted.list}",
        mode=wanted.mode,
        shape="file",
        every=every,
        actor=wanted.actor,
        details={"permission": wanted.permission, "pool": wanted.pool, "limit": wanted.limit},
    )


def planned(catalog: Catalog, made: Plan) -> Wanted:
    """What is to be made when its turn has come. Raises NotFound where the audience has gone."""
    return Wanted(
        audience=catalog.audiences.get(made.audience),
        list=made.network.removeprefix(LIST),
        permission=made.details.get("permission"),
        pool=str(made.details.get("pool", "")),
        limit=int(made.details.get("limit", 1_000)),
        mode=made.mode,
        destination=made.destination,
        actor=made.actor,
    )


def check(catalog: Catalog, wanted: Wanted) -> Definition:
    """The members of the audience who may be contacted. Raises BadRequest with the field, Conflict where it stays."""
    made = LISTS.get(wanted.list)
    if made is None:
        raise BadRequest(f"list must be one of {', '.join(LISTS)}", field="list")
    if made.coupons and wanted.pool not in {one["pool"] for one in catalog.coupons.pools(wanted.audience.site)}:
        raise BadRequest("coupons must be the name of a pool that has codes", field="coupons")
    if (stays := sensitive.refusal(catalog, wanted.audience)) is not None:
        raise stays
    permission = wanted.permission
    if permission is None:
        if wanted.list != "calls":
            raise BadRequest(
                'permission is missing: a rule that says who agreed to be contacted, like {"property": {"property": '
                '"traits.newsletter", "op": "eq", "value": true}}',
                field="permission",
            )
        permission = ASKED

    def rule_of(audience_id: str) -> object:
        other = catalog.audiences.get(audience_id)
        if other.site != wanted.audience.site:
            raise BadRequest("the permission names an audience that this site does not have", field="permission")
        return other.rule

    agreed = define(wanted.audience.site, permission, lookup=rule_of, field="permission")
    whole = stored(wanted.audience, lambda other: catalog.audiences.get(other).rule)
    return dataclasses.replace(whole, rule=rules.All((whole.rule, agreed.rule)))


def begin(catalog: Catalog, wanted: Wanted) -> Export:
    """The export, running, before anything is done for it."""
    return catalog.exports.create(
        wanted.audience.site,
        wanted.audience.id,
        network=f"{LIST}{wanted.list}",
        mode=wanted.mode,
        actor=wanted.actor,
        min_size=1,
        details={"shape": "file", "destination": wanted.destination, "kind": KIND},
    )


def carry_out(desk: Desk, wanted: Wanted, export: Export) -> Export:
    """Blocks until it is done or failed; gives it as it ended. Raises nothing."""
    why = attempt(export, lambda: _Run(desk, wanted, export).all())
    if why and not desk.catalog.exports.get(export.id).was_declared:  # nothing was sent
        desk.catalog.contacts.undo(export.id)
    if why:
        desk.catalog.exports.fail(export.id, why, counts={"written": 0, "withheld": {}})
    if why or export.destination != DOWNLOAD:
        for left in desk.folder.glob(f"{export.stem}*"):
            left.unlink(missing_ok=True)
    return desk.catalog.exports.get(export.id)


class _Run:
    def __init__(self, desk: Desk, wanted: Wanted, export: Export) -> None:
        self.desk, self.wanted, self.export = desk, wanted, export
        self.list: List = LISTS[wanted.list]
        self.site = desk.catalog.sites.get(export.site)
        self.counts: dict[str, Any] = {"written": 0, "withheld": dict.fromkeys(REASONS, 0)}

    def all(self) -> None:
        """Raises TrackerError."""
        desk, catalog, now = self.desk, self.desk.catalog, self.desk.now_ms()
        permitted = check(catalog, self.wanted)
        sender = self._sender()
        self.cap = Cap(desk.engine, catalog, self.export, now)
        generation, before = catalog.deliveries.now(self.export.line)
        ranked = self._ranked(permitted, before, now)
        desk.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        terms = Terms(days=0, now_ms=now, audience=self.export.audience, site=self.site.name)
        with Parcel(desk.folder, self.export.stem, self.list.network, "file", terms) as parcel:
            people: list[int] = []
            for person, contact in self._contacts(permitted, ranked, now):
                parcel.write("add", [(self.list.row(contact), True)])
                people.append(person)
            self.counts["written"] = len(people)
            delivery = Delivery(
                line=self.export.line, generation=generation, at=now, added=[Added(one, "") for one in people]
            )
            self._hand_over(
                parcel, sender, delivery, people, judged_by(permitted.rule, self.wanted.audience.updated_at)
            )

    def _sender(self) -> Sender | None:
        settle_before(self.desk.catalog, self.desk.senders, self.export.line)
        if self.wanted.destination == DOWNLOAD:
            return None
        destination = self.desk.catalog.destinations.get(self.wanted.destination)
        return sender_of(self.desk.catalog, self.desk.senders, destination)

    def _ranked(self, permitted: Definition, before: dict[int, int], now: int) -> list[tuple[int, Facts]]:
        """Who may be contacted, the first to be first."""
        desk, audience = self.desk, self.wanted.audience
        whole = stored(audience, lambda other: desk.catalog.audiences.get(other).rule)
        state = desk.catalog.memberships.get(audience.id)
        allowed = []
        for person, verdict, _ in judge(desk.engine, self.site, whole, now, state):
            if verdict == "exportable":
                allowed.append(person)
            else:
                self._hold(verdict)
        agreed = {
            person for person, verdict, _ in judge(desk.engine, self.site, permitted, now) if verdict == "exportable"
        }
        self._hold("no_permission", sum(one not in agreed for one in allowed))
        left = [one for one in allowed if one in agreed]
        if self.wanted.mode == "new":
            had = set(known.now(desk.engine, self.site.name, list(before)).values())
            self.counts["unchanged"] = sum(one in had for one in left)
            left = [one for one in left if one not in had]
        found: list[tuple[int, Facts]] = []
        for at in range(0, len(left), known.AT_ONCE):
            found += facts(desk.engine, self.site, left[at : at + known.AT_ONCE], now).items()
        return sorted(found, key=lambda one: (-self.list.first(one[1]), one[0]))

    def _contacts(
        self, permitted: Definition, ranked: Sequence[tuple[int, Facts]], now: int
    ) -> Iterator[tuple[int, Contact]]:
        """At most so many as wanted; consent and the suppression list are asked again for each."""
        rank, room = 0, self.wanted.limit
        size = min(known.AT_ONCE, max(100, room))
        for at in range(0, len(ranked), size):
            some = dict(ranked[at : at + size])
            cards = self._still(permitted, list(some))
            waiting = [person for person in some if person in cards]
            while waiting and rank < room:
                chosen, waiting = waiting[: room - rank], waiting[room - rank :]
                for person, coupon, mine in self._given(chosen):
                    rank += 1
                    card = cards[person]
                    yield (
                        person,
                        Contact(
                            person=card["person"],
                            user=card["user"],
                            visitor=card["visitor"],
                            last_seen=card["last_seen"],
                            phone=mine.get("phone", ""),
                            email=mine.get("email", ""),
                            coupon=coupon,
                            rank=rank,
                            facts=some[person],
                            timezone=self.site.timezone,
                            now_ms=now,
                        ),
                    )
            if rank >= room:
                return

    def _given(self, people: list[int]) -> Iterator[tuple[int, str, Mapping[str, str]]]:
        """(person, coupon, contact data) of those who were not contacted too often and for whom there is a coupon."""
        allowed = self.cap.allowed(people)
        self._hold("capped", len(people) - len(allowed))
        left = [one for one in people if one in allowed]
        codes = self._codes(left)
        given = contact_data(self.desk.engine, self.desk.catalog, self.site, left)
        for person in left:
            if codes is not None and person not in codes:
                self._hold("no_coupon")
            else:
                yield person, codes[person] if codes is not None else "", given.get(person, {})

    def _still(self, permitted: Definition, people: list[int]) -> dict[int, dict[str, str]]:
        """Person's key -> their card, of those who may be contacted at this moment."""
        desk = self.desk
        reader = Reader(desk.engine, desk.catalog, self.site, NETWORKS["csv"], definition=permitted)
        names = ("person", "user", "visitor", "last_seen")
        cards: dict[int, dict[str, str]] = {}
        for found in reader.read(people_of(people)):
            for person, verdict, member in found:
                if member is None:
                    self._hold(verdict)
                else:
                    cards[person] = {name: member.forms.get(f"card.{name}", "") for name in names}
        return cards

    def _codes(self, people: Sequence[int]) -> dict[int, str] | None:
        """One code each; None for a list without coupons."""
        if not self.list.coupons:
            return None
        coupons, pool = self.desk.catalog.coupons, self.wanted.pool
        standing = known.now(self.desk.engine, self.site.name, coupons.holders(self.site.name, pool))
        aliases: dict[int, list[int]] = {}
        for key, person in standing.items():
            aliases.setdefault(person, []).append(key)
        return coupons.give(self.site.name, pool, people, aliases, self.export.id)

    def _hold(self, reason: str, how_many: int = 1) -> None:
        withheld = self.counts["withheld"]
        withheld[reason] = withheld.get(reason, 0) + how_many

    def _hand_over(
        self,
        parcel: Parcel,
        sender: Sender | None,
        delivery: Delivery,
        people: Sequence[int],
        judged: Mapping[str, str],
    ) -> None:
        catalog = self.desk.catalog
        details: dict[str, Any] = {"made_ms": delivery.at, "version": self.desk.version, **judged}
        if sender is None:
            files = parcel.finish(
                dataclasses.replace(self.export, counts=self.counts, details=self.export.details | details)
            )
            catalog.exports.finish(self.export.id, counts=self.counts, files=files, details=details, delivery=delivery)
            return
        files = parcel.finish(None)
        export = catalog.exports.send(
            self.export.id, counts=self.counts, files=files, details=details, delivery=delivery
        )
        added = Rows()
        added.add(people, len(people))
        progress = Progress(catalog, export, delivery.at, parcel.groups, added, Rows())
        ship(catalog, sender, Shipment(export=export, folder=self.desk.folder), progress)
