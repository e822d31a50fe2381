"""One event in a query string: `GET /e.gif`, for pages without JavaScript and for mail.

Keys are those of the native event; `event=` gives all of it as JSON, which the pixel uses where nothing but an image
gets through; `props.NAME=` gives a property, `analytics=1&ads=0` consent; `site` is the
write key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tracker.collector.parsed import Batch, Unreadable, unreadable
from tracker.core.drops import Reject
from tracker.core.event import RawConsent, RawEvent

PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")

_TEXT = {
    "id": "message_id",
    "type": "type",
    "name": "name",
    "visitor": "visitor",
    "user": "user",
    "session": "session",
    "url": "url",
    "referrer": "referrer",
    "title": "title",
    "currency": "currency",
    "language": "language",
    "timezone": "timezone",
    "screen": "screen",
}
_YES = {"1": True, "true": True, "0": False, "false": False}


def parse(query: Iterable[tuple[str, str]], *, max_event: int = 32_768) -> Batch:
    """Key-value pairs of a query string -> Batch with one event. Never raises; without a `site` the key is empty."""
    pairs = dict(query)
    site = pairs.pop("site", "")
    size = sum(len(key) + len(value) for key, value in pairs.items())
    event = Unreadable(Reject.EVENT_TOO_LARGE, "the query is too long") if size > max_event else _read(pairs)
    return Batch(write_key=site, texts=[b""], read=lambda _: event, sent_at=_whole(pairs.get("sent_at")))


def _read(pairs: dict[str, str]) -> RawEvent | Unreadable:
    if "event" not in pairs:
        return _event(pairs)
    try:
        given = msgspec.json.decode(pairs["event"], type=dict[str, Any])
        given["message_id"] = given.pop("id", None)
        return msgspec.convert(given | {"library": "gif"}, RawEvent)
    except (ValueError, RecursionError) as failure:
        return unreadable(failure)


def _event(pairs: dict[str, str]) -> RawEvent | Unreadable:
    fields: dict[str, Any] = {
        field: pairs[key].encode("utf-8", "replace").decode() for key, field in _TEXT.items() if pairs.get(key)
    }
    fields.setdefault("type", "page" if not fields.get("name") else "track")
    fields.setdefault("name", "")
    ts = _whole(pairs.get("ts"))
    if pairs.get("ts") and ts is None:
        return Unreadable(Reject.BAD_TIME, "ts must be milliseconds since the epoch")
    try:
        value = float(pairs["value"]) if pairs.get("value") else None
    except ValueError:
        return Unreadable(Reject.BAD_FIELD, "value must be a number")
    consent = None
    if "analytics" in pairs or "ads" in pairs or "tcf" in pairs or "gpp" in pairs:
        consent = RawConsent(
            analytics=_YES.get(pairs.get("analytics", "")),
            ads=_YES.get(pairs.get("ads", "")),
            tcf=pairs.get("tcf"),
            gpp=pairs.get("gpp"),
        )
    props = {
        key[6:]: given.encode("utf-8", "replace").decode() for key, given in pairs.items() if key.startswith("props.")
    }
    return RawEvent(
        **fields, ts=ts, seq=_whole(pairs.get("seq")) or 0, value=value, props=props, consent=consent, library="gif"
    )


def _whole(text: str | None) -> int | None:
    try:
        return int(text) if text else None
    except ValueError:
        return None
