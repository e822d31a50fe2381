"""`tracker cost import`: what advertising cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tracker.cli.options import Data, answer, settings

cost = typer.Typer(help="What advertising cost, for CAC and ROAS.", no_args_is_help=True)


@cost.callback()
def _group() -> None:
    """A group although it has one command."""


@cost.command("import", epilog="Example: tracker cost import ads.csv --site shop")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="date,channel,source,campaign,cost,...,currency")],
    site: Annotated[str, typer.Option("--site", metavar="NAME", help="The site.")],
    data: Data = None,
) -> None:
    """Take in a CSV of costs. The whole file is checked first; the same file again changes nothing."""
    from tracker.cli.remote import connect
    from tracker.core.costs import MAX_ROWS, read_csv

    try:
        rows = read_csv(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise typer.BadParameter(f"no such file: {file}") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not UTF-8") from None
    total = {"site": site, "rows": 0, "changed": 0}
    with connect(settings(data=data)) as api:
        for start in range(0, len(rows), MAX_ROWS):
            done = api.call("POST", "/api/v1/costs", {"site": site, "rows": rows[start : start + MAX_ROWS]})
            total["rows"] += done["rows"]
            total["changed"] += done["changed"]
    answer(total, indent=None)


def register(app: typer.Typer) -> None:
    """Add `cost` to the app."""
    app.add_typer(cost, name="cost")
