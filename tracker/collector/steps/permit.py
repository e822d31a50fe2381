"""Whether an event may be kept: the consent gate and the list of people to be left alone; how a decision is kept."""

from __future__ import annotations

from hashlib import sha256

from tracker.collector.children import speaks_of_child
from tracker.collector.consent import Decision, Mode
from tracker.collector.draft import Draft
from tracker.collector.signals import hear
from tracker.collector.steps.person import put_id, put_time
from tracker.collector.suppressions import Listed
from tracker.core.consent_strings.tcf import LONGEST as LONGEST_STRING
from tracker.core.drops import Suppress
from tracker.core.event import Event, RawConsent, Record, Suppressed
from tracker.core.identifiers import person_id
from tracker.core.suppression import State

_SILENT = RawConsent()


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
        consent=hash_of(draft.raw.consent),
        consent_text=text_of(draft.raw.consent),
    )


def text_of(said: RawConsent | None) -> str:
    """Every consent string that came, as one text; "" without one or with one that no decoder would take."""
    if said is None:
        return ""
    parts = [part for part in (said.tcf, said.gpp, said.usp) if part]
    return " ".join(parts) if all(len(part) <= LONGEST_STRING for part in parts) else ""


def hash_of(said: RawConsent | None) -> str:
    """16 bytes of SHA-256 of that text, in hex; "" without one."""
    text = text_of(said)
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:32] if text else ""
