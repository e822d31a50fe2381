"""`tracker erase` takes a person out, whole; `tracker person export` tells them all that is kept. Both ask the API."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlencode

import typer

from tracker.cli.options import Data, SiteName, answer, settings

person = typer.Typer(
    help="What is kept on one person.",
    no_args_is_help=True,
    epilog="Example: tracker person export ann.json --site shop --user u-1234",
)
Visitor = Annotated[str | None, typer.Option("--visitor", metavar="V", help="Visitor id.")]
User = Annotated[str | None, typer.Option("--user", metavar="U", help="User id.")]


def erase(site: SiteName, visitor: Visitor = None, user: User = None, data: Data = None) -> None:
    """Erase a person and all their browsers and ids; nothing new of them is collected. Cannot be undone."""
    from tracker.cli.remote import connect

    name, query = _named(site, visitor, user)
    with connect(settings(data=data)) as api:
        answer(api.call("DELETE", f"/api/v1/people/{name}?{query}"))


@person.callback()
def _group() -> None:
    """A group although it has one command."""


@person.command("export", epilog="Example: tracker person export ann.json --site shop --user u-1234")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; it must not be there yet.")],
    site: SiteName,
    visitor: Visitor = None,
    user: User = None,
    data: Data = None,
) -> None:
    """Write all that is kept on a person into a JSON file that only you can read; it is in the audit log."""
    from tracker.cli.remote import connect

    name, query = _named(site, visitor, user)
    if file.exists():
        raise typer.BadParameter(f"{file} is there already")
    with connect(settings(data=data)) as api:
        blob = api.text("GET", f"/api/v1/people/{name}/export?{query}")
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(blob)
    answer({"bytes": len(blob), "written_to": str(file)})


def _named(site: str, visitor: str | None, user: str | None) -> tuple[str, str]:
    """The person as a part of a path, and the rest as a query."""
    if (visitor is None) == (user is None):
        raise typer.BadParameter("name the person: --visitor V or --user U, one of them")
    kind, name = ("user", user) if user is not None else ("visitor", visitor)
    return quote(str(name), safe=""), urlencode({"site": site, "kind": kind})


def register(app: typer.Typer) -> None:
    """Add `erase` and `person` to the app."""
    app.command("erase", epilog="Example: tracker erase --site shop --user u-1234")(erase)
    app.add_typer(person, name="person")
