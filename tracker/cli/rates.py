"""`tracker rate import`: exchange rates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tracker.cli.options import Data, answer, settings

rate = typer.Typer(help="Exchange rates, for reports in one currency.", no_args_is_help=True)


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
    from tracker.cli.remote import connect
    from tracker.core import rates

    try:
        rows, places = rates.read_csv(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise typer.BadParameter(f"no such file: {file}") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not UTF-8") from None
    rates.checked(rows, places, base=rates.currency(base, "--base"), inverse=inverse)
    total = {"site": site, "base": base.upper(), "rows": 0, "changed": 0}
    with connect(settings(data=data)) as api:
        for start in range(0, len(rows), rates.MAX_ROWS):
            part = rows[start : start + rates.MAX_ROWS]
            body = {"site": site, "base": base, "rows": part, "inverse": inverse}
            done = api.call("POST", "/api/v1/rates", body)
            total["rows"] += done["rows"]
            total["changed"] += done["changed"]
    answer(total, indent=None)


def register(app: typer.Typer) -> None:
    """Add `rate` to the app."""
    app.add_typer(rate, name="rate")
