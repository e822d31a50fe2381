"""`tracker backup`, `restore` and `erasures`: everything of a data folder, and who must not come back."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tracker.cli.options import Data, answer, settings

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The backup's folder.")]
_LOOK = 0.3  # seconds


def backup(folder: Folder, data: Data = None) -> None:
    """Write a backup of everything into DIR, a new folder; whatever runs goes on running."""
    from tracker.cli.remote import connect
    from tracker.core.errors import TrackerError

    with connect(settings(data=data)) as api:
        api.call("POST", "/api/v1/backup", {"folder": str(folder.absolute())})
        while (state := api.call("GET", "/api/v1/backup"))["state"] == "running":
            _show(state["bytes"], state["of"])
            time.sleep(_LOOK)
    if state["state"] != "done":
        raise TrackerError(state.get("error", "the backup failed"), code="backup_failed")
    _show(state["bytes"], state["of"], end=True)
    answer({"backup": state["folder"], "bytes": state["bytes"]}, indent=None)


def restore(
    folder: Folder,
    force: Annotated[bool, typer.Option("--force", help="Put what is in the data folder aside first.")] = False,
    erasures: Annotated[
        Path | None, typer.Option("--erasures", metavar="FILE", help="Who was erased since; see `tracker erasures`.")
    ] = None,
    data: Data = None,
) -> None:
    """Make an empty data folder what it was when DIR was written; every file is checked first."""
    from tracker.wiring import restore as wiring

    erased = wiring.read_erased(erasures) if erasures is not None else []
    done = wiring.restore(settings(data=data), folder, force=force, erased=erased, told=_show)
    _show(1, 1, end=True)
    if erasures is None:
        sys.stderr.write(
            f"Persons who were erased after {done['from']} are back: erase them again, or restore with --erasures FILE"
            " (`tracker erasures FILE` writes it from the folder that was in use).\n"
        )
    answer(done, indent=None)


def erasures(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")], data: Data = None
) -> None:
    """Write who was erased until now, as keyed hashes, for restoring an older backup without bringing them back."""
    from tracker.wiring.doors import open_catalog
    from tracker.wiring.restore import erased_of

    with open_catalog(settings(data=data)) as catalog:
        found = erased_of(catalog)
    half = file.with_name(f".{file.name}.partial")
    half.write_text("".join(f"{json.dumps(asdict(one))}\n" for one in found), encoding="ascii")
    half.chmod(0o600)
    half.replace(file)
    answer({"file": str(file), "ids": len(found)}, indent=None)


def _show(done: int, total: int, *, end: bool = False) -> None:
    """Progress, on a terminal only."""
    if sys.stderr.isatty():
        share = f"{100 * done // total} % of {total / 1e6:.0f} MB" if total else "the loader comes to rest"
        sys.stderr.write("\r\x1b[K" if end else f"\r\x1b[K{share}")
        sys.stderr.flush()


def register(app: typer.Typer) -> None:
    """Add the three to the app."""
    app.command(epilog="Example: tracker backup /backups/2026-11-28")(backup)
    app.command(epilog="Example: tracker restore /backups/2026-11-28 --data ./data")(restore)
    app.command(epilog="Example: tracker erasures /backups/erased.jsonl")(erasures)
