"""`POST /api/send` and `POST /api/batch`: Umami's events.

https://umami.is/docs/api/sending-stats and its script, https://github.com/umami-software/umami (src/tracker). Umami
knows no visitor ids; a page holds our answer's `cache` in its memory and says it again
(docs/decisions/cookieless.md).
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from tracker.collector import commerce, values
from tracker.collector.parsed import Batch, Unreadable, decoded, elements, members, read, too_large
from tracker.core.drops import Reject
from tracker.core.errors import BadRequest
from tracker.core.event import RawEvent

_TYPES = ("event", "identify", "performance")
_MOVED = frozenset(
    "website hostname url referrer title language screen name data id timestamp ip userAgent browser os device".split()
)
_CACHE = re.compile(r"jt1\.([A-Za-z0-9_-]{8,64})")
# The answer only: every event is stored, and the loader marks machines with a far better list.
BOT = re.compile(r"bot\b|crawl|spider|slurp|headless|lighthouse|preview|monitor", re.IGNORECASE)


class _Event(msgspec.Struct):
    type: str = "event"
    payload: dict[str, Any] = {}


_event = msgspec.json.Decoder(_Event)


def cache_of(visitor: str) -> str:
    """What the page is to say again in `x-umami-cache`."""
    return f"jt1.{visitor}" if _CACHE.fullmatch(f"jt1.{visitor}") else ""


def parse(body: bytes, cache: str = "", *, max_event: int = 32_768) -> Batch:
    """One event, or an array of them, -> Batch. Raises BadRequest when the whole is unreadable.

    `cache`: the header `x-umami-cache`; one that is not ours says nothing. `write_key` is the website of the first
    readable event; an event of another website in the same array is refused.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    texts = elements(body) if body.lstrip().startswith(b"[") else [body]
    if texts == [body] and not body.lstrip().startswith(b"{"):
        raise BadRequest("the body must be an object or an array of them", code="bad_json")
    texts = list(map(values.spoken, texts))
    known = _CACHE.fullmatch(cache)
    visitor = known[1] if known else None
    known_of = list(map(_website_and_user, texts))
    key = next((website for website, _ in known_of if website), "")

    def read_one(text: bytes) -> RawEvent | Unreadable:
        if len(text) > max_event:
            return too_large(len(text), max_event)
        given = decoded(_event, text)
        if isinstance(given, Unreadable):
            return given
        return _raw(given, key, visitor, values.address(text))

    return Batch(write_key=key, texts=texts, read=read_one, anonymous=True, named=all(user for _, user in known_of))


def _website_and_user(text: bytes) -> tuple[str, str]:
    try:
        said = _event.decode(text).payload
        return values.text(said.get("website")) or "", values.text(said.get("id")) or ""
    except (ValueError, RecursionError):
        pass
    try:
        found = members(members(text)["payload"])
    except (KeyError, BadRequest):
        return "", ""
    return read(found.get("website", b"null"), str | None) or "", ""


def _raw(given: _Event, key: str, visitor: str | None, address: str | None) -> RawEvent | Unreadable:
    said = given.payload
    if given.type not in _TYPES:
        return Unreadable(Reject.BAD_TYPE, f"type must be one of {', '.join(_TYPES)}")
    if values.text(said.get("website")) != key:
        return Unreadable(Reject.BAD_FIELD, "all events of a batch must be of one website")
    stamp = said.get("timestamp")
    seconds = values.number(stamp)
    if stamp not in (None, "") and seconds is None:
        return Unreadable(Reject.BAD_TIME, "timestamp must be seconds since the epoch")
    data = said.get("data")
    traits = values.tidy(data) if given.type == "identify" and isinstance(data, dict) else {}
    props = values.tidy({name: value for name, value in said.items() if name not in _MOVED})
    if given.type != "identify" and data is not None:
        props |= values.tidy(data) if isinstance(data, dict) else {"data": data}
    label = values.text(said.get("name"))
    kind, name = "page", "page_view"
    if given.type == "identify":
        kind, name = "identify", ""
    elif given.type == "performance":
        kind, name = "track", "performance"
    elif label:
        kind, name = "track", commerce.named(label, props)
    items = commerce.take_items(props, name) if kind == "track" else []
    amount, unit = commerce.take_money(props) if kind == "track" else (None, None)
    return RawEvent(
        type=kind,
        name=name,
        ts=None if seconds is None else int(seconds * 1000),
        visitor=visitor,
        user=values.text(said.get("id")),
        url=_url(said),
        referrer=values.text(said.get("referrer")),
        title=values.text(said.get("title")),
        props=props,
        items=items,
        value=amount,
        currency=unit,
        traits=traits,
        language=values.text(said.get("language")),
        screen=values.text(said.get("screen")),
        ip=address,
        ua=values.text(said.get("userAgent")),
        library="umami",
    )


def _url(said: dict[str, Any]) -> str | None:
    """The address; the older script and the servers' packages give a path and the host beside it."""
    url, host = values.text(said.get("url")), values.text(said.get("hostname"))
    return f"https://{host}{url}" if url and host and url.startswith("/") and not url.startswith("//") else url
