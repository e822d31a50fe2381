"""API tokens: shown once, kept as SHA-256, compared in constant time."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from tracker.catalog.database import Database, now_ms
from tracker.catalog.tables import SiteRow, TokenRow
from tracker.core.errors import BadRequest, NotFound, TryLater

ROLES = ("viewer", "analyst", "export", "admin")
"""From the least to the most; each may do what those before it may."""

_LAST_USED_MS = 3_600_000  # coarse on purpose: one write an hour, and no diary of who worked when


@dataclass(frozen=True)
class Principal:
    """Who is asking: an id for the audit log, a role, and the one site it is bound to (None: every site)."""

    id: str
    role: str
    site: str | None = None

    def may(self, role: str) -> bool:
        """True if this role includes `role`."""
        return ROLES.index(self.role) >= ROLES.index(role)


def token_hash(token: str) -> str:
    """SHA-256, hex. Tokens are 256 random bits, so no salt or slow hash is needed."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


class Tokens:
    """Create, check, list and revoke tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, role: str, site: str | None = None) -> str:
        """A new token, in clear this once. Raises BadRequest for an unknown role, NotFound for an unknown site."""
        if role not in ROLES:
            raise BadRequest(f"role must be one of {', '.join(ROLES)}", field="role")
        token = f"jt_{secrets.token_urlsafe(32)}"
        with self._database.write() as session:
            if site is not None:
                row = session.get(SiteRow, site)
                if row is None or row.deleted_at is not None:
                    raise NotFound(f"there is no site named {site}", code="no_such_site", field="site")
            session.add(
                TokenRow(
                    id=f"tok_{secrets.token_hex(8)}", hash=token_hash(token), role=role, site=site, created_at=now_ms()
                )
            )
        return token

    def verify(self, token: str) -> Principal | None:
        """Who holds this token; None if nobody does or it was revoked."""
        wanted = token_hash(token)
        with self._database.read() as session:
            row = session.scalar(select(TokenRow).where(TokenRow.hash == wanted))
        if row is None or not hmac.compare_digest(row.hash, wanted) or row.revoked_at is not None:
            return None
        now = now_ms()
        if row.last_used_at is None or now - row.last_used_at > _LAST_USED_MS:
            with contextlib.suppress(TryLater), self._database.write() as session:  # a note, no reason to refuse
                found = session.get(TokenRow, row.id)
                if found is not None:
                    found.last_used_at = now - now % _LAST_USED_MS
        return Principal(id=row.id, role=row.role, site=row.site)

    def list(self) -> list[dict[str, Any]]:
        """Every token, revoked ones too; never the token itself or its hash."""
        with self._database.read() as session:
            return [
                {
                    "id": row.id,
                    "role": row.role,
                    "site": row.site,
                    "created_at": row.created_at,
                    "last_used_at": row.last_used_at,
                    "revoked": row.revoked_at is not None,
                }
                for row in session.scalars(select(TokenRow).order_by(TokenRow.created_at, TokenRow.id))
            ]

    def revoke(self, token_id: str) -> None:
        """From now on the token opens nothing. Revoking twice is harmless. Raises NotFound."""
        with self._database.write() as session:
            row = session.get(TokenRow, token_id)
            if row is None:
                raise NotFound("there is no such token", field="id")
            if row.revoked_at is None:
                row.revoked_at = now_ms()
