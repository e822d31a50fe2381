"""Signed links: what a mail or a banner carries so that its click or its opening is counted. Pure.

A token is `1.PAYLOAD.MAC`: the payload is base64url of JSON, the MAC 128 bits of HMAC-SHA256 over `1.PAYLOAD` by a key
derived from the site's secret. So a link leads where the site's own people said and nowhere else, and what it says
about campaign and recipient was said by them. Whoever has a link can read it: it holds no e-mail address in clear.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from tracker.core.errors import BadRequest, NotFound
from tracker.core.event import RawConsent

VERSION = "1"
LONGEST_URL = 2_000
LONGEST_TOKEN = 6_000
_NONE_SUCH = "this link is not valid"


class Link(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token says. Times are ms since the epoch.

    key      the site's write key; `kind`: followed, or an image in a mail that was opened
    url      where a click leads; "" for an opening
    props    of the event: campaign and the like
    user, visitor, consent  of the recipient, where the sender knows them
    """

    key: str = msgspec.field(name="k")
    kind: Literal["click", "open"] = msgspec.field(name="t")
    expires: int = msgspec.field(name="x")
    url: str = msgspec.field(name="u", default="")
    props: dict[str, Any] = msgspec.field(name="p", default_factory=dict)
    user: str = msgspec.field(name="w", default="")
    visitor: str = msgspec.field(name="v", default="")
    consent: RawConsent | None = msgspec.field(name="c", default=None)


def sign(link: Link, identifier_key: str) -> str:
    """The token. Raises BadRequest for a target that no link may lead to, or a link that is too long."""
    if link.kind == "click" and not leads_somewhere(link.url):
        raise BadRequest(
            f"url must be an absolute http or https address in ASCII, without a password, up to {LONGEST_URL} letters",
            field="url",
        )
    payload = base64.urlsafe_b64encode(msgspec.json.encode(link)).rstrip(b"=").decode()
    signed = f"{VERSION}.{payload}"
    token = f"{signed}.{_mac(signed, identifier_key)}"
    if len(token) > LONGEST_TOKEN:
        raise BadRequest("the link is too long: send fewer props", code="too_large", field="props")
    return token


def read(token: str, secret_of: Callable[[str], str | None], now: int, kind: str) -> Link:
    """The link of a token. `secret_of` gives the secret of a write key. Raises NotFound, in the same words whatever
    is wrong with it, unless it has only expired.
    """
    signed, _, mac = token.rpartition(".")
    version, _, payload = signed.partition(".")
    if version != VERSION or len(token) > LONGEST_TOKEN:
        raise NotFound(_NONE_SUCH)
    try:
        link = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=Link)
        mac.encode("ascii")
    except (ValueError, RecursionError):
        raise NotFound(_NONE_SUCH) from None
    secret = secret_of(link.key)
    # Compared even where the site is not known, so that the time tells nothing.
    good = hmac.compare_digest(_mac(signed, secret or "00"), mac)
    if not good or not secret or link.kind != kind or (kind == "click" and not leads_somewhere(link.url)):
        raise NotFound(_NONE_SUCH)
    if now > link.expires:
        raise NotFound("this link has expired", code="expired")
    return link


def leads_somewhere(url: str) -> bool:
    """Whether a browser may be sent there."""
    if not (url.isascii() and url.isprintable()) or len(url) > LONGEST_URL or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _mac(signed: str, identifier_key: str) -> str:
    key = hmac.digest(bytes.fromhex(identifier_key), b"journey-tracker link", "sha256")
    digest = hmac.digest(key, signed.encode("utf-8", "replace"), "sha256")[:16]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
