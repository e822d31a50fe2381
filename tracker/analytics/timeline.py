"""What one person did, the newest first, from all of the person's browsers and ids."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import msgspec

from tracker.analytics import person_card, request
from tracker.core.errors import BadRequest, NotFound
from tracker.core.identity import user_key, visitor_key
from tracker.core.period import rfc3339
from tracker.store import persons
from tracker.store.clean import events_source
from tracker.store.engine import Engine, Param, Query
from tracker.store.sql import Fragment, fill, load

_ITEM = ("item_id", "item_name", "item_category", "price", "quantity")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked request. `after` is the last event of the page before: (ms, seq, arrival)."""

    site: str
    person: str
    limit: int = 100
    after: tuple[int, int, int] | None = None


def parse(body: object) -> Spec:
    """Check `{"site", "person", "limit", "cursor"}`; `person` is a user id or a visitor id. Raises BadRequest."""
    given = request.fields(body, ("site", "person", "limit", "cursor"))
    person = given.get("person")
    if not isinstance(person, str) or not person or len(person) > 4096:
        raise BadRequest("person must be a user id or a visitor id", field="person")
    return Spec(
        site=request.site(given),
        person=person,
        limit=request.whole(given, "limit", 100, (1, 10_000)),
        after=_read_cursor(given.get("cursor")),
    )


def run(engine: Engine, spec: Spec) -> dict[str, Any]:
    """`{"person": card, "events": [...], "cursor"}`. Raises NotFound where nobody goes by that id."""
    person, card = find(engine, spec.site, spec.person)
    after = Fragment("true")
    if spec.after is not None:
        text = "(toUnixTimestamp64Milli(ts), seq, arrival) < ({at:Int64}, {seq:UInt32}, {arrival:UInt64})"
        after = Fragment(text, dict(zip(("at", "seq", "arrival"), spec.after, strict=True)))
    slots = {"events": events_source(engine), "theirs": persons.keys_of("units"), "after": after}
    params: dict[str, Param] = {"site": spec.site, "units": [person], "limit": spec.limit + 1}
    rows = engine.ask(fill(load(__package__, "timeline"), slots, params)).dicts()
    shown = rows[: spec.limit]
    cursor = _write_cursor(shown[-1]) if len(rows) > spec.limit else None
    return {"person": card, "events": [_event(row) for row in shown], "cursor": cursor}


def find(engine: Engine, site: str, person: str) -> tuple[int, dict[str, Any]]:
    """The person's key and card: the user of that id before the visitor of that id. Raises NotFound."""
    keys = [user_key(person), visitor_key(person)]
    text = (
        "select key, argMax(person, version) from person_map"
        " where site = {site:String} and key in {keys:Array(UInt64)} group by key"
    )
    known = dict(engine.ask(Query(text=text, params={"site": site, "keys": keys})).rows)
    units = [known.get(key, key) for key in keys]
    cards = person_card.cards(engine, site, "person", units)
    for unit in units:
        if unit in cards:
            return unit, cards[unit]
    raise NotFound("nobody on this site goes by that id", field="person")


def _event(row: dict[str, Any]) -> dict[str, Any]:
    texts = {name: row[name] for name in ("url", "title", "referrer", "channel", "country", "device")}
    return {
        "ts": rfc3339(row["at"]),
        "event": row["event"],
        "type": row["type"],
        "session": row["session"],
        "visitor": row["visitor"],
        "user": row["user"],
        **texts,
        "value": row["value"],
        "currency": row["currency"],
        "items": [dict(zip(_ITEM, item, strict=True)) for item in row["items"]],
        "props": msgspec.json.decode(row["props"] or "{}"),
    }


def _write_cursor(row: dict[str, Any]) -> str:
    place = (row["at"], row["seq"], row["arrival"])
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _read_cursor(text: object) -> tuple[int, int, int] | None:
    if text is None:
        return None
    try:
        padded = f"{text}{'=' * (-len(str(text)) % 4)}"
        return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=tuple[int, int, int])
    except (binascii.Error, msgspec.DecodeError, ValueError):
        raise BadRequest("cursor must be one that this report gave", field="cursor") from None
