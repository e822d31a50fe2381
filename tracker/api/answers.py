"""What answers look like, for the OpenAPI document and the tests that hold answers against it."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from tracker.api.report_answers import PersonCard
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


class Alert(Struct):
    """An alert; `looked_at` is the start of the interval it last looked at."""

    id: str
    site: str
    name: str
    alert: dict[str, Any]
    looked_at: str | None


class Alerts(Struct):
    """By name."""

    alerts: list[Alert]


class Firing(Struct):
    """An interval beyond an alert's limits; `kind` is above, below or anomaly. `told`: it was sent on."""

    id: str
    alert: str
    site: str
    name: str
    start: str
    kind: str
    value: float
    usual: float | None
    score: float | None
    at: str
    told: bool


class Firings(Struct):
    """The newest first."""

    firings: list[Firing]


class Annotation(Struct):
    """A note on a day."""

    id: str
    site: str
    date: str
    text: str


class Annotations(Struct):
    """By day."""

    annotations: list[Annotation]


class SavedFunnel(Struct):
    """A saved funnel."""

    id: str
    site: str
    name: str
    funnel: dict[str, Any]


class SavedFunnels(Struct):
    """By name."""

    funnels: list[SavedFunnel]


class Member(PersonCard):
    """A member of an audience, and why it is not exported (null: it is)."""

    withheld: Literal["no_consent", "opted_out", "suppressed", "holdout"] | None


class Audience(Struct):
    """An audience."""

    id: str
    site: str
    name: str
    rule: dict[str, Any]
    duration: str
    holdout: float
    refresh: str
    created: str
    updated: str


class Audiences(Struct):
    """By name."""

    audiences: list[Audience]


class Withheld(Struct):
    """Members that do not leave the house, each counted once."""

    no_consent: int
    opted_out: int
    suppressed: int
    holdout: int


class Preview(Struct):
    """size = exportable + the sum of withheld."""

    size: int
    exportable: int
    withheld: Withheld


class Members(Struct):
    """A page of members."""

    total: int
    members: list[Member]
    cursor: str | None


class ExportStarted(Struct):
    """Ask `GET /api/v1/exports/{id}` how it goes on."""

    id: str
    state: Literal["running", "done", "failed"]


class ExportedFile(Struct):
    """A finished file."""

    name: str
    rows: int
    sha256: str
    bytes: int


class Export(Struct):
    """An export."""

    id: str
    site: str
    audience: str
    network: str
    mode: str
    shape: Literal["file", "api"]
    state: Literal["running", "done", "failed"]
    warnings: list[str]
    counts: dict[str, Any]
    files: list[ExportedFile]
    created: str
    finished: str | None
    error: ErrorBody | UnsetType = UNSET


class NetworkShown(Struct):
    """A network that takes audiences. `minimum`: members below which it cannot use a list; `max_days`: null, no limit.

    `replaces`: a delivery is the whole list, whatever the mode.
    """

    name: str
    title: str
    shapes: list[Literal["file", "api"]]
    minimum: int
    max_days: int | None
    replaces: bool
    note: str


class Networks(Struct):
    """All there are."""

    networks: list[NetworkShown]


class Exports(Struct):
    """The newest first."""

    exports: list[Export]


class Segments(Struct):
    """Ids of the audiences that a visitor is in."""

    segments: list[str]


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


class CostsPut(Struct):
    """`changed`: rows that are new or differ from what was there."""

    site: str
    rows: int
    changed: int


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
    """All that is kept on a person. `events`: every field that is not empty, the oldest first."""

    site: str
    made: str
    visitors: list[str]
    users: list[str]
    identifiers: list[dict[str, Any]]
    consents: list[Consent]
    left_alone: list[str]
    audiences: list[dict[str, str]]
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


class Message(Struct):
    """What somebody wrote into a form. Only what they gave is there. `marked`: why it is taken for a machine's."""

    at: str
    form: str
    visitor: str | UnsetType = UNSET
    user: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    phone: str | UnsetType = UNSET
    date: str | UnsetType = UNSET
    slot: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    marked: str | UnsetType = UNSET


class Messages(Struct):
    """A page of messages, the newest first."""

    messages: list[Message]
    cursor: str | None


class MatchRate(Struct):
    """One partner in the days that a match counts; `rate` is matched of visitors."""

    partner: str
    days: int
    visitors: int
    matched: int
    shared: int
    rate: float | None


class MatchRates(Struct):
    """All partners of a site."""

    partners: list[MatchRate]
