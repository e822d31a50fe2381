"""What a dialect hands over, and the reading of damaged JSON that all dialects share. Pure.

A batch is normally decoded in one go. When that fails, the body is cut at its own commas and every event is read
alone, so that one cut emoji, NaN or bottomless nesting costs one event and not its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from tracker.core.drops import Reject
from tracker.core.errors import BadRequest
from tracker.core.event import RawEvent

T = TypeVar("T")


class Unreadable(msgspec.Struct, frozen=True):
    """One event of a batch that no dialect could read."""

    reason: Reject
    message: str


Reader = Callable[[bytes], RawEvent | Unreadable]


class Batch(msgspec.Struct, kw_only=True):
    """One request as its dialect understood it: the events as they came, and how to read one.

    Events are read one at a time, when their turn comes: a batch of them read in advance no longer fits the
    processor's caches, which costs a tenth of all work.

    `fresh`: the pixel has just made the visitor id and stored it nowhere.
    `nobody`: no text of the whole request can hold an e-mail address (see `scrub.nobody_in`).
    `turned`: filled when the batch is stored: which of its events, from 0, were rejected.
    `anonymous`: the dialect has no ids for visitors; a request whose browser brings no cookie is given one. Only then
    `Service.store` says in `kept` how many events it kept and in `visitor` whose they are.
    `common`: the texts are events as the pixel writes them, for the road's short cut to read.
    `driven`: the browser says that a program steers it.
    `suspect`: why the dialect takes the sender for a machine (see `suspects`).
    `named`: every event says its user, so a server's need no visitor.
    """

    write_key: str
    texts: list[bytes]
    read: Reader
    sent_at: int | None = None
    fresh: bool = False
    nobody: bool = False
    turned: list[int] = []
    anonymous: bool = False
    named: bool = False
    common: bool = False
    suspect: str = ""
    driven: bool = False
    kept: int = 0
    visitor: str = ""

    @property
    def events(self) -> list[RawEvent | Unreadable]:
        """All of them, for those who have time."""
        return [self.read(text) for text in self.texts]


# Half of a surrogate pair, written as an escape: what cutting a string between the halves leaves behind.
_HALF_PAIR = re.compile(
    rb"(?<!\\)((?:\\\\)*)(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
# A string that never ends is a token too, to the end: else each of its quotes would begin another look at all the rest.
_TOKEN = re.compile(rb'"(?:[^"\\]+|\\.)*+(?:"|\\?\Z)|[\[\]{},:]', re.DOTALL)


def scrub(raw: bytes) -> bytes:
    """Valid UTF-8 without lone surrogates: each is replaced by U+FFFD, the rest stays as it is."""
    text = raw.decode("utf-8", "replace").encode()
    return _HALF_PAIR.sub(rb"\1\\ufffd", text)


def pieces(raw: bytes) -> Iterator[bytes]:
    """The members or elements of one JSON object or array, uninterpreted. No recursion, so no depth is too deep.

    Raises BadRequest when brackets do not match.
    """
    depth = 0
    start = 0
    for token in _TOKEN.finditer(raw):
        mark = token.group()
        if mark in (b"{", b"["):
            depth += 1
            if depth == 1:
                start = token.end()
        elif mark in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                last = raw[start : token.start()].strip()
                if last:
                    yield last
                if raw[token.end() :].strip():
                    break
                return
        elif mark == b"," and depth == 1:
            yield raw[start : token.start()].strip()
            start = token.end()
    raise BadRequest("the body is not JSON", code="bad_json")


def members(raw: bytes) -> dict[str, bytes]:
    """The members of a JSON object, values uninterpreted. Raises BadRequest."""
    if not raw.lstrip().startswith(b"{"):
        raise BadRequest("the body must be a JSON object", code="bad_json")
    found: dict[str, bytes] = {}
    for piece in pieces(raw):
        key = _TOKEN.match(piece)
        if key is None or not key.group().startswith(b'"') or piece[key.end() :].lstrip()[:1] != b":":
            raise BadRequest("the body is not JSON", code="bad_json")
        value = piece[key.end() :].lstrip()[1:].strip()
        name = read(key.group(), str)
        if isinstance(name, str):
            found[name] = value
    return found


def elements(raw: bytes) -> list[bytes]:
    """The elements of a JSON array, uninterpreted. Raises BadRequest."""
    if not raw.lstrip().startswith(b"["):
        raise BadRequest("the events must be a JSON array", code="bad_json")
    return list(pieces(raw))


def read(raw: bytes, kind: Any) -> Any:
    """Decode a small damaged value; None when even the scrubbed bytes are unreadable."""
    try:
        return msgspec.json.decode(scrub(raw), type=kind)
    except (ValueError, RecursionError):
        return None


def decoded(decoder: msgspec.json.Decoder[T], text: bytes) -> T | Unreadable:
    """One event's text; what breaks it outside of its own fields is scrubbed away, and only what is left may fail."""
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as failure:
        return unreadable(failure)
    except (ValueError, RecursionError):
        try:
            return decoder.decode(scrub(text))
        except (ValueError, RecursionError) as failure:
            return unreadable(failure)


def unreadable(failure: BaseException) -> Unreadable:
    """Why an event could not be read, in words that repeat nothing of what it said."""
    if isinstance(failure, msgspec.ValidationError):
        message = str(failure)
        if "out of range" in message:
            return Unreadable(Reject.UNREADABLE, message)
        timed = message.endswith(("$.ts`", "$.timestamp`", "$.sentAt`", "$.originalTimestamp`"))
        return Unreadable(Reject.BAD_TIME if timed else Reject.BAD_FIELD, message)
    if isinstance(failure, RecursionError):
        return Unreadable(Reject.TOO_DEEP, "nested deeper than 16")
    return Unreadable(Reject.UNREADABLE, "not JSON, or a number or text that no store can hold")


def too_large(size: int, limit: int) -> Unreadable:
    """An event over the limit."""
    return Unreadable(Reject.EVENT_TOO_LARGE, f"{size} bytes; the limit is {limit}")
