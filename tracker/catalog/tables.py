"""The catalog's tables: small, mutable things. Events are not here; they live in ClickHouse.

Times are milliseconds since the epoch. JSON columns hold what the API takes and gives, unchanged.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """All tables of the catalog."""


class SiteRow(Base):
    """A site. A deleted one stays as a row (`deleted_at`), because its events are still in the store."""

    __tablename__ = "sites"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    write_key: Mapped[str] = mapped_column(String(64), unique=True)
    identifier_key: Mapped[str] = mapped_column(String(64))
    domains: Mapped[list[str]] = mapped_column(JSON)
    consent: Mapped[str] = mapped_column(String(16))
    timezone: Mapped[str] = mapped_column(String(64))
    min_size: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[int] = mapped_column(BigInteger)
    deleted_at: Mapped[int | None] = mapped_column(BigInteger)
    pixel: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    privacy: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    gate: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    currency: Mapped[str | None] = mapped_column(String(3))


class TokenRow(Base):
    """An API token; only its SHA-256 is kept. `site` empty: every site."""

    __tablename__ = "tokens"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    site: Mapped[str | None] = mapped_column(ForeignKey("sites.name"))
    created_at: Mapped[int] = mapped_column(BigInteger)
    last_used_at: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)


class FunnelRow(Base):
    """A saved funnel: a name and the body of a funnel report."""

    __tablename__ = "funnels"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("sites.name"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    funnel: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)


class AnnotationRow(Base):
    """What happened on a day of a site's calendar."""

    __tablename__ = "annotations"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("sites.name"), index=True)
    date: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[int] = mapped_column(BigInteger)


class AlertRow(Base):
    """A figure and its limits; `looked_at` is the start of the interval it last looked at.

    `destination`: who is told what fires, '' for nobody.
    """

    __tablename__ = "alerts"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("sites.name"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    alert: Mapped[dict[str, Any]] = mapped_column(JSON)
    looked_at: Mapped[str] = mapped_column(String(40))
    destination: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[int] = mapped_column(BigInteger)


class FiringRow(Base):
    """An interval that was beyond an alert's limits; `told_at` empty: nobody was told yet, 0: nobody will be."""

    __tablename__ = "firings"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    alert: Mapped[str] = mapped_column(ForeignKey("alerts.id"), index=True)
    site: Mapped[str] = mapped_column(String(64), index=True)
    start: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(16))
    value: Mapped[float] = mapped_column(Float)
    usual: Mapped[float | None] = mapped_column(Float)
    score: Mapped[float | None] = mapped_column(Float)
    at: Mapped[int] = mapped_column(BigInteger)
    told_at: Mapped[int | None] = mapped_column(BigInteger)


class AudienceRow(Base):
    """An audience: a rule, and how long membership lasts."""

    __tablename__ = "audiences"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("sites.name"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    rule: Mapped[dict[str, Any]] = mapped_column(JSON)
    duration: Mapped[str] = mapped_column(String(16))
    holdout: Mapped[float] = mapped_column(Float)
    refresh: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)


class MembershipRow(Base):
    """How far the stored members of an audience are, and how its last refresh went. Times are milliseconds."""

    __tablename__ = "memberships"
    audience: Mapped[str] = mapped_column(String(32), primary_key=True)
    site: Mapped[str] = mapped_column(String(64), index=True)
    basis: Mapped[str] = mapped_column(String(64))  # hash of all that decides besides events and clock
    as_of: Mapped[int] = mapped_column(BigInteger)
    block: Mapped[int] = mapped_column(BigInteger)  # the latest insert that was seen (`touched.at`)
    inserts: Mapped[int] = mapped_column(Integer)  # how many were seen, of those that are not much earlier
    moved: Mapped[int] = mapped_column(BigInteger)  # the latest version of `person_map`
    listed: Mapped[int] = mapped_column(BigInteger)  # the latest version of `suppressed`
    whole_at: Mapped[int] = mapped_column(BigInteger)
    took_ms: Mapped[int] = mapped_column(BigInteger)
    judged: Mapped[int] = mapped_column(BigInteger)
    members: Mapped[int] = mapped_column(BigInteger)
    exportable: Mapped[int] = mapped_column(BigInteger)
    error: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    failed_at: Mapped[int | None] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(Integer)


class ExportRow(Base):
    """One export. It outlives its audience: what left the house must stay known."""

    __tablename__ = "exports"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("sites.name"), index=True)
    audience: Mapped[str] = mapped_column(String(32), index=True)
    network: Mapped[str] = mapped_column(String(32))
    mode: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), index=True)
    counts: Mapped[dict[str, Any]] = mapped_column(JSON)
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    error: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    actor: Mapped[str] = mapped_column(String(64))
    min_size: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[int] = mapped_column(BigInteger)
    finished_at: Mapped[int | None] = mapped_column(BigInteger)
    details: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class DeliveryRow(Base):
    """How often something of an audience was delivered to a network at a destination.

    An export that began before the last fails. `sending`: the export that is on its way, or of which nobody knows
    whether it arrived; "" where there is none.
    """

    __tablename__ = "deliveries"
    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    audience: Mapped[str] = mapped_column(String(32), primary_key=True)
    network: Mapped[str] = mapped_column(String(32), primary_key=True)
    destination: Mapped[str] = mapped_column(String(32), primary_key=True)
    generation: Mapped[int] = mapped_column(BigInteger)
    sending: Mapped[str] = mapped_column(String(32))


class DeliveredRow(Base):
    """Somebody whom a network was given and who was not taken back from it since, with what they went by.

    `at` 0: they may have arrived, nobody knows; `export`: the last that brought them, or takes them back (`taking` 1).
    While it is on its way (`DeliveryRow.sending`) they were delivered last at `before`, -1: never.
    """

    __tablename__ = "delivered"
    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    audience: Mapped[str] = mapped_column(String(32), primary_key=True)
    network: Mapped[str] = mapped_column(String(32), primary_key=True)
    destination: Mapped[str] = mapped_column(String(32), primary_key=True)
    person: Mapped[str] = mapped_column(String(16), primary_key=True)  # the key, hex
    at: Mapped[int] = mapped_column(BigInteger)
    sealed: Mapped[str] = mapped_column(Text)
    export: Mapped[str] = mapped_column(String(32))
    taking: Mapped[int] = mapped_column(Integer)
    before: Mapped[int] = mapped_column(BigInteger, server_default="0")


class DestinationRow(Base):
    """Where exports go. `secrets`: names and values, sealed with the site's key; `options` are no secrets."""

    __tablename__ = "destinations"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("sites.name"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(16))
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    sealed: Mapped[str] = mapped_column(Text)
    secrets: Mapped[list[str]] = mapped_column(JSON)  # their names
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)


class PlanRow(Base):
    """An audience that is delivered again and again. `due_at`: when next; `failures`: in a row."""

    __tablename__ = "delivery_plans"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("sites.name"), index=True)
    audience: Mapped[str] = mapped_column(String(32), index=True)
    destination: Mapped[str] = mapped_column(String(32), index=True)
    network: Mapped[str] = mapped_column(String(32))
    mode: Mapped[str] = mapped_column(String(16))
    shape: Mapped[str] = mapped_column(String(16))
    every: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[int] = mapped_column(BigInteger, index=True)
    last_export: Mapped[str] = mapped_column(String(32))
    failures: Mapped[int] = mapped_column(Integer)
    details: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class AuditRow(Base):
    """Who did what to whose data. Append-only; nothing in `details` names a person."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[int] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    site: Mapped[str | None] = mapped_column(String(64))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)


class LineageRow(Base):
    """How far one spool lineage is accounted for without a hole: up to segment `number`, up to record `next_start`."""

    __tablename__ = "ledger_lineages"
    lineage: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    next_start: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)


class SegmentRow(Base):
    """A segment that was committed although something before it is missing."""

    __tablename__ = "ledger_segments"
    lineage: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    start: Mapped[int] = mapped_column(BigInteger)
    count: Mapped[int] = mapped_column(BigInteger)


class EndingRow(Base):
    """How many events of a site ended this way."""

    __tablename__ = "ledger_endings"
    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    ending: Mapped[str] = mapped_column(String(16), primary_key=True)
    reason: Mapped[str] = mapped_column(String(32), primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)


class VaultRow(Base):
    """Sealed hash forms of somebody's identifiers, as the collector made them; opened only inside an export."""

    __tablename__ = "vault"
    __table_args__ = (Index("vault_once", "site", "owner", "digest", unique=True),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    site: Mapped[str] = mapped_column(String(64))
    owner: Mapped[str] = mapped_column(Text)  # 'u:' + user, or 'v:' + visitor
    digest: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[str] = mapped_column(Text)


class SuppressedRow(Base):
    """Somebody to be left alone: a keyed hash, the reasons there are now (bits of `core.suppression.State`)."""

    __tablename__ = "suppressed"
    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    hash: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    reasons: Mapped[int] = mapped_column(Integer)
    since: Mapped[int] = mapped_column(BigInteger)  # of the withdrawal, ms
    at: Mapped[int] = mapped_column(BigInteger)


class SuppressionRow(Base):
    """The log behind `suppressed`. Append-only; outlives everything else that is known of the person."""

    __tablename__ = "suppression_log"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[int] = mapped_column(BigInteger)
    site: Mapped[str] = mapped_column(String(64), index=True)
    hash: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(16))
    deed: Mapped[str] = mapped_column(String(8))  # add, or lift: a withdrawal that a later yes ended
    source: Mapped[str] = mapped_column(String(16))  # event, api, import


class ConsentRow(Base):
    """One change of what one person agreed to. Append-only; each names the hash of the one before it."""

    __tablename__ = "consent_log"
    __table_args__ = (Index("consent_of", "site", "subject", "at"),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[int] = mapped_column(BigInteger)
    site: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(Text)  # 'u:' + user, or 'v:' + visitor
    change: Mapped[str] = mapped_column(String(16))  # first, changed, withdrawn
    analytics: Mapped[int] = mapped_column(Integer)
    ads: Mapped[int] = mapped_column(Integer)
    gpc: Mapped[int] = mapped_column(Integer)
    mode: Mapped[str] = mapped_column(String(4))
    source: Mapped[str] = mapped_column(String(64))
    policy: Mapped[str] = mapped_column(String(64))
    text_hash: Mapped[str] = mapped_column(String(32))
    event: Mapped[str] = mapped_column(String(36))
    chain: Mapped[str] = mapped_column(String(64))


class CostRow(Base):
    """What one day of advertising cost; a name that does not apply is ''."""

    __tablename__ = "costs"
    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    date: Mapped[str] = mapped_column(String(10), primary_key=True)
    channel: Mapped[str] = mapped_column(String(255), primary_key=True)
    source: Mapped[str] = mapped_column(String(255), primary_key=True)
    campaign: Mapped[str] = mapped_column(String(255), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    cost: Mapped[float] = mapped_column(Float)
    clicks: Mapped[int] = mapped_column(BigInteger)
    impressions: Mapped[int] = mapped_column(BigInteger)


class RateRow(Base):
    """What one unit of a currency was worth in the base on a day."""

    __tablename__ = "rates"
    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    base: Mapped[str] = mapped_column(String(3), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    date: Mapped[str] = mapped_column(String(10), primary_key=True)
    rate: Mapped[float] = mapped_column(Float)


class ConsentTextRow(Base):
    """A TC or GPP string, once, under the hash that events and the consent log hold."""

    __tablename__ = "consent_texts"
    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    hash: Mapped[str] = mapped_column(String(32), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[int] = mapped_column(BigInteger)


class ErasureRow(Base):
    """One person to be erased. The names are here only until it is done; what stays afterwards names nobody."""

    __tablename__ = "erasures"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site: Mapped[str] = mapped_column(String(64), index=True)
    state: Mapped[str] = mapped_column(String(16), index=True)  # asked, counted, done
    visitors: Mapped[list[str]] = mapped_column(JSON)
    users: Mapped[list[str]] = mapped_column(JSON)
    events: Mapped[int] = mapped_column(BigInteger)
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    actor: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[int] = mapped_column(BigInteger)
    finished_at: Mapped[int | None] = mapped_column(BigInteger)


class ErasedRow(Base):
    """A keyed hash of an id whose events were erased: what comes under it later is not loaded."""

    __tablename__ = "erased"
    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    hash: Mapped[str] = mapped_column(String(32), primary_key=True)
    erasure: Mapped[str] = mapped_column(String(32), index=True)


class RemovalRow(Base):
    """A network that got a person must be told that they are gone. One row an erasure and place; `export`: its newest.

    `sealed`: the person's identifiers as the vault had them, opened only to write the removal and emptied once it is
    delivered; `certain` 0: the person may be there, or not.
    """

    __tablename__ = "removals"
    __table_args__ = (Index("removal_once", "erasure", "export", unique=True),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    site: Mapped[str] = mapped_column(String(64))
    erasure: Mapped[str] = mapped_column(String(32))
    export: Mapped[str] = mapped_column(String(32))
    audience: Mapped[str] = mapped_column(String(32))
    network: Mapped[str] = mapped_column(String(32), index=True)
    certain: Mapped[int] = mapped_column(Integer)
    sealed: Mapped[list[str]] = mapped_column(JSON)
    asked_at: Mapped[int] = mapped_column(BigInteger)
    delivered_at: Mapped[int | None] = mapped_column(BigInteger)
