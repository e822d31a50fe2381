"""One upload of conversions from beginning to end, on the road of exports: the same ledger, parcel and door.

An event that the network took is in the ledger and is never sent again; nor is one that it refused while it took others
of the same request (`delivery.apart`). One of which nobody knows whether it was taken
is sent again under the same id, which the network counts once. What is older than the network takes is not sent at all.

    live   what is new is sent and noted
    test   what is new is sent so that the network shows it and does not count it; nothing is noted
    dry    what is new is written into a file for download; nothing is sent or noted
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import IO, Any

from tracker.audiences.conversions.allowed import known_now, verdicts
from tracker.audiences.conversions.happened import Found, found
from tracker.audiences.conversions.spec import conversion_of, parse
from tracker.audiences.deliver import Progress, Rows, sender_of, settle_before, ship
from tracker.audiences.delivery import Sender, Shipment
from tracker.audiences.desk import Desk, attempt
from tracker.audiences.known import AT_ONCE
from tracker.audiences.membership import WITHHELD
from tracker.audiences.parcel import Parcel
from tracker.audiences.sensitive import refusal
from tracker.catalog import Catalog
from tracker.catalog.conversions import StoredConversion
from tracker.catalog.deliveries import DOWNLOAD, Added, Delivery
from tracker.catalog.exports import Export
from tracker.core.errors import BadRequest, Conflict
from tracker.networks import Member, Terms
from tracker.networks.conversions.conversion import DAY_MS

MODES = ("live", "test", "dry")
KIND = "conversions"
_LOOKED_BACK = 7 * DAY_MS  # beyond what the network takes: these are counted as too old
REASONS = (*(one for one in WITHHELD if one != "holdout"), "no_measurement", "no_identifier", "no_value", "too_old")


def check_mode(conversion: StoredConversion, mode: str, ids: Mapping[str, str]) -> None:
    """Raises BadRequest where this cannot be done; `ids`: the account's."""
    network = conversion_of(conversion.network)
    if mode == "test" and not network.tests:
        raise BadRequest(f"{network.title} has no way to try without counting; use dry", field="mode")
    if mode == "test" and network.test_id and not ids.get(network.test_id):
        raise BadRequest(f"the destination's ids need {network.test_id} for that", field="mode")


def begin(catalog: Catalog, conversion: StoredConversion, mode: str, actor: str) -> Export:
    """The export, running, before anything is done for it."""
    where = DOWNLOAD if mode == "dry" else conversion.destination
    return catalog.exports.create(
        conversion.site,
        conversion.id,
        network=conversion.network,
        mode=mode,
        actor=actor,
        min_size=1,
        details={"shape": "api", "destination": where, "kind": KIND},
    )


def carry_out(desk: Desk, conversion: StoredConversion, export: Export) -> Export:
    """Blocks until it is done or failed; gives it as it ended. Raises nothing."""
    why = attempt(export, _Upload(desk, conversion, export).all)
    if why:
        desk.catalog.exports.fail(export.id, why, counts={"written": 0, "withheld": {}})
    if why or export.destination != DOWNLOAD:
        for left in desk.folder.glob(f"{export.stem}*"):
            left.unlink(missing_ok=True)
    return desk.catalog.exports.get(export.id)


@dataclass
class _Upload:
    desk: Desk
    stored: StoredConversion
    export: Export

    def all(self) -> None:
        """Raises TrackerError."""
        self.site = self.desk.catalog.sites.get(self.stored.site)
        if self.site.privacy.service_provider_only:
            raise Conflict("this site declares service_provider_only: nothing leaves the house", code="stays_here")
        if (stays := refusal(self.desk.catalog, self.stored)) is not None:
            raise stays
        self.conversion = conversion_of(self.stored.network)
        self.vendor = self.site.privacy.vendor_of(self.conversion.network)
        self.counts: dict[str, Any] = {"written": 0, "unchanged": 0, "withheld": dict.fromkeys(REASONS, 0)}
        catalog, now = self.desk.catalog, self.desk.now_ms()
        sender = self._sender()
        generation, known = catalog.deliveries.now(self.export.line)
        self.desk.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with ExitStack() as stack:
            network = self.conversion.as_network(test=self.export.mode == "test")
            terms = Terms(days=0, now_ms=now, audience=self.stored.id, site=self.site.name)
            parcel = stack.enter_context(Parcel(self.desk.folder, self.export.stem, network, "api", terms))
            ledger = stack.enter_context(tempfile.TemporaryFile("w+b", dir=self.desk.folder, suffix=".part"))
            sent = Rows()
            for some in self._new(known, now):
                self._write(parcel, some, sent, ledger, now)
            # An event is never looked at again once it is that old, so neither need it be remembered.
            forgotten = now - (self.conversion.days + 1) * DAY_MS - _LOOKED_BACK
            delivery = Delivery(
                line=self.export.line,
                generation=generation,
                at=now,
                added=_added(ledger),
                removed=[number for number, at in known.items() if 0 < at < forgotten],
            )
            self._send(parcel, sender, delivery, sent)

    def _sender(self) -> Sender | None:
        if self.export.mode == "dry":
            return None
        catalog, senders = self.desk.catalog, self.desk.senders
        destination = catalog.destinations.get(self.stored.destination)
        check_mode(self.stored, self.export.mode, destination.options["ids"])
        if self.export.mode == "live":
            settle_before(catalog, senders, self.export.line)
        return sender_of(catalog, senders, destination)

    def _new(self, known: Mapping[int, int], now: int) -> Iterator[list[Found]]:
        """Events that may be sent and were not; their persons are judged a first time."""
        told = parse(self.conversion, self.stored.events, self.stored.event_id)
        since = max(self.stored.since, now - self.conversion.days * DAY_MS - _LOOKED_BACK)
        for some in found(self.desk.engine, self.site.name, self.conversion, told, since=since, until=now):
            new = [one for one in some if not known.get(one.number)]
            self.counts["unchanged"] += len(some) - len(new)
            left = [one for one in new if not self._hold(self._unfit(one, now))]
            for at in range(0, len(left), AT_ONCE):
                part = left[at : at + AT_ONCE]
                people = sorted({one.person for one in part})
                said = verdicts(self.desk.engine, self.desk.catalog, self.site, people, self.vendor)
                yield [one for one in part if not self._hold(_refusal(said.get(one.person, ("erased", False))[0]))]

    def _unfit(self, one: Found, now: int) -> str:
        if self.conversion.too_old(one.event, now):
            return "too_old"
        if one.event.name in self.conversion.needs_value and not one.event.money:
            return "no_value"
        return ""

    def _hold(self, reason: str) -> bool:
        """Count it where there is a reason."""
        if reason:
            withheld = self.counts["withheld"]
            withheld[reason] = withheld.get(reason, 0) + 1
        return bool(reason)

    def _write(self, parcel: Parcel, some: Sequence[Found], sent: Rows, ledger: IO[bytes], now: int) -> None:
        network = self.conversion.as_network(test=False)
        people = sorted({one.person for one in some})
        told = known_now(self.desk.engine, self.desk.catalog, self.site, network, people, vendor=self.vendor)
        rows = []
        for one in some:
            member = told[one.person]
            if not isinstance(member, Member):
                self._hold(member)
                continue
            row = self.conversion.encoded(one.event, member)
            if self._hold("" if row else "no_identifier") or self._hold(self._unfit(one, now)):
                continue
            rows.append((row, member.granted))
            sent.add((one.number,), 1)
            ledger.write(f"{one.number}\n".encode())
            self.counts["written"] += 1
        parcel.write("add", rows)

    def _send(self, parcel: Parcel, sender: Sender | None, delivery: Delivery, sent: Rows) -> None:
        exports, details = self.desk.catalog.exports, {"made_ms": delivery.at, "version": self.desk.version}
        files = parcel.finish(None)
        if sender is None:
            exports.finish(self.export.id, counts=self.counts, files=files, details=details)
        elif self.export.mode == "test":
            shipment = Shipment(export=replace(self.export, files=files), folder=self.desk.folder)
            outcome = sender.send(shipment, _nothing)
            exports.finish(self.export.id, counts=self.counts | outcome.counts, files=files, details=details)
        else:
            export = exports.send(self.export.id, counts=self.counts, files=files, details=details, delivery=delivery)
            progress = Progress(self.desk.catalog, export, delivery.at, parcel.groups, sent, Rows())
            ship(self.desk.catalog, sender, Shipment(export=export, folder=self.desk.folder), progress)


_nothing: Callable[[int], None] = lambda _parts: None  # noqa: E731


def _refusal(verdict: str) -> str:
    return "" if verdict == "exportable" else verdict


def _added(ledger: IO[bytes]) -> Iterator[Added]:
    """What an event's entry holds: its number, and nothing of its person."""
    ledger.seek(0)
    for line in ledger:
        yield Added(int(line), "")
