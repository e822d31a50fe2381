"""`tracker destination`: where exports go. JSON on stdout; secrets come from a file or standard input, not options."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from tracker.cli.audiences import read_json
from tracker.cli.options import Data, Spec, answer, settings
from tracker.cli.remote import connect

destination = typer.Typer(
    help="Destinations of exports: list, add, change, check, remove.",
    no_args_is_help=True,
    epilog="Example: tracker destination kinds",
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The id that `tracker destination list` shows.")]


@destination.command("list", epilog="Example: tracker destination list")
def destination_list(data: Data = None) -> None:
    """List the destinations, without their secrets."""
    with connect(settings(data=data)) as api:
        answer(api.call("GET", "/api/v1/destinations"))


@destination.command("kinds", epilog="Example: tracker destination kinds")
def destination_kinds(data: Data = None) -> None:
    """Say what each kind of destination, and each network, must be told."""
    with connect(settings(data=data)) as api:
        answer(api.call("GET", "/api/v1/destinations/kinds"))


@destination.command("add", epilog="Example: tracker destination add bucket.json")
def destination_add(spec: Spec, data: Data = None) -> None:
    """Connect a destination: {"site", "name", "kind", "options", "secrets"}."""
    body = read_json(spec)
    with connect(settings(data=data)) as api:
        answer(api.call("POST", "/api/v1/destinations", body))


@destination.command("change", epilog="Example: tracker destination change dst_1 new.json")
def destination_change(destination_id: Id, spec: Spec, data: Data = None) -> None:
    """Change a destination: {"name", "options", "secrets"}; what is left out stays."""
    body = read_json(spec)
    with connect(settings(data=data)) as api:
        answer(api.call("PUT", f"/api/v1/destinations/{quote(destination_id, safe='')}", body))


@destination.command("check", epilog="Example: tracker destination check dst_1")
def destination_check(destination_id: Id, data: Data = None) -> None:
    """Try a destination without sending anything about anybody."""
    with connect(settings(data=data)) as api:
        answer(api.call("POST", f"/api/v1/destinations/{quote(destination_id, safe='')}/check"))


@destination.command("remove", epilog="Example: tracker destination remove dst_1")
def destination_remove(destination_id: Id, data: Data = None) -> None:
    """Forget a destination and its secrets."""
    with connect(settings(data=data)) as api:
        answer(api.call("DELETE", f"/api/v1/destinations/{quote(destination_id, safe='')}"))


def register(app: typer.Typer) -> None:
    """Add `destination` to the app."""
    app.add_typer(destination, name="destination")
