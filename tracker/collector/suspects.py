"""Signs of a machine that its user agent does not admit. Marked with the reason, never dropped; reports leave them out.

    no_language   says it is a browser of today and sends no Accept-Language, which every one of them does
    webdriver     the pixel says that a program steers its browser (`navigator.webdriver`)
    headless      the client hints name a browser without a window
    client_hints  they contradict the user agent: no Chromium at all, another version of it, another system
    fetch_metadata  Sec-Fetch headers with values that no browser sends
    data_centre   a browser on an address of the operator's list of hosting ranges
    honeypot      filled in a form's field that people cannot see
    referrer_spam  came from a host of the site's list of spammers
    rate          more events a minute from one visitor's cookie or one address block than people make

Only what a browser sends is judged: a server speaks for many people, from a data centre, as fast as it likes. Private
addresses have no rate, and nothing is made of contradictions and of WebDriver there: behind them is a proxy that was
not declared, or the site's own test. A header that is missing is no contradiction: proxies and plain http leave some
out.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

from multidict import istr

NO_LANGUAGE, DATA_CENTRE, RATE, WEBDRIVER = "no_language", "data_centre", "rate", "webdriver"
HEADLESS, CLIENT_HINTS, FETCH_METADATA = "headless", "client_hints", "fetch_metadata"
HONEYPOT, REFERRER_SPAM = "honeypot", "referrer_spam"
_MODERN = re.compile(r"Mozilla/5\.0 \(.{4,300}?\).* (?:Chrome|Firefox|Version|CriOS|FxiOS|Edg)/\d")
_MINUTE_MS = 60_000
_MOST = 20_000


@lru_cache(4096)
def claims_browser(user_agent: str) -> bool:
    """Whether a user agent says it is a browser of the last ten years."""
    return _MODERN.match(user_agent) is not None


_HINTS = (istr("Sec-CH-UA"), istr("Sec-CH-UA-Platform"))
_FETCH = (
    (istr("Sec-Fetch-Site"), frozenset(("same-origin", "same-site", "cross-site", "none"))),
    (
        istr("Sec-Fetch-Mode"),
        frozenset(("cors", "navigate", "nested-navigate", "no-cors", "same-origin", "websocket", "webtransport")),
    ),
    (istr("Sec-Fetch-User"), frozenset(("?1",))),
)
_CHROME = re.compile(r"(?:Chrome|CriOS)/(\d{1,4})")
_BRAND = re.compile(r'"([^"]{1,60})";\s*v="(\d{1,4})')
# What a system's user agent holds. Android is not judged: a person may ask it for the desktop's pages.
_SYSTEMS = {"Windows": "Windows", "macOS": "Mac OS X", "Chrome OS": "CrOS"}


def contradiction(user_agent: str, headers: Mapping[str, str]) -> str | None:
    """The reason where a browser's headers cannot all be true, or name a browser without a window."""
    for name, values in _FETCH:
        if (found := headers.get(name)) is not None and found not in values:
            return FETCH_METADATA
    brands = headers.get(_HINTS[0])
    return None if not brands else _hinted(user_agent, brands[:500], headers.get(_HINTS[1], "")[:40])


@lru_cache(4096)
def _hinted(user_agent: str, brands: str, platform: str) -> str | None:
    """User agent client hints (https://wicg.github.io/ua-client-hints/), which only Chromium sends."""
    named = dict(_BRAND.findall(brands))
    if "HeadlessChrome" in named:
        return HEADLESS
    if not claims_browser(user_agent):
        return None
    chrome = _CHROME.search(user_agent)
    if chrome is None or named.get("Chromium", chrome[1]) != chrome[1]:
        return CLIENT_HINTS
    system = _SYSTEMS.get(platform.strip('"'))
    return CLIENT_HINTS if system is not None and system not in user_agent else None


class Rates:
    """Events of this minute by key, for the last 20,000 keys; `limit` 0 counts nothing."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._minute = 0
        self._counts: dict[str, int] = {}

    def over(self, key: str, events: int, now_ms: int) -> bool:
        """Count; whether the key has more than its limit in this minute."""
        if not self._limit or not key:
            return False
        minute = now_ms // _MINUTE_MS
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
        count = self._counts.pop(key, 0) + events
        if len(self._counts) >= _MOST:
            del self._counts[next(iter(self._counts))]
        self._counts[key] = count  # the busiest stay: whoever was not seen for the longest goes first
        return count > self._limit


@lru_cache(8192)
def is_public(block: str) -> bool:
    """Whether a truncated address can be anywhere on the internet."""
    try:
        return ip_address(block).is_global
    except ValueError:
        return False


class Ranges:
    """Networks of a file, one a line (`198.51.100.0/24`), `#` for comments. Raises ValueError for a bad line."""

    def __init__(self, file: Path) -> None:
        spans: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            text = line.partition("#")[0].strip()
            if not text:
                continue
            try:
                network = ip_network(text, strict=False)
            except ValueError:
                raise ValueError(f"line {number} of {file.name} is no network") from None
            spans[network.version].append((int(network.network_address), int(network.broadcast_address)))
        self._spans = {version: _joined(found) for version, found in spans.items()}

    def has(self, address: IPv4Address | IPv6Address) -> bool:
        """Whether an address is in one of them."""
        starts, ends = self._spans[address.version]
        at = bisect_right(starts, int(address)) - 1
        return at >= 0 and int(address) <= ends[at]


def _joined(spans: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Sorted, overlapping ones joined: then the last that begins before an address is the only one to look at."""
    starts: list[int] = []
    ends: list[int] = []
    for start, end in sorted(spans):
        if ends and start <= ends[-1] + 1:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(start)
            ends.append(end)
    return starts, ends
