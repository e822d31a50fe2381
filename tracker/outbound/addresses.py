"""Where the service may connect to: looked up once, checked, and the connection goes to what was checked.

A name that somebody gives us may lead into our own network (server-side request forgery), or do so at the second
look-up (DNS rebinding). So a host is allowed when every address it has is public; hosts named in the setting
`outbound_hosts` may be private. Link-local addresses, where clouds serve their metadata, are never allowed.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Self

from tracker.core.errors import Forbidden, TryLater

_NEVER = (
    *(ip_network("169.254.0.0/16"), ip_network("fe80::/10")),  # link-local, metadata of most clouds
    *(ip_network("fd00:ec2::/32"), ip_network("100.100.100.200/32")),  # metadata of AWS over IPv6, of Alibaba
    *(ip_network("0.0.0.0/8"), ip_network("::/128")),
)
_NAT64 = ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Address:
    """One address to connect to."""

    family: int
    ip: str
    port: int


@dataclass(frozen=True)
class Reach:
    """What may be reached. `private`: names `host` or `host:port` that may be private, and be spoken to in clear."""

    private: frozenset[str] = frozenset()

    @classmethod
    def of(cls, hosts: Iterable[str]) -> Self:
        """From names as they are written in the setting."""
        return cls(frozenset(host.strip().lower() for host in hosts if host.strip()))

    def named(self, host: str, port: int) -> bool:
        """Whether the setting names this host."""
        host = host.lower().strip("[]")
        return host in self.private or f"{host}:{port}" in self.private

    async def addresses(self, host: str, port: int, within: float = 10.0) -> list[Address]:
        """The checked addresses of a host, at least one. `within`: seconds for the look-up.

        Raises Forbidden where one of them is not allowed, TryLater where the name has none now.
        """
        bare = host.strip("[]")
        try:
            found = await asyncio.wait_for(
                asyncio.get_running_loop().getaddrinfo(bare, port, type=socket.SOCK_STREAM), within
            )
        except (OSError, UnicodeError, TimeoutError):
            raise TryLater(f"the name {_short(host)} has no address", code="no_address") from None
        addresses = [Address(int(family), str(where[0]), port) for family, _, _, _, where in found]
        named = self.named(bare, port)
        if not addresses or not all(allowed(one.ip, named=named) for one in addresses):
            raise Forbidden(
                f"{_short(host)} leads to an address that is not public: name it in the setting outbound_hosts "
                "if it is yours",
                code="private_address",
            )
        return addresses


def allowed(ip: str, *, named: bool) -> bool:
    """Whether an address may be connected to; `named`: the setting names its host."""
    address = ip_address(ip.partition("%")[0])
    if any(address in network for network in _NEVER if network.version == address.version):
        return False
    inner = _inside(address)
    if inner is not None:
        return allowed(str(inner), named=named)
    if named:
        return not address.is_multicast
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inside(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _short(host: str) -> str:
    return "".join(c for c in host[:80] if c.isalnum() or c in ".-:[]_")
