"""One export from beginning to end: judge every member, write those who may leave the house, say how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import structlog

from tracker.analytics import person_card
from tracker.audiences.definition import Definition
from tracker.audiences.files import FORMATS, ExportWriter
from tracker.audiences.membership import WITHHELD, judge
from tracker.catalog import Catalog
from tracker.catalog.exports import Export, ExportFile
from tracker.core.errors import BadRequest, Conflict, TrackerError
from tracker.core.identifiers import keys_of
from tracker.core.site import Site
from tracker.core.suppression import hash_of
from tracker.store.engine import Engine

log = structlog.get_logger()

CARDS_AT_ONCE = 20_000
MODES, SHAPES, DESTINATIONS = ("full",), ("file",), ("download",)


def check_request(network: str, mode: str, shape: str, destination: str) -> None:
    """Raise BadRequest for what this version cannot do, saying what it can."""
    for field, value, known in (
        ("network", network, tuple(FORMATS)),
        ("mode", mode, MODES),
        ("shape", shape, SHAPES),
        ("destination", destination, DESTINATIONS),
    ):
        if value not in known:
            raise BadRequest(
                f"{field} {value[:40]!r} is not available yet; available: {', '.join(known)}",
                code="not_available",
                field=field,
            )


def file_name(export: Export) -> str:
    """Name of an export's file in the exports folder and in the browser."""
    return f"{export.audience}-{export.id}.{export.network}"


def clean_up(catalog: Catalog, folder: Path) -> None:
    """At start: what a stopped process left running has failed, and what it left half written goes."""
    catalog.exports.fail_interrupted()
    for part in folder.glob("*.part"):
        part.unlink(missing_ok=True)


def run_export(
    engine: Engine,
    catalog: Catalog,
    folder: Path,
    *,
    export: Export,
    site: Site,
    definition: Definition,
    now_ms: Callable[[], int],
) -> None:
    """Blocks until the export is done or failed, and notes that in the catalog. Raises nothing."""
    counts: dict[str, Any] = {"written": 0, "withheld": dict.fromkeys(WITHHELD, 0)}
    try:
        alone = _left_alone(catalog, site)
        file = _write(
            engine, folder, export=export, site=site, definition=definition, now_ms=now_ms(), counts=counts, alone=alone
        )
        catalog.exports.finish(export.id, counts=counts, files=(file,))
        log.info("export_done", export=export.id, written=counts["written"])
    except TrackerError as error:
        catalog.exports.fail(export.id, error.as_json()["error"], counts={**counts, "written": 0})
        log.info("export_failed", export=export.id, code=error.code)
    except Exception:
        log.exception("export_broken", export=export.id)
        why = {"code": "broken", "message": "something went wrong inside; the service's log has it"}
        catalog.exports.fail(export.id, why, counts={**counts, "written": 0})


def _left_alone(catalog: Catalog, site: Site) -> Callable[[Iterable[dict[str, Any]]], set[int]]:
    """Which of some cards (by `id`) the suppression list holds back. Raises TryLater where it cannot be asked."""
    keys = keys_of(site.name, site.write_key, site.identifier_key)

    def alone(cards: Iterable[dict[str, Any]]) -> set[int]:
        hashes: dict[int, list[bytes]] = {}
        for card in cards:
            visitor, user = str(card["visitor"]), str(card["user"])
            found = hashes[id(card)] = [hash_of(keys, "visitor", visitor)] if visitor else []
            if user:
                found.append(hash_of(keys, "user", user))
            if user.startswith("e:"):
                found.append(hash_of(keys, "email", user[2:]))
        listed = catalog.suppressions.find(site.name, [one for several in hashes.values() for one in several])
        return {number for number, several in hashes.items() if any(one in listed for one in several)}

    return alone


def _write(
    engine: Engine,
    folder: Path,
    *,
    export: Export,
    site: Site,
    definition: Definition,
    now_ms: int,
    counts: dict[str, Any],
    alone: Callable[[Iterable[dict[str, Any]]], set[int]],
) -> ExportFile:
    name = file_name(export)
    with ExportWriter(folder, name, export.network) as writer:
        leaving: list[int] = []
        for person, verdict in judge(engine, site, definition, now_ms):
            if verdict == "exportable":
                leaving.append(person)
            else:
                counts["withheld"][verdict] += 1
        if len(leaving) >= export.min_size:
            for at in range(0, len(leaving), CARDS_AT_ONCE):
                cards = person_card.cards(engine, site.name, "person", leaving[at : at + CARDS_AT_ONCE])
                held = alone(cards.values())  # asked again at the last moment, of the list itself
                counts["withheld"]["suppressed"] += len(held)
                writer.add({**card, **card["props"]} for card in cards.values() if id(card) not in held)
        if writer.rows < export.min_size:
            raise Conflict(
                f"{len(leaving)} members may be exported; the minimum is {export.min_size}: nobody may be picked out",
                code="too_small",
            )
        digest = writer.finish()
    counts["written"] = writer.rows
    return ExportFile(name=name, rows=writer.rows, sha256=digest, bytes=writer.bytes)
