"""What is answered about a person beside their events."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from tracker.api.report_answers import PersonCard


class ConsentChange(Struct):
    """1 yes, 0 no, -1 not said; `change`: first, changed, withdrawn."""

    change: str
    analytics: int
    ads: int
    gpc: int
    source: str


class HistoryEntry(Struct):
    """One thing. `by`: why they came or left; `name`: the audience's, "" for one that is gone."""

    at: str
    kind: Literal["consent", "audience_entered", "audience_left", "contacted", "delivered", "coupon"]
    consent: ConsentChange | UnsetType = UNSET
    audience: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    by: str | UnsetType = UNSET
    network: str | UnsetType = UNSET
    pool: str | UnsetType = UNSET
    code: str | UnsetType = UNSET


class PersonHistory(Struct):
    """The newest first, at most 1,000."""

    person: PersonCard
    history: list[HistoryEntry]
