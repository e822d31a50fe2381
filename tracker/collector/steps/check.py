"""First steps: is it an event at all, and of bearable size."""

from __future__ import annotations

from tracker.collector.bounds import CURRENCY, LONGEST_ID, LONGEST_NAME, LONGEST_TITLE, SEQ_END
from tracker.collector.draft import Draft
from tracker.collector.scrub import glance, survey
from tracker.core.drops import Reject
from tracker.core.event import EVENT_TYPES, LARGEST_AMOUNT, Record

_FIXED_NAMES = {
    "page": "page_view",
    "screen": "screen_view",
    "identify": "identify",
    "alias": "alias",
    "group": "group",
    "consent": "consent",
}


def check_fields(draft: Draft) -> Record | None:
    """Types, lengths and ranges; what is only decoration is cut, what decides is refused."""
    raw = draft.raw
    kind = raw.type
    if kind == "track":
        if not raw.name.strip():
            return draft.reject(Reject.NO_NAME, "a track event needs a name")
        if len(raw.name) > LONGEST_NAME:
            return draft.reject(Reject.BAD_FIELD, f"name is longer than {LONGEST_NAME} characters")
    elif kind in EVENT_TYPES:
        draft.name = _FIXED_NAMES[kind]
        if raw.name and raw.name != draft.name and "name" not in raw.props:
            draft.props = {**raw.props, "name": raw.name[:LONGEST_NAME]}
    else:
        return draft.reject(Reject.BAD_TYPE, f"type must be one of {', '.join(EVENT_TYPES)}")
    for given in (raw.visitor, raw.user, raw.previous, raw.group, raw.session, raw.message_id):
        if given is not None and len(given) > LONGEST_ID:
            return draft.reject(Reject.BAD_FIELD, f"an id is longer than {LONGEST_ID} characters")
    if raw.value is not None and not -LARGEST_AMOUNT < raw.value < LARGEST_AMOUNT:
        return draft.reject(Reject.BAD_FIELD, "value is out of range")
    if raw.currency and CURRENCY.fullmatch(raw.currency) is None:
        return draft.reject(Reject.BAD_FIELD, "currency must be three letters")
    if not 0 <= raw.seq < SEQ_END:
        return draft.reject(Reject.BAD_FIELD, "seq is out of range")
    if len(draft.title) > LONGEST_TITLE:
        draft.title = draft.title[:LONGEST_TITLE]
    return None


def check_shape(draft: Draft) -> Record | None:
    """How many keys, how deep; on the way see whether anything could be an address or a phone number."""
    limits = draft.context.limits
    if draft.text and not draft.traits and glance(draft.text, draft.props, draft.items, limits.keys, limits.depth):
        draft.clean = True
        return None
    found = survey(draft.props)
    if draft.items or draft.traits:
        found = found.plus(survey(draft.items)).plus(survey(draft.traits))
    if found.keys > limits.keys:
        return draft.reject(Reject.TOO_MANY_KEYS, f"more than {limits.keys} keys")
    if found.depth > limits.depth:
        return draft.reject(Reject.TOO_DEEP, f"nested deeper than {limits.depth}")
    draft.clean = found.clean and not draft.traits
    return None
