"""What is answered about persons beside their events, and about who is who."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType


class PersonCard(Struct):
    """A person as lists show them: `person` is the user id where one is known, else the visitor id."""

    person: str
    visitor: str
    user: str
    last_seen: str
    last_event: str
    props: dict[str, Any]


class People(Struct):
    """The one seen last first."""

    people: list[PersonCard]


class TimelineEvent(Struct):
    """An event of a person."""

    ts: str
    event: str
    type: str
    session: str
    visitor: str
    user: str
    url: str
    title: str
    referrer: str
    channel: str
    country: str
    device: str
    value: float | None
    currency: str
    items: list[dict[str, Any]]
    props: dict[str, Any]


class Timeline(Struct):
    """A page of a person's events, the newest first."""

    person: PersonCard
    events: list[TimelineEvent]
    cursor: str | None


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


class ConflictUser(Struct):
    """A user, and when they were first seen with the visitor."""

    user: str
    first_seen: str


class Conflict(Struct):
    """A visitor id seen with users who are not one person; its events without a user belong to `kept`."""

    visitor: str
    kept: str
    users: list[ConflictUser]
    users_total: int


class Conflicts(Struct):
    """The latest first; `total` counts all."""

    total: int
    conflicts: list[Conflict]
