"""People, their timelines, and what there is to ask about."""

from __future__ import annotations

from typing import Any

from tracker.analytics import conflicts, names, people
from tracker.analytics import properties as known_properties
from tracker.analytics import timeline as journey
from tracker.api.call import Call
from tracker.api.reports import Question
from tracker.core.identifiers import keys_of, person_id


def found(call: Call) -> dict[str, Any]:
    """`GET /api/v1/people`."""
    query = call.query
    q = _as_stored(call, query.q) if query.q else query.q
    return _ask(call, people, {"site": query.site, "q": q, "limit": query.limit})


def timeline(call: Call) -> dict[str, Any]:
    """`GET /api/v1/people/{id}/timeline`."""
    query = call.query
    person = _as_stored(call, call.path["id"])
    body = {"site": query.site, "person": person, "limit": query.limit, "cursor": query.cursor}
    return _ask(call, journey, body)


def in_conflict(call: Call) -> dict[str, Any]:
    """`GET /api/v1/identity/conflicts`."""
    return _ask(call, conflicts, {"site": call.query.site, "limit": call.query.limit})


def event_names(call: Call) -> dict[str, Any]:
    """`GET /api/v1/events/names`."""
    return _ask(call, names, {"site": call.query.site})


def properties(call: Call) -> dict[str, Any]:
    """`GET /api/v1/properties`."""
    return _ask(call, known_properties, {"site": call.query.site, "event": call.query.event})


def _as_stored(call: Call, said: str) -> str:
    """A person as the events know them: an e-mail address used as an id is stored as its keyed hash only."""
    site = call.site(call.query.site)
    return person_id(keys_of(site.name, site.write_key, site.identifier_key), said)


def _ask(call: Call, question: Question, body: dict[str, Any]) -> dict[str, Any]:
    call.site(body["site"])
    return question.run(call.engine, question.parse({key: value for key, value in body.items() if value is not None}))
