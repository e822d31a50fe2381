"""How often a person of a site may be contacted."""

from __future__ import annotations

from typing import Any

from tracker.api.call import Call
from tracker.catalog.contacts import Frequency
from tracker.core.errors import BadRequest


def shown(call: Call) -> dict[str, Any]:
    """`GET /api/v1/sites/{name}/frequency`."""
    site = call.site(call.path["name"])
    found = call.services.catalog.contacts.frequency(site.name) or Frequency(0, 7)
    there = {one.id for one in call.services.catalog.audiences.list(site.name)}
    return {"most": found.most, "days": found.days, "priority": [one for one in found.priority if one in there]}


def changed(call: Call) -> dict[str, Any]:
    """`PUT /api/v1/sites/{name}/frequency`."""
    site, body, catalog = call.site(call.path["name"]), call.body, call.services.catalog
    known = {one.id for one in catalog.audiences.list(site.name)}
    for at, one in enumerate(body.priority):
        if one not in known or one in body.priority[:at]:
            raise BadRequest("priority names audiences of this site, each once", field=f"priority[{at}]")
    wanted = Frequency(body.most, body.days, tuple(body.priority)) if body.most else None
    catalog.contacts.set_frequency(site.name, wanted)
    call.audit("frequency.change", site=site.name, most=body.most, days=body.days)
    return shown(call)
