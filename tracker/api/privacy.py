"""Who is to be left alone, and what a person agreed to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracker.api.call import Call, Reply
from tracker.catalog.suppressions import Deed
from tracker.core.errors import BadRequest
from tracker.core.identifiers import keyed, keys_of, person_id
from tracker.core.identity import user_key, visitor_key
from tracker.core.period import rfc3339
from tracker.core.suppression import KINDS, Person, Reason, hash_of, person
from tracker.store.engine import Engine, Query
from tracker.store.persons import suppress

_WRONG_SHOWN = 10
_HOLDING = """
select distinct key from events where site = {site:String} and (
    JSONExtractString(props, 'email_hmac') in {hashes:Array(String)}
    or JSONExtractString(traits, 'email_hmac') in {hashes:Array(String)}
    or JSONExtractString(props, 'phone_hmac') in {hashes:Array(String)}
    or JSONExtractString(traits, 'phone_hmac') in {hashes:Array(String)})
"""
_MATCHED = """
select distinct key, concat(JSONExtractString(props, 'partner'), ':', JSONExtractString(props, 'partner_uid'))
from events where site = {site:String} and event = 'id_match'
"""
_PEOPLE = "select distinct visitor, user from events where site = {site:String}"
_LINKED = """
select distinct kind, source, target from identity_links
where site = {site:String} and kind = 'identify' and (source = {id:String} or target = {id:String})
"""


def listed(call: Call) -> dict[str, Any]:
    """`GET /api/v1/suppressions`: hashes and reasons, never names."""
    found = call.services.catalog.suppressions.list(call.scope(call.query.site), call.query.limit)
    entries: Any = found["entries"]
    return {"total": found["total"], "entries": [{**entry, "at": rfc3339(entry["at"])} for entry in entries]}


def added(call: Call) -> Reply:
    """`POST /api/v1/suppressions`: one person, by any of the names they are known by."""
    body = call.body
    given = [(kind, value) for kind in KINDS if (value := getattr(body, kind)) is not None]
    if not given:
        raise BadRequest(f"name the person: one of {', '.join(KINDS)}", field="visitor")
    site = call.site(body.site)
    keys = keys_of(site.name, site.write_key, site.identifier_key)
    people = [person(keys, kind, value) for kind, value in given]
    return Reply(_suppress(call, site.name, people, Reason(body.reason), "api"), 201)


def imported(call: Call) -> dict[str, Any]:
    """`POST /api/v1/suppressions/import`: all of it is checked first; one wrong value, and nothing of it is taken."""
    body = call.body
    site = call.site(body.site)
    keys = keys_of(site.name, site.write_key, site.identifier_key)
    people: list[Person] = []
    wrong: list[str] = []
    for at, value in enumerate(body.values):
        try:
            people.append(person(keys, body.kind, value))
        except BadRequest as error:
            wrong.append(f"values[{at}]: {error.message}")
    if wrong:
        shown = "; ".join(wrong[:_WRONG_SHOWN])
        raise BadRequest(
            f"{len(wrong)} of {len(body.values)} are wrong, nothing was imported: {shown}",
            code="wrong_values",
            field="values",
        )
    there = call.services.catalog.suppressions.find(site.name, [one.hash for one in people])
    bit = Reason(body.reason).bit
    new = len({one.hash for one in people if not there.get(one.hash, 0) & bit})
    answer = {"site": site.name, "values": len(people), "new": new, "dry_run": body.dry_run}
    if not body.dry_run:
        _suppress(call, site.name, people, Reason(body.reason), "import")
    return answer


def consents(call: Call) -> dict[str, Any]:
    """`GET /api/v1/people/{id}/consents`: what a person agreed to, when and how, as visitor and as user."""
    site = call.site(call.query.site)
    known = person_id(keys_of(site.name, site.write_key, site.identifier_key), call.path["id"])
    subjects = {f"u:{known}", f"v:{known}"}
    for _, source, target in call.engine.ask(Query(text=_LINKED, params={"site": site.name, "id": known})).rows:
        subjects |= {f"v:{source}", f"u:{target}"}
    rows = call.services.catalog.consents.of(site.name, sorted(subjects))
    call.audit("consents.read", site=site.name, rows=len(rows))
    return {"consents": [{**row, "at": rfc3339(row["at"])} for row in rows]}


def _suppress(call: Call, site: str, people: Sequence[Person], reason: Reason, source: str) -> dict[str, Any]:
    """The list first: it alone decides what may be kept and what may leave."""
    now_ms = call.services.now_ms()
    deeds = [Deed(site, one.hash, one.kind, reason, now_ms) for one in people]
    changed = call.services.catalog.suppressions.apply(deeds, source)
    call.services.catalog.suppressions.publish()
    # The one thing that the API writes into the store: not bounded by a report's time, and harmless to repeat.
    suppress(call.services.engine, site, _keys(call, site, people), listed=True, version=now_ms)
    call.audit("suppress", site=site, reason=reason.value, people=len(people), source=source)
    return {"site": site, "reason": reason.value, "changed": changed, "hashes": [one.hash.hex() for one in people]}


def _keys(call: Call, site: str, people: Sequence[Person]) -> set[int]:
    """The keys by which events know these people."""
    known = call.site(site)
    keys = {visitor_key(one.stored) for one in people if one.kind == "visitor"}
    keys |= {user_key(one.stored) for one in people if one.kind == "user"}
    contacts = [one.stored for one in people if one.kind in ("email", "phone")]
    keys |= {user_key(f"e:{hashed}") for hashed in contacts}
    if contacts:
        rows = call.engine.ask(Query(text=_HOLDING, params={"site": site, "hashes": contacts})).rows
        keys |= {int(key) for (key,) in rows}
    networks = {one.stored for one in people if one.kind == "network"}
    if networks:
        joining = keys_of(known.name, known.write_key, known.identifier_key)
        rows = call.engine.ask(Query(text=_MATCHED, params={"site": site})).rows
        keys |= {int(key) for key, named in rows if keyed(joining, named) in networks}
    bare = {one.hash for one in people if one.kind == "hash"}
    if bare:  # nobody knows whose it is without looking at everybody
        site_keys = keys_of(known.name, known.write_key, known.identifier_key)
        keys |= _matching(call.engine, site, bare, lambda kind, stored: hash_of(site_keys, kind, stored))
    return keys


def _matching(engine: Engine, site: str, wanted: set[bytes], hashed: Any) -> set[int]:
    found = set()
    for visitor, user in engine.ask(Query(text=_PEOPLE, params={"site": site})).rows:
        if visitor and hashed("visitor", visitor) in wanted:
            found.add(visitor_key(visitor))
        if user and (hashed("user", user) in wanted or (user.startswith("e:") and hashed("email", user[2:]) in wanted)):
            found.add(user_key(user))
    return found
