"""The visitor cookie, set by the server: one name where the collector is the page's own, one where it is embedded.

Embedded means over https and from a page of another registrable domain, which browsers say (`Sec-Fetch-Site:
cross-site`). A first-party cookie would be refused there; a partitioned one (CHIPS) is kept apart by the site on top.
A browser that does not know the attribute would carry it from site to site, so the value is bound to our site and
another one does not read it (privacy: P-32).
"""

from __future__ import annotations

import hmac
import re

from tracker.core.identifiers import Keys

MAX_AGE = 33_696_000  # 390 days: 13 months from the first time it is set, and never prolonged
ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_OURS = {
    https: re.compile(rf"(?:^|;)\s*{name}=([A-Za-z0-9_-]{{8,64}})\s*(?:;|$)").search
    for https, name in ((False, "jt_vid"), (True, "__Host-jt_vid"))
}
_PARTITIONED = "__Host-jt_pvid"
_BOUND = re.compile(rf"(?:^|;)\s*{_PARTITIONED}=([A-Za-z0-9_-]{{8,64}})\.([0-9a-f]{{16}})\s*(?:;|$)").search
_EMBEDDED = "Path=/; Max-Age={}; HttpOnly; SameSite=None; Secure; Partitioned"


def name_of(https: bool) -> str:
    """`__Host-` over https: bound to this very host, secure, for every path."""
    return "__Host-jt_vid" if https else "jt_vid"


def partition_of(keys: Keys) -> str:
    """What the values of a site's partitioned cookies end with."""
    return hmac.digest(keys.join, b"partitioned cookie", "sha256")[:8].hex()


def read(header: str | None, https: bool, partition: str = "") -> str:
    """The visitor id in a Cookie header, or ""; `partition`: of the site, where the collector is embedded in it."""
    if not header:
        return ""
    if partition:
        bound = _BOUND(header) if _PARTITIONED in header else None
        return bound[1] if bound is not None and bound[2] == partition else ""
    found = _OURS[https](header) if "jt_vid" in header else None
    return found[1] if found is not None else ""


def present(header: str | None) -> bool:
    """Whether any cookie of ours came, usable or not."""
    return header is not None and ("jt_vid=" in header or "jt_pvid=" in header)


def set_header(visitor: str, https: bool, partition: str = "") -> str | None:
    """Set-Cookie for a visitor id; None for an id that a cookie cannot carry."""
    if ID.fullmatch(visitor) is None:
        return None
    if partition:
        return f"{_PARTITIONED}={visitor}.{partition}; {_EMBEDDED.format(MAX_AGE)}"
    secure = "; Secure" if https else ""
    return f"{name_of(https)}={visitor}; Path=/; Max-Age={MAX_AGE}; HttpOnly; SameSite=Lax{secure}"


def expire_headers(https: bool, partition: str = "") -> list[str]:
    """Set-Cookie headers that remove ours, under every name it ever had."""
    plain = "jt_vid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
    headers = [plain, "__Host-jt_vid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"] if https else [plain]
    return [*headers, f"{_PARTITIONED}=; {_EMBEDDED.format(0)}"] if partition else headers
