"""Where a request came from: the client's address, its country, and the part of the address that may be kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any, NamedTuple

import maxminddb
import structlog
from iptocc import country_code

from tracker.collector.consent import Region, region_of
from tracker.collector.suspects import Ranges

log = structlog.get_logger()


class Place(NamedTuple):
    """`ip` is truncated to /24 or /48; the whole address goes no further than this module. `hosted`: a data centre."""

    ip: str
    country: str
    region: Region
    hosted: bool = False


NOWHERE = Place("", "", Region.UNKNOWN)


def truncate(address: IPv4Address | IPv6Address) -> str:
    """/24 of an IPv4 address, /48 of an IPv6 one, the rest zero."""
    keep = 24 if address.version == 4 else 48
    return str(ip_network((address, keep), strict=False).network_address)


def client_address(peer: str, forwarded: str | None, trusted: Sequence[Any], standard: str | None = None) -> str:
    """The peer, or, where the peer is a trusted proxy, the right-most address of X-Forwarded-For that is not one.

    `standard`: the header Forwarded (RFC 7239). A proxy writes one of the two headers and may pass the other on as the
    client sent it; so where both are there they must agree, else the peer it is. Each is all lines of its header,
    joined with commas.
    """
    if not trusted or not (forwarded or standard) or not within(peer, trusted):
        return peer
    found = {_right_most(peer, forwarded.split(","), trusted)} if forwarded else set()
    if standard:
        found.add(_right_most(peer, [_for(element) for element in standard.split(",")], trusted))
    return found.pop() if len(found) == 1 else peer


def block(address: str) -> str:
    """The /24 or /48 of an address; an address that is none is its own."""
    parsed = _parse(address)
    return address if parsed is None else truncate(parsed)


def _for(element: str) -> str:
    """The `for` of one element of Forwarded."""
    for pair in element.split(";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == "for":
            return value.strip().strip('"')
    return ""


def _right_most(peer: str, hops: Sequence[str], trusted: Sequence[Any]) -> str:
    for hop in reversed(hops):
        address = _without_port(hop.strip())
        if _parse(address) is None:
            return peer  # a forged or unknown form: nothing left of it can be believed
        if not within(address, trusted):
            return address
    return peer


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def within(address: str, networks: Sequence[Any]) -> bool:
    """Whether an address lies in one of some networks."""
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in networks)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


class Places:
    """Address -> Place, through an .mmdb file where there is one.

    Without one the country is where the address is registered (regional internet registries; about 95 of 100 addresses
    are used there): good enough for a report, not good enough to decide about consent, so the region stays unknown.
    """

    def __init__(self, database: Path | None, data_centres: Path | None = None) -> None:
        self._hosting = Ranges(data_centres) if data_centres is not None else None
        self._reader = maxminddb.open_database(str(database)) if database is not None else None
        self.find = lru_cache(maxsize=8192)(self._find)

    def close(self) -> None:
        """Give the file back."""
        if self._reader is not None:
            self._reader.close()

    def _find(self, text: str) -> Place:
        address = _parse(text)
        if address is None:
            return NOWHERE
        hosted = self._hosting is not None and self._hosting.has(address)
        if self._reader is None:
            return Place(truncate(address), country_code(str(address)) or "", Region.UNKNOWN, hosted)
        country, subdivision = self._look_up(address)
        return Place(truncate(address), country, region_of(country, subdivision), hosted)

    def _look_up(self, address: IPv4Address | IPv6Address) -> tuple[str, str]:
        assert self._reader is not None
        try:
            found = self._reader.get(address)
        except ValueError:  # an IPv6 address asked of an IPv4-only file
            return "", ""
        return _codes(found) if isinstance(found, dict) else ("", "")


def _codes(found: dict[str, Any]) -> tuple[str, str]:
    """Country and subdivision of either key layout: MaxMind's nested one, or flat `country_code`."""
    country = found.get("country")
    if isinstance(country, dict):
        divisions = found.get("subdivisions")
        first = divisions[0] if isinstance(divisions, list) and divisions else {}
        return str(country.get("iso_code", "")), str(first.get("iso_code", "") if isinstance(first, dict) else "")
    return str(found.get("country_code") or ""), ""
