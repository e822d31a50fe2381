"""The consent gate: one pure function decides what may be kept of an event. No other code reads signals.

Modes (privacy: capability modes): M0 nothing, M1 contextual without ids, M2 first-party analytics, M3 retargeting
inside the site, M4 sharing with ad networks. Everything uncertain falls to the stricter side; adding a
refusal can only ever move a decision to the left.
"""

from __future__ import annotations

import enum
from functools import lru_cache
from typing import NamedTuple

from tracker.collector.signals import ADS_CHOICE, ADS_PROFILE, DEVICE, SHARING, Heard
from tracker.core.drops import Suppress
from tracker.core.privacy import (
    ALWAYS_EEA,
    CHILD_DIRECTED,
    EXEMPT,
    LATER_OPT_IN,
    SENSITIVE,
    SERVICE_PROVIDER,
    SHARE_ELSEWHERE,
    SHARE_US,
)
from tracker.core.suppression import State


class Mode(enum.IntEnum):
    """What may be done with an event; its name is what is stored. Of M0, M1 and M1S only a count is kept."""

    M0 = 0
    M1 = 1
    M1S = 2
    M2 = 3
    M3 = 4
    M4 = 5


class Region(enum.StrEnum):
    """Where the rules differ. Unknown places get the strictest rules."""

    OPT_IN = "eea_uk_ch"
    US_OPT_OUT = "us_optout_state"
    US = "us"
    OTHER = "other"
    UNKNOWN = "unknown"


class Decision(NamedTuple):
    """`analytics` and `ads` as stored: 1 yes, 0 no, -1 nobody said anything. `reason` is set below M2 and only there.

    `stored` is the mode's name. Where a TC string decided on sharing, its vendors follow: `M4:21,755` may go to these
    two networks only, and `ads` is 1 only where these are all that the site has.
    """

    mode: Mode
    analytics: int
    ads: int
    reason: Suppress | None
    stored: str


_STRICT = (Region.OPT_IN, Region.UNKNOWN)
_IN_THE_US = (Region.US, Region.US_OPT_OUT)


@lru_cache(maxsize=4096)
def decide(  # noqa: PLR0917 - positional, so that the cache is cheap
    policy: str,
    region: Region,
    analytics: bool | None,
    ads: bool | None,
    heard: Heard | None,
    gpc: bool,
    browser: bool,
    flags: int = 0,
    state: int = 0,
) -> Decision:
    """Decide for one event: the least that any of the rules allows. The rows are those of `docs/privacy.md`.

    policy         "opt-out": the controller declares a legal ground everywhere; anything else is "opt-in"
    analytics, ads what the event says, None where it says nothing
    heard          what the TCF, GPP and US privacy strings say; None where none came
    gpc            Sec-GPC: 1, or DNT: 1 at a site that honours it
    browser        sent by a browser; a server's call carries no browser signal and is kept for the site's own reports
    flags          what the site declares (`core.privacy.flags_of`)
    state          what the suppression list says of the person (`State`)
    """
    if flags & ALWAYS_EEA:
        region = Region.OPT_IN
    strict = region in _STRICT
    exempt = bool(flags & EXEMPT) and strict and not gpc
    mode, said, shares, reason = _by_rows(policy, region, analytics, ads, heard, browser, flags, exempt)
    if _opted_out(ads, heard, gpc, flags, state):
        mode, shares = min(mode, Mode.M2), 0
    if flags & SERVICE_PROVIDER or (heard is not None and heard.restricted):
        mode, shares = min(mode, Mode.M3), 0
    for applies, cap, why in (
        (flags & CHILD_DIRECTED or state & State.CHILD, Mode.M1, Suppress.CHILD),
        (state & State.UNREADABLE, Mode.M1, Suppress.LIST_UNREADABLE),
        (state & State.WITHDRAWN, Mode.M0 if strict else Mode.M1, Suppress.SUPPRESSED),
        (state & (State.ERASED | State.LEGAL), Mode.M0, Suppress.SUPPRESSED),
    ):
        if applies:
            shares = min(shares, 0)
            if mode > cap or cap is Mode.M0:
                mode, reason = cap, why
    return Decision(mode, said, shares, reason, _stored(mode, heard))


def _stored(mode: Mode, heard: Heard | None) -> str:
    if mode is not Mode.M4 or heard is None or heard.own is None:
        return mode.name
    return f"{mode.name}:{','.join(map(str, heard.vendors))}"


def _by_rows(  # noqa: PLR0917
    policy: str,
    region: Region,
    analytics: bool | None,
    ads: bool | None,
    heard: Heard | None,
    browser: bool,
    flags: int,
    exempt: bool,
) -> tuple[Mode, int, int, Suppress | None]:
    """The region's row, before any cap: mode, analytics, ads, reason."""
    shares = -1 if ads is None else int(ads)
    if analytics is False:
        return Mode.M0, 0, 0, Suppress.REFUSED
    strict = region in _STRICT
    nothing = (Mode.M1S, Suppress.CONTEXTUAL) if exempt else None
    own = None if heard is None else heard.own
    if own is not None and strict:
        if not own:
            mode, reason = nothing or (Mode.M0, Suppress.REFUSED)
            return mode, 0, 0, reason
        if not own & DEVICE:
            mode, reason = nothing or (Mode.M1, Suppress.CONTEXTUAL)
            return mode, 0, 0, reason
        return _granted(heard), 1, _shares(heard, ads), None
    if policy != "opt-out" and browser and strict and analytics is None:
        mode, reason = nothing or (Mode.M0, Suppress.NO_CONSENT)
        return mode, -1, 0 if ads is False else -1, reason
    said = -1 if analytics is None else 1
    if own is not None:  # outside of the opt-in regions it allows what it allows there, and measuring in any case
        return _granted(heard) if own & DEVICE else Mode.M2, said, _shares(heard, ads), None
    mode = _without_strings(policy, region, ads, browser, flags)
    if mode is Mode.M4 and ads is None and policy != "opt-out":
        shares = 1  # the controller's declaration for this region
    return mode, said, shares, None


def _granted(heard: Heard | None) -> Mode:
    """Rows 5 to 11: what a TC string with purpose 1 allows."""
    if heard is None or heard.own is None or not heard.own & ADS_PROFILE:
        return Mode.M2
    if not heard.own & ADS_CHOICE:
        return Mode.M3
    return Mode.M4 if heard.vendors else Mode.M3


def _shares(heard: Heard | None, ads: bool | None) -> int:
    """Who gave a TC string leaves the house for everywhere only where it allows every network of the site."""
    assert heard is not None
    assert heard.own is not None
    return int(heard.shared and heard.own & SHARING == SHARING and ads is not False)


def _without_strings(policy: str, region: Region, ads: bool | None, browser: bool, flags: int) -> Mode:
    if policy == "opt-out" or ads:
        return Mode.M4
    if browser and ads is None:
        if region in _IN_THE_US:
            return Mode.M4 if flags & SHARE_US else Mode.M3
        if region is Region.OTHER and flags & SHARE_ELSEWHERE:
            return Mode.M4
    return Mode.M2


def _opted_out(ads: bool | None, heard: Heard | None, gpc: bool, flags: int, state: int) -> bool:
    """Whether anything says no to ads: the person, a signal, a string, the list, or what the site is about."""
    if ads is False:
        return True
    if heard is not None and (heard.unreadable or heard.opted_out or heard.protected):
        return True
    if (gpc or state & State.OPTED_OUT) and not (flags & LATER_OPT_IN and ads):
        return True
    return bool(flags & SENSITIVE and not ads)


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
