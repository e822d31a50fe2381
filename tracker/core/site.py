"""What the collector needs to know of a site, and the file it reads that from.

The catalog writes `DATA/sites.json` (a SitesFile) by rename whenever a site changes; collectors read it again when its
modification time changes. So the collector needs no database.
"""

from __future__ import annotations

import msgspec

from tracker.core.gate import OPEN_GATE, GateSettings
from tracker.core.pixel import PixelSettings
from tracker.core.privacy import PLAIN, PrivacySettings

INTERNAL = "_"
"""What names of our own sites begin with. They are in no list and in no count over all sites."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One site. `write_key` is public (it stands in the page).

    `identifier_key`: 32 secret bytes, hex, for HMAC and sealing of identifiers.

    `pixel`: what the site asks of the pixel.

    `privacy`: what its controller declares beyond `consent`.

    `gate`: its forms, partners and lists.

    `currency`: what its reports convert money to; empty: nothing is converted.

    `domains`: hosts that may send from a browser; an entry covers its sub-domains; empty means any.
    """

    name: str
    write_key: str
    domains: tuple[str, ...] = ()
    consent: str = "opt-in"
    timezone: str = "UTC"
    currency: str = ""
    identifier_key: str = ""
    pixel: PixelSettings = PixelSettings()
    privacy: PrivacySettings = PLAIN
    gate: GateSettings = OPEN_GATE

    @property
    def domain(self) -> str:
        """By what name others know it: its first domain; its own name where it has none."""
        return self.domains[0] if self.domains else self.name


class SitesFile(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. `suppression`: there is a suppression list beside it, without which nobody may be kept."""

    sites: tuple[Site, ...] = ()
    suppression: bool = False
