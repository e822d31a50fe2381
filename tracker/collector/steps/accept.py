"""The last step: the draft becomes an event, which never changes again."""

from __future__ import annotations

from tracker.collector.bounds import LONGEST_UA
from tracker.collector.draft import Draft
from tracker.collector.steps.permit import hash_of, text_of
from tracker.collector.suspects import REFERRER_SPAM
from tracker.collector.urls import blank
from tracker.core.event import Event, Record
from tracker.core.identifiers import seal, seal_message


def accept(draft: Draft) -> Record | None:
    """Freeze."""
    raw = draft.raw
    context = draft.context
    decision = draft.decision
    place, ua = context.place, context.ua
    if not context.browser and (raw.ip or raw.ua):  # a server that says for whom it speaks
        ua = raw.ua or ua
        if raw.ip and context.find_place is not None:
            place = context.find_place(raw.ip)
    vault = ""
    if draft.identifiers and context.keys.seal is not None:
        vault = seal(context.keys, draft.identifiers, context.random(12))
    if draft.message is not None and context.keys.seal is not None:
        vault = f"{vault} {seal_message(context.keys, draft.message, context.random(12))}".lstrip()
    return Event(
        site=context.site.name,
        id=draft.id,
        arrival=context.arrival(),
        received=context.received,
        ts=draft.ts,
        type=raw.type,
        name=draft.name,
        message_id=blank(draft.message_id) if "@" in draft.message_id else draft.message_id,
        original_ts=draft.original_ts,
        visitor=draft.visitor,
        user=draft.user,
        previous=draft.previous,
        group=_plain(raw.group) if raw.group else "",
        session=_plain(raw.session) if raw.session else "",
        seq=raw.seq,
        url=draft.url,
        referrer=draft.referrer,
        title=draft.title,
        props=draft.props,
        items=draft.items,
        value=raw.value,
        currency=raw.currency.upper() if raw.currency else "",
        traits=draft.traits,
        analytics=decision.analytics,
        ads=decision.ads,
        gpc=1 if context.gpc else 0,
        mode=decision.stored,
        language=_short(raw.language) if raw.language else "",
        timezone=_short(raw.timezone) if raw.timezone else "",
        screen=_short(raw.screen) if raw.screen else "",
        ip=place.ip,
        country=place.country,
        ua=ua[:LONGEST_UA],
        library=_short(raw.library) if raw.library else "",
        source=context.source,
        vault=vault,
        consent=hash_of(raw.consent),
        consent_text=text_of(raw.consent) if raw.type == "consent" else "",
        bot=context.suspect or (REFERRER_SPAM if draft.spam else ""),
    )


def _plain(text: str) -> str:
    return blank(text) if "@" in text else text


def _short(text: str) -> str:
    return blank(text[:64]) if "@" in text else text[:64]
