"""The names of a site's events, the most frequent first (at most 1,000)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracker.analytics import request
from tracker.core.period import rfc3339
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.sql import fill, load


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request."""

    site: str


def parse(body: object) -> Spec:
    """Check `{"site"}`. Raises BadRequest."""
    return Spec(site=request.site(request.fields(body, ("site",))))


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"events": [{"event", "count", "last_seen"}]}`."""
    rows = engine.ask(fill(load(__package__, "names"), {"events": events_source(engine)}, {"site": spec.site})).dicts()
    return {"events": [{**row, "last_seen": rfc3339(row["last_seen"])} for row in rows]}
