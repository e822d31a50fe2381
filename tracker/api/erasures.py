"""Erasing a person, and what became of each erasure."""

from __future__ import annotations

from typing import Any

from tracker.api.call import Call, Reply
from tracker.catalog.erasures import DONE, Erasure
from tracker.core.identifiers import keys_of, person_id
from tracker.core.period import rfc3339
from tracker.store import erase
from tracker.store.erase import Names


def erased(call: Call) -> Reply:
    """`DELETE /api/v1/people/{id}`: 200 once nothing is left, 202 while the store still works at it.

    Somebody who is not known is put on the suppression list all the same: their events may still be on their way.
    """
    site = call.site(call.query.site)
    names = named(call)
    done = call.services.erase(site.name, names.visitors, names.users, call.principal.id)
    return Reply(_shown(done), 200 if done.state == DONE else 202)


def listed(call: Call) -> dict[str, Any]:
    """`GET /api/v1/erasures`."""
    found = call.services.catalog.erasures.list(site=call.scope(call.query.site), limit=call.query.limit)
    return {"erasures": [_shown(one) for one in found]}


def named(call: Call) -> Names:
    """The id in the path, as what it is: what `kind` says, else the user of that id before the visitor."""
    site, kind = call.site(call.query.site), call.query.kind
    stored = person_id(keys_of(site.name, site.write_key, site.identifier_key), call.path["id"])
    as_user, as_visitor = Names(users=(stored,)), Names(visitors=(stored,))
    if kind is not None:
        return as_user if kind == "user" else as_visitor
    for one in (as_user, as_visitor):
        if erase.held(call.engine, site.name, erase.all_names(call.engine, site.name, one)):
            return one
    return Names(users=(stored,), visitors=(stored,))


def _shown(erasure: Erasure) -> dict[str, Any]:
    return {
        "id": erasure.id,
        "site": erasure.site,
        "state": "done" if erasure.state == DONE else "running",
        "events": erasure.events,
        "details": dict(erasure.details),
        "asked": rfc3339(erasure.asked_at),
        "finished": None if erasure.finished_at is None else rfc3339(erasure.finished_at),
    }
