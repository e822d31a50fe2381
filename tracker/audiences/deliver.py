"""Sends a finished export to its destination, once: what is about to be sent is noted first, what arrived afterwards.

    begun      the files are complete here; the ledger says whom they may bring (`catalog.deliveries.begin`)
    sent       file by file, request by request; each that was taken is noted at once where it can stand alone
    settled    arrived as a whole, or of no effect: files without a manifest are taken away again

A process that dies in between leaves the export undecided. It is settled by asking the destination, at the next start
or before the next export to the same place; until then nothing else is sent there for this audience.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice
from pathlib import Path

import structlog

from tracker.audiences.delivery import Sender, Senders, Shipment
from tracker.audiences.parcel import Group
from tracker.catalog import Catalog
from tracker.catalog.deliveries import Line
from tracker.catalog.destinations import Destination
from tracker.catalog.exports import Export
from tracker.core.errors import NotFound, TrackerError, TryLater
from tracker.core.identifiers import keys_of

log = structlog.get_logger()


@dataclass
class Rows:
    """Which persons are done when so many rows are: ledger keys in the order of their rows."""

    people: array[int] = field(default_factory=lambda: array("Q"))
    ends: array[int] = field(default_factory=lambda: array("Q"))
    _told: int = 0

    def add(self, people: Sequence[int], rows: int) -> None:
        """`rows` more rows, with which all these persons are done."""
        end = (self.ends[-1] if self.ends else 0) + rows
        self.people.extend(people)
        self.ends.extend([end] * len(people))

    def add_each(self, people: Sequence[int], rows: Iterable[int]) -> None:
        """Of each person so many rows."""
        end = self.ends[-1] if self.ends else 0
        self.people.extend(people)
        self.ends.extend(islice(accumulate(rows, initial=end), 1, None))

    def done(self, rows: int) -> list[int]:
        """Those who are done now and were not before."""
        before, self._told = self._told, bisect_right(self.ends, rows)
        return list(self.people[before : self._told])


@dataclass
class Progress:
    """Notes what the other side has taken. `groups` are empty where only the whole counts."""

    catalog: Catalog
    export: Export
    at: int
    groups: Sequence[Group]
    added: Rows
    removed: Rows
    _next: int = 0

    def __call__(self, parts: int) -> None:
        """So many files or requests were taken."""
        self.catalog.exports.understood(self.export.id, parts)
        while self._next < len(self.groups) and self.groups[self._next].requests <= parts:
            group = self.groups[self._next]
            self._next += 1
            taking = group.action == "remove"
            people = (self.removed if taking else self.added).done(group.rows)
            self.catalog.deliveries.understood(self.export.line, self.export.id, self.at, people, taking=taking)


def ship(catalog: Catalog, sender: Sender, shipment: Shipment, progress: Progress) -> None:
    """Send, and settle how it ended. Raises TrackerError where it did not arrive."""
    export = shipment.export
    try:
        outcome = sender.send(shipment, progress)
    except Exception as error:
        why = error if isinstance(error, TrackerError) else TrackerError("something went wrong inside", code="broken")
        _settle(catalog, sender, export, why)
        if catalog.exports.get(export.id).state != "done":
            raise
        return
    catalog.exports.settle(export.id, arrived=True, counts=outcome.counts)
    for warning in outcome.warnings:
        catalog.exports.warn(export.id, warning)


def settle_before(catalog: Catalog, senders: Senders, line: Line | None = None) -> int:
    """Settle what is undecided, of one line or of all; gives how many stay so. Raises TryLater for one that does."""
    left = 0
    for export_id in catalog.deliveries.undecided(line):
        export = catalog.exports.get(export_id)
        if export.state == "running" and export.arrived is None:
            continue  # somebody is at it at this moment
        if export.arrived is not None or not export.was_declared:  # it stopped while the ledger was told of it
            catalog.exports.settle(export.id, arrived=bool(export.arrived), gone=True)
            continue
        try:
            sender = sender_of(catalog, senders, catalog.destinations.get(export.destination))
        except NotFound:
            catalog.exports.settle(export.id, arrived=False)
            continue
        if not _settle(catalog, sender, export, None):
            left += 1
    if left and line is not None:
        raise TryLater("it is not known yet whether the export before arrived: it is asked again", code="undecided")
    return left


def sender_of(catalog: Catalog, senders: Senders, destination: Destination) -> Sender:
    """What sends there, with its secrets opened. Raises BadRequest, Broken."""
    site = catalog.sites.get(destination.site)
    secrets = destination.opened(keys_of(site.name, site.write_key, site.identifier_key))
    return senders.of(destination.kind, destination.options, secrets)


def _settle(catalog: Catalog, sender: Sender, export: Export, why: TrackerError | None) -> bool:
    """False: it could not be asked, and stays undecided."""
    now = catalog.exports.get(export.id)
    shipment = Shipment(export=now, folder=Path(), understood=int(now.details.get("understood", 0)))
    error = why.as_json()["error"] if why is not None else None
    try:
        arrived = sender.settle(shipment)
    except TrackerError as unknown:
        log.warning("delivery.undecided", export=export.id, code=unknown.code)
        catalog.exports.fail(export.id, error or unknown.as_json()["error"], counts=now.counts)
        return False
    gone = not arrived and sender.leaves_nothing
    catalog.exports.settle(export.id, arrived=arrived, gone=gone, in_parts=sender.in_parts, error=error)
    log.info("delivery.settled", export=export.id, arrived=arrived)
    return True
