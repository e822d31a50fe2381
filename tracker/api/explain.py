"""`GET /api/v1/people/{id}/audiences`: why a person is in each audience or not, and why they are not exported."""

from __future__ import annotations

from typing import Any

from tracker.analytics import timeline
from tracker.api.audiences import definition_of
from tracker.api.call import Call
from tracker.audiences.explain import explain
from tracker.core.errors import TrackerError
from tracker.core.identifiers import keys_of, person_id


def answer(call: Call) -> dict[str, Any]:
    """Every audience of the site, by name. Raises NotFound for a person without events."""
    site = call.site(call.query.site)
    catalog = call.services.catalog
    stored = person_id(keys_of(site.name, site.write_key, site.identifier_key), call.path["id"])
    person, card = timeline.find(call.engine, site.name, stored)
    audiences, definitions, broken = catalog.audiences.list(site.name), [], {}
    for one in audiences:
        try:
            definitions.append(definition_of(call, one))
        except TrackerError as failure:  # it names an audience that is gone
            broken[one.id] = failure.message
    found = explain(call.engine, site, definitions, person=person, now_ms=call.services.now_ms())
    states, minimum = catalog.memberships.of(site.name), catalog.sites.min_size(site.name)
    answers = []
    for one in audiences:
        if one.id in broken:
            continue
        said = found[one.id]
        exportable = states[one.id].exportable if one.id in states else None
        withheld = said["verdict"] if said["verdict"] not in (None, "exportable") else None
        if said["inside"] and withheld is None and exportable is not None and exportable < minimum:
            withheld = "too_small"
        answers.append(
            {
                "id": one.id,
                "name": one.name,
                "inside": said["inside"],
                "exported": said["inside"] and withheld is None,
                "withheld": withheld,
                "minimum": {"exportable": exportable, "min_size": minimum},
                **{name: said[name] for name in ("lapsed", "changes", "conditions", "stay")},
            }
        )
    return {"person": card, "audiences": answers}
