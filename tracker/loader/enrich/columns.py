"""The answers of this package as JSON to be put at the end of an event's JSON. Distinct values are asked once."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import msgspec

from tracker.loader.enrich.address import Address, address, host_of
from tracker.loader.enrich.client import client
from tracker.loader.enrich.source import channel

_VIEWS = frozenset({"page", "screen"})
# Together a few ten megabytes when full.
_AGENTS, _PAGES, _HOSTS, _CHANNELS = 20_000, 50_000, 20_000, 20_000


def _tail(said: object) -> bytes:
    """`,"name":"value",...`; nothing for nothing."""
    text = msgspec.json.encode(said)[1:-1]
    return b"," + text if text else b""


@lru_cache(_AGENTS)
def client_columns(user_agent: str, marked: bool = False) -> bytes:
    """device, os, os_version, browser, browser_version, bot; `marked`: the collector took it for a bot."""
    found = client(user_agent)
    return _tail(msgspec.structs.replace(found, bot="", device="bot") if marked else found)


def source_columns(url: str, referrer: str, kind: str) -> bytes:
    """host, path, utm_*, click_id*, referrer_host and channel.

    An arrival without a referrer and without tags is a direct one only where it is a page or screen view: of another
    event nobody knows whether its sender would have said where the page was reached from.
    """
    return _reached(url, referrer)[kind in _VIEWS]


@lru_cache(_PAGES)
def _reached(url: str, referrer: str) -> tuple[bytes, bytes]:
    """All columns: of any event, and of a view."""
    columns, page = _page(url)
    host = ""
    if referrer:
        host, more = _referrer(referrer)
        columns += more
    view = columns + _channel(page, host)
    return view if url and (host or any(page[1:])) else columns, view


class _Page(NamedTuple):
    """What of a URL decides the channel. A tuple, because it is looked up by all of it."""

    host: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    click_id_kind: str


@lru_cache(_PAGES)
def _page(url: str) -> tuple[bytes, _Page]:
    """All columns of a URL, and what of them decides the channel."""
    page = address(url)
    return _tail(page), _Page(page.host, page.utm_source, page.utm_medium, page.utm_campaign, page.click_id_kind)


@lru_cache(_HOSTS)
def _referrer(referrer: str) -> tuple[str, bytes]:
    host = host_of(referrer)
    return host, _tail({"referrer_host": host} if host else {})


@lru_cache(_CHANNELS)
def _channel(page: _Page, referrer_host: str) -> bytes:
    found = channel(Address(**page._asdict()), referrer_host)
    return _tail({"channel": found} if found else {})
