"""A copy of a web server's access log without its visitors' addresses.

    python scripts/convert_access_log.py IN.gz OUT.gz [--key HEX]

Every address becomes one of 10.0.0.0/8 (never routed, RFC 1918): the first free one after 24 bits of HMAC-SHA256 over
the address. The same address becomes the same pseudonym within a file; without the key nobody can tell which was which,
so the key is random and forgotten unless one is given. An address that also stands elsewhere in a line, for example in
a referrer, is replaced there too.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

# What looks like an IPv4 address, Gecko's version numbers aside.
_IPV4 = re.compile(r"(?<![\w.])(?<!rv:)(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\w)")


class Pseudonyms:
    """Address -> address of 10.0.0.0/8, one to one."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._given: dict[str, str] = {}
        self._taken: set[int] = set()

    def __call__(self, address: str) -> str:
        if address not in self._given:
            digest = hmac.new(self._key, address.encode(), hashlib.sha256).digest()
            at = int.from_bytes(digest[:3], "big")
            while at in self._taken:
                at = (at + 1) % 2**24
            self._taken.add(at)
            self._given[address] = str(ipaddress.IPv4Address((10 << 24) + at))
        return self._given[address]


def pseudonymised(lines: Iterable[str], key: bytes) -> Iterator[str]:
    """Lines with the visitor (their first word) and every other IPv4 address replaced."""
    name = Pseudonyms(key)
    for line in lines:
        visitor, space, rest = line.partition(" ")
        yield name(visitor) + space + _IPV4.sub(lambda hit: name(hit[0]), rest)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--key", type=bytes.fromhex, default=secrets.token_bytes(32), help="hex; random by default")
    options = parser.parse_args()
    with (
        gzip.open(options.source, "rt", encoding="latin-1", newline="") as source,
        options.target.open("wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=9, mtime=0) as target,
    ):
        for line in pseudonymised(source, options.key):
            target.write(line.encode("latin-1"))


if __name__ == "__main__":
    main()
