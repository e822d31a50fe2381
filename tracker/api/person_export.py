"""`GET /api/v1/people/{id}/export`: all that is kept on a person, as one JSON object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tracker.api import person_history
from tracker.api.audiences import audiences_of
from tracker.api.call import Call, Reply
from tracker.api.erasures import named
from tracker.core.errors import NotFound
from tracker.core.identifiers import keys_of, unseal
from tracker.core.period import rfc3339
from tracker.core.site import Site
from tracker.core.suppression import Reason, hash_of
from tracker.store import erase
from tracker.store.clean import events_source
from tracker.store.engine import Param
from tracker.store.erase import Names
from tracker.store.sql import Fragment, fill, load

_AT_ONCE = 5_000
_ALL = 2**31
_ITEM = ("item_id", "item_name", "item_category", "price", "quantity")
_TIMES = ("ts", "original_ts", "received")


def exported(call: Call) -> Reply:
    """Raises NotFound where nothing is kept on anybody of that id. Noted in the audit log, without the id."""
    site = call.site(call.query.site)
    names = erase.all_names(call.engine, site.name, named(call))
    head = _head(call, site, names)
    if not (erase.held(call.engine, site.name, names) or any(head.values())):
        raise NotFound("nothing is kept on anybody of this site who goes by that id", code="no_such_person")
    call.audit("person.export", site=site.name)
    return Reply(msgspec.Raw(b"".join(_pieces(call, site, names, head))))


def _head(call: Call, site: Site, names: Names) -> dict[str, Any]:
    catalog, inside = call.services.catalog, audiences_of(call, site, names.keys)
    keys = keys_of(site.name, site.write_key, site.identifier_key)
    hashes = [hash_of(keys, "visitor", one) for one in names.visitors]
    hashes += [hash_of(keys, "user", one) for one in names.users]
    hashes += [hash_of(keys, "email", one[2:]) for one in names.users if one.startswith("e:")]
    listed = catalog.suppressions.find(site.name, hashes)
    sealed = [one for user in names.users for one in catalog.vault.get(site.name, user=user)]
    sealed += [one for visitor in names.visitors for one in catalog.vault.get(site.name, visitor=visitor)]
    return {
        "identifiers": [msgspec.to_builtins(one) for record in sealed for one in unseal(keys, record)],
        "advertising_ids": [
            msgspec.to_builtins(one)
            for records in catalog.advertising_ids.of_person(site.name, names.keys).values()
            for record in records
            for one in unseal(keys, record)
        ],
        "consents": [{**row, "at": rfc3339(row["at"])} for row in catalog.consents.of(site.name, names.subjects)],
        "left_alone": sorted({reason.value for state in listed.values() for reason in Reason if state & reason.bit}),
        "audiences": [
            {"id": audience.id, "name": audience.name}
            for audience in catalog.audiences.list(site.name)
            if inside.get(audience.id, "suppressed") != "suppressed"
        ],
        "history": person_history.entries(call, site.name, names, names.keys, most=_ALL),
    }


def _pieces(call: Call, site: Site, names: Names, head: dict[str, Any]) -> Iterator[bytes]:
    about = {
        "site": site.name,
        "made": rfc3339(call.services.now_ms()),
        "visitors": names.visitors,
        "users": names.users,
        **head,
    }
    yield msgspec.json.encode(about)[:-1] + b',"events":['
    between = b""
    for rows in _events(call, site, names):
        yield between + msgspec.json.encode(rows)[1:-1]
        between = b","
    yield b"]}"


def _events(call: Call, site: Site, names: Names) -> Iterator[list[dict[str, Any]]]:
    engine = call.services.engine  # page by page: the time limit of a report is for one question
    after = Fragment("true")
    text = load("tracker.api", "person_events")
    params: dict[str, Param] = {"site": site.name, "keys": names.keys, "limit": _AT_ONCE}
    while True:
        rows = engine.ask(fill(text, {"events": events_source(engine), "after": after}, params)).dicts()
        if not rows:
            return
        last = rows[-1]
        place = "(toUnixTimestamp64Milli(events.ts), arrival) > ({at:Int64}, {arrival:UInt64})"
        after = Fragment(place, {"at": last["ts"], "arrival": last["arrival"]})
        yield [_event(row) for row in rows]


def _event(row: dict[str, Any]) -> dict[str, Any]:
    """What is empty is left out."""
    row |= {name: rfc3339(row[name]) for name in _TIMES if row[name] is not None}
    row["items"] = [dict(zip(_ITEM, item, strict=True)) for item in row["items"]]
    row |= {name: msgspec.json.decode(row[name] or "{}") for name in ("props", "traits")}
    return {name: value for name, value in row.items() if value not in ("", None, [], {})}
