"""The road of one event, as a tuple of steps: RawEvent -> Event | Rejected | Suppressed.

A step looks at the draft, changes it or ends the journey by returning a record. Every ending has a reason in
core.drops. Times and chance come in through the Context, so the road itself is the same every time.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b, sha256
from uuid import UUID

import msgspec

from tracker.collector import clicks
from tracker.collector.bounds import (
    CURRENCY,
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
    RAW_KEPT,
    SEQ_END,
    SKEW_MS,
    UUID_FORM,
)
from tracker.collector.children import speaks_of_child
from tracker.collector.consent import Decision, Mode
from tracker.collector.draft import Context, Draft
from tracker.collector.express import express
from tracker.collector.scrub import blank_values, glance, survey, without_people
from tracker.collector.signals import hear
from tracker.collector.suppressions import Listed
from tracker.collector.suspects import REFERRER_SPAM
from tracker.collector.urls import blank, clean, is_below, only
from tracker.core.consent_strings.tcf import LONGEST as LONGEST_STRING
from tracker.core.drops import Reject, Suppress
from tracker.core.event import EVENT_TYPES, Event, RawConsent, RawEvent, Record, Rejected, Suppressed
from tracker.core.gate import Lists
from tracker.core.identifiers import Identifier, person_id, seal, seal_message, take_from_props, take_from_traits
from tracker.core.suppression import State

_SILENT = RawConsent()
FORM = "form"  # the trait by which the endpoint of forms hands over what is to be sealed
_FIXED_NAMES = {
    "page": "page_view",
    "screen": "screen_view",
    "identify": "identify",
    "alias": "alias",
    "group": "group",
    "consent": "consent",
}


__all__ = ["ROAD", "Context", "Draft", "Step", "encode", "to_body", "travel", "turn_away", "walk"]

Step = Callable[[Draft], Record | None]


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
    if raw.value is not None and not -LARGEST_VALUE < raw.value < LARGEST_VALUE:
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


def ask_consent(draft: Draft) -> Record | None:
    """The gate. A decision about consent is itself kept, with the ids it is about and nothing else."""
    context = draft.context
    said = draft.raw.consent or _SILENT
    child = State.CHILD if speaks_of_child(draft.raw, context.place.region, context.received) else State.NONE
    decision = draft.decision = context.decide(said, child)
    listed = context.listed
    if listed is not None and (listed.active or draft.raw.type == "consent"):
        decision = draft.decision = _with_list(draft, listed, said, decision, child)
    if decision.mode >= Mode.M2:
        return None
    if draft.raw.type == "consent" and decision.reason is Suppress.REFUSED and (draft.visitor or draft.user):
        return _only_the_decision(draft)
    return Suppressed(
        site=context.site.name,
        arrival=context.arrival(),
        received=context.received,
        reason=decision.reason or "",
    )


def _with_list(draft: Draft, listed: Listed, said: RawConsent, decision: Decision, child: State) -> Decision:
    """The decision for somebody who may be on the suppression list; what a person decides here counts from now on."""
    context, raw = draft.context, draft.raw
    visitors, users = (draft.visitor, context.cookie, draft.previous), (draft.user, draft.previous)
    when = 0
    agreed = heard.updated if (heard := hear(said, context.site.privacy, context.received)) is not None else 0
    if raw.type == "consent" and put_time(draft) is None:
        when = draft.ts
        if decision.mode >= Mode.M2 and decision.analytics == 1:
            agreed = max(agreed, when)
    state = listed.state(visitors, users, agreed)
    if state:
        decision = context.decide(said, state | child)
    draft.withheld = bool(state & (State.OPTED_OUT | State.UNREADABLE))
    if when and not context.keep_times:
        if decision.reason is Suppress.REFUSED:
            listed.note(visitors, users, when, withdrawn=True)
        elif agreed and decision.mode >= Mode.M2:
            listed.note(visitors, users, when, withdrawn=False)
    return decision


def _only_the_decision(draft: Draft) -> Event | None:
    context = draft.context
    put_id(draft)
    ended = put_time(draft)
    return Event(
        site=context.site.name,
        id=draft.id,
        message_id=draft.message_id,
        arrival=context.arrival(),
        received=context.received,
        ts=draft.ts if ended is None else context.received,
        type="consent",
        name="consent",
        visitor=person_id(context.keys, draft.visitor),
        user=person_id(context.keys, draft.user),
        analytics=draft.decision.analytics,
        ads=draft.decision.ads,
        gpc=int(context.gpc),
        mode=draft.decision.stored,
        source=context.source,
        consent=_hash_of(draft.raw.consent),
        consent_text=_text_of(draft.raw.consent),
    )


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


def take_identifiers(draft: Draft) -> Record | None:
    """E-mail addresses, phone numbers and names leave the event: keyed hashes stay, sealed forms go to the vault."""
    if draft.clean:
        return None
    context = draft.context
    keys = context.keys
    country = context.place.country
    if FORM in draft.traits and context.source == "form":
        draft.message = Identifier(FORM, draft.traits[FORM])
        draft.traits = {name: value for name, value in draft.traits.items() if name != FORM}
    draft.props, taken = take_from_props(keys, draft.props, country)
    draft.traits, from_traits = take_from_traits(keys, draft.traits, country)
    draft.identifiers = taken + from_traits
    if context.listed is not None and context.listed.active:
        _leave_alone(draft, context.listed)
    draft.props = blank_values(draft.props)
    draft.traits = blank_values(draft.traits)
    draft.items = [blank_values(item) for item in draft.items]
    draft.visitor = person_id(keys, draft.visitor)
    draft.user = person_id(keys, draft.user)
    draft.previous = person_id(keys, draft.previous)
    return None


def _leave_alone(draft: Draft, listed: Listed) -> None:
    """Nothing is sealed for the networks of somebody who opted out, or whose address or number is on the list."""
    hashes = [
        (kind, str(found[f"{kind}_hmac"]))
        for kind in ("email", "phone")
        for found in (draft.props, draft.traits)
        if f"{kind}_hmac" in found
    ]
    if draft.withheld or any(listed.contact(kind, hashed) for kind, hashed in hashes):
        draft.identifiers = []


def clean_urls(draft: Draft) -> Record | None:
    """URL hygiene; no address in name and title either. Below M3 no click id anywhere."""
    click_ids = draft.decision.mode >= Mode.M3
    if not click_ids:
        draft.props = clicks.without(draft.props)
        draft.traits = clicks.without(draft.traits)
        draft.items = clicks.without(draft.items)
        draft.title = clicks.strip_text(draft.title)
        draft.name = clicks.strip_text(draft.name)
    if draft.url:
        draft.url = clean(draft.url, click_ids=click_ids)
    if draft.referrer:
        draft.referrer = clean(draft.referrer, click_ids=click_ids)
    lists = draft.context.lists
    if lists is not None:
        _keep_listed(draft, lists)
    if "@" in draft.title:
        draft.title = blank(draft.title)
    if "@" in draft.name:
        draft.name = blank(draft.name)
    return None


def _keep_listed(draft: Draft, lists: Lists) -> None:
    draft.spam = bool(draft.referrer) and is_below(draft.referrer, lists.spam_referrers)
    if lists.query_keys is not None:
        draft.url = only(draft.url, lists.query_keys)
        draft.referrer = only(draft.referrer, lists.query_keys)


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
        consent=_hash_of(raw.consent),
        consent_text=_text_of(raw.consent) if raw.type == "consent" else "",
        bot=context.suspect or (REFERRER_SPAM if draft.spam else ""),
    )


def _text_of(said: RawConsent | None) -> str:
    """Every consent string that came, as one text; "" without one or with one that no decoder would take."""
    if said is None:
        return ""
    parts = [part for part in (said.tcf, said.gpp, said.usp) if part]
    return " ".join(parts) if all(len(part) <= LONGEST_STRING for part in parts) else ""


def _hash_of(said: RawConsent | None) -> str:
    text = _text_of(said)
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:32] if text else ""


def _plain(text: str) -> str:
    return blank(text) if "@" in text else text


def _short(text: str) -> str:
    return blank(text[:64]) if "@" in text else text[:64]


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
    return express(raw, context, text) or walk(raw, context, text)


def walk(raw: RawEvent, context: Context, text: bytes = b"") -> Record:
    """`travel` without its short cut: step by step."""
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
    record = express(raw, context, text) or walk(raw, context, text)
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
