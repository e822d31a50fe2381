"""All commands, in the order of a newcomer's day."""

from __future__ import annotations

from typing import Annotated

import typer

from tracker import __version__
from tracker.cli import (
    audience_saved,
    audiences,
    backup,
    conversions,
    costs,
    destinations,
    doctor,
    erase,
    imports,
    links,
    migrate,
    outreach,
    rates,
    reports,
    roles,
    sites,
    status,
    suppress,
)
from tracker.cli.options import say

app = typer.Typer(
    name="tracker",
    help="Self-hosted customer-journey tracking: pixel, durable collector, exact funnels, audiences.",
    epilog="Start with:  tracker demo   Settings: docs/settings.md",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"tracker {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from (works anywhere).")] = False,
) -> None:
    """Self-hosted customer-journey tracking: pixel, durable collector, exact funnels, audiences."""


_QUESTIONS = (status, audiences, audience_saved, destinations, conversions, outreach, reports, costs, rates, links)
for module in (roles, sites, suppress, erase, imports, *_QUESTIONS, backup, migrate, doctor):
    module.register(app)
