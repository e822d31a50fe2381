"""The Snowplow tracker protocol: `POST /com.snowplowanalytics.snowplow/tp2` and `GET /i`.

Source: Snowplow's tracker protocol and its schema `payload_data` 1-0-4. Every value is a text; `aid` names the site.
docs/protocols.md says which field becomes what.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from tracker.collector.loose import aside, pairs_of, text_of
from tracker.collector.parsed import Batch, Unreadable, elements, members, scrub, too_large
from tracker.collector.protocols.snowplow import entities
from tracker.collector.protocols.snowplow.events import Items, decoded, line_of, read
from tracker.core.errors import BadRequest, TooLarge
from tracker.core.event import RawEvent

__all__ = ["parse", "parse_query", "read"]

_HIDING = re.compile(rb'"(ip|co|cx|ue_pr|ue_px)"\s*:\s*(?:"(?:[^"\\]|\\.)*"?)?')


class _Envelope(msgspec.Struct):
    data: list[msgspec.Raw]


class _Peek(msgspec.Struct):
    """What must be known of all events of a request before one of them is read."""

    aid: Any = None
    e: Any = None
    tr_id: Any = None
    ti_id: Any = None


_envelope = msgspec.json.Decoder(_Envelope)
_peek = msgspec.json.Decoder(_Peek)


def parse(body: bytes, *, max_event: int = 32_768, most: int = 5_000) -> list[Batch]:
    """`{"schema": ..., "data": [...]}` -> one Batch for each `aid`, its `write_key` being that.

    An event that does not say its `aid` is in a batch with none. Raises BadRequest when the whole body is unreadable,
    TooLarge over `most` events.
    """
    try:
        texts = list(map(bytes, _envelope.decode(body).data))
    except msgspec.ValidationError as failure:
        raise BadRequest(str(failure), code="bad_envelope") from None
    except (ValueError, RecursionError):
        found = members(body.removeprefix(b"\xef\xbb\xbf"))
        if "data" not in found:
            raise BadRequest("the body needs data", code="bad_envelope") from None
        texts = elements(found["data"])
    if len(texts) > most:
        raise TooLarge(f"more than {most} events in one request")
    return _batches(texts, max_event)


def parse_query(query: str, *, max_event: int = 32_768) -> list[Batch]:
    """The query string of `GET /i` as it was sent -> one Batch of one event. Raises BadRequest without any field."""
    pairs = pairs_of(query)
    if not pairs:
        raise BadRequest("the query holds no event", code="bad_query")
    return _batches([msgspec.json.encode(pairs)], max_event)


def _batches(texts: list[bytes], max_event: int) -> list[Batch]:
    sites: dict[str, list[bytes]] = {}
    orders: set[str] = set()
    lines: Items = {}
    for text in texts:
        peek = _peeked(text)
        given = _prepared(text, max_event)
        sites.setdefault(text_of(peek.aid) or "", []).append(given)
        if peek.e == "tr":
            orders.add(text_of(peek.tr_id) or "")
        elif peek.e == "ti" and len(text) <= max_event:
            line = _line(given)
            if line is not None:
                lines.setdefault(text_of(peek.ti_id) or "", []).append(line)
    bought = {order: lines.get(order, []) for order in orders}
    read = _reader(max_event, bought)
    return [Batch(write_key=site, texts=given, read=read) for site, given in sites.items()]


def _line(text: bytes) -> dict[str, Any] | None:
    try:
        return line_of(decoded(text))
    except (ValueError, RecursionError):
        return None


def _peeked(text: bytes) -> _Peek:
    try:
        return _peek.decode(text)
    except (ValueError, RecursionError):
        try:
            return _peek.decode(scrub(text))
        except (ValueError, RecursionError):
            return _Peek()


def _prepared(text: bytes, max_event: int) -> bytes:
    """A text that hides nothing, because the text of a rejected event is kept and the road looks for people in it.

    Contexts and self-describing events, which are JSON inside a text or base64, become plain members; the address
    that a server names for its visitor goes beside the text.
    """
    if _HIDING.search(text) is None:
        return text
    try:
        if len(text) > max_event:
            raise ValueError
        fields = decoded(text)
    except (ValueError, RecursionError):
        return _HIDING.sub(rb'"\1":""', text)
    for plain, coded in (("co", "cx"), ("ue_pr", "ue_px")):
        try:
            found = entities.decoded(fields.pop(plain, None), fields.pop(coded, None))
        except (ValueError, RecursionError):
            found = "unreadable"
        if found is not None:
            fields[plain] = found
    address = fields.pop("ip", None)
    try:
        return aside(fields, address)
    except (OverflowError, RecursionError):  # a number no store can hold, or bottomless
        return _HIDING.sub(rb'"\1":""', text)


def _reader(max_event: int, bought: Items) -> Callable[[bytes], RawEvent | Unreadable]:
    def read_one(text: bytes) -> RawEvent | Unreadable:
        if len(text) > max_event:
            return too_large(len(text), max_event)
        return read(text, bought)

    return read_one
