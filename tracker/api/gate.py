"""What came through the doors beside the events: messages of forms, and how well partners' ids match."""

from __future__ import annotations

from typing import Any

from tracker.analytics import match_rates
from tracker.api.call import Call
from tracker.core.errors import BadRequest
from tracker.core.identifiers import keys_of, unseal_message
from tracker.core.period import rfc3339

_SHOWN = ("form", "text", "email", "phone", "date", "slot", "timezone", "marked")


def messages(call: Call) -> dict[str, Any]:
    """`GET /api/v1/messages`: opened here and nowhere else, and every look is noted."""
    site = call.site(call.query.site)
    cursor, limit = call.query.cursor, call.query.limit
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and int(cursor) < 2**63):
        raise BadRequest("cursor must be the cursor of the page before", field="cursor")
    before = None if cursor is None else int(cursor)
    rows = call.services.catalog.vault.messages(site.name, limit=limit, before=before)
    keys = keys_of(site.name, site.write_key, site.identifier_key)
    found = []
    for _, owner, sealed in rows:
        said = unseal_message(keys, sealed)
        kind, _, who = owner.partition(":")
        shown = {name: said[name] for name in _SHOWN if said.get(name)}
        person = {"visitor" if kind == "v" else "user": who}
        found.append({"at": rfc3339(int(said["at"])), **person, **shown})
    call.audit("messages.read", site=site.name, rows=len(found))
    return {"messages": found, "cursor": str(rows[-1][0]) if len(rows) == limit else None}


def rates(call: Call) -> dict[str, Any]:
    """`GET /api/v1/partners`: of the visitors whose ids might leave the house, how many each partner knows."""
    site = call.site(call.query.site)
    days = {partner.name: partner.days for partner in site.gate.partners}
    return {"partners": match_rates.run(call.engine, site.name, days, call.services.now_ms())}
