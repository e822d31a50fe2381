"""What is answered about audiences and who is in them."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from tracker.api.answers_people import PersonCard


class Member(PersonCard):
    """A member of an audience, and why it is not exported (null: it is)."""

    withheld: Literal["no_consent", "opted_out", "suppressed", "holdout"] | None


class Membership(Struct):
    """How the stored members of an audience are: as of when, how many; what the last refresh judged, or its failure."""

    state: Literal["ready", "waiting", "failing"]
    as_of: str | None
    members: int
    exportable: int
    judged: int
    took_ms: int
    error: dict[str, str] | None
    failed_at: str | None
    failures: int


class SizeThen(Struct):
    """An audience after one refresh; null: one to nine, hidden as in `Preview`."""

    at: str
    members: int | None
    exportable: int | None
    entered: int | None
    gone: int | None


class SizeHistory(Struct):
    """The earliest first; a refresh that changed nothing has no row."""

    sizes: list[SizeThen]


class Sized(Struct):
    """One audience and its stored members."""

    id: str
    name: str
    members: int


class Overlap(Struct):
    """`overlap[i][j]`: persons who are in the i-th and in the j-th audience; null: one to nine."""

    audiences: list[Sized]
    overlap: list[list[int | None]]


class Spoken(Struct):
    """One condition of a rule, `path` says which. Where events can speak for it: how many, the first and the last, and
    the value of a property.
    """

    path: str
    holds: bool
    count: int | UnsetType | None = UNSET
    first: str | UnsetType | None = UNSET
    last: str | UnsetType | None = UNSET
    value: str | UnsetType | None = UNSET


class Stay(Struct):
    """The latest stay in an audience, and on which side of a measurement."""

    entered: str
    entered_by: str
    left: str | None
    left_by: str | None
    arm: str | None


class Minimum(Struct):
    """Members who may be exported (null: not counted yet), and how many there must be."""

    exportable: int | None
    min_size: int


class Explained(Struct):
    """Why a person is in an audience or not. `withheld`: why they are not exported (consent, suppression, hold-out, or
    `too_small`); `changes`: when a time in the rule may change the answer; `lapsed`: not heard of for its duration.
    """

    id: str
    name: str
    inside: bool
    exported: bool
    withheld: str | None
    minimum: Minimum
    lapsed: bool
    changes: str | None
    conditions: list[Spoken]
    stay: Stay | None


class PersonAudiences(Struct):
    """Every audience of the site, by name."""

    person: PersonCard
    audiences: list[Explained]


class Audience(Struct):
    """An audience. `membership`: null until it was refreshed for the first time."""

    id: str
    site: str
    name: str
    rule: dict[str, Any]
    duration: str
    holdout: float
    refresh: str
    created: str
    updated: str
    membership: Membership | None


class Audiences(Struct):
    """By name."""

    audiences: list[Audience]


class Withheld(Struct):
    """Members that do not leave the house, each counted once; null: hidden, as in `Preview`."""

    no_consent: int | None
    opted_out: int | None
    suppressed: int | None
    holdout: int | None


class Preview(Struct):
    """size = exportable + the sum of withheld. null: one to nine, or more where that would show another that is few.

    Nothing is null for a token that may do more than look, unless it asks for that with `hide_small`.
    """

    size: int | None
    exportable: int | None
    withheld: Withheld


class Members(Struct):
    """A page of members."""

    total: int
    members: list[Member]
    cursor: str | None


class Segments(Struct):
    """Ids of the audiences that a visitor is in."""

    segments: list[str]
