"""`tracker cost import`: what advertising cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tracker.cli.dated_rows import send, text_of
from tracker.cli.options import Data

cost = typer.Typer(
    help="What advertising cost, for CAC and ROAS.",
    no_args_is_help=True,
    epilog="Example: tracker cost import ads.csv --site shop",
)


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
    from tracker.core.costs import MAX_ROWS, read_csv

    send(data, "/api/v1/costs", {"site": site}, read_csv(text_of(file)), MAX_ROWS)


def register(app: typer.Typer) -> None:
    """Add `cost` to the app."""
    app.add_typer(cost, name="cost")
