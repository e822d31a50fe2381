"""Who a person is: the rule of `docs/decisions/identity.md`, as keys.

A person key is 64 bits: XXH64 of `u:` + user, or of `v:` + visitor. ClickHouse computes the same with
`xxHash64(concat('u:', user))`, so keys made here and keys made in SQL are equal.
"""

from __future__ import annotations

import xxhash


def user_key(user: str) -> int:
    """Key of a known person."""
    return xxhash.xxh64_intdigest(b"u:" + user.encode())


def visitor_key(visitor: str) -> int:
    """Key of an anonymous browser."""
    return xxhash.xxh64_intdigest(b"v:" + visitor.encode())
