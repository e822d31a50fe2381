"""What a stopped process left of exports: failed ones are noted as such, and files nobody can download any more go."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from tracker.catalog import Catalog
from tracker.core.errors import NotFound


def clean_up(catalog: Catalog, folder: Path) -> None:
    """At start: what a stopped process left running has failed, unless all that was left was to tell the ledger; of the
    files here those stay that can be downloaded.

    Files of a delivery go also where the process stopped between its arrival and their removal, or during this.
    """
    for one in catalog.deliveries.undecided():
        if catalog.exports.get(one).arrived:
            catalog.exports.settle(one, arrived=True)
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
    return export.state == "done" and (export.dry_run or export.destination not in away)
