"""Alerts: definitions, and what fired."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tracker.analytics import alerts
from tracker.api.call import Call, Reply
from tracker.audiences.telling import check_told
from tracker.catalog.alerts import StoredAlert
from tracker.core.errors import BadRequest
from tracker.core.period import rfc3339


def listed(call: Call) -> dict[str, Any]:
    """`GET /api/v1/alerts`."""
    return {"alerts": [_shown(one) for one in call.services.catalog.alerts.list(call.site(call.query.site).name)]}


def created(call: Call) -> Reply:
    """`POST /api/v1/alerts`."""
    site, body = _checked(call), call.body
    return Reply(_shown(call.services.catalog.alerts.create(site, body.name, body.alert, body.destination)), 201)


def changed(call: Call) -> dict[str, Any]:
    """`PUT /api/v1/alerts/{id}`: with another figure or rule it begins anew."""
    before = _found(call)
    if _checked(call) != before.site:
        raise BadRequest("an alert stays with its site", field="site")
    call.keeps(_shown(before), "id")
    body = call.body
    after = call.services.catalog.alerts.update(
        before.id, name=body.name, definition=body.alert, destination=body.destination
    )
    return _shown(after)


def deleted(call: Call) -> dict[str, Any]:
    """`DELETE /api/v1/alerts/{id}`: with its firings."""
    one = _found(call)
    call.services.catalog.alerts.delete(one.id)
    return {"id": one.id, "deleted": True}


def firings(call: Call) -> dict[str, Any]:
    """`GET /api/v1/firings`: the newest first."""
    found = call.services.catalog.alerts.firings(call.site(call.query.site).name, call.query.limit)
    return {"firings": [{**asdict(one), "at": rfc3339(one.at), "told": told} for one, told in found]}


def _found(call: Call) -> StoredAlert:
    one = call.services.catalog.alerts.get(call.path["id"])
    call.site(one.site)
    return one


def _checked(call: Call) -> str:
    """The name of the site; raises where the body is no alert of it."""
    body, site = call.body, call.site(call.body.site)
    alerts.parse(body.alert, site.name, site.timezone)
    if body.destination:
        check_told(call.services.catalog, site.name, body.destination)
    return site.name


def _shown(one: StoredAlert) -> dict[str, Any]:
    return {**asdict(one), "looked_at": one.looked_at or None}
