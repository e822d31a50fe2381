"""The Segment HTTP API, as Segment's, RudderStack's and Jitsu's libraries speak it."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec

from tracker.collector import commerce, values
from tracker.collector.parsed import Batch, Unreadable, elements, members, read, scrub, too_large, unreadable
from tracker.collector.scrub import nobody_in
from tracker.core.drops import Reject
from tracker.core.errors import BadRequest
from tracker.core.event import RawConsent, RawEvent

# Path behind /v1/ -> the type of its events; None: the body says it.
CALLS = ("track", "identify", "page", "screen", "group", "alias")
PATHS: dict[str, str | None] = {
    **dict.fromkeys(("batch", "b", "import"), None),
    **{kind: kind for kind in CALLS},
    **{kind[0]: kind for kind in CALLS},
}

_CONSENT_EVENTS = ("Segment Consent Preference", "Segment Consent Preference Updated")
_ITEM_KEYS = {
    "product_id": "item_id",
    "productId": "item_id",
    "id": "item_id",
    "name": "item_name",
    "category": "item_category",
    "variant": "item_variant",
    "brand": "item_brand",
    "sku": "item_sku",
    "coupon": "coupon",
    "position": "index",
    "price": "price",
    "quantity": "quantity",
}
_ANALYTICS_NAMES = frozenset("analytics performance statistics measurement analytical c0002".split())
_ADS_NAMES = frozenset("advertising ads marketing targeting advertisement advertisements retargeting c0004".split())
_CAMPAIGN = {"source": "source", "medium": "medium", "name": "campaign", "term": "term", "content": "content"}

_Text = str | int | float | bool | None


# Of `context` what has a place of its own; None: all of it. `traits` repeat what identify calls said of the person.
_PLACED: dict[str, tuple[str, ...] | None] = {
    "page": ("url", "title", "referrer", "path", "search"),
    "campaign": tuple(_CAMPAIGN),
    "library": ("name", "version"),
    "screen": ("width", "height"),
    **dict.fromkeys(("consent", "traits", "ip", "userAgent", "locale", "timezone", "sessionId", "groupId")),
}


class _Message(msgspec.Struct):
    type: str | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    userId: str | int | None = None  # noqa: N815
    anonymousId: str | int | None = None  # noqa: N815
    previousId: str | int | None = None  # noqa: N815
    groupId: str | int | None = None  # noqa: N815
    messageId: str | int | None = None  # noqa: N815
    timestamp: str | int | float | None = None
    originalTimestamp: str | int | float | None = None  # noqa: N815
    sentAt: str | int | float | None = None  # noqa: N815
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None


class _Envelope(msgspec.Struct):
    batch: list[msgspec.Raw] | None = None
    writeKey: str | None = None  # noqa: N815
    sentAt: str | int | float | None = None  # noqa: N815


_envelope = msgspec.json.Decoder(_Envelope)
_message = msgspec.json.Decoder(_Message)


def parse(body: bytes, kind: str | None, write_key: str, *, max_event: int = 32_768) -> Batch:
    """One request -> Batch. `kind` is what the path says (PATHS), `write_key` that of the header or query.

    Raises BadRequest when the whole body is unreadable.
    """
    try:
        envelope = _envelope.decode(body)
        texts = None if envelope.batch is None else list(map(bytes, envelope.batch))
    except msgspec.ValidationError as failure:
        raise BadRequest(str(failure), code="bad_envelope") from None
    except (ValueError, RecursionError):
        envelope, texts = _repair(body)
    if texts is None:
        if kind is None:
            raise BadRequest("the body needs a batch", code="bad_envelope", field="batch")
        texts = [body]
    sent_at = _millis(envelope.sentAt)

    def read_one(text: bytes) -> RawEvent | Unreadable:
        return _event(text, kind, sent_at) if len(text) <= max_event else too_large(len(text), max_event)

    return Batch(write_key=write_key or envelope.writeKey or "", texts=texts, read=read_one, nobody=nobody_in(body))


def _repair(body: bytes) -> tuple[_Envelope, list[bytes] | None]:
    found = members(body.removeprefix(b"\xef\xbb\xbf"))
    envelope = _Envelope(
        writeKey=read(found.get("writeKey", b"null"), str | None), sentAt=read(found.get("sentAt", b"null"), _Text)
    )
    return envelope, list(elements(found["batch"])) if "batch" in found else None


def _event(text: bytes, kind: str | None, sent_at: int | None) -> RawEvent | Unreadable:
    try:
        message = _message.decode(text)
    except msgspec.ValidationError as failure:
        return unreadable(failure)
    except (ValueError, RecursionError):
        try:
            message = _message.decode(scrub(text))
        except (ValueError, RecursionError) as failure:
            return unreadable(failure)
    return to_raw(message, kind, sent_at)


def to_raw(message: _Message, kind: str | None, sent_at: int | None) -> RawEvent | Unreadable:
    """One Segment message -> RawEvent."""
    said = message.originalTimestamp if message.originalTimestamp is not None else message.timestamp
    ts = _millis(said)
    if said not in (None, "") and ts is None:
        return Unreadable(Reject.BAD_TIME, "timestamp must be an ISO 8601 time or milliseconds since the epoch")
    context = message.context or {}
    page = dict(_dict(context.get("page")))
    props = dict(message.properties or {})
    traits = message.traits or {}
    what = kind or message.type or ""
    name = message.event or ""
    items: list[dict[str, Any]] = []
    value: float | None = None
    currency = None
    if what == "track":
        if name in _CONSENT_EVENTS:
            what = "consent"
        ours = commerce.SEGMENT.get(name)
        if ours is not None:
            props["original_event"] = name
            name = ours
            items = _items(props, ours)
        value, currency = _money(props)
    elif what in ("page", "screen"):
        name = message.name or ""
        if message.category and "category" not in props:
            props["category"] = message.category
        page = {
            **page,
            **{key: props.pop(key) for key in ("url", "title", "referrer", "path", "search") if key in props},
        }
    elif what == "group":
        props, traits = {**props, **traits}, {}
    elif what in ("identify", "alias") and not traits:
        traits = _dict(context.get("traits"))
    _campaign(props, _dict(context.get("campaign")), page)
    if (rest := _rest(context)) and "context" not in props:
        props["context"] = rest
    return RawEvent(
        type=what,
        name=name,
        message_id=values.text(message.messageId),
        ts=ts,
        sent_at=_millis(message.sentAt) or sent_at,
        visitor=values.text(message.anonymousId),
        user=values.text(message.userId),
        previous=values.text(message.previousId),
        group=values.text(message.groupId if message.groupId is not None else context.get("groupId")),
        session=values.text(context.get("sessionId")),
        url=values.text(page.get("url")),
        referrer=values.text(page.get("referrer")),
        title=values.text(page.get("title")),
        props=props,
        items=items,
        value=value,
        currency=currency,
        traits=traits,
        consent=_consent(_dict(context.get("consent"))),
        language=values.text(context.get("locale")),
        timezone=values.text(context.get("timezone")),
        screen=_screen(_dict(context.get("screen"))),
        ip=values.text(context.get("ip")),
        ua=values.text(context.get("userAgent")),
        library=_library(_dict(context.get("library"))),
    )


def _rest(context: dict[str, Any]) -> dict[str, Any]:
    """What of a message's context has no place of its own: app, device, network, and whatever its sender added."""
    rest: dict[str, Any] = {}
    for name, value in context.items():
        placed = _PLACED.get(name, ())
        if placed is None:
            continue
        left = {key: inner for key, inner in value.items() if key not in placed} if isinstance(value, dict) else value
        if left not in (None, "", {}, []):
            rest[name] = left
    return rest


def _items(props: dict[str, Any], name: str) -> list[dict[str, Any]]:
    products = props.pop("products", None)
    if isinstance(products, list):
        return [_item(product) for product in products if isinstance(product, dict)]
    if name in commerce.ONE_PRODUCT and ("product_id" in props or "sku" in props or "productId" in props):
        known = {key: props[key] for key in _ITEM_KEYS if key in props and key != "id"}
        for key in known:
            del props[key]
        if "price" in known and "value" not in props:  # GA4: the value of one product is price times quantity
            price, quantity = values.number(known["price"]), values.number(known.get("quantity", 1))
            if price is not None and quantity is not None:
                props["value"] = price * quantity
        return [_item(known)]
    return []


def _item(product: dict[str, Any]) -> dict[str, Any]:
    item = {_ITEM_KEYS.get(key, key): value for key, value in product.items()}
    if "item_id" not in item and "item_sku" in item:
        item["item_id"] = item["item_sku"]
    for key in ("price", "quantity"):
        if key in item:
            number = values.number(item[key])
            if number is not None:
                item[key] = number
    if isinstance(item.get("item_id"), (int, float)):
        item["item_id"] = str(item["item_id"])
    return item


def _money(props: dict[str, Any]) -> tuple[float | None, str | None]:
    """Value and currency taken out of the properties; what is no number stays where it was."""
    value = None
    for key in ("revenue", "total", "value"):
        number = values.number(props.get(key))
        if number is not None:
            value = number
            del props[key]
            break
    currency = props.get("currency")
    if isinstance(currency, str) and re.fullmatch(r"[A-Za-z]{3}", currency):
        del props["currency"]
        return value, currency
    return value, None


def _campaign(props: dict[str, Any], campaign: dict[str, Any], page: dict[str, Any]) -> None:
    """Campaign tags that the address does not carry are added to it; without an address they are properties."""
    url = page.get("url")
    if not campaign or "utm_" in str(url):
        return
    tags = {f"utm_{tag}": campaign[key] for key, tag in _CAMPAIGN.items() if isinstance(campaign.get(key), str)}
    if not tags:
        return
    if isinstance(url, str) and url:
        head, mark, fragment = url.partition("#")
        page["url"] = f"{head}{'&' if '?' in head else '?'}{urlencode(tags)}{mark}{fragment}"
    else:
        props |= {name: value for name, value in tags.items() if name not in props}


def _consent(consent: dict[str, Any]) -> RawConsent | None:
    preferences = consent.get("categoryPreferences")
    if not isinstance(preferences, dict):
        return None
    said: dict[str, bool | None] = {"analytics": None, "ads": None}
    for name, answer in preferences.items():
        plain = str(name).strip().lower()
        flag = "analytics" if plain in _ANALYTICS_NAMES else "ads" if plain in _ADS_NAMES else ""
        if flag:  # several categories of one kind: all of them must be granted; anything but true is a refusal
            said[flag] = (answer is True) and said[flag] is not False
    if said["analytics"] is None and said["ads"] is None:
        return None
    return RawConsent(analytics=said["analytics"], ads=said["ads"])


def _screen(screen: dict[str, Any]) -> str | None:
    width, height = values.number(screen.get("width")), values.number(screen.get("height"))
    return f"{width:.0f}x{height:.0f}" if width and height else None


def _library(library: dict[str, Any]) -> str | None:
    name, version = values.text(library.get("name")), values.text(library.get("version"))
    return f"{name} {version}" if name and version else name


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _millis(value: str | float | None) -> int | None:
    """ISO 8601 (UTC where no offset is given), or a number of milliseconds -> milliseconds since the epoch."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return int(value) if math.isfinite(value) else None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
