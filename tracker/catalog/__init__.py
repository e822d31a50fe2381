"""Small mutable things in SQLite or PostgreSQL: sites, tokens, saved definitions, exports, audit, ledger, vault."""

from tracker.catalog.catalog import Catalog
from tracker.catalog.tokens import ROLES, Principal, token_hash

__all__ = ["ROLES", "Catalog", "Principal", "token_hash"]
