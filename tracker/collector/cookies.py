"""The first-party visitor cookie, set by the server."""

from __future__ import annotations

import re

MAX_AGE = 33_696_000  # 390 days: 13 months from the first time it is set, and never prolonged
ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_OURS = {
    https: re.compile(rf"(?:^|;)\s*{name}=([A-Za-z0-9_-]{{8,64}})\s*(?:;|$)").search
    for https, name in ((False, "jt_vid"), (True, "__Host-jt_vid"))
}


def name_of(https: bool) -> str:
    """`__Host-` over https: bound to this very host, secure, for every path."""
    return "__Host-jt_vid" if https else "jt_vid"


def read(header: str | None, https: bool) -> str:
    """The visitor id in a Cookie header, or ""."""
    if not header or "jt_vid" not in header:
        return ""
    found = _OURS[https](header)
    return found[1] if found is not None else ""


def present(header: str | None) -> bool:
    """Whether any cookie of ours came, usable or not."""
    return bool(header) and "jt_vid=" in str(header)


def set_header(visitor: str, https: bool) -> str | None:
    """Set-Cookie for a visitor id; None for an id that a cookie cannot carry."""
    if ID.fullmatch(visitor) is None:
        return None
    secure = "; Secure" if https else ""
    return f"{name_of(https)}={visitor}; Path=/; Max-Age={MAX_AGE}; HttpOnly; SameSite=Lax{secure}"


def expire_headers(https: bool) -> list[str]:
    """Set-Cookie headers that remove ours, under every name it ever had."""
    plain = "jt_vid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
    return [plain, "__Host-jt_vid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"] if https else [plain]
