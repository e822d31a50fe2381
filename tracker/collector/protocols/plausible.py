"""`POST /api/event`: Plausible's events, from its script, its npm packages and its Events API.

https://plausible.io/docs/events-api; the one-letter names are those of the script:
https://github.com/plausible/analytics (tracker/src). Plausible knows no visitor ids; see docs/decisions/cookieless.md.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tracker.collector import commerce, values
from tracker.collector.parsed import Batch, Unreadable, members, read, scrub, too_large, unreadable
from tracker.core.drops import Reject
from tracker.core.errors import BadRequest
from tracker.core.event import RawEvent

_LONG = {"n": "name", "u": "url", "d": "domain", "r": "referrer", "p": "props", "$": "revenue", "m": "props"}
_NAMES = {
    "pageview": "page_view",
    "engagement": "user_engagement",
    "Outbound Link: Click": "click",
    "File Download": "file_download",
    "Form: Submission": "form_submit",
}
_MOVED = ("name", "url", "domain", "referrer", "props", "revenue", "v", "sd", "e")
_object = msgspec.json.Decoder(dict[str, Any])


class Parsed(Batch, kw_only=True):
    """A Batch, and the domains that name its site: Plausible's sites have no other key."""

    domains: tuple[str, ...] = ()


def parse(body: bytes, *, max_event: int = 32_768) -> Parsed:
    """One event -> Batch; `domains` are those of `d`, which may be several. Raises BadRequest when it is unreadable."""
    try:
        given = _object.decode(body)
    except msgspec.ValidationError as failure:
        raise BadRequest(str(failure), code="bad_envelope") from None
    except (ValueError, RecursionError):
        try:
            given = _object.decode(scrub(body))
        except (ValueError, RecursionError):
            found = members(body.removeprefix(b"\xef\xbb\xbf"))
            given = {key: read(found[key], Any) for key in ("d", "domain") if key in found}
            given["name"] = None
    fields = {_LONG.get(key, key): value for key, value in given.items()}
    domain = fields.get("domain")
    domains = tuple(filter(None, map(str.strip, domain.split(",")))) if isinstance(domain, str) else ()

    def read_one(text: bytes) -> RawEvent | Unreadable:
        if len(text) > max_event:
            return too_large(len(text), max_event)
        try:
            return _event(fields)
        except ValueError as failure:
            return unreadable(failure)

    return Parsed(write_key="", texts=[body], read=read_one, anonymous=True, domains=domains)


def _event(fields: dict[str, Any]) -> RawEvent | Unreadable:
    given = fields.get("name")
    if not isinstance(given, str) or not given.strip():
        return Unreadable(Reject.NO_NAME, "name (n), the event's name, is missing")
    props = _props(fields.get("props"))
    if isinstance(props, Unreadable):
        return props
    props = values.tidy({**{key: value for key, value in fields.items() if key not in _MOVED}, **props})
    name = _NAMES.get(given) or commerce.name_of(given)
    if given not in (name, "pageview"):
        props["original_event"] = given
    for key, ours in (("sd", "scroll_depth"), ("e", "engagement_time_msec")):
        number = values.number(fields.get(key))
        if number is not None:
            props[ours] = number
    revenue = values.mapping(_loaded(fields.get("revenue")))
    amount, unit = values.number(revenue.get("amount")), values.currency(revenue.get("currency"))
    if amount is None and unit is None and fields.get("revenue") is not None:
        props["revenue"] = fields["revenue"]
    return RawEvent(
        type="page" if given == "pageview" else "track",
        name=name,
        url=values.text(fields.get("url")),
        referrer=values.text(fields.get("referrer")),
        props=props,
        value=amount,
        currency=unit,
        library=f"plausible {version}" if (version := values.text(fields.get("v"))) else "plausible",
    )


def _props(given: Any) -> dict[str, Any] | Unreadable:
    """Custom properties: an object, or one written as text, as the older packages do."""
    loaded = _loaded(given)
    if loaded is None or loaded == "":
        return {}
    return loaded if isinstance(loaded, dict) else Unreadable(Reject.BAD_FIELD, "props (p) must be an object")


def _loaded(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return msgspec.json.decode(given)
    except (ValueError, RecursionError):
        return given
