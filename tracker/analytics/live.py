"""Who is active now, and the latest events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracker.analytics import request
from tracker.core.period import rfc3339
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.sql import Fragment, fill, load

_DAY_MS = 86_400_000


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request."""

    site: str
    limit: int = 50


def parse(body: object) -> Spec:
    """Check `{"site", "limit"}`. Raises BadRequest."""
    given = request.fields(body, ("site", "limit"))
    return Spec(site=request.site(given), limit=request.whole(given, "limit", 50, (1, 1000)))


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"active_5m", "events"}`. Events older than a day before the newest are left out, however few there are.

    `person` is what the event itself says: the user id, else the visitor id.
    """
    events = events_source(engine)
    slots = {"events": events, "persons": persons.join(), "person": Fragment(persons.PERSON)}
    newest, active = engine.ask(fill(load(__package__, "live_newest"), slots, {"site": spec.site})).rows[0]
    params = {"site": spec.site, "since": newest - _DAY_MS, "limit": spec.limit}
    rows = engine.ask(fill(load(__package__, "live"), {"events": events}, params)).dicts()
    return {"active_5m": active, "events": [{"ts": rfc3339(row.pop("at")), **row} for row in rows]}
