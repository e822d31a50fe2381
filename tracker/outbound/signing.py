"""Signed webhooks: HMAC-SHA256 over the time and the body, so that a receiver knows who sent it, and when.

    Tracker-Signature: t=1764300000,v1=<64 hexadecimal digits>

The signed text is `t`, a full stop, and the body as it was sent; the key is the destination's secret, as UTF-8. A
receiver refuses a signature that is older or newer than five minutes, so that nobody can say it again later.
"""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

HEADER = "Tracker-Signature"
WINDOW = 300
"""Seconds."""


def signature(secret: str, body: bytes | Path, at: int) -> str:
    """The header's value; `at`: seconds since the epoch."""
    return f"t={at},v1={_digest(secret, body, at)}"


def verify(secret: str, body: bytes, header: str, now: float, window: int = WINDOW) -> bool:
    """What a receiver does: the signature is ours, and not older or newer than `window` seconds."""
    said = dict(part.partition("=")[::2] for part in header.split(","))
    at = said.get("t", "")
    if not (at.isascii() and at.isdigit()) or abs(now - int(at)) > window:
        return False
    return hmac.compare_digest(_digest(secret, body, int(at)), said.get("v1", ""))


def _digest(secret: str, body: bytes | Path, at: int) -> str:
    made = hmac.new(secret.encode(), f"{at}.".encode(), hashlib.sha256)
    if isinstance(body, bytes):
        made.update(body)
    else:
        with body.open("rb") as file:
            while chunk := file.read(1 << 20):
                made.update(chunk)
    return made.hexdigest()
