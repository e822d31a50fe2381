"""What can be filtered by: properties of an event and their most frequent values, from a sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracker.analytics import request
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.filters import event_name
from tracker.store.sql import Fragment, fill, load

COLUMNS = (
    "path host url referrer_host title channel utm_source utm_medium utm_campaign utm_term utm_content country device "
    "os browser language currency"
).split()


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request; without an event all events are looked at."""

    site: str
    event: str = "*"


def parse(body: object) -> Spec:
    """Check `{"site", "event"}`. Raises BadRequest."""
    given = request.fields(body, ("site", "event"))
    return Spec(site=request.site(given), event=event_name(given.get("event", "*"), "event"))


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"properties": [{"property", "values"}]}`, the event's own properties first."""
    which = Fragment("true") if spec.event == "*" else Fragment("event = {event:String}", {"event": spec.event})
    pairs = ", ".join(f"('{name}', toString({name}))" for name in COLUMNS)
    slots = {"events": events_source(engine), "which": which, "columns": Fragment(pairs)}
    rows = engine.ask(fill(load(__package__, "properties"), slots, {"site": spec.site})).dicts()
    return {"properties": rows}
