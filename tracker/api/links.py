"""`POST /api/v1/links`: signed links for mails, banners and printed codes."""

from __future__ import annotations

from typing import Any

from tracker.api.call import Call, Reply
from tracker.core.errors import BadRequest
from tracker.core.event import RawConsent
from tracker.core.identifiers import keys_of, person_id
from tracker.core.links import Link, sign
from tracker.core.period import duration_ms, rfc3339


def created(call: Call) -> Reply:
    """A link that counts and leads to its target, or an image that counts openings. Nothing is stored here."""
    asked = call.body
    site = call.site(asked.site)
    if asked.kind == "open" and not (asked.user or asked.visitor):
        raise BadRequest("an opening needs a user or a visitor: a mail program has no cookie", field="user")
    if asked.kind == "open" and asked.url:
        raise BadRequest("only a click leads somewhere", field="url")
    if _names_a_person(asked.props):
        raise BadRequest("props of a link must hold no e-mail address: everybody can read them", field="props")
    keys = keys_of(site.name, site.write_key, site.identifier_key)
    expires = call.services.now_ms() + duration_ms(asked.expires, field="expires")
    said = asked.consent
    link = Link(
        key=site.write_key,
        kind=asked.kind,
        expires=expires,
        url=asked.url,
        props=asked.props,
        user=person_id(keys, asked.user),
        visitor=person_id(keys, asked.visitor),
        consent=None if said is None else RawConsent(analytics=said.analytics, ads=said.ads),
    )
    token = sign(link, site.identifier_key)
    path = f"/r/{token}" if asked.kind == "click" else f"/o/{token}.gif"
    return Reply({"url": call.services.collector_url.rstrip("/") + path, "expires": rfc3339(expires)}, 201)


def _names_a_person(value: Any) -> bool:
    if isinstance(value, str):
        return "@" in value or "%40" in value
    if isinstance(value, dict):
        return any(_names_a_person(key) or _names_a_person(inner) for key, inner in value.items())
    return isinstance(value, list) and any(map(_names_a_person, value))
