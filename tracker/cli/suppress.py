"""`tracker suppress`: who is to be left alone. Through the API, which alone may write to the store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tracker.cli.options import Data, answer, settings

suppress = typer.Typer(
    help="People to be left alone, whatever they agree to.",
    no_args_is_help=True,
    epilog="Example: tracker suppress list --site shop",
)

Site = Annotated[str, typer.Option("--site", metavar="NAME", help="The site.")]
Why = Annotated[str, typer.Option("--reason", metavar="R", help="gpc, optout, withdrawn, erased, child or legal.")]
AT_ONCE = 10_000


@suppress.command("add", epilog="Example: tracker suppress add --site shop --email ann@example.org --reason optout")
def add(
    site: Site,
    visitor: Annotated[str | None, typer.Option("--visitor", metavar="ID", help="Visitor id.")] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="User id.")] = None,
    email: Annotated[str | None, typer.Option("--email", metavar="E", help="E-mail address; kept as a hash.")] = None,
    phone: Annotated[str | None, typer.Option("--phone", metavar="P", help="Phone (+49...); kept as a hash.")] = None,
    network: Annotated[str | None, typer.Option("--network", metavar="N", help="PARTNER:ID; kept as a hash.")] = None,
    reason: Why = "optout",
    data: Data = None,
) -> None:
    """Put a person on the list; collectors know within two seconds."""
    from tracker.cli.remote import connect

    named = {"visitor": visitor, "user": user, "email": email, "phone": phone, "network": network}
    body = {"site": site, "reason": reason} | {name: value for name, value in named.items() if value is not None}
    with connect(settings(data=data)) as api:
        answer(api.call("POST", "/api/v1/suppressions", body))


@suppress.command("import", epilog="Example: tracker suppress import list.txt --site shop --kind email --apply")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One id a line.")],
    site: Site,
    kind: Annotated[
        str, typer.Option("--kind", metavar="K", help="visitor, user, email, phone, network or hash.")
    ] = "email",
    reason: Why = "optout",
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this it is only checked.")] = False,
    data: Data = None,
) -> None:
    """Check a file and, with --apply, put everybody in it on the list. One wrong line stops all of it."""
    from tracker.cli.remote import connect

    values = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    parts = [values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE)]
    total = {"site": site, "values": 0, "new": 0, "dry_run": not apply}
    with connect(settings(data=data)) as api:
        for dry in [True, False] if apply else [True]:  # all of the file is good before any of it is taken
            total |= {"values": 0, "new": 0}
            for part in parts:
                body = {"site": site, "kind": kind, "reason": reason, "values": part, "dry_run": dry}
                found = api.call("POST", "/api/v1/suppressions/import", body)
                total["values"] += found["values"]
                total["new"] += found["new"]
    answer(total, indent=None)


@suppress.command("list", epilog="Example: tracker suppress list --site shop --limit 20")
def list_(
    site: Annotated[str | None, typer.Option("--site", metavar="NAME", help="This site only.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="How many at most.")] = 100,
    data: Data = None,
) -> None:
    """Print the newest entries as JSON: hashes and reasons, nobody's name."""
    from urllib.parse import urlencode

    from tracker.cli.remote import connect

    query = urlencode({"limit": limit} | ({"site": site} if site else {}))
    with connect(settings(data=data)) as api:
        answer(api.call("GET", f"/api/v1/suppressions?{query}"))


def register(app: typer.Typer) -> None:
    """Add `suppress` to the app."""
    app.add_typer(suppress, name="suppress")
