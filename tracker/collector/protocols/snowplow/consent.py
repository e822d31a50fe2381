"""What Snowplow's consent events and contexts say. Pure. What is unclear is read as the stricter word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tracker.collector.protocols.snowplow.entities import Entity
from tracker.core.event import RawConsent

_OURS = "com.snowplowanalytics.snowplow/"
_ANALYTICS = frozenset("analytics performance statistics measurement analytical c0002".split())
_ADS = frozenset("advertising ads marketing targeting advertisement advertisements retargeting c0004".split())
_NOTHING = RawConsent(analytics=False, ads=False)


def consent_of(it: Entity) -> RawConsent | None:
    """The word of a consent event; None where the event is about something else."""
    if not it.known.startswith(_OURS):
        return None
    if it.name == "consent_withdrawn":
        return _NOTHING  # a document may be named, but who can say what it covered
    if it.name == "consent_preferences":
        kind = it.data.get("eventType")
        if kind in ("deny_all", "withdrawn"):
            return _NOTHING
        if kind == "allow_all":
            return RawConsent(analytics=True, ads=True)
        scopes = _words(it.data.get("consentScopes"))
        if kind == "allow_selected":
            return RawConsent(analytics=bool(scopes & _ANALYTICS), ads=bool(scopes & _ADS))
        return RawConsent()
    if it.name == "consent_granted":
        return RawConsent()
    return None


def granted(contexts: Iterable[Entity]) -> RawConsent:
    """What the documents of a `consent_granted` event name, by their id or name."""
    named = _words(
        word
        for one in contexts
        if one.known == f"{_OURS}consent_document"
        for word in (one.data.get("id"), one.data.get("name"))
    )
    return RawConsent(analytics=True if named & _ANALYTICS else None, ads=True if named & _ADS else None)


def attached(contexts: Iterable[Entity]) -> RawConsent | None:
    """What contexts say about the event they are attached to.

    `gdpr` with the basis `consent` says that the event is processed because its person agreed: analytics, not ads. A
    context named `consent`, of any vendor, says it in our words: `{"analytics", "ads", "tcf", "gpp"}`.
    """
    said: RawConsent | None = None
    for one in contexts:
        if one.name == "consent":
            words = one.data
            return RawConsent(
                analytics=_flag(words, "analytics"),
                ads=_flag(words, "ads"),
                tcf=words["tcf"] if isinstance(words.get("tcf"), str) else None,
                gpp=words["gpp"] if isinstance(words.get("gpp"), str) else None,
            )
        if one.known == f"{_OURS}gdpr" and one.data.get("basisForProcessing") == "consent":
            said = RawConsent(analytics=True)
    return said


def _flag(words: dict[str, Any], name: str) -> bool | None:
    """True only for true; what is there and is not true refuses."""
    return None if words.get(name) is None else words[name] is True


def _words(value: object) -> set[str]:
    if isinstance(value, (str, dict)) or not isinstance(value, Iterable):
        return set()
    return {word.strip().lower() for word in value if isinstance(word, str)}
