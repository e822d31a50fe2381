"""What answers look like, for the OpenAPI document and the tests that hold answers against it."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from tracker.api.answers_people import HistoryEntry
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


class Alert(Struct):
    """An alert; `looked_at` is the start of the interval it last looked at, `destination` is "" for nobody."""

    id: str
    site: str
    name: str
    alert: dict[str, Any]
    looked_at: str | None
    destination: str


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


class ExportStarted(Struct):
    """Ask `GET /api/v1/exports/{id}` how it goes on. `warnings`: why it may be of no use, as far as is known before."""

    id: str
    state: Literal["running", "done", "failed"]
    warnings: list[str] | UnsetType = UNSET


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
    destination: str
    options: dict[str, Any]
    state: Literal["running", "done", "failed"]
    warnings: list[str]
    counts: dict[str, Any]
    files: list[ExportedFile]
    created: str
    finished: str | None
    error: ErrorBody | UnsetType = UNSET


class NetworkShown(Struct):
    """A network that takes audiences. `minimum`: members below which it cannot use a list; `max_days`: null, no limit.

    `replaces`: a delivery is the whole list, whatever the mode. `options`: what may be chosen.
    """

    name: str
    title: str
    shapes: list[Literal["file", "api"]]
    minimum: int
    max_days: int | None
    replaces: bool
    options: list[str]
    note: str


class Networks(Struct):
    """All there are."""

    networks: list[NetworkShown]


class Exports(Struct):
    """The newest first."""

    exports: list[Export]


class DestinationShown(Struct):
    """A destination. Of its secrets only the names are given back."""

    id: str
    site: str
    name: str
    kind: str
    options: dict[str, Any]
    secrets: list[str]
    waiting: int
    created: str
    updated: str


class Destinations(Struct):
    """By name. `waiting`: persons of whom it is not known yet whether they arrived there, or have been taken back."""

    destinations: list[DestinationShown]


class DestinationChecked(Struct):
    """It can be used; what to know about it."""

    id: str
    ok: bool
    notes: list[str]


class KindShown(Struct):
    """A kind of destination. `secrets`: sets, one of which must be given; `optional_secrets`: may be given beside."""

    kind: str
    title: str
    options: list[str]
    optional: list[str]
    secrets: list[list[str]]
    optional_secrets: list[str]


class AccountShown(Struct):
    """A network that can be sent to: its ids, and the sets of secrets of which one must be given."""

    network: str
    ids: list[str]
    optional: list[str]
    secrets: list[list[str]]
    optional_secrets: list[str]
    note: str


class Kinds(Struct):
    """What there is to be connected."""

    kinds: list[KindShown]
    networks: list[AccountShown]


class DeliveryShown(Struct):
    """A delivery that is repeated. `last`: how the last time ended; `failures`: how many in a row; `warnings`: when it
    is made, why its lists may be of no use.
    """

    id: str
    audience: str
    destination: str
    network: str
    mode: str
    shape: Literal["file", "api"]
    every: str
    options: dict[str, Any]
    next: str
    failures: int
    last: Export | None
    created: str
    warnings: list[str] | UnsetType = UNSET


class Deliveries(Struct):
    """The oldest first."""

    deliveries: list[DeliveryShown]


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
