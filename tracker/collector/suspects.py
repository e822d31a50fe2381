"""Signs of a machine that its user agent does not admit. Marked with the reason, never dropped; reports leave them out.

    no_language   says it is a browser of today and sends no Accept-Language, which every one of them does
    data_centre   a browser on an address of the operator's list of hosting ranges
    honeypot      filled in a form's field that people cannot see
    referrer_spam  came from a host of the site's list of spammers
    rate          more events a minute from one visitor's cookie or one address block than people make

Only what a browser sends is judged: a server speaks for many people, from a data centre, as fast as it likes. Private
addresses have no rate: behind them is a proxy that was not declared, or a test.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

NO_LANGUAGE, DATA_CENTRE, RATE = "no_language", "data_centre", "rate"
HONEYPOT, REFERRER_SPAM = "honeypot", "referrer_spam"
_MODERN = re.compile(r"Mozilla/5\.0 \(.{4,300}?\).* (?:Chrome|Firefox|Version|CriOS|FxiOS|Edg)/\d")
_MINUTE_MS = 60_000
_MOST = 20_000


@lru_cache(4096)
def claims_browser(user_agent: str) -> bool:
    """Whether a user agent says it is a browser of the last ten years."""
    return _MODERN.match(user_agent) is not None


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
