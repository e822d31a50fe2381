"""`tracker import`: history from a file. Needs no running engine: events wait in the spool for the next one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.audiences import read_json
from tracker.cli.options import Data, SiteName, answer, settings

if TYPE_CHECKING:
    from tracker.imports.state import Progress

FORMATS = ("segment", "native", "csv", "matomo-log", "access-log")


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What to import; gzip is recognised.")],
    site: SiteName,
    form: Annotated[str, typer.Option("--format", metavar="|".join(FORMATS), help="What the file holds.")],
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="JSON that says which column is which field.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Read a file once more that is imported already.")] = False,
    data: Data = None,
) -> None:
    """Import history from a file.

    Times are kept however old. An interrupted import goes on where it stopped when the same command is run again.
    What is imported twice counts once: ids come from the file, or are made of each line's place and content.
    """
    if form not in FORMATS:
        raise typer.BadParameter(f"no such format: {form}; there are {', '.join(FORMATS)}")
    if not file.is_file():
        raise typer.BadParameter(f"no such file: {file}")
    document = read_json(mapping) if mapping is not None else None
    from tracker.wiring.imports import import_into

    total = file.stat().st_size
    with _Bar(file.name, total) as bar:
        progress = import_into(
            settings(data=data), site, path=file, form=form, mapping=document, again=again, on_progress=bar.update
        )
    answer(
        {
            "import": progress.id,
            "site": progress.site,
            "accepted": progress.accepted,
            "suppressed": progress.suppressed,
            "rejected": progress.rejected,
            "skipped": progress.skipped,
        }
    )


class _Bar:
    """A progress bar on a terminal, nothing elsewhere."""

    def __init__(self, name: str, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._total = total
        self._bar = Progress(
            TextColumn(f"importing {name}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}% {task.fields[events]:,} events"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=max(total, 1), events=0)

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, progress: Progress) -> None:
        """Called after each group of events is in the spool."""
        self._bar.update(self._task, completed=min(progress.read, self._total), events=progress.accepted)


def register(app: typer.Typer) -> None:
    """Add `import` to the app."""
    example = "tracker import access.log.gz --site shop --format access-log"
    app.command("import", epilog=f"Example: {example}")(import_file)
