"""Keeps what comes late of an erased person out of the store: from the spool, an import, a replay.

Only hashes of the ids are known by then. An event that names one of them, as visitor, user or previous id, becomes a
count (`suppressed`); a rejected record that quotes one is kept without its text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from tracker.core.drops import Suppress
from tracker.core.event import Rejected, Suppressed
from tracker.core.identifiers import Keys, person_id
from tracker.core.suppression import hash_of
from tracker.spool.reader import Segment

WORDS = re.compile(r'["\'&=?\s,;()\[\]{}\\]+')
"""What ids are quoted between in JSON, query strings and log lines."""
_REMEMBERED = 200_000
_EVENT, _REJECTED = b'{"k":"e",', b'{"k":"r",'


class _Named(msgspec.Struct, gc=False):
    site: str
    arrival: int
    received: int
    visitor: str = ""
    user: str = ""
    previous: str = ""


_named = msgspec.json.Decoder(_Named).decode
_rejected = msgspec.json.Decoder(Rejected).decode
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Erased:
    """The ids of one moment. `keys`: of every site in `hashes`."""

    def __init__(self, hashes: Mapping[str, set[bytes]], keys: Mapping[str, Keys]) -> None:
        self._hashes = hashes
        self._keys = keys
        self._known: dict[tuple[str, str, str], bool] = {}

    @property
    def anybody(self) -> bool:
        """Whether there is anybody to look for."""
        return bool(self._hashes)

    def without(self, segment: Segment) -> Segment:
        """The same number of records, those about erased persons replaced."""
        if not self._hashes:
            return segment
        return msgspec.structs.replace(segment, bodies=[self._judged(body) for body in segment.bodies])

    def _judged(self, body: bytes) -> bytes:
        try:
            if body.startswith(_EVENT):
                return self._event(body)
            if body.startswith(_REJECTED):
                return self._rejected(body)
        except _UNREADABLE:
            pass  # whoever reads the batch counts it
        return body

    def _event(self, body: bytes) -> bytes:
        named = _named(body)
        site = named.site
        if site not in self._hashes or not (
            self._is(site, "visitor", named.visitor)
            or self._is(site, "user", named.user)
            or self._is(site, "user", named.previous)
            or self._is(site, "visitor", named.previous)
        ):
            return body
        count = Suppressed(site=site, arrival=named.arrival, received=named.received, reason=Suppress.SUPPRESSED)
        return msgspec.json.encode(count)

    def _rejected(self, body: bytes) -> bytes:
        record = _rejected(body)
        site = record.site
        if site not in self._hashes or not record.raw:
            return body
        for word in set(WORDS.split(record.raw)):
            stored = person_id(self._keys[site], word) if word else ""
            if self._is(site, "visitor", stored) or self._is(site, "user", stored):
                return msgspec.json.encode(msgspec.structs.replace(record, raw=""))
        return body

    def _is(self, site: str, kind: str, stored: str) -> bool:
        if not stored:
            return False
        asked = (site, kind, stored)
        known = self._known.get(asked)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[asked] = hash_of(self._keys[site], kind, stored) in self._hashes[site]
        return known
