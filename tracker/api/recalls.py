"""Deleted audiences whose members are being taken back."""

from __future__ import annotations

from typing import Any

from tracker.api.call import Call
from tracker.audiences import recall
from tracker.core.period import rfc3339


def listed(call: Call) -> dict[str, Any]:
    """`GET /api/v1/recalls`."""
    site, catalog = call.scope(call.query.site), call.services.catalog
    plans = [one for one in catalog.plans.list() if one.mode == recall.MODE and site in (None, one.site)]
    return {
        "recalls": [
            {
                "id": one.id,
                "site": one.site,
                "audience": one.audience,
                "network": one.network,
                "destination": one.destination,
                "waiting": recall.waiting(catalog, one),
                "next": rfc3339(max(one.due_at, one.created_at)),
                "failures": one.failures,
                "last_export": one.last_export or None,
                "created": rfc3339(one.created_at),
            }
            for one in plans
        ]
    }
