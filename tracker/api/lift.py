"""`POST /api/v1/reports/lift`: an audience against its hold-out."""

from __future__ import annotations

from typing import Any

from tracker.api.call import Call
from tracker.api.reports import site_of
from tracker.audiences import lift
from tracker.catalog.exports import DONE
from tracker.core.errors import BadRequest, NotFound

_EXPORTS = 1_000_000


def answer(call: Call) -> dict[str, Any]:
    """Raises BadRequest for an audience of another site, or a network that never got it."""
    site_of(call, call.body)
    spec = lift.parse(call.body)
    catalog = call.services.catalog
    try:
        audience = catalog.audiences.get(spec.audience)
    except NotFound:
        audience = None
    if audience is None or audience.site != spec.site:
        raise BadRequest("audience must be the id of an audience of this site", field="audience")
    served = 0
    if spec.network:
        exports = catalog.exports.list(site=spec.site, audience=spec.audience, limit=_EXPORTS)
        given = [one for one in exports if one.state == DONE and not one.dry_run]
        times = [one.finished_at for one in given if one.network == spec.network]
        if not times:
            raise BadRequest("this network was never given the audience", code="never_delivered", field="network")
        served = min(time for time in times if time is not None)
    return lift.run(call.engine, spec, served_ms=served)
