"""How long to wait before the next try, exponential back-off with full jitter or what the other side asks for; and
how long a transfer may take before the other side counts as away.

Source: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog 2015 (full jitter); RFC 9110, 10.2.3.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed later."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds for one transfer with everything around it: `least`, and more for many bytes, at `slowest` bytes/s."""

    least: float = 120.0
    slowest: float = 50_000.0

    def of(self, size: int) -> float:
        """Seconds after which a transfer of `size` bytes is cut off."""
        return self.least + size / self.slowest


def size_of(content: Path | bytes) -> int:
    """Bytes of a file, or of what stands for one."""
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def pause(attempt: int, *, first: float, longest: float) -> float:
    """Seconds before try number `attempt` + 1; the first try is number 1."""
    return random.uniform(0, min(longest, first * 2 ** (attempt - 1)))  # noqa: S311 - nothing secret


def retry_after(text: str | None) -> float | None:
    """Seconds from now that `Retry-After` asks for, as a number or a date; None where it says nothing legible."""
    if not text:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
