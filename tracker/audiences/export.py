"""One export from beginning to end: judge every member, write those who may leave the house, say how it ended."""

from __future__ import annotations

import gc
from array import array
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from tracker.audiences.changes import DAY_MS, FEW, Changes, News, People, among, changes, is_among, people_of
from tracker.audiences.deliver import Progress, ship
from tracker.audiences.delivery import Sender, Shipment
from tracker.audiences.filling import FROM, alone, with_helper
from tracker.audiences.frequency import Cap
from tracker.audiences.manifest import judged_by
from tracker.audiences.membership import WITHHELD, judge
from tracker.audiences.order import Order
from tracker.audiences.packing import Packer, Plan
from tracker.audiences.parcel import Parcel
from tracker.audiences.reader import Match, Reader
from tracker.audiences.writing import Writing
from tracker.catalog import Catalog
from tracker.catalog.deliveries import Delivery, There
from tracker.core.errors import Conflict, TrackerError, TryLater
from tracker.core.identifiers import keys_of
from tracker.core.uncollected import uncollected
from tracker.networks import Terms
from tracker.store.engine import Engine

log = structlog.get_logger()

RESEND_AFTER = 0.8
"""Share of a membership after which it is said again."""
_CLEANED = 20  # pieces


def run_export(engine: Engine, catalog: Catalog, folder: Path, order: Order) -> None:
    """Blocks until the export is done or failed, and notes that in the catalog. Raises nothing."""
    run = _Run(engine, catalog, folder, order)
    export = order.export
    try:
        run.all()
        log.info("export_done", export=export.id, written=run.counts["written"])
        _tell(catalog, folder, order)
        return
    except TrackerError as error:
        why = error.as_json()["error"]
        log.info("export_failed", export=export.id, code=error.code)
    except Exception:
        log.exception("export_broken", export=export.id)
        why = {"code": "broken", "message": "something went wrong inside; the service's log has it"}
    for left in folder.glob(f"{export.stem}*"):
        left.unlink(missing_ok=True)
    if not catalog.exports.get(export.id).was_declared:  # nothing was sent
        catalog.contacts.undo(export.id)
        with suppress(TryLater):  # it is done by whoever settles what is undecided
            catalog.exports.undo(export.id)
    catalog.exports.fail(export.id, why, counts={**run.counts, "written": 0})


def _tell(catalog: Catalog, folder: Path, order: Order) -> None:
    """Files that were sent away are needed here no more; of one that stays, somebody may be told."""
    export = catalog.exports.get(order.export.id)
    if export.dry_run:
        return
    if order.sender is not None:
        for left in folder.glob(f"{export.stem}*"):
            left.unlink(missing_ok=True)
    if order.notice is not None:
        try:
            order.notice.send(Shipment(export=export, folder=folder), lambda _parts: None)
        except TrackerError as error:
            catalog.exports.warn(export.id, f"nobody was told of it: {error.message}")


class _Short(Enum):
    """What a try turned out to have too few in."""

    LIST = "list"
    """But there are removals, and those go all the same."""
    NEW = "new"


class _Run:
    def __init__(self, engine: Engine, catalog: Catalog, folder: Path, order: Order) -> None:
        self.engine, self.catalog, self.folder, self.order = engine, catalog, folder, order
        site = order.site
        self.keys = keys_of(site.name, site.write_key, site.identifier_key)
        self.vendor = site.privacy.vendor_of(order.network.name)
        self.counts = self._nothing()
        self._few = min(FEW, order.export.min_size)

    def all(self) -> None:
        """Raises TrackerError; nothing was delivered then."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.order.stays is not None:
            self._once(removals_only=True)
            return
        found = self._once(removals_only=False)
        if found is _Short.NEW:
            self._undo()
            found = self._once(removals_only=False, nobody_new=True)
        if found is _Short.LIST:
            self._undo()
            self._once(removals_only=True)

    def _undo(self) -> None:
        self.counts = self._nothing()
        self.catalog.contacts.undo(self.order.export.id)
        self.catalog.exports.undo(self.order.export.id)

    def _nothing(self) -> dict[str, Any]:
        reasons = (*WITHHELD, "no_identifier") if self.order.network.needs else WITHHELD
        return {"written": 0, "withheld": dict.fromkeys(reasons, 0)}

    def _once(self, *, removals_only: bool, nobody_new: bool = False) -> _Short | None:
        """`nobody_new`: whoever is not there yet waits. None: it is done; else nothing is, and why."""
        order, export, network = self.order, self.order.export, self.order.network
        began = order.now_ms()
        delivered = self.catalog.deliveries.there(export.line)
        cap = Cap(self.engine, self.catalog, export, began)
        leaving = self._judge(began)
        for ids in order.ids if order.stays is None else ():
            ids.upkeep(partial(among, people=leaving))
        before = np.array(delivered.people, np.uint64)
        everybody = export.mode == "full" or network.replaces
        recalls = network.replaces or not everybody or order.sender is not None
        found = self._changes(leaving, delivered, began, everybody=everybody) if recalls else Changes(leaving)
        if removals_only:
            if order.stays is not None and not (len(found.refused) or len(found.left)):
                raise order.stays
            kept = found.add[is_among(found.add, before)] if network.replaces else people_of()
            if not order.takes_back:
                self._hold("too_few" if order.stays is None else order.stays.code, len(found.add) - len(kept))
            found.add = kept
        elif not self._enough(len(leaving), found):
            return _Short.LIST
        if nobody_new:
            kept = found.add[is_among(found.add, before)]
            self._hold("too_few", len(found.add) - len(kept))
            found.add = kept
        with ExitStack() as stack:
            segments = tuple(order.options.get("segments", ()))
            terms = Terms(
                days=order.days, now_ms=began, audience=export.audience, site=order.site.domain, segments=segments
            )
            partner = order.site.gate.partner_of(network.name)
            match = Match(partner.name, began - partner.days * DAY_MS) if partner is not None else None
            reader = self._reader(match)
            plan = Plan(
                keys=self.keys,
                network=network.name,
                options=order.options,
                shape=order.shape,
                terms=terms,
                matched=reader.matched,
                catalog=self.catalog.database.url,
            )
            parcel = stack.enter_context(Parcel(self.folder, export.stem, network, order.shape, terms))
            removed = [] if network.replaces else [*found.refused.tolist(), *found.left.tolist()]
            delivery = Delivery(
                line=export.line,
                generation=delivered.generation,
                at=began,
                added=(),
                removed=removed,
                everybody=network.replaces,
                recalls=recalls,
            )
            if not export.dry_run:
                self.catalog.exports.claim(export.id, delivery)
            writing = self._writing(Packer(plan), parcel, before, cap, delivery)
            writing.take_back(removed)
            self._add(writing, reader, plan, found.add, "" if everybody else "-add")
            members = self.counts["written"] + found.unchanged
            if not removals_only and not self._enough(members, found):
                return _Short.LIST
            if len(before) and not everybody and 0 < writing.new < self._few:
                return _Short.NEW  # of those whom nothing identifies no place knows, so they hide nobody
            details = self._details(began, members)
            if order.sender is not None and not export.dry_run:
                self._ship(order.sender, parcel, writing, details, delivery)
            else:
                files = parcel.finish(replace(export, counts=self.counts, details=export.details | details))
                told = None if export.dry_run else delivery
                self.catalog.exports.finish(export.id, counts=self.counts, files=files, details=details, delivery=told)
        return None

    def _ship(
        self, sender: Sender, parcel: Parcel, writing: Writing, details: dict[str, Any], delivery: Delivery
    ) -> None:
        files = parcel.finish(None)
        export = self.catalog.exports.send(
            self.order.export.id, counts=self.counts, files=files, details=details, delivery=delivery
        )
        progress = Progress(self.catalog, export, delivery.at, parcel.groups, writing.added, writing.removed)
        ship(self.catalog, sender, Shipment(export=export, folder=self.folder), progress)

    def _changes(self, leaving: People, delivered: There, began: int, *, everybody: bool) -> Changes:
        order = self.order
        found = changes(
            self.engine,
            order.site,
            order.definition,
            leaving=leaving,
            delivered=delivered,
            due_before=began - int(RESEND_AFTER * order.days * DAY_MS) if order.network.ends else 0,
            few=self._few,
            vendor=self.vendor,
            news=self._news(delivered),
        )
        if everybody:
            found.add, found.unchanged, found.too_few = found.stays, 0, 0
        if order.network.replaces:
            found.left, found.left_later = people_of(), 0
            return found
        for ids in order.ids:
            ids.forget(found.refused.tolist())
        found.refused = np.concatenate((found.refused, found.lost))
        self.counts |= {"removed": len(found.refused) + len(found.left), "unchanged": found.unchanged}
        if found.too_few:
            self._hold("too_few", found.too_few)
        if found.left_later:
            self.counts["left_later"] = found.left_later
        return found

    def _news(self, delivered: There) -> News:
        """Of ids, since the first of those who are there was delivered."""
        since = min(delivered.at, default=0)
        news = News()
        for ids in self.order.ids if delivered.at else ():
            news |= ids.news(since)
        return news

    def _judge(self, now_ms: int) -> People:
        leaving = array("Q")
        definition = self.order.definition
        state = self.catalog.memberships.get(definition.id)
        judged = judge(self.engine, self.order.site, definition, now_ms, state, vendor=self.vendor)
        for person, verdict, _granted in judged:
            if verdict == "exportable":
                leaving.append(person)
            else:
                self._hold(verdict)
        return np.array(leaving, np.uint64)

    def _hold(self, reason: str, how_many: int = 1) -> None:
        withheld = self.counts["withheld"]
        withheld[reason] = withheld.get(reason, 0) + how_many

    def _enough(self, members: int, found: Changes) -> bool:
        """Nobody may be picked out: a list below the minimum gets nobody new. False where there are removals to do.

        Raises Conflict.
        """
        minimum = self.order.export.min_size
        if members >= minimum:
            return True
        if len(found.refused):
            return False
        why = (
            f"{members} members may be exported and the minimum is {minimum}, so that nobody is picked out: widen the "
            "rule, or let an admin pass min_size"
        )
        raise Conflict("; ".join([why, *self._warned()]), code="too_small")

    def _warned(self) -> list[str]:
        return [one for ids in self.order.ids for one in ids.warnings]

    def _writing(self, packer: Packer, parcel: Parcel, before: People, cap: Cap, delivery: Delivery) -> Writing:
        return Writing(
            self.catalog,
            packer,
            export=self.order.export.id,
            keys=self.keys,
            network=self.order.network,
            shape=self.order.shape,
            delivery=delivery,
            before=before,
            hold=self._hold,
            allowed=cap.allowed,
            parcel=parcel,
            noted=not self.order.export.dry_run,
        )

    def _reader(self, match: Match | None) -> Reader:
        order = self.order
        return Reader(
            self.engine,
            self.catalog,
            order.site,
            order.network,
            definition=order.definition,
            vendor=self.vendor,
            ids=order.ids,
            match=match,
        )

    def _add(self, writing: Writing, reader: Reader, plan: Plan, people: People, label: str) -> None:
        """Where an operator is asked for ids, forms are needed here; few are not worth a process."""
        helped = not self.order.ids and len(people) >= FROM
        pieces = (
            with_helper(writing, reader, plan, people, label, hold=self._hold, vault=self.catalog.vault.of_owners)
            if helped
            else alone(writing, reader, people, label)
        )
        with uncollected(), closing(pieces):
            for number, _ in enumerate(pieces, 1):
                self.counts["written"] = writing.written
                if number % _CLEANED == 0:
                    gc.collect(1)  # what other threads left behind meanwhile

    def _details(self, began: int, members: int) -> dict[str, Any]:
        order, network = self.order, self.order.network
        warnings = self._warned()
        if members < network.minimum:
            warnings.append(
                f"{network.title} cannot use a list of fewer than {network.minimum}; this one has {members}"
            )
        return {
            "days": order.days,
            "min_size": order.export.min_size,
            "version": order.version,
            **judged_by(order.definition.rule, order.rule_changed),
            "made_ms": began,
            "warnings": warnings,
        }
