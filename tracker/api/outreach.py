"""Lists for people who call or write, and the coupons that they hand out."""

from __future__ import annotations

from typing import Any

from tracker.api.audiences import found
from tracker.api.call import Call, Reply
from tracker.api.destinations import check_every, plan_shown
from tracker.api.exports import desk_of
from tracker.audiences.outreach import run
from tracker.audiences.outreach.lists import LISTS
from tracker.catalog.audiences import StoredAudience
from tracker.catalog.deliveries import DOWNLOAD
from tracker.core.errors import BadRequest, NotFound

_TAKE_FILES = ("folder", "webhook", "s3", "gcs", "azure", "sftp")


def lists(_call: Call) -> dict[str, Any]:
    """`GET /api/v1/outreach/lists`."""
    return {
        "lists": [
            {
                "name": one.name,
                "title": one.title,
                "columns": list(one.cells),
                "coupons": one.coupons,
                "note": one.note,
            }
            for one in LISTS.values()
        ]
    }


def started(call: Call) -> Reply:
    """`POST /api/v1/audiences/{id}/outreach`: goes on after the answer."""
    audience, body, services = found(call), call.body, call.services
    wanted = _wanted(call, audience)
    export = run.begin(services.catalog, wanted)
    noted = {"audience": audience.id, "export": export.id, "list": body.list, "destination": body.destination}
    call.audit("outreach", site=audience.site, **noted)
    call.exporter(lambda: run.carry_out(desk_of(services), wanted, export))
    return Reply({"id": export.id, "state": export.state}, 202)


def planned(call: Call) -> Reply:
    """`POST /api/v1/audiences/{id}/outreach/plans`."""
    audience, body = found(call), call.body
    if body.destination == DOWNLOAD:
        raise BadRequest("a list by plan goes to a destination", field="destination")
    wanted = _wanted(call, audience)
    check_every(body.every)
    plan = run.plan(call.services.catalog, wanted, body.every)
    noted = {"audience": audience.id, "list": body.list, "destination": body.destination}
    call.audit("delivery.create", site=audience.site, delivery=plan.id, **noted)
    return Reply(plan_shown(call, plan), 201)


def _wanted(call: Call, audience: StoredAudience) -> run.Wanted:
    """What the body asks for, checked. Raises BadRequest with the field, NotFound, Conflict where it stays here."""
    body, catalog = call.body, call.services.catalog
    wanted = run.Wanted(
        audience=audience,
        list=body.list,
        permission=body.permission,
        pool=body.coupons or "",
        limit=body.limit,
        mode=body.mode,
        destination=body.destination,
        actor=call.principal.id,
    )
    run.check(catalog, wanted)
    if wanted.destination != DOWNLOAD:
        where = catalog.destinations.get(wanted.destination)
        if where.site != audience.site:
            raise NotFound("there is no such destination", code="no_such_destination", field="destination")
        if where.kind not in _TAKE_FILES:
            raise BadRequest(f"a list goes to a destination of the kind {', '.join(_TAKE_FILES)}", field="destination")
    return wanted


def pools(call: Call) -> dict[str, Any]:
    """`GET /api/v1/coupons`."""
    return {"pools": call.services.catalog.coupons.pools(call.site(call.query.site).name)}


def added(call: Call) -> dict[str, Any]:
    """`POST /api/v1/coupons`."""
    site, body = call.site(call.body.site), call.body
    new = call.services.catalog.coupons.add(site.name, body.pool, body.codes)
    call.audit("coupons.add", site=site.name, pool=body.pool, codes=new)
    return {"pool": body.pool, "added": new}
