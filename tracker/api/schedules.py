"""Scheduled reports: definitions, runs, and a run now."""

from __future__ import annotations

from typing import Any

import msgspec

from tracker.api import schedule_question
from tracker.api.bodies_schedules import ScheduleBody
from tracker.api.call import Call, Reply
from tracker.audiences.delivery.kinds import check_addresses
from tracker.audiences.telling import check_told, tellable
from tracker.catalog.report_runs import Run
from tracker.catalog.schedules import Definition, Schedule
from tracker.core import rhythm
from tracker.core.errors import BadRequest, Conflict
from tracker.core.period import rfc3339


def listed(call: Call) -> dict[str, Any]:
    """`GET /api/v1/schedules`: with what a new one can choose from."""
    site, catalog = call.site(call.query.site), call.services.catalog
    last = catalog.report_runs.newest(site.name)
    known = tellable(catalog, site.name)
    reports = [{"name": name, "title": schedule_question.REPORTS[name].summary} for name in schedule_question.names()]
    return {
        "schedules": [_shown(call, one, last.get(one.id)) for one in catalog.schedules.list(site.name)],
        "destinations": [{"id": one.id, "name": one.name, "kind": one.kind} for one in known],
        "reports": reports,
    }


def one(call: Call) -> dict[str, Any]:
    """`GET /api/v1/schedules/{id}`."""
    return _with_last(call, _found(call))


def created(call: Call) -> Reply:
    """`POST /api/v1/schedules`: the report must be one that can be run."""
    site, definition = _checked(call)
    now = call.services.now_ms()
    made = call.services.catalog.schedules.create(site, definition, call.principal.id, now)
    call.audit("schedule.create", site=site, schedule=made.id, report=made.report, destinations=made.destinations)
    return Reply(_shown(call, made, None), 201)


def changed(call: Call) -> dict[str, Any]:
    """`PUT /api/v1/schedules/{id}`: all of it."""
    before = _found(call)
    site, definition = _checked(call)
    if site != before.site:
        raise BadRequest("a scheduled report stays with its site", field="site")
    call.keeps(_shown(call, before, None), "id", "created", "timezone")
    after = call.services.catalog.schedules.update(before.id, definition, call.services.now_ms())
    call.audit("schedule.change", site=site, schedule=after.id, report=after.report, destinations=after.destinations)
    return _with_last(call, after)


def deleted(call: Call) -> dict[str, Any]:
    """`DELETE /api/v1/schedules/{id}`: with its runs."""
    one = _found(call)
    call.services.catalog.schedules.delete(one.id)
    call.audit("schedule.delete", site=one.site, schedule=one.id)
    return {"id": one.id, "deleted": True}


def asked(call: Call) -> Reply:
    """`POST /api/v1/schedules/{id}/run`: the chore makes it, in its turn."""
    one = _found(call)
    if not call.services.reports_run:
        raise Conflict("scheduled reports are made by the engine: start `tracker up`", code="not_running")
    run = call.services.catalog.schedules.ask(one.id, call.services.now_ms())
    call.audit("schedule.run", site=one.site, schedule=one.id)
    return Reply(_run(run, _names(call, one.site)), 202)


def runs(call: Call) -> dict[str, Any]:
    """`GET /api/v1/schedules/{id}/runs`: the newest first."""
    one = _found(call)
    named = _names(call, one.site)
    return {"runs": [_run(run, named) for run in call.services.catalog.report_runs.list(one.id, call.query.limit)]}


def _found(call: Call) -> Schedule:
    one = call.services.catalog.schedules.get(call.path["id"])
    call.site(one.site)
    return one


def _checked(call: Call) -> tuple[str, Definition]:
    """The name of the site, and what can be saved; raises where it could not be run."""
    body: ScheduleBody = call.body
    site = call.site(body.site)
    to: list[dict[str, Any]] = []
    for at, given in enumerate(body.to):
        destination = check_told(call.services.catalog, site.name, given.destination, f"to[{at}].destination")
        one: dict[str, Any] = {"destination": destination.id}
        if any(destination.id == other["destination"] for other in to):
            raise BadRequest("a destination stands in to twice", field=f"to[{at}].destination")
        if given.addresses:
            if destination.kind != "email":
                raise BadRequest("only an e-mail destination takes addresses", field=f"to[{at}].addresses")
            one["addresses"] = check_addresses(given.addresses, f"to[{at}].addresses")
        to.append(one)
    definition = Definition(
        name=body.name,
        report=body.report,
        question=body.question,
        funnel=body.funnel,
        period=body.period,
        rhythm=rhythm.shown(rhythm.parse(msgspec.to_builtins(body.rhythm))),
        to=to,
        paused=body.paused,
    )
    schedule_question.posed(call, site, definition, call.services.now_ms())
    return site.name, definition


def _with_last(call: Call, one: Schedule) -> dict[str, Any]:
    return _shown(call, one, next(iter(call.services.catalog.report_runs.list(one.id, 1)), None))


def _names(call: Call, site: str) -> dict[str, str]:
    return {one.id: one.name for one in call.services.catalog.destinations.list(site)}


def _shown(call: Call, one: Schedule, last: Run | None) -> dict[str, Any]:
    """Addresses are colleagues': only whoever may change them sees them."""
    timezone = call.services.catalog.sites.get(one.site).timezone
    hidden = () if call.principal.may("analyst") else ("addresses",)
    following = rhythm.parse(one.rhythm).following(timezone, call.services.now_ms())
    return {
        "id": one.id,
        "site": one.site,
        "name": one.name,
        "report": one.report,
        "question": one.question,
        "funnel": one.funnel,
        "period": one.period,
        "rhythm": one.rhythm,
        "timezone": timezone,
        "to": [{name: value for name, value in to.items() if name not in hidden} for to in one.to],
        "paused": one.paused,
        "next": None if one.paused else rfc3339(following),
        "last": None if last is None else _run(last, _names(call, one.site)),
        "created": rfc3339(one.created_at),
    }


def _run(run: Run, named: dict[str, str]) -> dict[str, Any]:
    times = {"from": run.start, "to": run.end, "ended": run.ended_at}
    return {
        "id": run.id,
        "kind": run.kind,
        "at": rfc3339(run.at),
        "state": run.state,
        "tries": run.attempt,
        "next_try": rfc3339(run.again_at) if run.state == "waiting" and run.attempt else None,
        "rows": run.rows,
        "error": run.error,
        "told": [{"destination": id, "name": named.get(id, id), **said} for id, said in run.told.items()],
        **{name: None if at is None else rfc3339(at) for name, at in times.items()},
    }
