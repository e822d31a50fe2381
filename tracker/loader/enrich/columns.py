"""The answers of this package as rows of two tables: of user agents, and of where a page is and was reached from."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from tracker.loader.enrich.address import Address, address, host_of
from tracker.loader.enrich.client import Client, client
from tracker.loader.enrich.source import channel

AGENT_COLUMNS = Client.__struct_fields__
PLACE_COLUMNS = (*Address.__struct_fields__, "referrer_host", "channel")
# Together a few ten megabytes when full.
_PAGES, _HOSTS, _CHANNELS = 50_000, 20_000, 20_000


def agent_row(user_agent: str, marked: bool) -> tuple[str, ...]:
    """What a user agent says, in the order of `AGENT_COLUMNS`. `marked`: the collector took it for a bot."""
    found = client(user_agent)
    return msgspec.structs.astuple(msgspec.structs.replace(found, device="bot") if marked else found)


def place_row(url: str, referrer: str, view: bool) -> tuple[str, ...]:
    """What URL and referrer say, in the order of `PLACE_COLUMNS`. `view`: of a page or screen.

    An arrival without a referrer and without tags is a direct one only where it is a view: of another event nobody
    knows whether its sender would have said where the page was reached from.
    """
    page, decides = _page(url)
    host = _host(referrer) if referrer else ""
    arrives = view or (url != "" and _arrives(page, host))
    return (*msgspec.structs.astuple(page), host, _channel(decides, host) if arrives else "")


def _arrives(page: Address, referrer_host: str) -> bool:
    return bool(referrer_host or page.utm_source or page.utm_medium or page.utm_campaign or page.click_id_kind)


@lru_cache(_PAGES)
def _page(url: str) -> tuple[Address, Address]:
    """All that a URL says, and what of it decides the channel."""
    page = address(url)
    decides = Address(
        host=page.host,
        utm_source=page.utm_source,
        utm_medium=page.utm_medium,
        utm_campaign=page.utm_campaign,
        click_id_kind=page.click_id_kind,
    )
    return page, decides


_host = lru_cache(_HOSTS)(host_of)
_channel = lru_cache(_CHANNELS)(channel)
