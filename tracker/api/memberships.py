"""Stored members of audiences: how they grew, how much they overlap."""

from __future__ import annotations

from typing import Any

from tracker.api.audiences import found, hides
from tracker.api.call import Call
from tracker.audiences import small
from tracker.core.errors import BadRequest
from tracker.core.period import instant_ms, rfc3339
from tracker.store.engine import Param, Query
from tracker.store.sql import load

_AUDIENCES = "tracker.audiences"
_DAY_MS = 86_400_000
_MOST = 10_000
_COUNTS = ("members", "exportable", "entered", "gone")


def history(call: Call) -> dict[str, Any]:
    """`GET /api/v1/audiences/{id}/history`."""
    audience, query = found(call), call.query
    now_ms = call.services.now_ms()
    end = now_ms + 1 if query.to is None else instant_ms(query.to, field="to")
    start = end - 90 * _DAY_MS if query.from_ is None else instant_ms(query.from_, field="from")
    if end <= start:
        raise BadRequest("to must be later than from", field="to")
    params: dict[str, Param] = {"site": audience.site, "audience": audience.id, "from": start, "to": end}
    params["limit"] = _MOST
    rows = call.engine.ask(Query(text=load(_AUDIENCES, "history"), params=params)).dicts()
    if hides(call, query.hide_small):
        rows = [{**row, **{name: small.cell(int(row[name])) for name in _COUNTS}} for row in rows]
    return {"sizes": [{**row, "at": rfc3339(row["at"])} for row in reversed(rows)]}


def overlap(call: Call) -> dict[str, Any]:
    """`GET /api/v1/audiences/overlap`."""
    site = call.site(call.query.site)
    catalog = call.services.catalog
    states = catalog.memberships.of(site.name)
    audiences = [one for one in catalog.audiences.list(site.name) if one.id in states]
    params: dict[str, Param] = {"site": site.name, "audiences": [one.id for one in audiences]}
    rows = call.engine.ask(Query(text=load(_AUDIENCES, "overlap"), params=params)).rows if audiences else []
    both = {frozenset((str(first), str(second))): int(members) for first, second, members in rows}
    return {
        "audiences": [
            {"id": one.id, "name": one.name, "members": both.get(frozenset((one.id,)), 0)} for one in audiences
        ],
        "overlap": [
            [_cell(both.get(frozenset((row.id, column.id)), 0), size=row is column) for column in audiences]
            for row in audiences
        ],
    }


def _cell(people: int, *, size: bool) -> int | None:
    """A few persons are hidden, nobody is not; a size stands beside the matrix in any case."""
    return people if size else small.cell(people)
