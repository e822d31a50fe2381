"""Data health: the ledger, what was rejected, the last event, the state of the service."""

from __future__ import annotations

from typing import Any

from tracker.api.call import Call
from tracker.core.period import rfc3339
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.sql import fill, load


def ledger(call: Call) -> dict[str, Any]:
    """`GET /api/v1/ledger`."""
    return dict(call.services.ledger(call.scope(call.query.site)))


def status(call: Call) -> dict[str, Any]:
    """`GET /api/v1/status`."""
    return {
        "version": call.services.version,
        "store": call.services.engine.kind,
        **call.services.status(),
        "ledger": dict(call.services.ledger(call.principal.site)),
    }


def rejected(call: Call) -> dict[str, Any]:
    """`GET /api/v1/rejected`: the newest first."""
    site = call.site(call.query.site)
    answer = call.engine.ask(
        fill(load("tracker.api", "rejected"), params={"site": site.name, "limit": call.query.limit})
    )
    rows = answer.dicts()
    for row in rows:
        row["received"] = rfc3339(row["received"])
    return {"rejected": rows}


def replay(call: Call) -> dict[str, Any]:
    """`POST /api/v1/rejected/replay`."""
    site = call.site(call.body.site)
    outcome = dict(call.services.replay(site.name, call.body.ids))
    call.audit("rejected.replay", site=site.name, **outcome)
    return outcome


def audit(call: Call) -> dict[str, Any]:
    """`GET /api/v1/audit`: the newest first."""
    rows = call.services.catalog.audit.list(site=call.scope(call.query.site), limit=call.query.limit)
    return {"audit": [{**row, "at": rfc3339(row["at"])} for row in rows]}


def last_event(engine: Engine, site: str) -> dict[str, Any] | None:
    """The event received last from a site, if any."""
    query = fill(load("tracker.api", "last_event"), {"events": events_source(engine)}, {"site": site})
    rows = engine.ask(query).dicts()
    if not rows:
        return None
    row = rows[0]
    return {"event": row["event"], "url": row["url"], "ts": rfc3339(row["ts"]), "received": rfc3339(row["received"])}
