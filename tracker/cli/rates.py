"""`tracker rate import`: exchange rates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tracker.cli.dated_rows import send, text_of
from tracker.cli.options import Data

rate = typer.Typer(
    help="Exchange rates, for reports in one currency.",
    no_args_is_help=True,
    epilog="Example: tracker rate import rates.csv --site shop --base EUR",
)


@rate.callback()
def _group() -> None:
    """A group although it has one command."""


@rate.command("import", epilog="Example: tracker rate import rates.csv --site shop --base EUR")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="date,currency,rate")],
    site: Annotated[str, typer.Option("--site", metavar="NAME", help="The site.")],
    base: Annotated[str, typer.Option("--base", metavar="EUR", help="The currency that the rates are in.")],
    inverse: Annotated[
        bool, typer.Option("--inverse", help="Rates say how much one unit of the base buys, as the ECB's do.")
    ] = False,
    data: Data = None,
) -> None:
    """Take in a CSV of exchange rates. The whole file is checked first; the same file again changes nothing."""
    from tracker.core import rates

    rows, places = rates.read_csv(text_of(file))
    code = rates.currency(base, "--base")
    rates.checked(rows, places, base=code, inverse=inverse)
    send(data, "/api/v1/rates", {"site": site, "base": code, "inverse": inverse}, rows, rates.MAX_ROWS)


def register(app: typer.Typer) -> None:
    """Add `rate` to the app."""
    app.add_typer(rate, name="rate")
