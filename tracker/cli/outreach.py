"""`tracker outreach` and `tracker coupon`: lists for people who call or write, and codes to hand out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from tracker.cli.audiences import ended, read_json
from tracker.cli.options import Data, answer, settings
from tracker.cli.remote import connect

outreach = typer.Typer(
    help="Lists for people who call or write, and for CRMs.",
    no_args_is_help=True,
    epilog="Example: tracker outreach lists",
)
coupon = typer.Typer(
    help="Pools of coupon codes.", no_args_is_help=True, epilog="Example: tracker coupon list --site shop"
)

_AT_ONCE = 20_000
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
SiteName = Annotated[str, typer.Option("--site", metavar="NAME", help="The site.")]


@outreach.command("lists", epilog="Example: tracker outreach lists")
def outreach_lists(data: Data = None) -> None:
    """List the lists and their columns."""
    with connect(settings(data=data)) as api:
        answer(api.call("GET", "/api/v1/outreach/lists"))


@outreach.command("make", epilog="Example: tracker outreach make aud_1 calls --out calls.csv")
def outreach_make(
    audience_id: Annotated[str, typer.Argument(metavar="AUDIENCE", help="The audience.")],
    name: Annotated[str, typer.Argument(metavar="LIST", help="calls, winback, hubspot, salesforce or bitrix24.")],
    permission: Annotated[
        Path | None, typer.Option("--permission", metavar="RULE.json", help="Who agreed to be contacted: a rule.")
    ] = None,
    coupons: Annotated[str | None, typer.Option("--coupons", metavar="POOL", help="Of the list winback.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="How many at most.")] = 1_000,
    new: Annotated[bool, typer.Option("--new", help="Only who was not on it before.")] = False,
    to: Annotated[str, typer.Option("--to", metavar="DST", help="A destination.")] = "download",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to (default: ./LIST.csv).")] = None,
    every: Annotated[
        str | None, typer.Option("--every", metavar="24h", help="Again and again, to a destination.")
    ] = None,
    data: Data = None,
) -> None:
    """Write a list of an audience's members who may be contacted, once or by plan. Prints who was withheld and why."""
    body: dict[str, Any] = {"list": name, "limit": limit, "mode": "new" if new else "full", "destination": to}
    body |= {"permission": read_json(permission)} if permission else {}
    body |= {"coupons": coupons} if coupons else {}
    path = f"/api/v1/audiences/{quote(audience_id, safe='')}/outreach"
    with connect(settings(data=data)) as api:
        if every:
            answer(api.call("POST", f"{path}/plans", body | {"every": every}))
            return
        export = ended(api, api.call("POST", path, body))
        if to == "download":
            target = out or Path(f"{name}.csv")
            api.download(f"/api/v1/exports/{export['id']}/file", target)
            export |= {"written_to": str(target)}
    answer(export)


@coupon.command("list", epilog="Example: tracker coupon list --site shop")
def coupon_list(site: SiteName, data: Data = None) -> None:
    """List the pools: codes, given away, left."""
    with connect(settings(data=data)) as api:
        answer(api.call("GET", f"/api/v1/coupons?site={quote(site, safe='')}"))


@coupon.command("import", epilog="Example: tracker coupon import codes.txt --site shop --pool spring")
def coupon_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One code a line.")],
    site: SiteName,
    pool: Annotated[str, typer.Option("--pool", metavar="NAME", help="The pool.")],
    data: Data = None,
) -> None:
    """Take in codes. One wrong line stops all of it; the same file again changes nothing."""
    try:
        codes = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except FileNotFoundError:
        raise typer.BadParameter(f"no such file: {file}") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not UTF-8") from None
    wrong = next((at for at, code in enumerate(codes, 1) if _CODE.fullmatch(code) is None), None)
    if wrong is not None:
        raise typer.BadParameter(f"code {wrong} of {file} is none: letters, digits, - _ and ., 100 at most")
    added = 0
    with connect(settings(data=data)) as api:
        for at in range(0, len(codes), _AT_ONCE):
            body = {"site": site, "pool": pool, "codes": codes[at : at + _AT_ONCE]}
            added += api.call("POST", "/api/v1/coupons", body)["added"]
    answer({"pool": pool, "codes": len(codes), "added": added}, indent=None)


def register(app: typer.Typer) -> None:
    """Add `outreach` and `coupon` to the app."""
    app.add_typer(outreach, name="outreach")
    app.add_typer(coupon, name="coupon")
