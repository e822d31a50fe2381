"""`tracker site` and `tracker key`: straight to the catalog, whether or not anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tracker.cli.options import Data, answer, settings
from tracker.core.errors import BadRequest

site = typer.Typer(help="Sites: what may send events.", no_args_is_help=True, epilog="Example: tracker site list")
key = typer.Typer(help="Tokens for the API.", no_args_is_help=True, epilog="Example: tracker key list")

Consent = Annotated[str, typer.Option("--consent", metavar="opt-in|opt-out", help="Policy when nobody said anything.")]


@site.command("add", epilog="Example: tracker site add shop --domain shop.example --consent opt-in")
def site_add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Short name, like shop.")],
    domain: Annotated[
        list[str] | None, typer.Option("--domain", metavar="D", help="Host that may send; repeatable.")
    ] = None,
    consent: Consent = "opt-in",
    timezone: Annotated[str, typer.Option("--timezone", metavar="TZ", help="Time zone of its days.")] = "UTC",
    data: Data = None,
) -> None:
    """Add a site and print its write key as JSON. Collectors know it at once."""
    from tracker.wiring.doors import open_catalog

    if consent not in {"opt-in", "opt-out"}:
        raise typer.BadParameter("--consent must be opt-in or opt-out")
    with open_catalog(settings(data=data)) as catalog:
        try:
            made = catalog.sites.create(name, domains=tuple(domain or ()), consent=consent, timezone=timezone)
        except BadRequest as wrong:
            raise typer.BadParameter(wrong.message) from None
    answer({"site": made.name, "write_key": made.write_key}, indent=None)


@site.command("list", epilog="Example: tracker site list")
def site_list(data: Data = None) -> None:
    """List the sites as JSON."""
    from tracker.wiring.doors import open_catalog

    with open_catalog(settings(data=data)) as catalog:
        sites = catalog.sites.list()
    shown = ("name", "write_key", "domains", "consent", "timezone")
    answer({"sites": [{field: getattr(one, field) for field in shown} for one in sites]})


@site.command("gate", epilog="Example: tracker site gate shop gate.json")
def site_gate(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The site.")],
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="New settings, as JSON.")] = None,
    data: Data = None,
) -> None:
    """Print a site's forms, partners and lists as JSON; with FILE put those in their place first."""
    import msgspec

    from tracker.core.gate import GateSettings
    from tracker.wiring.doors import open_catalog

    gate = None
    if file is not None:
        try:
            gate = msgspec.json.decode(file.read_bytes(), type=GateSettings)
        except (OSError, ValueError) as failure:
            raise typer.BadParameter(f"FILE: {failure}") from None
    with open_catalog(settings(data=data)) as catalog:
        one = catalog.sites.get(name) if gate is None else catalog.sites.update(name, gate=gate)
    answer(msgspec.to_builtins(one.gate))


@key.command("add", epilog="Example: tracker key add --role analyst --site shop")
def key_add(
    role: Annotated[str, typer.Option("--role", metavar="admin|analyst|export|viewer", help="What it may do.")],
    site_name: Annotated[
        str | None, typer.Option("--site", metavar="NAME", help="This site only (default: all).")
    ] = None,
    data: Data = None,
) -> None:
    """Make an API token and print it as JSON: the only time it is shown."""
    from tracker.catalog.tokens import ROLES
    from tracker.wiring.doors import open_catalog

    if role not in ROLES:
        raise typer.BadParameter(f"--role must be one of {', '.join(ROLES)}")
    with open_catalog(settings(data=data)) as catalog:
        token = catalog.tokens.create(role, site_name)
    answer({"token": token}, indent=None)


@key.command("list", epilog="Example: tracker key list")
def key_list(data: Data = None) -> None:
    """List the tokens (never their values) as JSON."""
    from tracker.wiring.doors import open_catalog

    with open_catalog(settings(data=data)) as catalog:
        answer({"keys": catalog.tokens.list()})


@key.command("revoke", epilog="Example: tracker key revoke tok_0123456789abcdef")
def key_revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The id that `tracker key list` shows.")],
    data: Data = None,
) -> None:
    """Revoke a token: the next request with it is refused."""
    from tracker.wiring.doors import open_catalog

    with open_catalog(settings(data=data)) as catalog:
        catalog.tokens.revoke(token_id)
    answer({"revoked": token_id}, indent=None)


def register(app: typer.Typer) -> None:
    """Add `site` and `key` to the app."""
    app.add_typer(site, name="site")
    app.add_typer(key, name="key")
