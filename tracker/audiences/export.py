"""One export from beginning to end: judge every member, write those who may leave the house, say how it ended."""

from __future__ import annotations

import hashlib
import tempfile
from array import array
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import structlog

from tracker.audiences import known
from tracker.audiences.advertising_ids import Ids
from tracker.audiences.changes import DAY_MS, FEW, Changes, News, People, changes, is_among, people_of
from tracker.audiences.definition import Definition
from tracker.audiences.deliver import Progress, Rows, ship
from tracker.audiences.delivery import Sender, Shipment
from tracker.audiences.frequency import Cap
from tracker.audiences.membership import WITHHELD, judge
from tracker.audiences.parcel import Parcel
from tracker.audiences.reader import Found, Match, Reader, uncollected
from tracker.catalog import Catalog
from tracker.catalog.deliveries import Added, Delivery, There
from tracker.catalog.exports import Export
from tracker.core.errors import BadRequest, Conflict, NotFound, TrackerError
from tracker.core.identifiers import keys_of
from tracker.core.site import Site
from tracker.networks import NETWORKS, Member, Network, Terms, options
from tracker.networks.network import Row
from tracker.store.engine import Engine

log = structlog.get_logger()

MODES, SHAPES = ("full", "delta"), ("file", "api")
RESEND_AFTER = 0.8
"""Share of a membership after which it is said again."""


def check_request(network: str, mode: str, shape: str) -> None:
    """Raise BadRequest for what this version cannot do, saying what it can."""
    known_shapes = SHAPES if network not in NETWORKS or NETWORKS[network].build is not None else SHAPES[:1]
    for field, value, choices in (
        ("network", network, tuple(NETWORKS)),
        ("mode", mode, MODES),
        ("shape", shape, known_shapes),
    ):
        if value not in choices:
            raise BadRequest(
                f"{field} {value[:40]!r} is not available yet; available: {', '.join(choices)}",
                code="not_available",
                field=field,
            )


def clean_up(catalog: Catalog, folder: Path) -> None:
    """At start: what a stopped process left running has failed; of the files here those stay that can be downloaded.

    Files of a delivery go also where the process stopped between its arrival and their removal, or during this.
    """
    catalog.exports.fail_interrupted()
    away = {one.id for one in catalog.destinations.list() if one.kind != "email"}
    for file in folder.glob("*"):
        if file.suffix == ".part" or not _stays(catalog, file.name, away):
            file.unlink(missing_ok=True)


def _stays(catalog: Catalog, name: str, away: Collection[str]) -> bool:
    """Whether a file is of an export that is done and was not sent away; also what is no file of an export stays."""
    try:
        export = catalog.exports.get(name.split("-")[1])
    except (IndexError, NotFound):
        return True
    return export.state == "done" and export.destination not in away


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to export: `days` is how long members stay, `now_ms` a clock, `version` that of this program.

    `sender`: what sends it to its destination; None: it stays here for download. `notice`: tells somebody of that.
    `stays`: why nobody new may leave the house; who is to be taken back still is.
    `ids`: where UID2s and EUIDs are from.
    """

    export: Export
    site: Site
    definition: Definition
    days: int
    now_ms: Callable[[], int]
    version: str
    sender: Sender | None = None
    notice: Sender | None = None
    stays: Conflict | None = None
    ids: tuple[Ids, ...] = ()

    @property
    def network(self) -> Network:
        """The network it is for."""
        return options.shaped(NETWORKS[self.export.network], self.options)

    @property
    def options(self) -> dict[str, Any]:
        """What was chosen about it."""
        return dict(self.export.details.get("options", {}))

    @property
    def shape(self) -> str:
        """A file, or the requests of an API."""
        return str(self.export.details.get("shape", "file"))


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
    if "ends" not in catalog.exports.get(export.id).details:  # nothing was sent
        catalog.contacts.undo(export.id)
    catalog.exports.fail(export.id, why, counts={**run.counts, "written": 0})


def _tell(catalog: Catalog, folder: Path, order: Order) -> None:
    """Files that were sent away are needed here no more; of one that stays, somebody may be told."""
    export = catalog.exports.get(order.export.id)
    if order.sender is not None:
        for left in folder.glob(f"{export.stem}*"):
            left.unlink(missing_ok=True)
    if order.notice is not None:
        try:
            order.notice.send(Shipment(export=export, folder=folder), lambda _parts: None)
        except TrackerError as error:
            catalog.exports.warn(export.id, f"nobody was told of it: {error.message}")


class _Run:
    def __init__(self, engine: Engine, catalog: Catalog, folder: Path, order: Order) -> None:
        self.engine, self.catalog, self.folder, self.order = engine, catalog, folder, order
        site = order.site
        self.keys = keys_of(site.name, site.write_key, site.identifier_key)
        self.vendor = site.privacy.vendor_of(order.network.name)
        self.counts = self._nothing()
        self.added, self.removed = Rows(), Rows()

    def all(self) -> None:
        """Raises TrackerError; nothing was delivered then."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.order.stays is not None:
            self._once(removals_only=True)
        elif not self._once(removals_only=False):
            self.counts, self.added, self.removed = self._nothing(), Rows(), Rows()
            self.catalog.contacts.undo(self.order.export.id)
            self._once(removals_only=True)

    def _nothing(self) -> dict[str, Any]:
        reasons = (*WITHHELD, "no_identifier") if self.order.network.needs else WITHHELD
        return {"written": 0, "withheld": dict.fromkeys(reasons, 0)}

    def _once(self, *, removals_only: bool) -> bool:
        """False: too few would be in the list, but there are removals, and those go all the same."""
        order, export, network = self.order, self.order.export, self.order.network
        began = order.now_ms()
        delivered = self.catalog.deliveries.there(export.line)
        self.cap = Cap(self.engine, self.catalog, export, began)
        leaving = self._judge(began)
        for ids in order.ids if order.stays is None else ():
            ids.upkeep(leaving)
        before = np.array(delivered.people, np.uint64)
        everybody = export.mode == "full" or network.replaces
        recalls = network.replaces or not everybody or order.sender is not None
        found = self._changes(leaving, delivered, began, everybody=everybody) if recalls else Changes(leaving)
        if removals_only:
            if order.stays is not None and not (len(found.refused) or len(found.left)):
                raise order.stays
            kept = found.add[is_among(found.add, before)] if network.replaces else people_of()
            self._hold("too_few" if order.stays is None else order.stays.code, len(found.add) - len(kept))
            found.add = kept
        elif not self._enough(len(leaving), found):
            return False
        with ExitStack() as stack:
            segments = tuple(order.options.get("segments", ()))
            terms = Terms(
                days=order.days, now_ms=began, audience=export.audience, site=order.site.domain, segments=segments
            )
            parcel = stack.enter_context(Parcel(self.folder, export.stem, network, order.shape, terms))
            ledger = stack.enter_context(tempfile.TemporaryFile("w+b", dir=self.folder, suffix=".part"))
            removed = [] if network.replaces else [*found.refused.tolist(), *found.left.tolist()]
            self._take_back(parcel, removed)
            self._add(parcel, found.add, before, ledger, "" if everybody else "-add", began)
            members = self.counts["written"] + found.unchanged
            if not removals_only and not self._enough(members, found):
                return False
            details = self._details(began, members)
            delivery = Delivery(
                line=export.line,
                generation=delivered.generation,
                at=began,
                added=_added(ledger),
                removed=removed,
                everybody=network.replaces,
                recalls=recalls,
            )
            if order.sender is not None:
                self._ship(order.sender, parcel, details, delivery)
            else:
                named = {"export": export.id, "site": export.site, "counts": self.counts, **details}
                files = parcel.finish(named)
                done = self.catalog.exports.finish
                done(export.id, counts=self.counts, files=files, details=details, delivery=delivery)
        return True

    def _ship(self, sender: Sender, parcel: Parcel, details: dict[str, Any], delivery: Delivery) -> None:
        files = parcel.finish(None)
        export = self.catalog.exports.send(
            self.order.export.id, counts=self.counts, files=files, details=details, delivery=delivery
        )
        progress = Progress(self.catalog, export, delivery.at, parcel.groups, self.added, self.removed)
        ship(self.catalog, sender, Shipment(export=export, folder=self.folder), progress)

    def _changes(self, leaving: People, delivered: There, began: int, *, everybody: bool) -> Changes:
        order = self.order
        found = changes(
            self.engine,
            order.site,
            order.definition,
            leaving=leaving,
            delivered=delivered,
            due_before=began - int(RESEND_AFTER * order.days * DAY_MS) if order.network.days else 0,
            few=min(FEW, order.export.min_size),
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
        why = f"{members} members may be exported; the minimum is {minimum}: nobody may be picked out"
        raise Conflict("; ".join([why, *self._warned()]), code="too_small")

    def _warned(self) -> list[str]:
        return [one for ids in self.order.ids for one in ids.warnings]

    def _take_back(self, parcel: Parcel, ledger_keys: list[int]) -> None:
        export, network = self.order.export, self.order.network
        for at in range(0, len(ledger_keys), known.AT_ONCE):
            some = ledger_keys[at : at + known.AT_ONCE]
            sealed = self.catalog.deliveries.sealed(export.line, some)
            once = known.rows_of(self.keys, network, self.order.shape, (sealed[key] for key in some))
            parcel.write("remove", [(row, True) for row in once], "-remove")
            self.removed.add(some, len(once))

    def _add(  # noqa: PLR0917
        self, parcel: Parcel, people: People, before: People, ledger: IO[bytes], label: str, began: int
    ) -> None:
        """`before`: whom the ledger has already."""
        order = self.order
        partner = order.site.gate.partner_of(order.network.name)
        reader = Reader(
            self.engine,
            self.catalog,
            order.site,
            order.network,
            definition=order.definition,
            vendor=self.vendor,
            ids=order.ids,
            match=Match(partner.name, began - partner.days * DAY_MS) if partner is not None else None,
        )
        for found in reader.read(people):
            with uncollected():
                self._write(parcel, found, before, ledger, label)

    def _write(self, parcel: Parcel, found: list[Found], before: People, ledger: IO[bytes], label: str) -> None:
        fit = self._recognised(found)
        mine = np.array(list(fit), np.uint64)
        there = mine[is_among(mine, before)].tolist()
        sealed = self.catalog.deliveries.sealed(self.order.export.line, there) if there else {}
        chosen = list(self._often_enough(fit, set(there)))
        rows = [(row, member.granted) for _, member, encoded in chosen for row in encoded]
        noted = [
            f"{person} {known.all_sealed(self.keys, sealed.get(person, ''), member)}\n" for person, member, _ in chosen
        ]
        self.added.add_each([person for person, _, _ in chosen], (len(encoded) for _, _, encoded in chosen))
        self.counts["written"] += len(noted)
        ledger.write("".join(noted).encode())
        parcel.write("add", rows, label)

    def _recognised(self, found: list[Found]) -> dict[int, tuple[Member, list[Row]]]:
        """Those who may leave the house and whom the network would recognise; the others are counted."""
        fit: dict[int, tuple[Member, list[Row]]] = {}
        for person, verdict, member in found:
            if member is None:
                self._hold(verdict)
            elif encoded := self.order.network.encode(member, self.order.shape):
                fit[person] = (member, encoded)
            else:
                self._hold("no_identifier")
        return fit

    def _often_enough(
        self, fit: dict[int, tuple[Member, list[Row]]], before: set[int]
    ) -> Iterator[tuple[int, Member, list[Row]]]:
        """Those who were not contacted too often; who is there already stays."""
        allowed = self.cap.allowed([person for person in fit if person not in before])
        for person, (member, encoded) in fit.items():
            if person in before or person in allowed:
                yield person, member, encoded
            else:
                self._hold("capped")

    def _details(self, began: int, members: int) -> dict[str, Any]:
        order, network = self.order, self.order.network
        warnings = self._warned()
        if members < network.minimum:
            warnings.append(
                f"{network.title} cannot use a list of fewer than {network.minimum}; this one has {members}"
            )
        return {
            "network": network.name,
            "shape": order.shape,
            "mode": order.export.mode,
            "destination": order.export.destination,
            "days": order.days,
            "min_size": order.export.min_size,
            "version": order.version,
            "rule_sha256": hashlib.sha256(repr(order.definition.rule).encode()).hexdigest(),
            "made_ms": began,
            "warnings": warnings,
        }


def _added(ledger: IO[bytes]) -> Iterator[Added]:
    ledger.seek(0)
    for line in ledger:
        person, _, sealed = line.decode().rstrip("\n").partition(" ")
        yield Added(int(person), sealed)
