"""`tracker erase`: takes a person out, whole. Through the API, like everything that touches the store."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlencode

import typer

from tracker.cli.options import Data, SiteName, answer, settings


def erase(
    site: SiteName,
    visitor: Annotated[str | None, typer.Option("--visitor", metavar="V", help="Visitor id.")] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="U", help="User id.")] = None,
    data: Data = None,
) -> None:
    """Erase a person and all their browsers and ids; nothing new of them is collected. Cannot be undone."""
    from tracker.cli.remote import connect

    if (visitor is None) == (user is None):
        raise typer.BadParameter("name the person: --visitor V or --user U, one of them")
    kind, name = ("user", user) if user is not None else ("visitor", visitor)
    query = urlencode({"site": site, "kind": kind})
    with connect(settings(data=data)) as api:
        answer(api.call("DELETE", f"/api/v1/people/{quote(str(name), safe='')}?{query}"))


def register(app: typer.Typer) -> None:
    """Add `erase` to the app."""
    app.command("erase", epilog="Example: tracker erase --site shop --user u-1234")(erase)
