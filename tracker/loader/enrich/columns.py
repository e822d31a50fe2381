"""The answers of this package as JSON to be put at the end of an event's JSON. Distinct values are asked once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache

import msgspec

from tracker.loader.enrich.address import address, host_of
from tracker.loader.enrich.client import client
from tracker.loader.enrich.source import channel

_VIEWS = frozenset({"page", "screen"})


def _tail(values: dict[str, str]) -> bytes:
    """`,"name":"value",...` of the values that say something."""
    said = {name: value for name, value in values.items() if value}
    return b"," + msgspec.json.encode(said)[1:-1] if said else b""


def client_columns(user_agent: str) -> bytes:
    """device, os, os_version, browser, browser_version, bot."""
    return _tail(asdict(client(user_agent)))


def source_columns(url: str, referrer: str, kind: str) -> bytes:
    """host, path, utm_*, click_id*, referrer_host, channel."""
    page = address(url)
    referrer_host = host_of(referrer)
    found = channel(page, referrer_host) if kind in _VIEWS else ""
    return _tail({**asdict(page), "referrer_host": referrer_host, "channel": found})


def remembered() -> tuple[Callable[[str], bytes], Callable[[str, str, str], bytes]]:
    """Both questions with a memory of their own: 20,000 user agents and 50,000 pages, a few ten megabytes."""
    return lru_cache(20_000)(client_columns), lru_cache(50_000)(source_columns)
