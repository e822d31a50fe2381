"""People, their timelines, and what there is to ask about."""

from __future__ import annotations

from typing import Any

from tracker.analytics import names, people
from tracker.analytics import properties as known_properties
from tracker.analytics import timeline as journey
from tracker.api.call import Call
from tracker.api.reports import Question


def found(call: Call) -> dict[str, Any]:
    """`GET /api/v1/people`."""
    return _ask(call, people, {"site": call.query.site, "q": call.query.q, "limit": call.query.limit})


def timeline(call: Call) -> dict[str, Any]:
    """`GET /api/v1/people/{id}/timeline`."""
    query = call.query
    body = {"site": query.site, "person": call.path["id"], "limit": query.limit, "cursor": query.cursor}
    return _ask(call, journey, body)


def event_names(call: Call) -> dict[str, Any]:
    """`GET /api/v1/events/names`."""
    return _ask(call, names, {"site": call.query.site})


def properties(call: Call) -> dict[str, Any]:
    """`GET /api/v1/properties`."""
    return _ask(call, known_properties, {"site": call.query.site, "event": call.query.event})


def _ask(call: Call, question: Question, body: dict[str, Any]) -> dict[str, Any]:
    call.site(body["site"])
    return question.run(call.engine, question.parse({key: value for key, value in body.items() if value is not None}))
