"""What answers look like, for the OpenAPI document and the tests that hold answers against it."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from tracker.core.gate import GateSettings
from tracker.core.pixel import PixelSettings
from tracker.core.privacy import PrivacySettings


class ErrorBody(Struct):
    """A stable word for programs, a sentence for people, and the path of the offending input."""

    code: str
    message: str
    field: str | UnsetType = UNSET


class Error(Struct):
    """Every answer from 400 on."""

    error: ErrorBody


class LinkCreated(Struct):
    """A signed link; whoever has it can read what it says."""

    url: str
    expires: str


class SiteCreated(Struct):
    """A new site."""

    site: str
    write_key: str


class Site(Struct):
    """A site. `write_key` is public; it stands in the page."""

    site: str
    write_key: str
    domains: list[str]
    consent: Literal["opt-in", "opt-out"]
    timezone: str
    currency: str
    min_size: int
    pixel: PixelSettings
    privacy: PrivacySettings
    gate: GateSettings


class Sites(Struct):
    """All sites that the token may see."""

    sites: list[Site]


class SiteDeleted(Struct):
    """What deleting did, and what it did not."""

    site: str
    deleted: bool
    note: str


class LastEvent(Struct):
    """The event received last."""

    event: str
    url: str
    ts: str
    received: str


class PinnedSnippet(Struct):
    """The snippet with Subresource Integrity: its file never changes, so new settings need a new snippet."""

    snippet: str
    path: str
    integrity: str


class Install(Struct):
    """The snippet, and whether it works. `modules` are those that the site's settings load."""

    write_key: str
    snippet: str
    pinned: PinnedSnippet
    modules: list[str]
    heard: bool
    last_event: LastEvent | None


class TokenCreated(Struct):
    """The token in clear, this once."""

    token: str
    role: str
    site: str | None


class Token(Struct):
    """A token without its secret. Times are milliseconds; `last_used_at` is rounded to the hour."""

    id: str
    role: str
    site: str | None
    created_at: int
    last_used_at: int | None
    revoked: bool


class Tokens(Struct):
    """All tokens."""

    tokens: list[Token]


class TokenRevoked(Struct):
    """It opens nothing any more."""

    id: str
    revoked: bool


class Deleted(Struct):
    """It is gone."""

    id: str
    deleted: bool


class Ledger(Struct):
    """received = stored + duplicates + rejected + suppressed + waiting + unexplained, at every moment."""

    received: int
    stored: int
    duplicates: int
    rejected: dict[str, int]
    suppressed: int
    waiting: int
    unexplained: int


class Status(Struct):
    """The state of the service; the wiring adds lag, disk and processes."""

    version: str
    store: str
    ledger: Ledger


class RejectedEvent(Struct):
    """An event that was not accepted, as it came (cut to 32 kB, contact details blanked)."""

    id: str
    site: str
    reason: str
    message: str
    received: str
    source: str
    raw: str


class RejectedEvents(Struct):
    """The newest first."""

    rejected: list[RejectedEvent]


class Replayed(Struct):
    """How many went down the road again and were accepted, were rejected again, or could not be read again."""

    replayed: int
    rejected: int = 0
    unreadable: int = 0


class AuditEntry(Struct):
    """Who did what."""

    at: str
    actor: str
    action: str
    site: str | None
    details: dict[str, Any]


class Audit(Struct):
    """The newest first."""

    audit: list[AuditEntry]


class CostsPut(Struct):
    """`changed`: rows that are new or differ from what was there."""

    site: str
    rows: int
    changed: int


class BackupState(Struct, omit_defaults=True):
    """How far the latest backup is, in bytes."""

    state: Literal["none", "running", "done", "failed"]
    folder: str | UnsetType = UNSET
    bytes: int | UnsetType = UNSET
    of: int | UnsetType = UNSET
    error: str | UnsetType = UNSET


class RatesPut(Struct):
    """`changed`: rows that are new or differ from what was there."""

    site: str
    base: str
    rows: int
    changed: int
