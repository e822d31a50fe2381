"""URL hygiene: what of an address may be kept. Pure.

Dropped: user name and password, fragment, and query values that look like an e-mail address, a phone number, a card
number or a token. Click ids are identifiers and go too unless the consent gate allows M3. Everything else stays.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote_plus, urlsplit

from tracker.collector.clicks import mentions_click, names_click, strip_text

_SECRET_KEYS = frozenset(
    "password passwd pwd token access_token id_token refresh_token jwt apikey api_key secret".split()
)
_EMAIL = re.compile(
    r"[^\s@/?&=#;,:\"'<>()\[\]\\]{1,64}(?:@|%40)[^\s@/?&=#;,:\"'<>()\[\]\\]{1,190}\.[^\W\d_]{2,24}", re.I
)
_SIGN = re.compile(r"@|%40")
_REST = re.compile(r"(?:@|%40)[^\s@/?&=#;,:\"'<>()\[\]\\]{1,190}\.[^\W\d_]{2,24}")
_NOT_LOCAL = frozenset("@/?&=#;,:\"'<>()[]\\")
_PHONE = re.compile(r"\s?(?:\+|00)[\s().-]*[1-9](?:[\s().-]*\d){7,14}|\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}")
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*){0,3}")
_CARD = re.compile(r"[3-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}")
MAX_URL = 4096


def blank(text: str) -> str:
    """Text with every e-mail address in it replaced by `[email]`.

    What `_EMAIL.sub` would give, looked for from the at-signs outwards: the expression tries 64 beginnings for every
    letter, and somebody may send a million letters.
    """
    kept: list[str] = []
    done = 0
    for sign in _SIGN.finditer(text):
        at = sign.start()
        if at < done:
            continue
        first, earliest = at, max(done, at - 64)
        while first > earliest and _local(text[first - 1]):
            first -= 1
        rest = _REST.match(text, at) if first < at else None
        if rest is not None:
            for later in _SIGN.finditer(text, at + 1, first + 67):  # `%40` may be a part of what stands before another
                if later.start() > first + 64 or not all(map(_local, text[at : later.start()])):
                    break
                rest = _REST.match(text, later.start()) or rest
            kept += (text[done:first], "[email]")
            done = rest.end()
    return "".join((*kept, text[done:])) if kept else text


def _local(letter: str) -> bool:
    return letter not in _NOT_LOCAL and not letter.isspace()


def clean(url: str, *, click_ids: bool) -> str:
    """The part of a URL that may be kept; at most 4096 characters."""
    return cleaned(url[:MAX_URL], click_ids)


@lru_cache(maxsize=8192)
def cleaned(url: str, click_ids: bool) -> str:
    """`clean` for a URL that is known to be no longer than that: many visitors are on the same pages."""
    if "#" in url:
        url = url[: url.index("#")]
    if not ("?" in url or "@" in url or "%40" in url or (not click_ids and mentions_click(url))):
        return url
    head, asked, query = url.partition("?")
    scheme, slashes, rest = head.partition("//")
    if slashes:
        host, slash, path = rest.partition("/")
        head = f"{scheme}//{host.rpartition('@')[2]}{slash}{path}"
    head = blank(head)
    if not click_ids:
        head = strip_text(head)
    if not asked:
        return head
    kept = [pair for pair in query.split("&") if pair and _keep(pair, click_ids)]
    return f"{head}?{'&'.join(kept)}" if kept else head


def only(url: str, keys: frozenset[str]) -> str:
    """A URL that went through `clean`, with no query parameters but these, campaign parameters and click ids (P-36)."""
    head, asked, query = url.partition("?")
    if not asked:
        return url
    kept = [pair for pair in query.split("&") if _listed(unquote_plus(pair.partition("=")[0]).lower(), keys)]
    return f"{head}?{'&'.join(kept)}" if kept else head


def _listed(name: str, keys: frozenset[str]) -> bool:
    return name in keys or name.startswith("utm_") or names_click(name)


def is_below(url: str, hosts: frozenset[str]) -> bool:
    """Whether the host of a URL is one of some hosts, or a sub-domain of one."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return False
    while host:
        if host in hosts:
            return True
        host = host.partition(".")[2]
    return False


def _keep(pair: str, click_ids: bool) -> bool:
    key, _, value = pair.partition("=")
    name = unquote_plus(key).lower()
    if not click_ids and (names_click(name) or mentions_click(name)):
        return False
    if name in _SECRET_KEYS:
        return False
    if not value:
        return "@" not in name
    plain = unquote_plus(value)
    if not click_ids and mentions_click(plain):
        return False
    if "@" in plain or "%40" in plain:
        return _EMAIL.search(plain) is None
    if len(plain) < 8:
        return True
    if plain.startswith("eyJ") and _JWT.match(plain):
        return False
    if not any(digit in plain for digit in "0123456789"):
        return True
    # A plus sign that was not escaped has become a space.
    if _PHONE.fullmatch(plain) or (plain[0] == " " and _PHONE.fullmatch("+" + plain[1:])):
        return False
    if name.endswith(("phone", "mobile", "msisdn", "tel")) and sum(c.isdigit() for c in plain) >= 7:
        return False
    return name.startswith("utm_") or name.endswith("id") or not (_CARD.fullmatch(plain) and _luhn(plain))


def _luhn(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()]
    doubled = [d if at % 2 == 0 else (d * 2 - 9 if d > 4 else d * 2) for at, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0
