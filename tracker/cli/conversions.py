"""`tracker conversion`: events that networks are told of. JSON on stdout."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from tracker.cli.audiences import ended, read_json
from tracker.cli.options import Data, Spec, answer, settings
from tracker.cli.remote import connect

conversion = typer.Typer(
    help="Conversions for ad networks: list, add, run, remove.",
    no_args_is_help=True,
    epilog="Example: tracker conversion networks",
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The id that `tracker conversion list` shows.")]


@conversion.command("list", epilog="Example: tracker conversion list")
def conversion_list(data: Data = None) -> None:
    """List which events networks are told of, and how the last upload went."""
    with connect(settings(data=data)) as api:
        answer(api.call("GET", "/api/v1/conversions"))


@conversion.command("networks", epilog="Example: tracker conversion networks")
def conversion_networks(data: Data = None) -> None:
    """Say what each network takes."""
    with connect(settings(data=data)) as api:
        answer(api.call("GET", "/api/v1/conversions/networks"))


@conversion.command("add", epilog="Example: tracker conversion add purchases.json")
def conversion_add(
    spec: Spec,
    data: Data = None,
) -> None:
    """Tell a network of events: {"site", "name", "destination", "events"}."""
    body = read_json(spec)
    with connect(settings(data=data)) as api:
        answer(api.call("POST", "/api/v1/conversions", body))


@conversion.command("run", epilog="Example: tracker conversion run cnv_1 --mode dry")
def conversion_run(
    conversion_id: Id,
    mode: Annotated[str, typer.Option("--mode", help="live, test, or dry: into a file.")] = "dry",
    data: Data = None,
) -> None:
    """Send what is new now, or try it; waits for its end."""
    with connect(settings(data=data)) as api:
        started = api.call("POST", f"/api/v1/conversions/{quote(conversion_id, safe='')}/run", {"mode": mode})
        answer(ended(api, started))


@conversion.command("remove", epilog="Example: tracker conversion remove cnv_1")
def conversion_remove(conversion_id: Id, data: Data = None) -> None:
    """Tell the network no more."""
    with connect(settings(data=data)) as api:
        answer(api.call("DELETE", f"/api/v1/conversions/{quote(conversion_id, safe='')}"))


def register(app: typer.Typer) -> None:
    """Add `conversion` to the app."""
    app.add_typer(conversion, name="conversion")
