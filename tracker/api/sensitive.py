"""Audiences and conversions about special categories, and who declared that they may leave the house."""

from __future__ import annotations

from typing import Any

from tracker.api.call import Call
from tracker.audiences.sensitive import found
from tracker.catalog.audiences import StoredAudience
from tracker.catalog.conversions import PREFIX, StoredConversion
from tracker.core.period import rfc3339


def listed(call: Call) -> dict[str, Any]:
    """`GET /api/v1/sensitive`."""
    site, catalog = call.site(call.query.site).name, call.services.catalog
    subjects: list[StoredAudience | StoredConversion] = [*catalog.audiences.list(site), *catalog.conversions.list(site)]
    return {"sensitive": [_shown(call, one) for one in subjects if found(catalog, one)]}


def declared(call: Call) -> dict[str, Any]:
    """`PUT /api/v1/sensitive/{id}`."""
    subject = _found(call)
    call.keeps(_shown(call, subject), "id", "site", "name")
    call.services.catalog.sensitive.declare(subject.site, subject.id, call.body.ground, call.principal.id)
    call.audit("sensitive.declare", site=subject.site, subject=subject.id, ground=call.body.ground)
    return _shown(call, subject)


def withdrawn(call: Call) -> dict[str, Any]:
    """`DELETE /api/v1/sensitive/{id}`."""
    subject = _found(call)
    call.services.catalog.sensitive.withdraw(subject.id)
    call.audit("sensitive.withdraw", site=subject.site, subject=subject.id)
    return _shown(call, subject)


def _found(call: Call) -> StoredAudience | StoredConversion:
    """Raises NotFound, Forbidden."""
    catalog, subject = call.services.catalog, call.path["id"]
    one = catalog.conversions.get(subject) if subject.startswith(PREFIX) else catalog.audiences.get(subject)
    call.site(one.site)
    return one


def _shown(call: Call, one: StoredAudience | StoredConversion) -> dict[str, Any]:
    said = call.services.catalog.sensitive.declared(one.id)
    return {
        "id": one.id,
        "site": one.site,
        "name": one.name,
        "categories": found(call.services.catalog, one),
        "ground": None if said is None else said.ground,
        "declared": None if said is None else rfc3339(said.at),
    }
