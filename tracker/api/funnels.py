"""Saved funnels."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tracker.analytics import funnel_compare
from tracker.api import segment
from tracker.api.call import Call, Reply
from tracker.catalog.funnels import SavedFunnel
from tracker.core.errors import BadRequest


def listed(call: Call) -> dict[str, Any]:
    """`GET /api/v1/funnels`."""
    saved = call.services.catalog.funnels.list(call.scope(call.query.site))
    return {"funnels": [asdict(funnel) for funnel in saved]}


def created(call: Call) -> Reply:
    """`POST /api/v1/funnels`: the funnel must be one that can be run."""
    site, funnel = _checked(call)
    return Reply(asdict(call.services.catalog.funnels.create(site, call.body.name, funnel)), 201)


def one(call: Call) -> dict[str, Any]:
    """`GET /api/v1/funnels/{id}`."""
    return asdict(_found(call))


def changed(call: Call) -> dict[str, Any]:
    """`PUT /api/v1/funnels/{id}`."""
    before = _found(call)
    site, funnel = _checked(call)
    if site != before.site:
        raise BadRequest("a saved funnel stays with its site", field="site")
    call.keeps(asdict(before), "id")
    return asdict(call.services.catalog.funnels.update(before.id, name=call.body.name, funnel=funnel))


def deleted(call: Call) -> dict[str, Any]:
    """`DELETE /api/v1/funnels/{id}`."""
    funnel = _found(call)
    call.services.catalog.funnels.delete(funnel.id)
    return {"id": funnel.id, "deleted": True}


def _found(call: Call) -> SavedFunnel:
    funnel = call.services.catalog.funnels.get(call.path["id"])
    call.site(funnel.site)
    return funnel


def _checked(call: Call) -> tuple[str, dict[str, Any]]:
    funnel = dict(call.body.funnel)
    site = call.body.site or funnel.get("site")
    if not isinstance(site, str) or not site:
        raise BadRequest("site must be the name of a site", field="site")
    if funnel.setdefault("site", site) != site:
        raise BadRequest("site and funnel.site differ", field="funnel.site")
    known, (plain, some) = call.site(site), segment.split(funnel)
    plain, other = segment.split_compared(plain)
    segment.beside(funnel_compare.parse, plain, "funnel.")
    for one in (some, other):
        if one is not None:
            segment.checked(call, known, one)
    return site, funnel
