"""Chance without chance: the same words throw the same number, on every machine and in every version of Python."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def throw(*words: object) -> int:
    """64 even bits that depend on nothing but the words."""
    text = "\0".join(map(str, words))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def pick(options: Sequence[T], *words: object) -> T:
    """One of the options, all equally likely."""
    return options[throw(*words) % len(options)]


def weighted(options: Sequence[tuple[int, T]], *words: object) -> T:
    """One of (weight, option)."""
    at = throw(*words) % sum(weight for weight, _ in options)
    for weight, option in options:
        if at < weight:
            return option
        at -= weight
    raise AssertionError("weights add up")
