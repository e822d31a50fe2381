"""Persons of a site: those seen last, or those whose user or visitor id contains a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tracker.analytics import person_card, request
from tracker.core.errors import BadRequest
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine
from tracker.store.sql import Fragment, fill, load

_NEWEST = "ts >= (select max(ts) from events where site = {site:String} and bot = '') - interval 30 day"
_NAMED = "positionCaseInsensitiveUTF8(user, {q:String}) > 0 or positionCaseInsensitiveUTF8(visitor, {q:String}) > 0"


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request; an empty `q` lists those seen in the 30 days before the newest event."""

    site: str
    q: str = ""
    limit: int = 50


def parse(body: object) -> Spec:
    """Check `{"site", "q", "limit"}`. Raises BadRequest."""
    given = request.fields(body, ("site", "q", "limit"))
    q = given.get("q", "")
    if not isinstance(q, str) or len(q) > 500 or "\0" in q:
        raise BadRequest("q must be a text of up to 500 characters", field="q")
    return Spec(site=request.site(given), q=q.strip(), limit=request.whole(given, "limit", 50, (1, 1000)))


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"people": [card]}`, the one seen last first. A card is what `funnel/people` shows."""
    which = Fragment(_NAMED, {"q": spec.q}) if spec.q else Fragment(_NEWEST)
    slots = {
        "events": events_source(engine),
        "persons": persons.join(),
        "person": Fragment(persons.PERSON),
        "which": which,
    }
    rows = engine.ask(fill(load(__package__, "people"), slots, {"site": spec.site, "limit": spec.limit})).rows
    units = [unit for unit, _ in rows]
    cards = person_card.cards(engine, spec.site, "person", units)
    return {"people": [cards[unit] for unit in units if unit in cards]}
