"""Destinations, and deliveries that are repeated."""

from __future__ import annotations

from typing import Any

import msgspec

from tracker.api.audiences import found
from tracker.api.call import Call, Reply
from tracker.api.exports import going_to, shown
from tracker.audiences.deliver import sender_of
from tracker.audiences.delivery import KINDS, check, moved
from tracker.audiences.desk import warned
from tracker.audiences.order import check_request
from tracker.catalog.destinations import Destination
from tracker.catalog.plans import Plan
from tracker.core.errors import BadRequest, Conflict, NotFound, Refused
from tracker.core.identifiers import Keys, keys_of
from tracker.core.period import duration_ms, rfc3339
from tracker.networks import NETWORKS, options
from tracker.networks.conversions.accounts import ALL_ACCOUNTS

MIN_EVERY_MS = 60_000


def kinds(_call: Call) -> dict[str, Any]:
    """`GET /api/v1/destinations/kinds`."""
    return {
        "kinds": [
            {
                "kind": name,
                "title": kind.title,
                "options": list(kind.needs),
                "optional": list(kind.may),
                "secrets": [list(one) for one in kind.secrets],
                "optional_secrets": list(kind.more),
            }
            for name, kind in KINDS.items()
        ],
        "networks": [
            {
                "network": name,
                "ids": list(one.ids),
                "optional": list(one.maybe),
                "secrets": [list(names) for names in one.secrets],
                "optional_secrets": list(one.more),
                "note": one.note,
            }
            for name, one in ALL_ACCOUNTS.items()
        ],
    }


def listed(call: Call) -> dict[str, Any]:
    """`GET /api/v1/destinations`."""
    site = call.scope(call.query.site)
    waiting = call.services.catalog.deliveries.waiting(site)
    return {"destinations": [_shown(one, waiting) for one in call.services.catalog.destinations.list(site)]}


def created(call: Call) -> Reply:
    """`POST /api/v1/destinations`."""
    body, services = call.body, call.services
    keys = _keys(call, body.site)
    services.senders.of(body.kind, body.options, body.secrets)  # raises BadRequest
    made = services.catalog.destinations.create(keys, body.name, body.kind, body.options, body.secrets)
    call.audit("destination.create", site=made.site, destination=made.id, kind=made.kind)
    return Reply(_shown(made, {}), 201)


def changed(call: Call) -> dict[str, Any]:
    """`PUT /api/v1/destinations/{id}`."""
    before, body, services = _found(call), call.body, call.services
    call.keeps(_shown(before, {}), "id", "site", "kind", "created")
    keys = _keys(call, before.site)
    if isinstance(body.secrets, list):  # their names, as GET gives them
        if sorted(body.secrets) != sorted(before.secrets):
            raise BadRequest("secrets are given as names and values, or left out to keep them", field="secrets")
        body = msgspec.structs.replace(body, secrets=None)
    options = dict(before.options) if body.options is None else body.options
    kept = before.opened(keys)
    if body.options is not None and kept and body.secrets is None:
        check(before.kind, options, kept)
        if moved(before.kind, before.options, options):
            raise BadRequest("it would lead elsewhere: give the secrets again", code="secrets_needed", field="secrets")
    secrets = kept if body.secrets is None else body.secrets
    services.senders.of(before.kind, options, secrets)
    after = services.catalog.destinations.update(
        keys, before.id, name=body.name or before.name, options=options, secrets=secrets
    )
    call.audit("destination.change", site=after.site, destination=after.id, kind=after.kind)
    return _shown(after, services.catalog.deliveries.waiting(after.site))


def one(call: Call) -> dict[str, Any]:
    """`GET /api/v1/destinations/{id}`."""
    found = _found(call)
    return _shown(found, call.services.catalog.deliveries.waiting(found.site))


def deleted(call: Call) -> dict[str, Any]:
    """`DELETE /api/v1/destinations/{id}`."""
    destination = _found(call)
    call.services.catalog.destinations.delete(destination.id)
    call.audit("destination.delete", site=destination.site, destination=destination.id)
    return {"id": destination.id, "deleted": True}


def checked(call: Call) -> dict[str, Any]:
    """`POST /api/v1/destinations/{id}/check`."""
    destination = _found(call)
    try:
        notes = sender_of(call.services.catalog, call.services.senders, destination).check()
    except Refused as error:  # the other side's no is an answer, not a fault of ours
        raise Conflict(error.message, code=error.code) from None
    return {"id": destination.id, "ok": True, "notes": notes}


def deliveries(call: Call) -> dict[str, Any]:
    """`GET /api/v1/audiences/{id}/deliveries`."""
    audience = found(call)
    return {"deliveries": [plan_shown(call, one) for one in call.services.catalog.plans.list(audience=audience.id)]}


def planned(call: Call) -> Reply:
    """`POST /api/v1/audiences/{id}/deliveries`."""
    audience, body, plans = found(call), call.body, call.services.catalog.plans
    check_request(body.network, body.mode, body.shape)
    if body.destination == "download":
        raise BadRequest("a delivery goes to a destination", field="destination")
    going_to(call, body.destination, audience.site, body.network, body.shape)
    check_every(body.every)
    chosen = options.checked(NETWORKS[body.network], body.options)
    plan = plans.create(
        audience.site,
        audience.id,
        destination=body.destination,
        network=body.network,
        mode=body.mode,
        shape=body.shape,
        every=body.every,
        actor=call.principal.id,
        details={"options": chosen} if chosen else None,
    )
    noted = {"audience": audience.id, "destination": plan.destination, "network": plan.network}
    call.audit("delivery.create", site=audience.site, delivery=plan.id, **noted)
    warnings = warned(call.services.catalog, audience, body.network)
    return Reply({**plan_shown(call, plan), "warnings": warnings}, 201)


def ended(call: Call) -> dict[str, Any]:
    """`DELETE /api/v1/deliveries/{id}`."""
    plan = call.services.catalog.plans.get(call.path["id"])
    call.allow(plan.site)
    call.services.catalog.plans.delete(plan.id)
    call.audit("delivery.delete", site=plan.site, delivery=plan.id)
    return {"id": plan.id, "deleted": True}


def _found(call: Call) -> Destination:
    destination = call.services.catalog.destinations.get(call.path["id"])
    call.allow(destination.site)
    return destination


def _keys(call: Call, name: str) -> Keys:
    site = call.site(name)
    return keys_of(site.name, site.write_key, site.identifier_key)


def _shown(one: Destination, waiting: dict[str, int]) -> dict[str, Any]:
    return {
        "id": one.id,
        "site": one.site,
        "name": one.name,
        "kind": one.kind,
        "options": one.options,
        "secrets": list(one.secrets),
        "waiting": waiting.get(one.id, 0),
        "created": rfc3339(one.created_at),
        "updated": rfc3339(one.updated_at),
    }


def check_every(every: str | None) -> None:
    """Raises BadRequest; None: by hand, where that can be."""
    if every is not None and duration_ms(every, field="every") < MIN_EVERY_MS:
        raise BadRequest("every is at least 1m", field="every")


def plan_shown(call: Call, plan: Plan) -> dict[str, Any]:
    """A delivery as the API gives it."""
    try:
        last = shown(call.services.catalog.exports.get(plan.last_export)) if plan.last_export else None
    except NotFound:
        last = None
    return {
        "id": plan.id,
        "audience": plan.audience,
        "destination": plan.destination,
        "network": plan.network,
        "mode": plan.mode,
        "shape": plan.shape,
        "every": plan.every,
        "options": plan.details.get("options", {}),
        "next": rfc3339(max(plan.due_at, plan.created_at)),
        "failures": plan.failures,
        "last": last,
        "created": rfc3339(plan.created_at),
    }
