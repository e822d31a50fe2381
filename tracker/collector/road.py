"""The road of one event, as a tuple of steps: RawEvent -> Event | Rejected | Suppressed.

A step looks at the draft, changes it or ends the journey by returning a record. Every ending has a reason in
core.drops. Times and chance come in through the Context, so the road itself is the same every time.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tracker.collector.bounds import RAW_KEPT
from tracker.collector.consent import Mode
from tracker.collector.draft import Context, Draft
from tracker.collector.scrub import without_people
from tracker.collector.steps.accept import accept
from tracker.collector.steps.check import check_fields, check_shape
from tracker.collector.steps.hygiene import clean_urls, take_identifiers
from tracker.collector.steps.permit import ask_consent
from tracker.collector.steps.person import put_id, put_person, put_time
from tracker.core.drops import Reject
from tracker.core.event import Event, RawConsent, RawEvent, Record, Rejected
from tracker.core.suppression import State

__all__ = ["ROAD", "Context", "Draft", "Step", "encode", "to_body", "travel", "turn_away"]


_SILENT = RawConsent()


Step = Callable[[Draft], Record | None]


ROAD: tuple[Step, ...] = (
    check_fields,
    check_shape,
    ask_consent,
    put_person,
    put_id,
    put_time,
    take_identifiers,
    clean_urls,
    accept,
)


def travel(raw: RawEvent, context: Context, text: bytes = b"") -> Record:
    """Take one event down the road. `text` is what came, for the record of a rejection; never raises for bad input."""
    draft = Draft(raw, context, text)
    for step in ROAD:
        record = step(draft)
        if record is not None:
            if type(record) is Rejected:
                if _on_the_list(draft):
                    return record
                return _with_text(record, context, raw.consent or _SILENT, text or encode(raw))
            return record
    raise AssertionError("the last step ends every road")


def _on_the_list(draft: Draft) -> bool:
    """Whether the sender's text must not be kept, because it is about somebody to be left alone."""
    listed = draft.context.listed
    if listed is None or not listed.active:
        return False
    people = (draft.visitor, draft.context.cookie, draft.previous), (draft.user, draft.previous)
    return bool(listed.state(*people) & ~State.OPTED_OUT)


def turn_away(reason: Reject, message: str, context: Context, text: bytes = b"") -> Rejected:
    """The record of an event that no dialect could read."""
    record = Rejected(
        site=context.site.name,
        arrival=context.arrival(),
        received=context.received,
        reason=reason,
        message=message[:500],
        source=context.source,
    )
    return _with_text(record, context, _SILENT, text)


def to_body(raw: RawEvent, context: Context, text: bytes = b"") -> tuple[Record, bytes]:
    """`travel`, encoded for the spool. A number or text that JSON cannot carry ends as Rejected like any other."""
    record = travel(raw, context, text)
    words = context.words
    if (
        words is not None
        and type(record) is Event
        and not (record.name in words.names and words.keys.issuperset(record.props))
    ):
        record = words.admit(record)
    try:
        return record, encode(record)
    except (OverflowError, UnicodeEncodeError, RecursionError):
        turned = turn_away(Reject.UNREADABLE, "a number or text that no store can hold", context, text)
        return turned, encode(turned)


encode = msgspec.json.Encoder().encode


def _with_text(record: Rejected, context: Context, said: RawConsent, text: bytes) -> Rejected:
    """Add what came, without people's details - or not at all where nobody agreed to keep anything."""
    if context.lists is not None and context.lists.query_keys is not None:
        return record  # an address in it may hold what the site does not want to keep
    mode = context.decide(said).mode
    if not text or mode < Mode.M2 or (context.listed is not None and context.listed.state((context.cookie,), ())):
        return record
    return msgspec.structs.replace(record, raw=without_people(text, RAW_KEPT, click_ids=mode >= Mode.M3))
