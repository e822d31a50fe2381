"""The catalog's tables of what is done with audiences beside exports: conversions, coupons, contacts.

Times are milliseconds since the epoch. JSON columns hold what the API takes and gives, unchanged.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Connection, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.catalog.tables import Base


class ConversionRow(Base):
    """Events that a network's conversions API is told of. Its repeated upload is a row of `delivery_plans`."""

    __tablename__ = "conversions"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("sites.name"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    network: Mapped[str] = mapped_column(String(32))
    destination: Mapped[str] = mapped_column(String(32), index=True)
    events: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    event_id: Mapped[str] = mapped_column(String(200))
    since: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger)


class CouponRow(Base):
    """A code of a pool, in the order it was imported. `person`: the key of who has it, hex; None: nobody yet.

    A code that was given away is never given again, whatever becomes of the person (`gone`: they were erased).
    """

    __tablename__ = "coupons"
    __table_args__ = (
        Index("coupon_once", "site", "pool", "code", unique=True),
        Index("coupon_of", "site", "pool", "person", unique=True),
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    site: Mapped[str] = mapped_column(ForeignKey("sites.name"))
    pool: Mapped[str] = mapped_column(String(64))
    code: Mapped[str] = mapped_column(String(100))
    person: Mapped[str | None] = mapped_column(String(16))
    gone: Mapped[int] = mapped_column(Integer)
    given_at: Mapped[int | None] = mapped_column(BigInteger)
    export: Mapped[str] = mapped_column(String(32))


class ContactRow(Base):
    """A person was put into an export or onto a list at `at`: what a cap on frequency counts."""

    __tablename__ = "contacts"
    __table_args__ = (Index("contact_of", "site", "person", "at"),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    site: Mapped[str] = mapped_column(String(64))
    person: Mapped[str] = mapped_column(String(16))
    at: Mapped[int] = mapped_column(BigInteger)
    audience: Mapped[str] = mapped_column(String(32))
    channel: Mapped[str] = mapped_column(String(80))
    export: Mapped[str] = mapped_column(String(32))


class FrequencyRow(Base):
    """A cap on contacts of a person: at most `most` in `days`; of the audiences in `priority` the first wins."""

    __tablename__ = "frequency"
    site: Mapped[str] = mapped_column(ForeignKey("sites.name"), primary_key=True)
    most: Mapped[int] = mapped_column(Integer)
    days: Mapped[int] = mapped_column(Integer)
    priority: Mapped[list[str]] = mapped_column(JSON)


class SensitiveRow(Base):
    """Somebody declared that an audience or conversion about a special category may leave the house, and why."""

    __tablename__ = "sensitive"
    subject: Mapped[str] = mapped_column(String(32), primary_key=True)  # its id
    site: Mapped[str] = mapped_column(String(64), index=True)
    ground: Mapped[str] = mapped_column(String(1000))
    actor: Mapped[str] = mapped_column(String(64))
    at: Mapped[int] = mapped_column(BigInteger)


class AdvertisingIdRow(Base):
    """A UID2 or EUID (`twin`). `key`: a keyed hash of what was asked; `person`: the key of who it was asked for, hex.

    `sealed`: the raw id, the one before, and what they were asked by; "" where there is no id.
    """

    __tablename__ = "advertising_ids"
    __table_args__ = (
        Index("advertising_id_of", "site", "person"),
        Index("advertising_id_changed", "site", "twin", "changed_at"),
    )
    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    twin: Mapped[str] = mapped_column(String(8), primary_key=True)
    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    person: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    sealed: Mapped[str] = mapped_column(Text)
    refresh_at: Mapped[int] = mapped_column(BigInteger)
    checked_at: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[int] = mapped_column(BigInteger)


def make(connection: Connection) -> None:
    """Make those of the schema's tables that are missing."""
    Base.metadata.create_all(connection)
