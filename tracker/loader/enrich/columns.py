"""The answers of this package as JSON to be put at the end of an event's JSON. Distinct values are asked once."""

from __future__ import annotations

from functools import lru_cache

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
    if not referrer:
        return _alone(url)[kind in _VIEWS]
    columns, page = _page(url)
    host, more = _referrer(referrer)
    columns += more
    return columns + _channel(page, host) if kind in _VIEWS or (url and _arrives(page, host)) else columns


@lru_cache(_PAGES)
def _alone(url: str) -> tuple[bytes, bytes]:
    """All columns of what has no referrer: of any event, and of a view."""
    columns, page = _page(url)
    view = columns + _channel(page, "")
    return view if _arrives(page, "") else columns, view


def _arrives(page: Address, referrer_host: str) -> bool:
    return bool(referrer_host or page.utm_source or page.utm_medium or page.utm_campaign or page.click_id_kind)


@lru_cache(_PAGES)
def _page(url: str) -> tuple[bytes, Address]:
    """All columns of a URL, and what of them decides the channel."""
    page = address(url)
    decides = Address(
        host=page.host,
        utm_source=page.utm_source,
        utm_medium=page.utm_medium,
        utm_campaign=page.utm_campaign,
        click_id_kind=page.click_id_kind,
    )
    return _tail(page), decides


@lru_cache(_HOSTS)
def _referrer(referrer: str) -> tuple[str, bytes]:
    host = host_of(referrer)
    return host, _tail({"referrer_host": host} if host else {})


@lru_cache(_CHANNELS)
def _channel(page: Address, referrer_host: str) -> bytes:
    found = channel(page, referrer_host)
    return _tail({"channel": found} if found else {})
