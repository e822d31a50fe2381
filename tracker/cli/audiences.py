"""`tracker funnel`, `tracker report` and `tracker audience`: what the API does, for the shell. JSON on stdout."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from tracker.cli.options import Data, Spec, answer, settings
from tracker.cli.remote import Api, connect
from tracker.core.errors import TrackerError

audience = typer.Typer(
    help="Audiences: list, preview, add, change, export, remove; their members and history.",
    no_args_is_help=True,
    epilog="Example: tracker audience list --site shop",
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The id that `tracker audience list` shows.")]
WAIT = 900.0  # seconds for an export to end
_DELIMITERS = {"comma": ",", "semicolon": ";", "pipe": "|", "tab": "\t"}


def read_json(path: Path) -> Any:
    """A JSON file, or standard input for `-`. Wrong JSON is wrong usage."""
    try:
        return json.loads(sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise typer.BadParameter(f"no such file: {path}") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} is not JSON: {error}") from None


def funnel(
    spec: Annotated[
        Path, typer.Argument(metavar="SPEC.json", help="The request of POST /api/v1/reports/funnel; - reads stdin.")
    ],
    data: Data = None,
) -> None:
    """Run a funnel report and print it as JSON."""
    body = read_json(spec)
    with connect(settings(data=data)) as api:
        answer(api.call("POST", "/api/v1/reports/funnel", body))


def report(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="As in the address of the API: lifecycle, rfm, funnel/people, ...")
    ],
    spec: Spec,
    csv: Annotated[bool, typer.Option("--csv", help="Print the report's table as CSV.")] = False,
    data: Data = None,
) -> None:
    """Run any report and print it as JSON, or as CSV."""
    if re.fullmatch(r"[a-z]+(/[a-z]+)?", name) is None:
        raise typer.BadParameter("a report's name is like lifecycle or funnel/people; docs/reports.md lists them")
    body, path = read_json(spec), f"/api/v1/reports/{name}"
    with connect(settings(data=data)) as api:
        if csv:
            sys.stdout.write(api.text("POST", path, body, accept="text/csv").decode())
        else:
            answer(api.call("POST", path, body))


@audience.command("list", epilog="Example: tracker audience list --site shop")
def audience_list(
    site_name: Annotated[
        str | None, typer.Option("--site", metavar="NAME", help="Of this site (default: all).")
    ] = None,
    data: Data = None,
) -> None:
    """List the saved audiences."""
    query = f"?{urlencode({'site': site_name})}" if site_name else ""
    with connect(settings(data=data)) as api:
        answer(api.call("GET", f"/api/v1/audiences{query}"))


@audience.command("show", epilog="Example: tracker audience show aud_1")
def audience_show(audience_id: Id, data: Data = None) -> None:
    """Show one audience: its definition and how many persons are in it."""
    with connect(settings(data=data)) as api:
        answer(api.call("GET", f"/api/v1/audiences/{audience_id}"))


@audience.command("preview", epilog="Example: tracker audience preview rule.json")
def audience_preview(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.json", help='{"site": ..., "rule": ...}; - reads stdin.')],
    data: Data = None,
) -> None:
    """Say how many persons a rule finds, and how many of them may leave the house."""
    body = read_json(spec)
    with connect(settings(data=data)) as api:
        answer(api.call("POST", "/api/v1/audiences/preview", body))


@audience.command("export", epilog="Example: tracker audience export aud_1 --network csv --out people.csv")
def audience_export(
    audience_id: Id,
    network: Annotated[
        str, typer.Option("--network", metavar="NAME", help="Whom it is for: google, meta, ..., csv, jsonl, parquet.")
    ] = "csv",
    mode: Annotated[
        str, typer.Option("--mode", metavar="full|delta", help="Everybody, or what changed since the last file.")
    ] = "full",
    shape: Annotated[
        str, typer.Option("--shape", metavar="file|api", help="A file to upload, or the requests of its API.")
    ] = "file",
    to: Annotated[
        str, typer.Option("--to", metavar="DEST", help="Where to: download, or the id of a destination.")
    ] = "download",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to (default: ./audience-ID.EXT).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write what would be sent into a file; send and note nothing.")
    ] = False,
    min_size: Annotated[
        int | None, typer.Option("--min-size", metavar="N", help="Go below the site's minimum; logged.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option("--delimiter", metavar="comma|semicolon|pipe|tab", help="LiveRamp: between the cells.")
    ] = None,
    compression: Annotated[
        str | None, typer.Option("--compression", metavar="gzip|none", help="LiveRamp: of the file.")
    ] = None,
    segments: Annotated[
        str | None,
        typer.Option("--segments", metavar="753,1675", help="OpenRTB: ids of the IAB's Audience Taxonomy 1.1."),
    ] = None,
    data: Data = None,
) -> None:
    """Export an audience to a file or a destination: only persons who allowed it. Prints what was withheld too."""
    body: dict[str, Any] = {"network": network, "mode": mode, "shape": shape, "destination": to}
    if dry_run:
        body["dry_run"] = True
    if min_size is not None:
        body["min_size"] = min_size
    chosen = {
        "delimiter": _DELIMITERS.get(delimiter, delimiter) if delimiter else None,
        "compression": compression,
        "segments": segments.split(",") if segments else None,
    }
    body["options"] = {name: value for name, value in chosen.items() if value is not None}
    with connect(settings(data=data)) as api:
        export = ended(api, api.call("POST", f"/api/v1/audiences/{audience_id}/export", body))
        if to != "download" and not dry_run:
            answer(export)
            return
        files = export.get("files", ())
        kind = files[0]["name"].partition(".")[2] if len(files) == 1 else "zip"
        target = out or Path(f"audience-{audience_id}.{kind}")
        api.download(f"/api/v1/exports/{export['id']}/file", target)
    answer(export | {"written_to": str(target)})


def ended(api: Api, export: dict[str, Any]) -> dict[str, Any]:
    """Wait for the end of an export. Raises TrackerError when it failed."""
    deadline = time.monotonic() + WAIT
    found = export
    while found.get("state") == "running":
        if time.monotonic() > deadline:
            raise TrackerError(f"export {export['id']} still runs: ask later at /api/v1/exports/{export['id']}")
        time.sleep(0.1)
        found = api.call("GET", f"/api/v1/exports/{export['id']}")
    if found.get("state") != "done":
        why = found.get("error") or {}
        raise TrackerError(f"the export failed: {why.get('message', 'no reason given')}")
    if "files" not in found:
        found = api.call("GET", f"/api/v1/exports/{export['id']}")
    return dict(found)


def register(app: typer.Typer) -> None:
    """Add `funnel`, `report` and `audience` to the app."""
    app.command(epilog="Example: tracker funnel checkout.json")(funnel)
    app.command(epilog="Example: tracker report lifecycle spec.json --csv")(report)
    app.add_typer(audience, name="audience")
