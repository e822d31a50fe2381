"""`tracker reports`: reports that are sent again and again. JSON on stdout."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from tracker.cli.audiences import read_json
from tracker.cli.options import Data, SiteName, Spec, answer, settings
from tracker.cli.remote import Api, connect
from tracker.core.errors import TrackerError

reports = typer.Typer(
    help="Scheduled reports, by mail or to a webhook: list, add, change, run, pause, remove.",
    no_args_is_help=True,
    epilog="Example: tracker reports list --site shop",
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The id that `tracker reports list` shows.")]
_PATIENCE_S = 900.0
_TAKEN = ("name", "report", "question", "funnel", "period", "rhythm", "to", "paused")


@reports.command("list", epilog="Example: tracker reports list --site shop")
def reports_list(site: SiteName, data: Data = None) -> None:
    """List the scheduled reports of a site, and what a new one can choose from."""
    with connect(settings(data=data)) as api:
        answer(api.call("GET", f"/api/v1/schedules?site={quote(site, safe='')}"))


@reports.command("show", epilog="Example: tracker reports show sch_1")
def reports_show(schedule: Id, data: Data = None) -> None:
    """Show one, and how its last run ended."""
    with connect(settings(data=data)) as api:
        answer(api.call("GET", _path(schedule)))


@reports.command(
    "add",
    epilog="""Example: tracker reports add weekly.json   where weekly.json is {"site": "shop", "name": "Weekly funnel",
    "report": "funnel", "question": {"steps": [{"event": "view_item"}, {"event": "purchase"}]}, "period": "last_7_days",
    "rhythm": {"every": "week", "weekday": "monday", "hour": 8}, "to": [{"destination": "dst_1"}]}""",
)
def reports_add(
    spec: Spec,
    data: Data = None,
) -> None:
    """Send a report again and again: {"site", "name", "report", "question", "period", "rhythm", "to"}."""
    body = read_json(spec)
    with connect(settings(data=data)) as api:
        answer(api.call("POST", "/api/v1/schedules", body))


@reports.command("change", epilog="Example: tracker reports change sch_1 weekly.json")
def reports_change(
    schedule: Id,
    spec: Annotated[Path, typer.Argument(metavar="SPEC.json", help="All of it, as for add; - reads stdin.")],
    data: Data = None,
) -> None:
    """Replace one."""
    body = read_json(spec)
    with connect(settings(data=data)) as api:
        answer(api.call("PUT", _path(schedule), body))


@reports.command("run", epilog="Example: tracker reports run sch_1")
def reports_run(schedule: Id, data: Data = None) -> None:
    """Make and send it now, beside its rhythm; waits for its end. Needs `tracker up`."""
    with connect(settings(data=data)) as api:
        started = api.call("POST", f"{_path(schedule)}/run")
        ended = _ended(api, schedule, str(started["id"]))
    answer(ended)
    if ended["state"] == "failed":
        raise TrackerError(str(ended["error"]["message"]), code=str(ended["error"]["code"]))


@reports.command("runs", epilog="Example: tracker reports runs sch_1 --limit 5")
def reports_runs(
    schedule: Id, limit: Annotated[int, typer.Option("--limit", help="How many at most.")] = 20, data: Data = None
) -> None:
    """Say how its runs ended, the newest first."""
    with connect(settings(data=data)) as api:
        answer(api.call("GET", f"{_path(schedule)}/runs?limit={limit}"))


@reports.command("pause", epilog="Example: tracker reports pause sch_1")
def reports_pause(schedule: Id, data: Data = None) -> None:
    """Send it no more until it is resumed."""
    _set_paused(schedule, data, paused=True)


@reports.command("resume", epilog="Example: tracker reports resume sch_1")
def reports_resume(schedule: Id, data: Data = None) -> None:
    """Go on with it; what was missed in the pause is not made up."""
    _set_paused(schedule, data, paused=False)


@reports.command("remove", epilog="Example: tracker reports remove sch_1")
def reports_remove(schedule: Id, data: Data = None) -> None:
    """Delete it with its runs."""
    with connect(settings(data=data)) as api:
        answer(api.call("DELETE", _path(schedule)))


def _set_paused(schedule: str, data: Path | None, *, paused: bool) -> None:
    with connect(settings(data=data)) as api:
        now = api.call("GET", _path(schedule))
        body = {name: now[name] for name in (*_TAKEN, "site")}
        answer(api.call("PUT", _path(schedule), body | {"paused": paused}))


def _ended(api: Api, schedule: str, run: str) -> dict[str, Any]:
    """The run once it has ended, failed for the first time, or kept us waiting for too long."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        runs: list[dict[str, Any]] = api.call("GET", f"{_path(schedule)}/runs?limit=100")["runs"]
        found = next((one for one in runs if one["id"] == run), None)
        if found is None:
            raise TrackerError("it was deleted meanwhile", code="no_such_run")
        if found["state"] in ("done", "failed") or found["next_try"] or time.monotonic() > until:
            return found
        time.sleep(0.5)


def _path(schedule: str) -> str:
    return f"/api/v1/schedules/{quote(schedule, safe='')}"


def register(app: typer.Typer) -> None:
    """Add `reports` to the app."""
    app.add_typer(reports, name="reports")
