"""Conversions: what networks are told of, saved, and sent by hand."""

from __future__ import annotations

from typing import Any

from tracker.api.call import Call, Reply
from tracker.api.destinations import check_every
from tracker.api.exports import desk_of, shown
from tracker.audiences.conversions import upload
from tracker.audiences.conversions.spec import conversion_of, parse
from tracker.catalog.conversions import StoredConversion
from tracker.core.errors import NotFound
from tracker.core.period import instant_ms, rfc3339
from tracker.networks.conversions import CONVERSIONS

_FIXED = ("id", "site", "name", "network", "destination", "events", "event_id", "start", "created")
"""Another conversion is made of what differs in one of these: the network was told of its events already."""


def networks(_call: Call) -> dict[str, Any]:
    """`GET /api/v1/conversions/networks`."""
    return {
        "networks": [
            {
                "name": one.name,
                "title": one.title,
                "days": one.days,
                "days_without_click": one.days if one.days_without_click is None else one.days_without_click,
                "batch": one.batch,
                "clicks": list(one.clicks),
                "names": dict(one.names),
                "numbers": one.ids,
                "tests": one.tests,
                "note": one.note,
            }
            for one in CONVERSIONS.values()
        ]
    }


def listed(call: Call) -> dict[str, Any]:
    """`GET /api/v1/conversions`."""
    site = call.scope(call.query.site)
    return {"conversions": [_shown(call, one) for one in call.services.catalog.conversions.list(site)]}


def created(call: Call) -> Reply:
    """`POST /api/v1/conversions`."""
    body, catalog = call.body, call.services.catalog
    site = call.site(body.site)
    where = catalog.destinations.get(body.destination)
    if where.site != site.name:
        raise NotFound("there is no such destination", code="no_such_destination", field="destination")
    network = conversion_of(where.options.get("network"))
    parse(network, body.events, body.event_id)
    check_every(body.every)
    since = call.services.now_ms() if body.start is None else instant_ms(body.start, field="start")
    made = catalog.conversions.create(
        site.name,
        body.name,
        network=network.name,
        destination=where.id,
        events=body.events,
        event_id=body.event_id,
        since=since,
    )
    _plan(call, made, body.every)
    call.audit("conversion.create", site=site.name, conversion=made.id, network=network.name, destination=where.id)
    return Reply(_shown(call, made), 201)


def one(call: Call) -> dict[str, Any]:
    """`GET /api/v1/conversions/{id}`."""
    return _shown(call, _found(call))


def rescheduled(call: Call) -> dict[str, Any]:
    """`PUT /api/v1/conversions/{id}`."""
    conversion, every, plans = _found(call), call.body.every, call.services.catalog.plans
    call.keeps(_shown(call, conversion), *_FIXED)
    check_every(every)
    for plan in plans.list(audience=conversion.id):
        plans.delete(plan.id)
    _plan(call, conversion, every)
    call.audit("conversion.reschedule", site=conversion.site, conversion=conversion.id, every=every)
    return _shown(call, conversion)


def run(call: Call) -> Reply:
    """`POST /api/v1/conversions/{id}/run`: goes on after the answer."""
    conversion, mode, services = _found(call), call.body.mode, call.services
    if mode != "dry":
        ids = services.catalog.destinations.get(conversion.destination).options["ids"]
        upload.check_mode(conversion, mode, ids)
    export = upload.begin(services.catalog, conversion, mode, call.principal.id)
    call.audit("conversion.run", site=conversion.site, conversion=conversion.id, export=export.id, mode=mode)
    call.exporter(lambda: upload.carry_out(desk_of(services), conversion, export))
    return Reply({"id": export.id, "state": export.state}, 202)


def deleted(call: Call) -> dict[str, Any]:
    """`DELETE /api/v1/conversions/{id}`."""
    conversion = _found(call)
    call.services.catalog.conversions.delete(conversion.id)
    call.audit("conversion.delete", site=conversion.site, conversion=conversion.id)
    return {"id": conversion.id, "deleted": True}


def _found(call: Call) -> StoredConversion:
    conversion = call.services.catalog.conversions.get(call.path["id"])
    call.allow(conversion.site)
    return conversion


def _plan(call: Call, conversion: StoredConversion, every: str | None) -> None:
    """Send it so often; None: only by hand."""
    if every is not None:
        call.services.catalog.plans.create(
            conversion.site,
            conversion.id,
            destination=conversion.destination,
            network=conversion.network,
            mode="live",
            shape="api",
            every=every,
            actor=call.principal.id,
        )


def _shown(call: Call, one: StoredConversion) -> dict[str, Any]:
    plan = next(iter(call.services.catalog.plans.list(audience=one.id)), None)
    last = shown(call.services.catalog.exports.get(plan.last_export)) if plan and plan.last_export else None
    return {
        "id": one.id,
        "site": one.site,
        "name": one.name,
        "network": one.network,
        "destination": one.destination,
        "events": [dict(each) for each in one.events],
        "event_id": one.event_id,
        "start": rfc3339(one.since),
        "every": plan.every if plan else None,
        "next": rfc3339(max(plan.due_at, plan.created_at)) if plan else None,
        "failures": plan.failures if plan else 0,
        "last": last,
        "created": rfc3339(one.created_at),
    }
