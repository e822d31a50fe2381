"""`tracker link`: a signed link for a mail or a banner."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tracker.cli.options import Data, answer, settings
from tracker.cli.remote import connect


def link(
    site: Annotated[str, typer.Option("--site", metavar="NAME", help="The site that counts it.")],
    url: Annotated[str, typer.Argument(metavar="[URL]", help="Where it leads; left out: an image for a mail.")] = "",
    user: Annotated[str, typer.Option("--user", help="The recipient, as the site calls them.")] = "",
    prop: Annotated[
        list[str] | None, typer.Option("--prop", metavar="KEY=VALUE", help="Of the event, like campaign=autumn.")
    ] = None,
    expires: Annotated[str, typer.Option("--expires", metavar="90d", help="How long it works.")] = "90d",
    data: Data = None,
) -> None:
    """Make a link that counts and leads to URL, or, without a URL, an image that counts openings."""
    pairs = [text.partition("=") for text in prop or ()]
    if not all(key and mark for key, mark, _ in pairs):
        raise typer.BadParameter("--prop must look like KEY=VALUE")
    body: dict[str, Any] = {
        "site": site,
        "kind": "click" if url else "open",
        "url": url,
        "user": user,
        "props": {key: value for key, _, value in pairs},
        "expires": expires,
    }
    with connect(settings(data=data)) as api:
        answer(api.call("POST", "/api/v1/links", body))


def register(app: typer.Typer) -> None:
    """Add `link` to the app."""
    app.command(epilog="Example: tracker link https://shop.example/sale --site shop --prop campaign=autumn")(link)
