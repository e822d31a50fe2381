"""The collector's view of the sites: a file, read again when it changes. No database."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tracker.collector.quiet import quiet
from tracker.core.errors import Broken
from tracker.core.gate import Lists, lists_of
from tracker.core.identifiers import Keys, keys_of
from tracker.core.site import Site, SitesFile

_LOOK_EVERY = 1.0  # seconds between looks at the file's time; an unknown key looks at once


class KnownSite(msgspec.Struct, frozen=True):
    """A site with its keys and lists derived."""

    site: Site
    keys: Keys
    lists: Lists | None = None


class Sites:
    """Sites by write key. A broken file keeps the last good one in force and is logged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._broken: tuple[int, int, int] | None = None  # that of a file that could not be read
        self._next_look = 0.0
        self._by_key: dict[str, KnownSite] = {}
        self._by_name: dict[str, KnownSite] = {}
        self.suppression = False
        self._look()

    @property
    def readable(self) -> bool:
        """Whether a file of sites was read at all; looks for one if not."""
        if self._stamp is None:
            self._look()
        return self._stamp is not None

    def get(self, write_key: str) -> KnownSite | None:
        """The site of a write key; None when there is none, not even after a look at the file."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _LOOK_EVERY
            self._look()
        found = self._by_key.get(write_key)
        if found is None and write_key:
            self._look()
            found = self._by_key.get(write_key)
        return found

    def named(self, word: str) -> KnownSite | None:
        """The site of a write key, or else of a name: for dialects whose senders call a site by a short id."""
        return self.get(word) or self._by_name.get(word)

    def key_of_domain(self, host: str) -> str | None:
        """The write key of the one site that has exactly this domain; None where none or several have it."""
        self.get("")  # looks at the file when it is time to
        host = host.lower().rstrip(".")
        found = [key for key, known in self._by_key.items() if host in map(str.lower, known.site.domains)]
        return found[0] if len(found) == 1 else None

    def any_allows(self, origin: str) -> bool:
        """Whether some site takes events from this origin; for preflights, which name no site."""
        return any(allows(known.site.domains, origin) for known in self._by_key.values())

    def all(self) -> list[Site]:
        """Every site there is now."""
        self._look()
        return [known.site for known in self._by_key.values()]

    def _look(self) -> None:
        stamp: tuple[int, int, int] | None = None
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp in (self._stamp, self._broken):
                return
            found = msgspec.json.decode(self._path.read_bytes(), type=SitesFile)
            self._by_key = {
                site.write_key: KnownSite(
                    site, keys_of(site.name, site.write_key, site.identifier_key), lists_of(site.gate)
                )
                for site in found.sites
            }
            self._by_name = {known.site.name: known for known in self._by_key.values()}
            self._stamp, self.suppression = stamp, found.suppression
        except FileNotFoundError:
            return
        except (OSError, ValueError, Broken) as failure:
            self._broken = stamp
            quiet("sites.unreadable", path=self._path.name, error=type(failure).__name__)


@lru_cache(maxsize=4096)
def allows(domains: tuple[str, ...], origin: str) -> bool:
    """Whether an Origin header may send for a site: its host equals an entry or is a sub-domain of one.

    A site without domains takes any. Port and scheme do not matter.
    """
    if not domains:
        return True
    try:
        host = urlsplit(origin).hostname
    except ValueError:
        return False
    if not host:
        return False
    host = host.rstrip(".")
    return any(host == entry or host.endswith("." + entry) for entry in map(str.lower, domains))
