"""Equal shares of everybody: keys, persons and visits are hashes of 64 bits."""

from __future__ import annotations


def share(at: int, of: int) -> tuple[int, int]:
    """The first and the last hash of one of so many shares; `at` counts from 0."""
    return at * 2**64 // of, (at + 1) * 2**64 // of - 1
