"""`tracker audience add` and its kin: audiences kept with a site. JSON on stdout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlencode

import typer

from tracker.cli.audiences import Id, audience, read_json
from tracker.cli.options import Data, answer, settings
from tracker.cli.remote import connect

Spec = Annotated[
    Path,
    typer.Argument(
        metavar="SPEC.json", help='{"site", "name", "rule", "duration", "holdout", "refresh"}; - reads stdin.'
    ),
]
Site = Annotated[str, typer.Option("--site", metavar="NAME", help="Whose audiences.")]


def audience_add(spec: Spec, data: Data = None) -> None:
    """Save an audience: whoever fits its rule is a member, and it is kept up to date."""
    body = read_json(spec)
    with connect(settings(data=data)) as api:
        answer(api.call("POST", "/api/v1/audiences", body))


def audience_change(audience_id: Id, spec: Spec, data: Data = None) -> None:
    """Change a saved audience: "name", "rule", "duration", "holdout" and "refresh"."""
    body = read_json(spec)
    with connect(settings(data=data)) as api:
        answer(api.call("PUT", _address(audience_id), body))


def audience_remove(audience_id: Id, data: Data = None) -> None:
    """Delete an audience; networks that were sent members are told to remove them."""
    with connect(settings(data=data)) as api:
        answer(api.call("DELETE", _address(audience_id)))


def audience_members(
    audience_id: Id,
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="How many of them.")] = 100,
    cursor: Annotated[
        str | None, typer.Option("--cursor", metavar="C", help="Go on from where the last answer ended.")
    ] = None,
    data: Data = None,
) -> None:
    """Say who is in an audience now, since when and why."""
    query = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
    with connect(settings(data=data)) as api:
        answer(api.call("GET", f"{_address(audience_id)}/members?{urlencode(query)}"))


def audience_history(audience_id: Id, data: Data = None) -> None:
    """Say how an audience grew, who entered and who left."""
    with connect(settings(data=data)) as api:
        answer(api.call("GET", f"{_address(audience_id)}/history"))


def audience_overlap(site: Site, data: Data = None) -> None:
    """Say how many persons any two audiences of a site share."""
    with connect(settings(data=data)) as api:
        answer(api.call("GET", f"/api/v1/audiences/overlap?{urlencode({'site': site})}"))


def _address(audience_id: str) -> str:
    return f"/api/v1/audiences/{quote(audience_id, safe='')}"


def register(_: typer.Typer) -> None:
    """Add these to `tracker audience`."""
    audience.command("add", epilog="Example: tracker audience add left-the-cart.json")(audience_add)
    audience.command("change", epilog="Example: tracker audience change aud_1 new.json")(audience_change)
    audience.command("remove", epilog="Example: tracker audience remove aud_1")(audience_remove)
    audience.command("members", epilog="Example: tracker audience members aud_1 --limit 20")(audience_members)
    audience.command("history", epilog="Example: tracker audience history aud_1")(audience_history)
    audience.command("overlap", epilog="Example: tracker audience overlap --site shop")(audience_overlap)
