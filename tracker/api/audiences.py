"""Audiences: definitions, sizes, members."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import asdict

from tracker.api.call import Asker, Call, Reply
from tracker.audiences import known, membership, recall, rules, small
from tracker.audiences import stored as membership_of
from tracker.audiences.definition import UNSAVED, Definition, define, stored
from tracker.catalog.audiences import StoredAudience
from tracker.catalog.memberships import Membership
from tracker.core.errors import BadRequest, Conflict, NotFound
from tracker.core.identity import visitor_key
from tracker.core.period import duration_ms, rfc3339
from tracker.core.site import Site

_EXACT = 20
"""Audiences of a site up to which a look-up is exact at every moment: reading a hundred rules takes a second."""
_BEHIND_MS = 15_000
"""With more, how much it may be behind for who did something just now; mostly it is two or three seconds."""


def listed(call: Call) -> dict[str, Any]:
    """`GET /api/v1/audiences`."""
    catalog, site = call.services.catalog, call.scope(call.query.site)
    states = catalog.memberships.of(site)
    return {"audiences": [_shown(one, states.get(one.id)) for one in catalog.audiences.list(site)]}


def created(call: Call) -> Reply:
    """`POST /api/v1/audiences`."""
    body = call.body
    _check(call, body.site, UNSAVED, asdict(body))
    audience = call.services.catalog.audiences.create(
        body.site, body.name, body.rule, duration=body.duration, holdout=float(body.holdout), refresh=body.refresh
    )
    return Reply(_shown(audience), 201)


def one(call: Call) -> dict[str, Any]:
    """`GET /api/v1/audiences/{id}`."""
    audience = found(call)
    return _shown(audience, call.services.catalog.memberships.get(audience.id))


def changed(call: Call) -> dict[str, Any]:
    """`PUT /api/v1/audiences/{id}`."""
    before, body = found(call), call.body
    if body.site not in (None, before.site):
        raise BadRequest("an audience stays with its site", field="site")
    call.keeps(_shown(before), "id", "created")
    after = {
        name: getattr(before if getattr(body, name) is None else body, name)
        for name in ("name", "rule", "duration", "holdout", "refresh")
    }
    _check(call, before.site, before.id, after)
    audience = call.services.catalog.audiences.update(before.id, **after)
    return _shown(audience, call.services.catalog.memberships.get(audience.id))


def deleted(call: Call) -> dict[str, Any]:
    """`DELETE /api/v1/audiences/{id}`."""
    audience = found(call)
    for other in call.services.catalog.audiences.list(audience.site):
        if other.id != audience.id and audience.id in rules.named(rules.parse(other.rule)):
            raise Conflict(f"the audience {other.name!r} is made of this one; change it first", code="in_use")
    places = recall.order(call.services.catalog, audience.site, audience.id, call.principal.id)
    call.services.catalog.audiences.delete(audience.id)
    call.audit("audience.delete", site=audience.site, audience=audience.id, recalls=places)
    return {"id": audience.id, "deleted": True}


def preview(call: Call) -> dict[str, Any]:
    """`POST /api/v1/audiences/preview`."""
    site, body = call.site(call.body.site), call.body
    definition = _check(call, site.name, body.id or UNSAVED, asdict(body))
    found = membership.preview(call.engine, site, definition, call.services.now_ms())
    if not hides(call, body.hide_small):
        return found
    shown = small.parts({"exportable": found["exportable"], **found["withheld"]})
    return {"size": small.cell(found["size"]), "exportable": shown.pop("exportable"), "withheld": shown}


def hides(call: Call, asked: bool) -> bool:
    """Whether counts of a few persons are left out: for who may only look always, for others where they ask for it."""
    return asked or not call.principal.may("analyst")


def members(call: Call) -> dict[str, Any]:
    """`GET /api/v1/audiences/{id}/members`."""
    audience = found(call)
    return membership.members(
        call.engine,
        call.site(audience.site),
        definition_of(call, audience),
        call.services.now_ms(),
        limit=call.query.limit,
        cursor=call.query.cursor,
        state=call.services.catalog.memberships.get(audience.id),
    )


def segments(call: Call) -> dict[str, Any]:
    """`GET /api/v1/segments`: ids of the audiences that the visitor's person is in now."""
    site, visitor = call.site(call.query.site), call.query.visitor
    key = visitor_key(visitor)
    person = known.now(call.engine, site.name, [key])[key]
    verdicts = audiences_of(call, site, [person], may_be_behind=True)
    return {"segments": [one for one, verdict in verdicts.items() if verdict != "suppressed"]}


def audiences_of(call: Call, site: Site, people: Sequence[int], *, may_be_behind: bool = False) -> dict[str, str]:
    """Audience -> verdict, of those of the site that one of these persons is in now; in the order of their names.

    `may_be_behind`: where there are many audiences, each by `_BEHIND_MS`, or by its `refresh` where that is more.
    """
    catalog = call.services.catalog
    audiences = catalog.audiences.list(site.name)
    definitions = [call.services.definitions.of(one, audiences) for one in audiences]
    states, behind = catalog.memberships.of(site.name), dict[str, int]()
    if may_be_behind and len(audiences) > _EXACT:
        behind = {one.id: max(_BEHIND_MS, duration_ms(one.refresh, field="refresh")) for one in audiences}
    now_ms = call.services.now_ms()
    found = membership_of.inside(
        call.engine,
        site,
        definitions,
        states,
        people=people,
        now_ms=now_ms,
        behind=behind,
        currencies=call.services.currencies,
    )
    return {one.id: found[one.id] for one in audiences if one.id in found}


def found(call: Call) -> StoredAudience:
    """The audience in the path, if the token may see it. Raises NotFound, Forbidden."""
    audience = call.services.catalog.audiences.get(call.path["id"])
    call.site(audience.site)
    return audience


def definition_of(call: Call, audience: StoredAudience) -> Definition:
    """Its definition as of now. Raises BadRequest where an audience it names has gone."""
    return stored(audience, lookup(call, audience.site))


def _check(call: Call, site: str, audience_id: str, given: Mapping[str, Any]) -> Definition:
    """Raises BadRequest with the field."""
    call.site(site)
    return define(
        site,
        given["rule"],
        lookup=lookup(call, site),
        holdout=given["holdout"],
        duration=given["duration"],
        refresh=given["refresh"],
        id=audience_id,
    )


def lookup(asker: Asker, site: str, field: str = "rule") -> Callable[[str], object]:
    """Audience's id -> its rule, for audiences of this site; of others BadRequest that names `field`."""

    def rule(audience_id: str) -> object:
        try:
            audience = asker.services.catalog.audiences.get(audience_id)
        except NotFound:
            audience = None
        if audience is None or audience.site != site:
            raise BadRequest(
                f"the {field} names an audience that this site does not have: {audience_id[:80]}", field=field
            )
        return audience.rule

    return rule


def _shown(audience: StoredAudience, state: Membership | None = None) -> dict[str, Any]:
    return {
        "id": audience.id,
        "site": audience.site,
        "name": audience.name,
        "rule": audience.rule,
        "duration": audience.duration,
        "holdout": audience.holdout,
        "refresh": audience.refresh,
        "created": rfc3339(audience.created_at),
        "updated": rfc3339(audience.updated_at),
        "membership": condition(state),
    }


def condition(state: Membership | None) -> dict[str, Any] | None:
    """As an audience carries it; None where it was never refreshed."""
    if state is None:
        return None
    return {
        "state": "failing" if state.error else "ready" if state.as_of else "waiting",
        "as_of": rfc3339(state.as_of) if state.as_of else None,
        "members": state.members,
        "exportable": state.exportable,
        "judged": state.judged,
        "took_ms": state.took_ms,
        "error": None if state.error is None else dict(state.error),
        "failed_at": None if state.failed_at is None else rfc3339(state.failed_at),
        "failures": state.failures,
    }
