"""The catalog's tables of what is done with audiences beside exports: conversions, coupons, contacts.

Times are milliseconds since the epoch. JSON columns hold what the API takes and gives, unchanged.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Connection, ForeignKey, String
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


def make(connection: Connection) -> None:
    """Make those of the schema's tables that are missing."""
    Base.metadata.create_all(connection)
