"""The suppression list: who is to be left alone, why, and the file through which collectors know of it. Pure.

Nobody on it is named: an entry is 128 bits of keyed BLAKE2b over the kind and the id, useless without the site's key.
The file is read as a whole, checked, and searched as it is, 21 bytes an entry:

    one line of JSON   {"v": 1, "sites": {site: [first entry, number of entries]}, "sha256": of all that follows}
    entries            hash (16 bytes), reasons (1), second of the withdrawal (4), ordered by hash within a site
"""

from __future__ import annotations

import enum
import functools
import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from tracker.core.errors import BadRequest, Broken
from tracker.core.identifiers import Keys, canonical_email, canonical_phone, keyed, person_id

FILE = "suppressed.bin"
_ENTRY = 21
_HASH = re.compile(r"[0-9a-f]{32}")


class State(enum.IntFlag):
    """What is known of a person; several may be true at once. Only ever takes away.

    UNREADABLE is no reason of anybody: the list itself cannot be read, so that anybody may be on it.
    """

    NONE = 0
    GPC = 1
    OPTOUT = 2
    WITHDRAWN = 4
    ERASED = 8
    CHILD = 16
    LEGAL = 32
    UNREADABLE = 64
    OPTED_OUT = 3


class Reason(enum.StrEnum):
    """Why somebody is on the list; its value is what is stored and said."""

    GPC = "gpc"
    OPTOUT = "optout"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"
    CHILD = "child"
    LEGAL = "legal"

    @property
    def bit(self) -> int:
        """Its place in a `State`."""
        return int(State[self.name])


KINDS = ("visitor", "user", "email", "phone", "network", "hash")


class Entry(NamedTuple):
    """One of the list. `since`: second of the withdrawal, 0 without one."""

    hash: bytes
    reasons: int
    since: int


class Person(NamedTuple):
    """Somebody to be put on the list: the entry's hash, and what events hold of them ("" for a bare hash)."""

    hash: bytes
    kind: str
    stored: str


def hash_of(keys: Keys, kind: str, stored: str) -> bytes:
    """The entry of an id as events hold it (`visitor`, `user`) or of the keyed hash of an address or a number,
    or of PARTNER:ID (`network`).
    """
    made = _keyed(keys.join).copy()  # a third of what beginning with the key costs
    made.update(f"{kind}:{stored}".encode("utf-8", "replace"))
    return made.digest()


@functools.lru_cache(maxsize=64)
def _keyed(key: bytes) -> hashlib.blake2b:
    return hashlib.blake2b(key=key, digest_size=16, person=b"suppress")


def person(keys: Keys, kind: str, given: str) -> Person:
    """What a person may be named by. Raises BadRequest for what is none of its kind; nothing of it is repeated."""
    text = given.strip()
    if not text or len(text) > 255:
        raise BadRequest("an id must have 1 to 255 characters", code="bad_id")
    if kind == "hash":
        if _HASH.fullmatch(text) is None:
            raise BadRequest(
                "a hash must be 32 lower-case hexadecimal digits, as `tracker suppress list` prints them",
                code="bad_hash",
            )
        return Person(bytes.fromhex(text), kind, "")
    if kind in ("visitor", "user"):
        stored = person_id(keys, text)
        return Person(hash_of(keys, kind, stored), kind, stored)
    if kind == "network":
        if re.fullmatch(r"[A-Za-z0-9_-]{1,40}:\S.*", text) is None:
            raise BadRequest("a network's id must look like PARTNER:ID", code="bad_id")
        stored = keyed(keys, text)
        return Person(hash_of(keys, kind, stored), kind, stored)
    plain = canonical_email(text) if kind == "email" else canonical_phone(text, "") if kind == "phone" else None
    if plain is None:
        wanted = {"email": "an e-mail address", "phone": "a phone number with its country (+49...)"}
        raise BadRequest(f"not {wanted.get(kind, 'a known kind of id')}", code="bad_id")
    stored = keyed(keys, plain)
    return Person(hash_of(keys, kind, stored), kind, stored)


class Snapshot:
    """The list as of one moment. `empty` for a list of nobody."""

    def __init__(self, sites: Mapping[str, tuple[int, int]], blob: bytes) -> None:
        self._sites = dict(sites)
        self._blob = blob

    def has(self, site: str) -> bool:
        """Whether anybody of this site is on it."""
        return site in self._sites

    def find(self, site: str, wanted: bytes) -> Entry | None:
        """The entry of a hash."""
        first, count = self._sites.get(site, (0, 0))
        blob = self._blob
        at = bisect_left(
            range(first, first + count), wanted, key=lambda number: blob[number * _ENTRY : number * _ENTRY + 16]
        )
        start = (first + at) * _ENTRY
        if at == count or blob[start : start + 16] != wanted:
            return None
        return Entry(wanted, blob[start + 16], int.from_bytes(blob[start + 17 : start + _ENTRY]))


class _Head(msgspec.Struct):
    v: int
    sites: dict[str, tuple[int, int]]
    sha256: str


def encode(entries: Mapping[str, Iterable[Entry]]) -> bytes:
    """The file. A hash occurs once in a site."""
    blob = bytearray()
    sites: dict[str, tuple[int, int]] = {}
    number = 0
    for site, listed in sorted(entries.items()):
        ordered = sorted(listed)
        for entry in ordered:
            blob += entry.hash + bytes([entry.reasons]) + min(entry.since, 0xFFFFFFFF).to_bytes(4)
        if ordered:
            sites[site] = (number, len(ordered))
        number += len(ordered)
    head = _Head(1, sites, hashlib.sha256(blob).hexdigest())
    return msgspec.json.encode(head) + b"\n" + bytes(blob)


def decode(data: bytes) -> Snapshot:
    """Read the file. Raises Broken for anything but a whole one."""
    line, _, blob = data.partition(b"\n")
    try:
        head = msgspec.json.decode(line, type=_Head)
    except ValueError:
        raise Broken("the suppression list has no head") from None
    entries = sum(count for _, count in head.sites.values())
    if head.v != 1 or len(blob) != entries * _ENTRY or hashlib.sha256(blob).hexdigest() != head.sha256:
        raise Broken("the suppression list is damaged")
    return Snapshot(head.sites, blob)
