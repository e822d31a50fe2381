"""Takes everybody back from where a deleted audience was delivered: by plan, until the other side has said yes.

The rule is gone, so nobody is judged: whoever the ledger says is there, or may be, is taken back under what they were
delivered under. The plan is gone when the ledger holds nobody there any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracker.audiences import known
from tracker.audiences.deliver import Progress, Rows, sender_of, settle_before, ship
from tracker.audiences.delivery import Shipment
from tracker.audiences.desk import Desk, attempt
from tracker.audiences.parcel import Parcel
from tracker.catalog import Catalog
from tracker.catalog.deliveries import DOWNLOAD, Delivery, Line
from tracker.catalog.exports import DONE, RUNNING, Export
from tracker.catalog.plans import Plan
from tracker.core.errors import NotFound
from tracker.core.identifiers import keys_of
from tracker.networks import NETWORKS, Terms, options
from tracker.networks.network import Row

MODE = "recall"
EVERY = "15m"
_EXPORTS = 10_000


def order(catalog: Catalog, site: str, audience: str, actor: str) -> int:
    """Plan the removals of an audience that is being deleted, in place of its deliveries; gives how many places."""
    for plan in catalog.plans.list(audience=audience):
        catalog.plans.delete(plan.id)
    there = [*catalog.deliveries.lines(site, audience), *on_their_way(catalog, site, audience)]
    lines = [one for one in dict.fromkeys(there) if takes_back(catalog, one)]
    for line in lines:
        catalog.plans.create(
            site,
            audience,
            destination=line.destination,
            network=line.network,
            mode=MODE,
            every=EVERY,
            actor=actor,
            **as_before(catalog, line),
        )
    return len(lines)


def waiting(catalog: Catalog, plan: Plan) -> int:
    """How many persons are still to be taken back there."""
    return len(catalog.deliveries.now(_line(plan))[1])


def carry_out(desk: Desk, plan: Plan) -> Export:
    """Blocks until it is done or failed; gives it as it ended. Raises nothing."""
    catalog = desk.catalog
    export = catalog.exports.create(
        plan.site,
        plan.audience,
        network=plan.network,
        mode=MODE,
        actor=plan.actor,
        min_size=1,
        details={"shape": plan.shape, "destination": plan.destination},
    )
    if why := attempt(export, lambda: _take_back(desk, plan, export)):
        catalog.exports.fail(export.id, why, counts={"written": 0, "withheld": {}})
    for left in desk.folder.glob(f"{export.stem}*"):
        left.unlink(missing_ok=True)
    return catalog.exports.get(export.id)


def is_over(catalog: Catalog, plan: Plan, ended: Export) -> bool:
    """Whether everybody was taken back, as the other side said."""
    under_way = _line(plan) in on_their_way(catalog, plan.site, plan.audience)
    return ended.state == DONE and not waiting(catalog, plan) and not under_way


def _take_back(desk: Desk, plan: Plan, export: Export) -> None:
    catalog, line = desk.catalog, _line(plan)
    network = options.shaped(NETWORKS[plan.network], plan.details.get("options", {}))
    settle_before(catalog, desk.senders, line)
    sender = sender_of(catalog, desk.senders, catalog.destinations.get(plan.destination))
    generation, delivered = catalog.deliveries.now(line)
    now, people, removed = desk.now_ms(), list(delivered), Rows()
    desk.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    owner = catalog.sites.get(plan.site).domain
    terms = Terms(days=0, now_ms=now, audience=plan.audience, site=owner)
    with Parcel(desk.folder, export.stem, network, plan.shape, terms) as parcel:
        if not network.replaces:  # else a list of nobody says it all
            for some, rows in _rows(desk, plan, people):
                parcel.write("remove", [(row, True) for row in rows], "-remove")
                removed.add(some, len(rows))
        counts: dict[str, Any] = {"written": 0, "withheld": {}, "removed": len(people)}
        export = catalog.exports.send(
            export.id,
            counts=counts,
            files=parcel.finish(None),
            details={"made_ms": now, "version": desk.version},
            delivery=Delivery(
                line=line,
                generation=generation,
                at=now,
                added=(),
                removed=people,
                everybody=network.replaces,
                recalls=True,
            ),
        )
        progress = Progress(catalog, export, now, parcel.groups, Rows(), removed)
        ship(catalog, sender, Shipment(export=export, folder=desk.folder), progress)


def _rows(desk: Desk, plan: Plan, people: list[int]) -> Iterator[tuple[list[int], list[Row]]]:
    """Some persons at a time, and the rows that take them back."""
    site = desk.catalog.sites.get(plan.site)
    keys, network = keys_of(site.name, site.write_key, site.identifier_key), NETWORKS[plan.network]
    for at in range(0, len(people), known.AT_ONCE):
        some = people[at : at + known.AT_ONCE]
        sealed = desk.catalog.deliveries.sealed(_line(plan), some)
        rows = known.rows_of(keys, network, plan.shape, (sealed[key] for key in some))
        yield some, rows


def _line(plan: Plan) -> Line:
    return Line(plan.site, plan.audience, plan.network, plan.destination)


def on_their_way(catalog: Catalog, site: str, audience: str) -> list[Line]:
    """Where exports that run at this moment lead: whom they bring is not in the ledger yet."""
    exports = catalog.exports.list(site=site, audience=audience, limit=_EXPORTS)
    return [one.line for one in exports if one.state == RUNNING]


def takes_back(catalog: Catalog, line: Line) -> bool:
    """Not a download, nor a list for people, nor where only a mail says that there is a file."""
    if line.destination == DOWNLOAD or line.network not in NETWORKS:
        return False
    try:
        return catalog.destinations.get(line.destination).kind != "email"
    except NotFound:
        return False


def as_before(catalog: Catalog, line: Line) -> dict[str, Any]:
    """Shape and options as the last export went there."""
    for one in catalog.exports.list(site=line.site, audience=line.audience, limit=_EXPORTS):
        if one.network == line.network and one.destination == line.destination and not one.dry_run:
            chosen = one.details.get("options")
            return {"shape": str(one.details.get("shape", "file")), "details": {"options": chosen} if chosen else None}
    return {"shape": "file"}
