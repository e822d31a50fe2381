"""Whose event it is, which one it is, and when it happened."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

from tracker.collector.bounds import EARLIEST, FUTURE_MS, LATEST, NIL, PAST_MS, SKEW_MS, UUID_FORM
from tracker.collector.draft import Draft
from tracker.core.drops import Reject
from tracker.core.event import Record


def put_person(draft: Draft) -> Record | None:
    """Visitor and user. An existing cookie beats a visitor the pixel has only just made up."""
    context = draft.context
    if context.cookie and (context.fresh or not draft.visitor):
        draft.visitor = context.cookie
    elif not draft.visitor and context.makes_visitors:
        if not context.minted:
            context.minted = str(UUID(bytes=context.random(16), version=4))
        draft.visitor = context.minted
    if not draft.visitor and not draft.user:
        return draft.reject(Reject.NO_PERSON, "neither visitor nor user")
    if "@" in draft.visitor or "@" in draft.user or "@" in draft.previous:
        draft.clean = False
    return None


def put_id(draft: Draft) -> Record | None:
    """The sender's UUID as it is; another id becomes a UUID derived from site and id; none becomes a random one."""
    given = draft.raw.message_id
    if not given or given == NIL:
        draft.id = str(UUID(bytes=draft.context.random(16), version=4))
    elif len(given) == 36 and UUID_FORM.fullmatch(given):
        draft.id = given.lower()
    else:
        digest = blake2b(f"{draft.context.site.name}\0{given}".encode("utf-8", "replace"), digest_size=16).digest()
        # RFC 9562 version 8; uuid.UUID takes that number only since Python 3.14.
        number = int.from_bytes(digest) & ~(0xF000 << 64 | 0xC000 << 48) | 0x8000 << 64 | 0x8000 << 48
        draft.id = str(UUID(int=number))
        draft.message_id = given
    return None


def put_time(draft: Draft) -> Record | None:
    """When it happened: corrected by the sender's clock error, clamped to 30 days back and a minute ahead."""
    context = draft.context
    received = context.received
    said = draft.raw.ts
    if said is None:
        draft.ts = received
        return None
    if not EARLIEST <= said < LATEST:
        return draft.reject(Reject.BAD_TIME, "ts is outside 1971 to 2105")
    ts = said
    if not context.keep_times:
        sent_at = draft.raw.sent_at or context.sent_at
        if sent_at is not None and EARLIEST <= sent_at < LATEST and abs(received - sent_at) > SKEW_MS:
            ts += received - sent_at
        if ts > received + FUTURE_MS:
            ts = received + FUTURE_MS
        elif ts < received - PAST_MS:
            ts = received - PAST_MS
        if ts != said:
            draft.original_ts = said
    draft.ts = ts
    return None
