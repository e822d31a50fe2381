"""Who is asking: `Authorization: Bearer TOKEN` -> Principal."""

from __future__ import annotations

import hmac

from tracker.api.services import Services
from tracker.catalog import Principal, token_hash
from tracker.core.errors import Forbidden, Unauthorized

ADMIN_ID = "admin"


def authenticate(services: Services, header: str | None) -> Principal:
    """Blocks (it may ask the catalog). Raises Unauthorized, the same way for a missing and for a wrong token."""
    scheme, _, token = (header or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("send a token: Authorization: Bearer TOKEN")
    if hmac.compare_digest(token_hash(token), services.admin_token_hash):
        return Principal(id=ADMIN_ID, role="admin")
    principal = services.catalog.tokens.verify(token)
    if principal is None:
        raise Unauthorized("this token is not known, or it was revoked")
    return principal


def authorize(principal: Principal, role: str) -> None:
    """Raises Forbidden where the token's role is too small."""
    if not principal.may(role):
        raise Forbidden(f"this needs a token with the role {role}; yours is {principal.role}")
