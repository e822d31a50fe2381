"""Erases persons, one at a time, between two batches: nobody else writes events while it works.

It begins only when every batch that was begun has been entered. So the number of events it counts is the number that
the ledger has as stored; it is fixed in the catalog before anything is deleted, together with the hashes that keep late
events out. A crash anywhere repeats the rest, and every step says why that is harmless. `done` is said last.
"""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import structlog

from tracker.catalog.catalog import Catalog
from tracker.catalog.database import now_ms
from tracker.catalog.erasures import ASKED, Erasure
from tracker.catalog.exports import RUNNING
from tracker.catalog.suppressions import Deed
from tracker.core import membership
from tracker.core.errors import NotFound
from tracker.core.identifiers import Keys, keys_of
from tracker.core.suppression import Reason, hash_of
from tracker.loader.erased import WORDS, Erased
from tracker.loader.leftovers import Leftovers
from tracker.store import erase
from tracker.store.engine import Engine
from tracker.store.erase import Names

log = structlog.get_logger()
_EXPORTS = 1_000_000


class Eraser:
    """For the loader's thread. `data`: the data folder, with the exports and segments that may name a person.

    `leftovers`: what goes without anybody asking. `busy`: each is held by somebody in this process who writes what
    may hold a person (members of audiences, journeys); they need not wait for each other.
    """

    def __init__(
        self,
        engine: Engine,
        catalog: Catalog,
        data: Path,
        leftovers: Leftovers | None = None,
        *,
        busy: Sequence[threading.Lock] = (),
    ) -> None:
        self._leftovers = leftovers
        self._busy = tuple(busy)
        self._engine = engine
        self._catalog = catalog
        self._data = data
        self.erased = self._read()

    def due(self) -> list[Erasure]:
        """What waits, in the order in which it is to be done. Leftovers are taken away now. Raises TryLater."""
        if self._leftovers is not None:
            self._leftovers.when_due()
        return self._catalog.erasures.waiting()

    def run(self, erasure: Erasure) -> bool:
        """Erase one person. False: not now, an export or a refresh of audiences that may hold the person is being
        written. Raises TryLater.
        """
        with ExitStack() as held:
            for lock in self._busy:
                if not lock.acquire(blocking=False):
                    return False
                held.callback(lock.release)
            return self._run(erasure)

    def _run(self, erasure: Erasure) -> bool:
        try:
            site = self._catalog.sites.get(erasure.site)
        except NotFound:
            log.error("erasure.site_gone", erasure=erasure.id)
            return False
        keys = keys_of(site.name, site.write_key, site.identifier_key)
        if erasure.state == ASKED:
            names = erase.all_names(self._engine, site.name, Names(erasure.visitors, erasure.users))
            leave_alone(self._catalog, site.name, keys, names)
            if self._being_written(erasure):
                return False
            events = erase.held(self._engine, site.name, names)
            erasure = self._catalog.erasures.count(
                erasure.id,
                visitors=names.visitors,
                users=names.users,
                hashes=[one for _, one in hashes_of(keys, names)],
                events=events,
            )
            self.erased = self._read()
        self._carry_out(erasure, keys)
        return True

    def _carry_out(self, erasure: Erasure, keys: Keys) -> None:
        names = Names(erasure.visitors, erasure.users)
        removals = self._recall(erasure, names)  # before the vault is emptied: a network is told by these identifiers
        arrivals = _quoting(self._engine, erasure.site, names)
        erase.note(self._engine, erasure.site, erasure.id, erasure.events)
        erase.delete(self._engine, erasure.site, names, arrivals)
        self._leave_segments(erasure.site, names)
        self._catalog.contacts.erase(erasure.site, list(names.keys))
        self._catalog.advertising_ids.erase(erasure.site, names.keys)
        subjects = {f"{kind[0]}:{stored}": one.hex() for (kind, stored), one in hashes_of(keys, names)}
        details = {"removals": removals}
        done = self._catalog.erasures.finish(erasure, subjects, details)
        log.info("erasure.done", erasure=erasure.id, events=done.events)

    def _being_written(self, erasure: Erasure) -> bool:
        exports = self._catalog.exports.list(site=erasure.site, limit=_EXPORTS)
        return any(one.state == RUNNING for one in exports)

    def _recall(self, erasure: Erasure, names: Names) -> int:
        """Delete files made for download that hold the person, and order their removal; gives the number of orders.

        A removal is due where the ledger says that the person is, or may be: one order for each such place, whatever
        became of the files. Where no ledger was kept (exports of the first versions) the files must tell, and one that
        is gone or has hashes only cannot. Such a file is deleted, unless nothing at all is known of the person: then
        nothing of theirs can ever have been written.
        """
        wanted = {*names.visitors, *names.users}
        sealed, deliveries = self._catalog.erasures.sealed(erasure), self._catalog.deliveries
        there, kept = deliveries.holding(erasure.site, names.keys), deliveries.kept(erasure.site)
        known = bool(erasure.events or sealed or there)
        orders = 0
        for export in self._catalog.exports.list(site=erasure.site, limit=_EXPORTS):  # the newest of a place first
            path = self._data / "exports" / export.stored if export.stored else None
            holds = path is not None and path.is_file() and (_names(path, wanted) if export.legible else known)
            untold = export.line not in kept and path is not None and (holds or not path.is_file())
            certain = there.pop(export.line, None) if export.is_list else None
            if export.is_list and (certain is not None or untold):
                self._catalog.erasures.order_removal(
                    erasure,
                    export=export.id,
                    audience=export.audience,
                    network=export.network,
                    certain=holds and export.legible if certain is None else certain,
                    sealed=sealed,
                )
                orders += 1
            if path is not None and holds:
                path.unlink()
        return orders

    def _leave_segments(self, site: str, names: Names) -> None:
        """Take the keys out of the files that collectors look persons up in."""
        gone = set(names.keys)
        changes = membership.recent_of(self._data, site)
        if changes.exists():
            recent = membership.read_recent(changes.read_bytes())
            if any(recent.of(key)[0] for key in gone):
                half = changes.with_suffix(".less")
                half.write_bytes(recent.without(gone))
                half.replace(changes)
        for path in (self._data / membership.FOLDER / site).glob("*.bin"):
            members = membership.read(memoryview(path.read_bytes()))
            if not any(members.hold(key) for key in gone):
                continue
            half = path.with_suffix(".less")
            half.write_bytes(members.without(gone))
            half.replace(path)

    def _read(self) -> Erased:
        hashes = self._catalog.erasures.hashes()
        keys: dict[str, Keys] = {}
        for name in hashes:
            try:
                site = self._catalog.sites.get(name)
            except NotFound:
                continue  # collectors take nothing of it either
            keys[name] = keys_of(site.name, site.write_key, site.identifier_key)
        return Erased({name: found for name, found in hashes.items() if name in keys}, keys)


def hashes_of(keys: Keys, names: Names) -> list[tuple[tuple[str, str], bytes]]:
    """((kind, id), its keyed hash) of every id."""
    found = [("visitor", one) for one in names.visitors] + [("user", one) for one in names.users]
    return [((kind, stored), hash_of(keys, kind, stored)) for kind, stored in found]


def leave_alone(catalog: Catalog, site: str, keys: Keys, names: Names) -> None:
    """Put every id on the suppression list, an address used as user id as an address too. Repeating it is harmless."""
    listed = [(kind, one) for (kind, _), one in hashes_of(keys, names)]
    listed += [("email", hash_of(keys, "email", user[2:])) for user in names.users if user.startswith("e:")]
    at = now_ms()
    catalog.suppressions.apply([Deed(site, one, kind, Reason.ERASED, at) for kind, one in listed], "erasure")
    catalog.suppressions.publish()


def _quoting(engine: Engine, site: str, names: Names) -> list[int]:
    """Arrivals of rejected events whose text names the person, in one of the spellings ids come in."""
    spellings = sorted({form for name in (*names.visitors, *names.users) for form in _spellings(name)})
    wanted = set(spellings)
    found = erase.rejected_with(engine, site, spellings)
    return [arrival for arrival, raw in found if not wanted.isdisjoint(WORDS.split(raw)) or _odd(raw, spellings)]


def _spellings(name: str) -> set[str]:
    return {name, quote(name, safe=""), json.dumps(name)[1:-1]}


def _odd(raw: str, spellings: Sequence[str]) -> bool:
    """An id that itself holds what words are split at is found as it stands."""
    return any(WORDS.search(one) and one in raw for one in spellings)


def _names(path: Path, wanted: set[str]) -> bool:
    return any(not wanted.isdisjoint(row) for row in _cells(path))


def _cells(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".jsonl":
            for line in file:
                yield [str(value) for value in json.loads(line).values()]
        else:
            for row in csv.reader(file):
                yield [*row, *(cell[1:] for cell in row if cell.startswith("'"))]  # as a spreadsheet may open it
