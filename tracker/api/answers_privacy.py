"""What is answered about suppressions, erasures, consent and what is held of a person."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from tracker.api.answers_people import HistoryEntry


class Suppressed(Struct, kw_only=True):
    """One entry of the suppression list. `hash` is keyed: nobody can be told from it."""

    site: str
    hash: str
    kind: str
    reasons: list[str]
    at: str


class Suppressions(Struct, kw_only=True):
    """The newest entries, and how many there are."""

    total: int
    entries: list[Suppressed]


class SuppressionMade(Struct, kw_only=True):
    """`changed`: how many entries were not there before with this reason."""

    site: str
    reason: str
    changed: int
    hashes: list[str]


class Erasure(Struct, kw_only=True):
    """One erasure; it names nobody. `events`: taken out of the store; `details`: what else went, once it is done."""

    id: str
    site: str
    state: str
    events: int
    details: dict[str, int]
    asked: str
    finished: str | None


class Erasures(Struct, kw_only=True):
    """The newest first."""

    erasures: list[Erasure]


class PersonExport(Struct, kw_only=True):
    """All that is kept on a person. `events`: every field that is not empty, the oldest first; `history`: as over
    `GET /api/v1/people/{id}/history`, but all of it.
    """

    site: str
    made: str
    visitors: list[str]
    users: list[str]
    identifiers: list[dict[str, Any]]
    advertising_ids: list[dict[str, Any]]
    consents: list[Consent]
    left_alone: list[str]
    audiences: list[dict[str, str]]
    history: list[HistoryEntry]
    events: list[dict[str, Any]]


class SuppressionsImported(Struct, kw_only=True):
    """`new`: those that are not on the list for this reason yet."""

    site: str
    values: int
    new: int
    dry_run: bool


class Consent(Struct, kw_only=True):
    """One change. 1 yes, 0 no, -1 nobody said anything; `text` is the whole TC or GPP string."""

    at: str
    subject: str
    change: Literal["first", "changed", "withdrawn"]
    analytics: int
    ads: int
    gpc: int
    mode: str
    source: str
    policy: str
    text_hash: str
    text: str


class ConsentsOf(Struct, kw_only=True):
    """Everything a person decided, the oldest first."""

    consents: list[Consent]
