"""PostHog's capture API, as posthog-js, posthog-node and posthog (Python) speak it.

https://posthog.com/docs/api/capture; `/batch/`, `/e/`, `/i/v0/e/`, `/capture/`, `/track/` take the same bodies: one
event, a list of events, or `{"api_key", "batch": [...]}`; in older browsers' words also a form with `data=` base64.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from tracker.collector import commerce, values
from tracker.collector.parsed import Batch, Unreadable, decoded, elements, members, read, too_large
from tracker.core.drops import Reject
from tracker.core.errors import BadRequest
from tracker.core.event import RawConsent, RawEvent

PATHS = ("batch", "e", "i/v0/e", "capture", "track", "engage")
COOKIELESS = b"$posthog_cookieless"  # the one id that posthog-js gives everybody in its cookieless mode

_NAMES = {"$pageview": "page_view", "$screen": "screen_view"}
_TYPES = {"$pageview": "page", "$screen": "screen", "$identify": "identify", "$set": "identify",
          "$create_alias": "alias", "$merge_dangerously": "alias", "$groupidentify": "group",
          "$opt_in": "consent", "$opt_out": "consent"}  # fmt: skip
_CONSENT = {"$opt_in": RawConsent(analytics=True), "$opt_out": RawConsent(analytics=False)}
_MOVED = frozenset(
    "distinct_id token $set $set_once $current_url $referrer title $session_id $raw_user_agent $user_agent $ip "
    "$lib $lib_version $browser_language $timezone $anon_distinct_id alias $group_set $group_key".split()
)


class _Event(msgspec.Struct, rename={"set_": "$set", "set_once": "$set_once"}):
    event: str = ""
    uuid: str | None = None
    distinct_id: str | int | float | None = None
    properties: dict[str, Any] | None = None
    timestamp: str | None = None
    offset: float | None = None
    set_: dict[str, Any] | None = None
    set_once: dict[str, Any] | None = None


class _Envelope(msgspec.Struct):
    api_key: str | None = None
    token: str | None = None
    batch: list[msgspec.Raw] | None = None
    data: list[msgspec.Raw] | None = None
    sent_at: str | None = None


class _Token(msgspec.Struct):
    token: str | None = None


class _Keyed(msgspec.Struct):
    api_key: str | None = None
    token: str | None = None
    properties: _Token | None = None


_envelope = msgspec.json.Decoder(_Envelope)
_event = msgspec.json.Decoder(_Event)
_keyed = msgspec.json.Decoder(_Keyed)


def parse(body: bytes, query: dict[str, str], *, max_event: int = 32_768) -> Batch:
    """One request -> Batch; `query`: `ip`, `_` (ms of sending), `token`. Raises BadRequest for an unreadable whole."""
    body = _unwrap(body).removeprefix(b"\xef\xbb\xbf")
    if body.lstrip().startswith(b"["):
        envelope, texts = _Envelope(), elements(body)
    else:
        try:
            envelope = _envelope.decode(body)
            listed = envelope.batch if envelope.batch is not None else envelope.data
            texts = [body] if listed is None else list(map(bytes, listed))
        except msgspec.ValidationError as failure:
            raise BadRequest(str(failure), code="bad_envelope") from None
        except (ValueError, RecursionError):
            envelope, texts = _repair(body)
    sent = query.get("_", "")
    sent_at = values.millis(envelope.sent_at) or (int(sent) if sent.isascii() and sent.isdigit() else None)

    def read_one(text: bytes) -> RawEvent | Unreadable:
        return _read(text, sent_at) if len(text) <= max_event else too_large(len(text), max_event)

    texts = list(map(values.spoken, texts))
    key = envelope.api_key or envelope.token or query.get("token") or query.get("api_key") or _key_in(texts)
    return Batch(write_key=key, texts=texts, read=read_one, sent_at=sent_at, anonymous=COOKIELESS in body)


def _unwrap(body: bytes) -> bytes:
    """The JSON in `data=BASE64`; anything else as it is."""
    if not body.startswith(b"data="):
        return body
    data = values.pairs(body).get("data", "").replace(" ", "+")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return data.encode("utf-8", "replace")


def _repair(body: bytes) -> tuple[_Envelope, list[bytes]]:
    found = members(body)
    words = {name: read(found[name], str | None) for name in ("api_key", "token", "sent_at") if name in found}
    listed = found.get("batch", found.get("data"))
    return _Envelope(**words), [body] if listed is None else elements(listed)


def _key_in(texts: list[bytes]) -> str:
    """The key that the first readable event carries."""
    for text in texts:
        try:
            given = _keyed.decode(text)
        except (ValueError, RecursionError):
            continue
        key = given.api_key or given.token or (given.properties and given.properties.token)
        if key:
            return key
    return ""


def _read(text: bytes, sent_at: int | None) -> RawEvent | Unreadable:
    given = decoded(_event, text)
    if isinstance(given, Unreadable):
        return given
    return to_raw(given, sent_at, values.address(text))


def to_raw(given: _Event, sent_at: int | None, address: str | None = None) -> RawEvent | Unreadable:
    """One PostHog event -> RawEvent."""
    if not given.event:
        return Unreadable(Reject.NO_NAME, "an event needs a name")
    ts = values.millis(given.timestamp)
    if given.timestamp and ts is None:
        return Unreadable(Reject.BAD_TIME, "timestamp must be an ISO 8601 time")
    if ts is None and given.offset is not None and sent_at is not None:
        ts = int(sent_at - given.offset)
    said = given.properties or {}
    kind = _TYPES.get(given.event, "track")
    props = values.tidy({key: value for key, value in said.items() if key not in _MOVED})
    name = _NAMES.get(given.event) or commerce.named(given.event, props)
    page_name = values.text(said.get("$screen_name")) if kind == "screen" else ""
    user, visitor, previous = _person(given, said, kind)
    traits = {
        **values.mapping(given.set_once),
        **values.mapping(said.get("$set_once")),
        **values.mapping(given.set_),
        **values.mapping(said.get("$set")),
    }
    items = commerce.take_items(props, name) if kind == "track" else []
    amount, unit = commerce.take_money(props) if kind == "track" else (None, None)
    if kind == "group":
        props |= values.tidy(values.mapping(said.get("$group_set")))
    return RawEvent(
        type=kind,
        name=name if kind in ("page", "track", "consent") else page_name or "",
        message_id=given.uuid or values.text(said.get("$insert_id")),
        ts=ts,
        visitor=visitor,
        user=user,
        previous=previous,
        group=values.text(said.get("$group_key")) if kind == "group" else _first(said.get("$groups")),
        session=values.text(said.get("$session_id")),
        url=values.text(said.get("$current_url")),
        referrer=_referrer(said.get("$referrer")),
        title=values.text(said.get("title")),
        props=props,
        items=items,
        value=amount,
        currency=unit,
        traits=values.tidy(traits),
        consent=_CONSENT.get(given.event),
        language=values.text(said.get("$browser_language")),
        timezone=values.text(said.get("$timezone")),
        screen=_screen(said),
        ip=address,
        ua=values.text(said.get("$raw_user_agent")) or values.text(said.get("$user_agent")),
        library=" ".join(filter(None, (values.text(said.get("$lib")), values.text(said.get("$lib_version"))))) or None,
    )


def _person(given: _Event, said: dict[str, Any], kind: str) -> tuple[str | None, str | None, str | None]:
    """User, visitor and the id that an alias merges. An id that nobody was identified by is a visitor's."""
    who = values.text(given.distinct_id) or values.text(said.get("distinct_id"))
    device = values.text(said.get("$device_id"))
    if who == COOKIELESS.decode():
        return None, None, None
    if kind == "alias":
        return who, None, values.text(said.get("alias"))
    if kind == "identify" and given.event == "$identify":
        return who, values.text(said.get("$anon_distinct_id")) or device, None
    nobody = said.get("$is_identified") is False or said.get("$process_person_profile") is False
    if kind == "group" or who == device or (nobody and who != values.text(said.get("$user_id"))):
        return None, who, None
    return who, device, None


def _first(groups: Any) -> str | None:
    return next(filter(None, map(values.text, values.mapping(groups).values())), None)


def _referrer(given: Any) -> str | None:
    return None if given == "$direct" else values.text(given)


def _screen(said: dict[str, Any]) -> str | None:
    width, height = values.number(said.get("$screen_width")), values.number(said.get("$screen_height"))
    return f"{width:.0f}x{height:.0f}" if width and height else None
