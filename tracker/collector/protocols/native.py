"""The native batch of the pixel: `POST /e`."""

from __future__ import annotations

from functools import cache

import msgspec

from tracker.collector.parsed import Batch, Reader, Unreadable, elements, members, read, scrub, too_large, unreadable
from tracker.collector.scrub import nobody_in
from tracker.core.errors import BadRequest
from tracker.core.event import RawEvent


class NativeEvent(RawEvent, frozen=True, kw_only=True, omit_defaults=True, rename={"message_id": "id"}):
    """A RawEvent as the pixel writes it, decoded without a copy: only the id has another name."""

    type: str = "track"
    name: str = ""
    message_id: str | None = None  # written again, because only a class's own fields are renamed


class _Envelope(msgspec.Struct):
    site: str
    events: list[msgspec.Raw]
    sent_at: float | None = None
    fresh: bool | int = False  # 1 from pages that an earlier script left its state in
    webdriver: bool | None = False


_envelope = msgspec.json.Decoder(_Envelope)
_event = msgspec.json.Decoder(NativeEvent)


def parse(body: bytes, *, max_event: int = 32_768) -> Batch:
    """`{"site":KEY,"sent_at":ms,"events":[...]}` -> Batch. Raises BadRequest when the whole body is unreadable."""
    try:
        envelope = _envelope.decode(body)
        texts = list(map(bytes, envelope.events))
    except msgspec.ValidationError as failure:
        raise BadRequest(str(failure), code="bad_envelope", field=_field(failure)) from None
    except (ValueError, RecursionError):
        envelope, texts = _repair(body)
    return Batch(
        write_key=envelope.site,
        texts=texts,
        read=_reader(max_event),
        sent_at=None if envelope.sent_at is None else int(envelope.sent_at),
        fresh=bool(envelope.fresh),
        driven=bool(envelope.webdriver),
        nobody=nobody_in(body),
        common=True,
    )


@cache
def _reader(max_event: int) -> Reader:
    decode = _event.decode

    def read_one(text: bytes) -> RawEvent | Unreadable:
        if len(text) > max_event:
            return too_large(len(text), max_event)
        try:
            return decode(text)
        except msgspec.ValidationError as failure:
            return unreadable(failure)
        except (ValueError, RecursionError):
            return _second_look(text)

    return read_one


def _second_look(text: bytes) -> RawEvent | Unreadable:
    try:
        return _event.decode(scrub(text))
    except (ValueError, RecursionError) as failure:
        return unreadable(failure)


def _repair(body: bytes) -> tuple[_Envelope, list[bytes]]:
    found = members(body.removeprefix(b"\xef\xbb\xbf"))
    if "site" not in found or "events" not in found:
        raise BadRequest("the body needs site and events", code="bad_envelope")
    site = read(found["site"], str)
    if site is None:
        raise BadRequest("site must be the write key", code="bad_envelope", field="site")
    texts = list(elements(found["events"]))
    sent_at = read(found.get("sent_at", b"null"), float | None)
    fresh, driven = (bool(read(found.get(name, b"false"), bool | int)) for name in ("fresh", "webdriver"))
    return _Envelope(site=site, events=[], sent_at=sent_at, fresh=fresh, webdriver=driven), texts


def _field(failure: msgspec.ValidationError) -> str | None:
    _, found, path = str(failure).rpartition("`$.")
    return path.rstrip("`") if found else None
