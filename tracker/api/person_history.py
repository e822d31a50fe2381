"""What happened to a person beside their events: `GET /api/v1/people/{id}/history`, and a part of their data export.

What they agreed to, which audiences they came into and left, whom they were given to, which lists and coupons they got.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracker.analytics import timeline
from tracker.api.call import Call
from tracker.core.identifiers import keys_of, person_id
from tracker.core.period import rfc3339
from tracker.store import erase
from tracker.store.engine import Param, Query
from tracker.store.erase import Names
from tracker.store.sql import load

MOST = 1_000
"""Entries of an answer; the newest are kept."""


def answer(call: Call) -> dict[str, Any]:
    """The newest first. Raises NotFound for a person without events."""
    site = call.site(call.query.site)
    stored = person_id(keys_of(site.name, site.write_key, site.identifier_key), call.path["id"])
    person, card = timeline.find(call.engine, site.name, stored)
    known = Names(users=(card["user"],)) if card["user"] else Names(visitors=(card["visitor"],))
    names = erase.all_names(call.engine, site.name, known)
    return {"person": card, "history": entries(call, site.name, names, [person], most=MOST)}


def entries(call: Call, site: str, names: Names, persons: Sequence[int], *, most: int) -> list[dict[str, Any]]:
    """The newest first, `most` of them. persons: keys whose stays in audiences are told; the rest goes by `names`."""
    audiences = {one.id: one.name for one in call.services.catalog.audiences.list(site)}
    found = [
        *_consents(call, site, names),
        *_stays(call, site, persons, audiences, most),
        *_given(call, site, sorted({*persons, *names.keys}), audiences),
    ]
    found.sort(key=lambda one: (-one["at"], one["kind"]))
    return [{**one, "at": rfc3339(one["at"])} for one in found[:most]]


def _consents(call: Call, site: str, names: Names) -> list[dict[str, Any]]:
    said = ("change", "analytics", "ads", "gpc", "source")
    rows = call.services.catalog.consents.of(site, names.subjects)
    return [{"kind": "consent", "at": row["at"], "consent": {name: row[name] for name in said}} for row in rows]


def _stays(call: Call, site: str, persons: Sequence[int], audiences: dict[str, str], most: int) -> list[dict[str, Any]]:
    params: dict[str, Param] = {"site": site, "persons": list(persons), "limit": most}
    found = []
    for row in call.engine.ask(Query(text=load("tracker.api", "person_stays"), params=params)).dicts():
        about = {"audience": row["audience"], "name": audiences.get(row["audience"], "")}
        found.append({"kind": "audience_entered", "at": row["entered"], **about, "by": row["entered_by"]})
        if row["left_at"]:
            found.append({"kind": "audience_left", "at": row["left_at"], **about, "by": row["left_by"]})
    return found


def _given(call: Call, site: str, keys: list[int], audiences: dict[str, str]) -> list[dict[str, Any]]:
    """Exports, lists and coupons. What the cap counts is told time by time, of the rest the last delivery is known."""
    catalog = call.services.catalog
    contacts = [
        {"kind": "contacted", "at": at, "audience": audience, "name": audiences.get(audience, ""), "network": channel}
        for at, audience, channel in catalog.contacts.of(site, keys)
    ]
    told = {(one["audience"], one["network"]) for one in contacts}
    delivered = [
        {"kind": "delivered", "at": at, "audience": audience, "name": audiences.get(audience, ""), "network": network}
        for at, audience, network in catalog.deliveries.of_person(site, keys)
        if (audience, network) not in told
    ]
    coupons = [
        {"kind": "coupon", "at": at, "pool": pool, "code": code} for at, pool, code in catalog.coupons.of(site, keys)
    ]
    return [*contacts, *delivered, *coupons]
