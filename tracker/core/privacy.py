"""What a site's controller declares about its privacy rules, and how it reaches the consent gate."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import Meta

Vendor = Annotated[int, Meta(ge=1, le=65_535, description="number in the IAB's Global Vendor List")]
Country = Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166 code", examples=["DE"])]


class SharingNetwork(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A network of the exports, and its number in the Global Vendor List."""

    name: Annotated[str, Meta(pattern=r"\A[a-z0-9]{1,20}\Z", description="1 to 20 small letters and digits")]
    vendor: Vendor


class PrivacySettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Each of them is the controller's own declaration; none is guessed.

    child_directed         made for children: a count is all that is kept
    always_eea             every visitor is treated as one in the EEA
    exempt_measurement     claims the exemption of audience measurement for visitors who did not consent
    service_provider_only  nothing may leave the house for a network (P-23)
    sensitive              about health, religion, politics, sexuality, union, hardship, children: no audiences (P-46)
    honour_dnt             a browser's `DNT: 1` counts as Global Privacy Control
    share_in_us            visitors in the US may be shared until they opt out; needs a "Do Not Sell or Share" link
    share_elsewhere        visitors outside of all regions with rules of their own may be shared until they refuse
    later_opt_in           an explicit yes to ads given to this site overrules an opt-out signal (P-06)
    purpose_one            countries where purpose 1 may go unasked, as a TC string can say it did (P-16)
    vendors                networks that this site shares with; a TC string that allows all of them, and those of
                           `networks`, allows every export
    networks               what exports call a network, and its vendor: who gave a TC string that allows that one may be
                           in its files, whatever the others may have (P-14)
    policy_version         the version of the site's privacy notice; kept with each consent
    """

    child_directed: bool = False
    always_eea: bool = False
    exempt_measurement: bool = False
    service_provider_only: bool = False
    sensitive: bool = False
    honour_dnt: bool = False
    share_in_us: bool = False
    share_elsewhere: bool = False
    later_opt_in: bool = False
    purpose_one: tuple[Country, ...] = ()
    vendors: tuple[Vendor, ...] = ()
    networks: Annotated[tuple[SharingNetwork, ...], Meta(max_length=100)] = ()
    policy_version: Annotated[str, Meta(max_length=64)] = ""

    def __post_init__(self) -> None:
        if len({one.name for one in self.networks}) < len(self.networks):
            raise ValueError("a network is there twice")

    @property
    def asked_vendors(self) -> tuple[int, ...]:
        """Every vendor that a TC string is asked about."""
        return _asked(self.vendors, self.networks) if self.networks else self.vendors

    def vendor_of(self, network: str) -> int | None:
        """The vendor that an export's network is; None where the site does not say."""
        return next((one.vendor for one in self.networks if one.name == network), None)


PLAIN = PrivacySettings()

CHILD_DIRECTED, ALWAYS_EEA, EXEMPT, SERVICE_PROVIDER = 1, 2, 4, 8
SENSITIVE, SHARE_US, SHARE_ELSEWHERE, LATER_OPT_IN = 16, 32, 64, 128


def flags_of(privacy: PrivacySettings) -> int:
    """The declarations that the gate decides by, as one number: cheap to look up for every event."""
    return 0 if privacy is PLAIN else _flags(privacy)


@lru_cache(1024)
def _asked(vendors: tuple[int, ...], networks: tuple[SharingNetwork, ...]) -> tuple[int, ...]:
    return tuple(sorted({*vendors, *(one.vendor for one in networks)}))


@lru_cache(1024)
def _flags(privacy: PrivacySettings) -> int:
    return sum(
        flag
        for flag, declared in (
            (CHILD_DIRECTED, privacy.child_directed),
            (ALWAYS_EEA, privacy.always_eea),
            (EXEMPT, privacy.exempt_measurement),
            (SERVICE_PROVIDER, privacy.service_provider_only),
            (SENSITIVE, privacy.sensitive),
            (SHARE_US, privacy.share_in_us),
            (SHARE_ELSEWHERE, privacy.share_elsewhere),
            (LATER_OPT_IN, privacy.later_opt_in),
        )
        if declared
    )
