"""The consent gate: one pure function decides what may be kept of an event. No other code reads signals.

Modes (privacy: capability modes): M0 nothing, M1 contextual without ids, M2 first-party analytics, M3 retargeting
inside the site, M4 sharing with ad networks. Everything uncertain falls to the stricter side; adding a
refusal can only ever move a decision to the left.
"""

from __future__ import annotations

import enum
from functools import lru_cache
from typing import NamedTuple

from tracker.core.drops import Suppress


class Mode(enum.IntEnum):
    """What may be done with an event; its name is what is stored."""

    M0 = 0
    M1 = 1
    M2 = 2
    M3 = 3
    M4 = 4


class Region(enum.StrEnum):
    """Where the rules differ. Unknown places get the strictest rules."""

    OPT_IN = "eea_uk_ch"
    US_OPT_OUT = "us_optout_state"
    US = "us"
    OTHER = "other"
    UNKNOWN = "unknown"


class Decision(NamedTuple):
    """`analytics` and `ads` as stored: 1 yes, 0 no, -1 nobody said anything. `reason` is set in M0 and only there.

    `stored` is the mode's name.
    """

    mode: Mode
    analytics: int
    ads: int
    reason: Suppress | None
    stored: str


_STRICT = (Region.OPT_IN, Region.UNKNOWN)


@lru_cache(maxsize=1024)
def decide(  # noqa: PLR0917 - positional, so that the cache is cheap
    policy: str,
    region: Region,
    analytics: bool | None,
    ads: bool | None,
    undecoded: bool,
    gpc: bool,
    browser: bool,
) -> Decision:
    """Decide for one event.

    policy         "opt-out": the controller declares a legal ground everywhere; anything else is "opt-in"
    analytics, ads what the event says, None where it says nothing
    undecoded      a TCF or GPP string came that nobody here can read yet: it can only take away
    gpc            Sec-GPC: 1
    browser        sent by a browser; a server's call carries no browser signal and is kept for the site's own reports
    """
    if analytics is False:
        return Decision(Mode.M0, 0, 0, Suppress.REFUSED, "M0")
    if policy != "opt-out" and browser and region in _STRICT and analytics is None:
        return Decision(Mode.M0, -1, 0 if gpc or ads is False else -1, Suppress.NO_CONSENT, "M0")
    mode = _before_caps(policy, region, ads, browser)
    stored_ads = -1 if ads is None else int(ads)
    if ads is False or undecoded or gpc:
        mode = min(mode, Mode.M2)
        stored_ads = 0
    return Decision(mode, -1 if analytics is None else 1, stored_ads, None, mode.name)


def _before_caps(policy: str, region: Region, ads: bool | None, browser: bool) -> Mode:
    if policy == "opt-out" or ads:
        return Mode.M4
    if browser and region in (Region.US, Region.US_OPT_OUT) and ads is None:
        return Mode.M3
    return Mode.M2


# ISO 3166 codes. EU, EEA, United Kingdom with its islands, Switzerland, their overseas territories with codes of their
# own, and the other opt-in regimes of the decision table.
_OPT_IN_COUNTRIES = frozenset(
    "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE IS LI NO GB CH "
    "AX GF GP MQ RE YT MF SJ GG JE IM GI BR KR".split()
)
_OPT_OUT_STATES = frozenset("CA CO CT DE MD MN MT NE NH NJ OR TX".split())


def region_of(country: str, subdivision: str = "") -> Region:
    """ISO country and subdivision codes -> Region. What is ambiguous gets the stricter one."""
    if not country:
        return Region.UNKNOWN
    if country in _OPT_IN_COUNTRIES or (country == "CA" and subdivision in ("", "QC")):
        return Region.OPT_IN
    if country == "US":
        return Region.US_OPT_OUT if not subdivision or subdivision in _OPT_OUT_STATES else Region.US
    return Region.OTHER
