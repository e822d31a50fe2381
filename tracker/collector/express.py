"""The road's short cut for the common event: nothing to refuse, nothing to take away, nothing to correct.

It makes exactly the record that the road's steps make, in one function, because a call for each step costs more than
the steps do. Whatever is not common goes the whole way; a property test holds the two together.
"""

from __future__ import annotations

from tracker.collector.bounds import (
    EARLIEST,
    FUTURE_MS,
    LARGEST_VALUE,
    LATEST,
    LONGEST_ID,
    LONGEST_NAME,
    LONGEST_TITLE,
    LONGEST_UA,
    NIL,
    PAST_MS,
    SEQ_END,
    SKEW_MS,
    UUID_FORM,
)
from tracker.collector.children import PAGE_FLAG
from tracker.collector.clicks import carries, mentions_click
from tracker.collector.consent import Mode
from tracker.collector.draft import Context
from tracker.collector.scrub import glance
from tracker.collector.urls import clean
from tracker.core.event import Event, RawConsent, RawEvent

_M2, _M3 = int(Mode.M2), int(Mode.M3)
_NOTHING = RawConsent()
_is_uuid = UUID_FORM.fullmatch
_SILENT = (None, None)


def express(raw: RawEvent, context: Context, text: bytes) -> Event | None:
    """The event, or None: then nothing was decided and nothing taken from the context, and the road must look."""
    said = raw.consent
    if said is not None and (said.tcf is not None or said.gpp is not None or said.usp is not None):
        return None  # the string's hash is kept
    name = raw.name
    if raw.type == "page":
        if name and name != "page_view":
            return None
        name = "page_view"
    elif raw.type != "track" or not name or name.isspace() or len(name) > LONGEST_NAME:
        return None
    visitor = raw.visitor
    if not visitor or len(visitor) > LONGEST_ID or (context.fresh and context.cookie):
        return None
    user, session = raw.user or "", raw.session or ""
    if len(user) > LONGEST_ID or len(session) > LONGEST_ID:
        return None
    if raw.traits or raw.previous or raw.group or raw.ip or raw.ua or context.keep_times or context.lists is not None:
        return None
    listed = context.listed
    if listed is not None and listed.active and listed.state((visitor, context.cookie), (user,)):
        return None
    given = raw.message_id
    if given is None or _is_uuid(given) is None or given == NIL:
        return None
    title = raw.title or ""
    if len(title) > LONGEST_TITLE:
        return None
    value, currency, seq = raw.value, raw.currency or "", raw.seq
    if value is not None and not -LARGEST_VALUE < value < LARGEST_VALUE:
        return None
    if currency:
        if len(currency) != 3 or not (currency.isascii() and currency.isalpha()):
            return None
        currency = currency.upper()
    if not 0 <= seq < SEQ_END:
        return None

    ts, received = raw.ts, context.received
    if ts is None or not EARLIEST <= ts < LATEST or not received - PAST_MS <= ts <= received + FUTURE_MS:
        return None
    sent_at = raw.sent_at or context.sent_at
    if sent_at is not None and not -SKEW_MS <= received - sent_at <= SKEW_MS:
        return None

    language, timezone, screen = raw.language or "", raw.timezone or "", raw.screen or ""
    library = raw.library or ""
    nobody = context.nobody
    if not nobody and "@" in "".join((name, visitor, user, session, title, language, timezone, screen, library)):
        return None
    props, items, limits = raw.props, raw.items, context.limits
    if PAGE_FLAG in props:
        return None
    if not glance(text, props, items, limits.keys, limits.depth, nobody):
        return None

    choice = _SILENT if said is None else (said.analytics, said.ads)
    decision = context.decided.get(choice)
    if decision is None:
        decision = context.decided[choice] = context.decide(said or _NOTHING)
    mode = decision.mode
    if mode < _M2:
        return None
    click_ids = mode >= _M3
    if not click_ids and (
        carries(props) or (items and carries(items)) or mentions_click(title) or mentions_click(name)
    ):
        return None
    place = context.place
    return Event(  # in the order of the fields: naming them costs as much again as all of the above
        context.site.name,
        given.lower(),
        context.arrival(),
        received,
        ts,
        raw.type,
        name,
        "",  # message_id
        0,  # original_ts
        visitor,
        user,
        "",  # previous
        "",  # group
        session,
        seq,
        clean(raw.url, click_ids=click_ids) if raw.url else "",
        clean(raw.referrer, click_ids=click_ids) if raw.referrer else "",
        title,
        props,
        items,
        value,
        currency,
        {},  # traits
        decision.analytics,
        decision.ads,
        1 if context.gpc else 0,
        decision.stored,
        language[:64],
        timezone[:64],
        screen[:64],
        place.ip,
        place.country,
        context.ua[:LONGEST_UA],
        library[:64],
        context.source,
        "",  # vault
        "",  # consent
        "",  # consent_text
        context.suspect,
    )
