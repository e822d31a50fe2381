"""`POST /mp/collect`: the Measurement Protocol of GA4.

https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec

from tracker.collector import commerce, values
from tracker.collector.parsed import Batch, Unreadable, decoded, elements, members, read, too_large
from tracker.collector.protocols.ga4 import consent
from tracker.core.drops import Reject
from tracker.core.errors import BadRequest
from tracker.core.event import RawEvent

_SHARED = (
    "client_id app_instance_id user_id timestamp_micros user_properties user_data consent non_personalized_ads "
    "user_location ip_override device user_agent"
).split()
_MOVED = ("page_location", "page_referrer", "page_title", "session_id", "currency", "items", "language",
          "screen_resolution")  # fmt: skip


class _Placed(bytes):
    """An event's text that knows its place in the request."""

    place: int = 0


class _Event(msgspec.Struct):
    name: str = ""
    params: dict[str, Any] | None = None
    timestamp_micros: int | str | float | None = None


class _Envelope(msgspec.Struct):
    events: msgspec.Raw


_envelope = msgspec.json.Decoder(_Envelope)
_listed = msgspec.json.Decoder(list[msgspec.Raw])
_shared = msgspec.json.Decoder(dict[str, Any])
_event = msgspec.json.Decoder(_Event)


def parse(body: bytes, write_key: str, *, max_event: int = 32_768) -> Batch:
    """One request -> Batch; `write_key` is what the query says. Raises BadRequest when the whole is unreadable."""
    try:
        given = bytes(_envelope.decode(body).events)
        # ga4mp's postponed hits have one event and no list around it.
        texts = [given] if given.startswith(b"{") else list(map(bytes, _listed.decode(given)))
        shared = _shared.decode(body)
    except msgspec.ValidationError as failure:
        raise BadRequest(str(failure), code="bad_envelope", field="events") from None
    except (ValueError, RecursionError):
        found = members(body.removeprefix(b"\xef\xbb\xbf"))
        if "events" not in found:
            raise BadRequest("the body needs events", code="bad_envelope", field="events") from None
        texts = [found["events"]] if found["events"].startswith(b"{") else elements(found["events"])
        shared = {key: read(found[key], Any) for key in _SHARED if key in found}
    placed = [_Placed(text) for text in texts]
    for at, text in enumerate(placed):
        text.place = at

    def read_one(text: bytes) -> RawEvent | Unreadable:
        if len(text) > max_event:
            return too_large(len(text), max_event)
        given = decoded(_event, text)
        if isinstance(given, Unreadable):
            return given
        return _raw(given, shared, text)

    return Batch(write_key=write_key, texts=list[bytes](placed), read=read_one)


def _raw(given: _Event, shared: dict[str, Any], text: bytes) -> RawEvent | Unreadable:
    if not given.name:
        return Unreadable(Reject.NO_NAME, "an event needs a name")
    micros = given.timestamp_micros if given.timestamp_micros is not None else shared.get("timestamp_micros")
    ts = values.number(micros)
    if micros not in (None, "") and ts is None:
        return Unreadable(Reject.BAD_TIME, "timestamp_micros must be microseconds since the epoch")
    params = given.params or {}
    visitor = values.text(shared.get("client_id")) or values.text(shared.get("app_instance_id"))
    user = values.text(shared.get("user_id"))
    props = values.tidy({key: value for key, value in params.items() if key not in _MOVED})
    items = params.get("items")
    unit = values.currency(params.get("currency"))
    if unit is None and params.get("currency") is not None:
        props["currency"] = params["currency"]
    amount = values.number(props.get("value"))
    if amount is not None:
        del props["value"]
    return RawEvent(
        type="page" if given.name == "page_view" else "track",
        name=given.name,
        message_id=_id(given, visitor or user or "", text, None if ts is None else int(ts)),
        ts=None if ts is None else int(ts // 1000),
        visitor=visitor,
        user=user,
        session=values.text(params.get("session_id")),
        url=values.text(params.get("page_location")),
        referrer=values.text(params.get("page_referrer")),
        title=values.text(params.get("page_title")),
        props=props,
        items=[commerce.item(one) for one in items if isinstance(one, dict)] if isinstance(items, list) else [],
        value=amount,
        currency=unit,
        traits=_traits(shared),
        consent=consent.from_body(shared),
        language=values.text(params.get("language")),
        screen=values.text(params.get("screen_resolution")),
        ip=values.text(shared.get("ip_override")),
        ua=values.text(shared.get("user_agent")),
        library="measurement protocol",
    )


def _id(given: _Event, who: str, text: bytes, micros: int | None) -> str | None:
    """Stable where the request says what makes the event one: its time, or the number of its transaction.

    With neither, two equal requests are two events: nobody could tell a retry from a second time.
    """
    transaction = values.text((given.params or {}).get("transaction_id"))
    if micros is not None:
        place = text.place if isinstance(text, _Placed) else 0
        parts = [str(micros).encode(), str(place).encode(), text]
    elif transaction and given.name == "purchase":  # which Google counts once as well
        parts = [b"purchase", transaction.encode("utf-8", "replace")]
    else:
        return None
    digest = blake2b(who.encode("utf-8", "replace"), digest_size=16)
    for part in parts:
        digest.update(b"\0" + part)
    return f"mp:{digest.hexdigest()}"


def _traits(shared: dict[str, Any]) -> dict[str, Any]:
    """User properties, and contact details that came hashed: the vault takes those out again."""
    found = {
        key: value.get("value") if isinstance(value, dict) else value
        for key, value in values.mapping(shared.get("user_properties")).items()
    }
    hashed = values.mapping(shared.get("user_data")).get("sha256_email_address")
    if isinstance(hashed, list):
        hashed = next((one for one in hashed if isinstance(one, str)), None)
    if isinstance(hashed, str):
        found["email"] = hashed
    return values.tidy(found)
