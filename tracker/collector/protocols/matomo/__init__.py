"""The Matomo tracking API: `/matomo.php` and `/piwik.php`, single hits and bulk.

Source: Matomo's Tracking HTTP API. A request is taken apart (`split`) into the hits of each site, because the site's
write key decides what a hit may say; then each hit is read (`reader`). docs/protocols.md says what becomes what.

Matomo's hits have no id. One is made of all that a hit says, so that a hit that comes again is the same event: where
it has a random number (`r`, `rand`), which its sender makes anew for each hit, or the time it happened (`cdt`) - then
equal hits of one request are told apart by their order. A hit with neither is a new event each time.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from tracker.collector.loose import address_of, aside, pairs_of, text_of
from tracker.collector.parsed import Reader, Unreadable, elements, members, read, scrub, too_large, unreadable
from tracker.collector.protocols.matomo.hits import opened, to_raw
from tracker.core.drops import Reject
from tracker.core.errors import BadRequest
from tracker.core.event import RawEvent

DAY_MS = 86_400_000
_UNSTABLE = frozenset("token_auth send_image queuedtracking cdo bots debug _hit _view".split())
_NO_VIEW = ("e_c", "e_a", "idgoal", "search", "download", "link", "c_n", "ping")
_VIEW = ("_pks", "_pkn", "_pkc")  # a page view that shows a product or a category


class Hits(NamedTuple):
    """The hits of one request for one site, in the sender's word for it (`idsite`), with the token they came with.

    `at`: which hit of the request, from 0, each text is of: one that shows a product is two events.
    """

    site: str
    token: str
    texts: list[bytes]
    at: list[int]


class Request:
    """One request. `silent`: the sender wants no image; `size`: how many hits it holds.

    A bulk may hold thousands of hits, and taking one apart is work: who has other things to do takes them apart a few
    at a time, with `some` while `waiting`; `hits` does what is left.
    """

    def __init__(self, bulk: bool, silent: bool, token: str, found: Sequence[bytes | dict[str, Any]]) -> None:
        self.bulk = bulk
        self.silent = silent
        self.size = len(found)
        self._token = token
        self._found = found
        self._done = 0
        self._groups: dict[tuple[str, str], Hits] = {}
        self._seen: Counter[str] = Counter()

    @property
    def waiting(self) -> bool:
        """Whether hits are left that nobody has taken apart."""
        return self._done < self.size

    @property
    def hits(self) -> list[Hits]:
        """All of them, by site and token."""
        self.some(self.size)
        return [*self._groups.values()]

    def some(self, most: int = 200) -> None:
        """Take the next `most` apart."""
        for number in range(self._done, min(self._done + most, self.size)):
            given = self._found[number]
            hit = given if isinstance(given, dict) else _hit(given)
            if isinstance(hit, bytes):
                site, token, texts = "", self._token, [hit]
            else:
                site, token = text_of(hit.get("idsite")) or "", text_of(hit.get("token_auth")) or self._token
                texts = _safely(hit, self._seen)
            group = self._groups.setdefault((site, token), Hits(site, token, [], []))
            group.texts.extend(texts)
            group.at.extend([number] * len(texts))
        self._done = min(self._done + most, self.size)


class _Envelope(msgspec.Struct):
    requests: list[msgspec.Raw]
    token_auth: Any = None


_envelope = msgspec.json.Decoder(_Envelope)
_fields = msgspec.json.Decoder(dict[str, Any])
_SECRET = re.compile(rb'"(?:cip|token_auth)"\s*:\s*"[^"]*"\s*,?')
_sorted = msgspec.json.Encoder(order="sorted").encode


def split(query: str, body: bytes) -> Request:
    """The query string as it was sent, and the body: a form, a bulk of hits as JSON, or nothing.

    Raises BadRequest when nothing of it can be read.
    """
    outer = pairs_of(query)
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        token, raws = _bulk(body)
        return Request(True, False, text_of(token) or outer.get("token_auth", ""), raws)
    hit = pairs_of(body) | outer
    if not hit:
        raise BadRequest("the request holds no hit", code="no_hit")
    return Request(False, hit.get("send_image") == "0", "", [hit])


def texts_of(line: bytes) -> list[bytes]:
    """A line of a file: one hit as a JSON object, or a whole bulk -> texts to read. Raises BadRequest.

    Their ids are made where they have random numbers, not of their times: two equal lines are two hits.
    """
    try:
        raws = _bulk(line)[1] if b'"requests"' in line else [line]
    except BadRequest:
        raws = [line]
    found: list[bytes] = []
    for raw in raws:
        hit = _hit(raw)
        found.extend([hit] if isinstance(hit, bytes) else _safely(hit, None, timed=False))
    return found


def _safely(hit: dict[str, Any], seen: Counter[str] | None, *, timed: bool = True) -> list[bytes]:
    try:
        return prepare(hit, seen, timed=timed)
    except (OverflowError, RecursionError):  # a number no store can hold, or bottomless
        return [b'"unreadable"']


def _bulk(body: bytes) -> tuple[Any, list[bytes]]:
    try:
        envelope = _envelope.decode(body)
    except msgspec.ValidationError as failure:
        raise BadRequest(str(failure), code="bad_envelope") from None
    except (ValueError, RecursionError):
        found = members(body.lstrip().removeprefix(b"\xef\xbb\xbf"))
        if "requests" not in found:
            raise BadRequest("the body needs requests", code="bad_envelope") from None
        return read(found.get("token_auth", b"null"), str | None), elements(found["requests"])
    return envelope.token_auth, list(map(bytes, envelope.requests))


def _hit(raw: bytes) -> dict[str, Any] | bytes:
    """A hit of a bulk: a query string, or an object. What is neither stays as it came, without any address."""
    if raw[:1] == b'"':
        text = read(raw, str)
        return pairs_of(text) if isinstance(text, str) else b'"unreadable"'
    try:
        return _fields.decode(raw)
    except msgspec.ValidationError:
        return _SECRET.sub(b"", raw)
    except (ValueError, RecursionError):
        try:
            return _fields.decode(scrub(raw))
        except (ValueError, RecursionError):
            return _SECRET.sub(b"", raw)


def prepare(
    hit: dict[str, Any],
    seen: Counter[str] | None = None,
    *,
    timed: bool = True,
    around: Mapping[str, Any] | None = None,
) -> list[bytes]:
    """A hit as texts to read: without token, its address beside it, with the id that is made of it in `_hit`.

    `seen` counts the ids of one request; `timed`: a time is enough to make one; `around`: what a log says of the hit
    where it does not say so itself. No part of the id, so a hit is the same event in a log and when it was sent.
    """
    given = {name: value for name, value in hit.items() if name not in _UNSTABLE}
    random = bool(hit.get("r") or hit.get("rand"))
    hit = {**around, **hit} if around else hit
    fields: dict[str, Any] = {
        name: opened(name, value) for name, value in hit.items() if name not in _UNSTABLE and name != "cip"
    }
    if random or (timed and hit.get("cdt")):
        identity = hashlib.blake2b(_sorted(given), digest_size=16).hexdigest()
        if not random and seen is not None:
            seen[identity] += 1
            if seen[identity] > 1:
                identity = f"{identity}-{seen[identity]}"
        fields["_hit"] = identity
    if "cdo" in hit:
        fields["cdo"] = hit["cdo"]
    texts: list[bytes] = [aside(fields, hit.get("cip"))]
    if any(hit.get(name) for name in _VIEW) and not any(hit.get(name) for name in _NO_VIEW):
        if "_hit" in fields:
            fields["_hit"] += "-view"
        texts.append(aside({**fields, "_view": 1}, hit.get("cip")))
    return texts


def reader(*, trusted: bool, now: int, max_event: int = 32_768, library: str = "matomo") -> Reader:
    """How to read the texts of hits.

    trusted  they came with the site's own key as `token_auth`: `cip` is believed, and `cdt` however old
    now      ms since the epoch
    """

    def read_one(text: bytes) -> RawEvent | Unreadable:
        if len(text) > max_event:
            return too_large(len(text), max_event)
        try:
            fields = _fields.decode(text)
        except (ValueError, RecursionError) as failure:
            return unreadable(failure)
        raw = to_raw(fields, now=now, ip=address_of(text) if trusted else None, library=library)
        if isinstance(raw, Unreadable):
            return raw
        if not trusted and raw.ts is not None and now - raw.ts > DAY_MS:
            return Unreadable(
                Reject.BAD_TIME, "cdt is older than 24 hours: that needs token_auth, the site's write key"
            )
        return raw

    return read_one
