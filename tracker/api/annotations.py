"""Annotations: notes on days, for charts over time."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from tracker.api.call import Call, Reply
from tracker.core.errors import BadRequest


def listed(call: Call) -> dict[str, Any]:
    """`GET /api/v1/annotations`."""
    site, first, last = call.site(call.query.site), call.query.first, call.query.last
    found = call.services.catalog.annotations.list(site.name, _day(first, "first"), _day(last, "last"))
    return {"annotations": [asdict(one) for one in found]}


def created(call: Call) -> Reply:
    """`POST /api/v1/annotations`."""
    body, site = call.body, call.site(call.body.site)
    text = body.text.strip()
    if not text:
        raise BadRequest("text must say what happened", field="text")
    return Reply(asdict(call.services.catalog.annotations.create(site.name, _day(body.date, "date"), text)), 201)


def deleted(call: Call) -> dict[str, Any]:
    """`DELETE /api/v1/annotations/{id}`."""
    one = call.services.catalog.annotations.get(call.path["id"])
    call.site(one.site)
    call.services.catalog.annotations.delete(one.id)
    return {"id": one.id, "deleted": True}


def _day(text: str, field: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadRequest(f"{field} must be a day like 2026-11-02", field=field) from None
