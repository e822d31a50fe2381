"""One request, several sites: dialects in which every event names its own."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

import msgspec
from aiohttp import hdrs, web

from tracker.collector.loose import name_strangers
from tracker.collector.parsed import Batch, Reader, Unreadable
from tracker.collector.service import Service
from tracker.collector.sites import KnownSite
from tracker.core.drops import Reject
from tracker.core.errors import TooLarge, Unauthorized
from tracker.core.event import RawEvent

MOST_SITES = 100  # in one request: each is looked up, and has a group of its own in the spool


def few(sites: int) -> None:
    """Raises TooLarge for a request that names more sites than anybody has."""
    if sites > MOST_SITES:
        raise TooLarge(f"more than {MOST_SITES} sites in one request")


def settle(request: web.Request, service: Service, batches: Sequence[Batch]) -> None:
    """Turn the sender's words for sites (`write_key`: a key or a name) into write keys.

    Events whose word means no site are rejected, one by one, in the name of the first site that is known; so they are
    counted and listed, and their neighbours are accepted. Raises Unauthorized where no site is known, Forbidden where
    one does not allow the origin, TooLarge for too many sites: before anything is stored.
    """
    few(len(batches))
    known = [service.sites.named(batch.write_key) for batch in batches]
    first = next((site for site in known if site is not None), None)
    if first is None:
        raise Unauthorized(
            "unknown site: send the write key that `tracker site add` prints, or the site's name", code="unknown_key"
        )
    origin = request.headers.get(hdrs.ORIGIN)
    for batch, site in zip(batches, known, strict=True):
        if site is None:
            batch.read = _of_nobody(batch.read)
        batch.write_key = (site or first).site.write_key
        service.site_of(batch.write_key, origin)


def name_for(request: web.Request, service: Service, site: KnownSite, batch: Batch) -> None:
    """The visitors of a server's log, whose lines know none: see `loose.name_strangers`."""
    agent = request.headers.get(hdrs.USER_AGENT, "")
    now = time.time_ns() // 1_000_000
    batch.read = name_strangers(batch.read, site.keys.join, service.peer(request), agent, now)


def name_at_random(batch: Batch) -> None:
    """A server's events without any id of a person, as they happen: one visitor for this request, never seen again.

    Whoever makes a person of an address and a user agent is wrong about both (docs/decisions/cookieless.md).
    """
    read, visitor = batch.read, str(uuid.uuid4())

    def read_one(text: bytes) -> RawEvent | Unreadable:
        raw = read(text)
        if isinstance(raw, Unreadable) or raw.visitor or raw.user:
            return raw
        return msgspec.structs.replace(raw, visitor=visitor)

    batch.read = read_one


def _of_nobody(read: Reader) -> Reader:
    def read_one(text: bytes) -> RawEvent | Unreadable:
        raw = read(text)
        if isinstance(raw, Unreadable):
            return raw
        return Unreadable(Reject.BAD_FIELD, "it names no site that is known here")

    return read_one
