"""One export from beginning to end: judge every member, write those who may leave the house, say how it ended."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec
import structlog

from tracker.audiences import known
from tracker.audiences.changes import DAY_MS, FEW, Changes, changes
from tracker.audiences.definition import Definition
from tracker.audiences.membership import WITHHELD, gate, judge
from tracker.audiences.parcel import Parcel
from tracker.catalog import Catalog
from tracker.catalog.deliveries import Added, Delivery
from tracker.catalog.exports import Export, ExportFile
from tracker.core.errors import BadRequest, Conflict, TrackerError
from tracker.core.identifiers import keys_of
from tracker.core.site import Site
from tracker.networks import NETWORKS, Member, Network, Terms
from tracker.networks.network import Row
from tracker.store.engine import Engine

log = structlog.get_logger()

MODES, SHAPES, DESTINATIONS = ("full", "delta"), ("file", "api"), ("download",)
RESEND_AFTER = 0.8
"""Share of a membership after which it is said again."""


def check_request(network: str, mode: str, shape: str, destination: str) -> None:
    """Raise BadRequest for what this version cannot do, saying what it can."""
    known_shapes = SHAPES if network not in NETWORKS or NETWORKS[network].build is not None else SHAPES[:1]
    for field, value, choices in (
        ("network", network, tuple(NETWORKS)),
        ("mode", mode, MODES),
        ("shape", shape, known_shapes),
        ("destination", destination, DESTINATIONS),
    ):
        if value not in choices:
            raise BadRequest(
                f"{field} {value[:40]!r} is not available yet; available: {', '.join(choices)}",
                code="not_available",
                field=field,
            )


def clean_up(catalog: Catalog, folder: Path) -> None:
    """At start: what a stopped process left running has failed, and what it left goes, half written or not."""
    for interrupted in catalog.exports.fail_interrupted():
        for left in list(folder.glob(f"*-{interrupted}-*")):
            left.unlink(missing_ok=True)
    for part in folder.glob("*.part"):
        part.unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to export: `days` is how long members stay, `now_ms` a clock, `version` that of this program."""

    export: Export
    site: Site
    definition: Definition
    days: int
    now_ms: Callable[[], int]
    version: str

    @property
    def network(self) -> Network:
        """The network it is for."""
        return NETWORKS[self.export.network]

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
        return
    except TrackerError as error:
        why = error.as_json()["error"]
        log.info("export_failed", export=export.id, code=error.code)
    except Exception:
        log.exception("export_broken", export=export.id)
        why = {"code": "broken", "message": "something went wrong inside; the service's log has it"}
    for left in folder.glob(f"{export.stem}*"):
        left.unlink(missing_ok=True)
    catalog.exports.fail(export.id, why, counts={**run.counts, "written": 0})


class _Run:
    def __init__(self, engine: Engine, catalog: Catalog, folder: Path, order: Order) -> None:
        self.engine, self.catalog, self.folder, self.order = engine, catalog, folder, order
        site = order.site
        self.keys = keys_of(site.name, site.write_key, site.identifier_key)
        self.counts = self._nothing()

    def all(self) -> None:
        """Raises TrackerError; nothing was delivered then."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._once(removals_only=False):
            self.counts = self._nothing()
            self._once(removals_only=True)

    def _nothing(self) -> dict[str, Any]:
        reasons = (*WITHHELD, "no_identifier") if self.order.network.needs else WITHHELD
        return {"written": 0, "withheld": dict.fromkeys(reasons, 0)}

    def _once(self, *, removals_only: bool) -> bool:
        """False: too few would be in the list, but there are removals, and those go all the same."""
        order, export, network = self.order, self.order.export, self.order.network
        began = order.now_ms()
        generation, delivered = self.catalog.deliveries.now(export.site, export.audience, export.network)
        leaving = self._judge(began)
        everybody = export.mode == "full" or network.replaces
        found = Changes(leaving) if everybody else self._changes(leaving, delivered, began)
        if removals_only:
            self._hold("too_few", len(found.add))
            found.add = []
        elif not self._enough(len(leaving), found):
            return False
        with ExitStack() as stack:
            terms = Terms(days=order.days, now_ms=began, audience=export.audience, site=export.site)
            parcel = stack.enter_context(Parcel(self.folder, export.stem, network, order.shape, terms))
            ledger = stack.enter_context(tempfile.TemporaryFile("w+b", dir=self.folder, suffix=".part"))
            removed = self._take_back(parcel, [*found.refused, *found.left])
            self._add(parcel, found.add, ledger, "" if everybody else "-add")
            members = self.counts["written"] + found.unchanged
            if not removals_only and not self._enough(members, found):
                return False
            details = self._details(began, members)
            files = parcel.finish({"export": export.id, "site": export.site, "counts": self.counts, **details})
            self._done(files, details, ledger, removed, generation, began)
        return True

    def _changes(self, leaving: list[int], delivered: dict[int, int], began: int) -> Changes:
        order = self.order
        found = changes(
            self.engine,
            order.site,
            order.definition,
            leaving=leaving,
            delivered=delivered,
            due_before=began - int(RESEND_AFTER * order.days * DAY_MS) if order.network.days else 0,
            few=min(FEW, order.export.min_size),
        )
        self.counts |= {"removed": len(found.refused) + len(found.left), "unchanged": found.unchanged}
        if found.too_few:
            self._hold("too_few", found.too_few)
        if found.left_later:
            self.counts["left_later"] = found.left_later
        return found

    def _done(  # noqa: PLR0917
        self,
        files: tuple[ExportFile, ...],
        details: dict[str, Any],
        ledger: IO[bytes],
        removed: list[int],
        generation: int,
        began: int,
    ) -> None:
        export = self.order.export
        delivery = Delivery(
            site=export.site,
            audience=export.audience,
            network=export.network,
            generation=generation,
            at=began,
            added=_added(ledger),
            removed=removed,
            everybody=self.order.network.replaces,
        )
        self.catalog.exports.finish(export.id, counts=self.counts, files=files, details=details, delivery=delivery)

    def _judge(self, now_ms: int) -> list[int]:
        leaving: list[int] = []
        definition = self.order.definition
        state = self.catalog.memberships.get(definition.id)
        for person, verdict, _granted in judge(self.engine, self.order.site, definition, now_ms, state):
            if verdict == "exportable":
                leaving.append(person)
            else:
                self._hold(verdict)
        return leaving

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
        if found.refused:
            return False
        raise Conflict(
            f"{members} members may be exported; the minimum is {minimum}: nobody may be picked out", code="too_small"
        )

    def _take_back(self, parcel: Parcel, ledger_keys: list[int]) -> list[int]:
        export, network = self.order.export, self.order.network
        for at in range(0, len(ledger_keys), known.AT_ONCE):
            some = ledger_keys[at : at + known.AT_ONCE]
            sealed = self.catalog.deliveries.sealed(export.site, export.audience, export.network, some)
            rows = [
                row
                for key in some
                for row in network.encode(known.opened_forms(self.keys, sealed[key]), self.order.shape)
            ]
            parcel.write("remove", [(row, True) for row in dict.fromkeys(rows)], "-remove")
        return ledger_keys

    def _add(self, parcel: Parcel, people: list[int], ledger: IO[bytes], label: str) -> None:
        for at in range(0, len(people), known.AT_ONCE):
            rows: list[tuple[Row, bool]] = []
            for person, member in self._may_leave(people[at : at + known.AT_ONCE]):
                encoded = self.order.network.encode(member, self.order.shape)
                if not encoded:
                    self._hold("no_identifier")
                    continue
                rows += [(row, member.granted) for row in encoded]
                ledger.write(f"{person} {known.sealed_forms(self.keys, member)}\n".encode())
                self.counts["written"] += 1
            parcel.write("add", rows, label)

    def _may_leave(self, people: list[int]) -> Iterator[tuple[int, Member]]:
        """Asked again at the moment of writing, of the store and of the suppression list itself."""
        verdicts = gate(self.engine, self.order.site, self.order.definition, people)
        left = set(people)
        allowed = [one for one in people if verdicts.get(one, ("", False))[0] == "exportable"]
        found = known.members(self.engine, self.catalog, self.order.site, self.order.network, allowed)
        for person, member, country in found:
            left.discard(person)
            granted = verdicts[person][1]
            if member is None:
                self._hold("suppressed")
            elif self.order.network.asks_granted and country in known.EUROPE and not granted:
                self._hold("no_consent")
            else:
                yield person, msgspec.structs.replace(member, granted=granted)
        for person in left:
            verdict = verdicts.get(person, ("erased", False))[0]
            self._hold("erased" if verdict == "exportable" else verdict)

    def _details(self, began: int, members: int) -> dict[str, Any]:
        order, network = self.order, self.order.network
        warnings = []
        if members < network.minimum:
            warnings.append(
                f"{network.title} cannot use a list of fewer than {network.minimum}; this one has {members}"
            )
        return {
            "network": network.name,
            "shape": order.shape,
            "mode": order.export.mode,
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
