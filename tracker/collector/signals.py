"""What the consent strings of an event say, in the few words that the gate decides by.

Reading a string costs a hundred times as much as the rest of the gate and browsers repeat theirs with every event, so
the last ones are remembered: at most 1024 pairs, each no longer than 2 x 8 kB.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from tracker.core.consent_strings import gpp as gpp_strings
from tracker.core.consent_strings import tcf as tcf_strings
from tracker.core.consent_strings.tcf import DAY_MS, TcString
from tracker.core.event import RawConsent
from tracker.core.privacy import PrivacySettings

_REMEMBERED = 1024
_LONGEST = 8192
_TOO_LONG = "!"  # stands for a text that no decoder would take either
DEVICE, ADS_PROFILE, ADS_CHOICE = 1 << 1, 1 << 3, 1 << 4  # TCF purposes as bits
SHARING = DEVICE | ADS_PROFILE | ADS_CHOICE


class Heard(NamedTuple):
    """What came with an event.

    own         purposes that the person agreed to for the site itself (bit n for purpose n); None without a string
    vendors     the site's networks that may have the person (P-14); `shared`: all of them may, and there are some
    unreadable  a string came that is damaged, outdated or of a kind not known: it can only take away
    opted_out   a US section opts out of sale, sharing or targeted ads
    protected   a US section speaks of a child or of sensitive data without consent
    restricted  the site acts as a service provider for this person
    updated     when the TC string was last changed, ms; 0 without one
    """

    own: int | None = None
    vendors: tuple[int, ...] = ()
    shared: bool = False
    unreadable: bool = False
    opted_out: bool = False
    protected: bool = False
    restricted: bool = False
    updated: int = 0


def hear(said: RawConsent, privacy: PrivacySettings, now_ms: int) -> Heard | None:
    """What the strings say at this day; None where none came."""
    tcf, gpp, usp = said.tcf, said.gpp, said.usp
    if tcf is None and gpp is None and usp is None:
        return None
    return _read(
        _bounded(tcf), _bounded(gpp), _bounded(usp), privacy.asked_vendors, privacy.purpose_one, now_ms // DAY_MS
    )


def _bounded(text: str | None) -> str | None:
    return _TOO_LONG if text is not None and len(text) > _LONGEST else text


@lru_cache(_REMEMBERED)
def _read(  # noqa: PLR0917 - positional, so that the cache is cheap
    tcf: str | None,
    gpp: str | None,
    usp: str | None,
    vendors: tuple[int, ...],
    countries: tuple[str, ...],
    day: int,
) -> Heard:
    found = Heard()
    now_ms = day * DAY_MS
    if tcf is not None:
        found = _with_tcf(found, tcf, vendors, countries, now_ms)
    if gpp is not None:
        found = _with_gpp(found, gpp, vendors, countries, now_ms)
    if usp is not None:
        out = gpp_strings.us_privacy(usp)
        found = found._replace(
            unreadable=found.unreadable or out is None,
            opted_out=found.opted_out or out is True,
        )
    return found


def _with_tcf(found: Heard, text: str, vendors: tuple[int, ...], countries: tuple[str, ...], now_ms: int) -> Heard:
    tc = tcf_strings.decode(text)
    if tc is None or tcf_strings.problem(tc, now_ms):
        return found._replace(unreadable=True)
    allowed = tuple(vendor for vendor in vendors if tc.allows_vendor(vendor, SHARING))
    return _both(found, _own(tc, countries), allowed, len(allowed) == len(vendors) > 0, tc.updated)


def _own(tc: TcString, countries: tuple[str, ...]) -> int:
    """What the site itself may do: what the publisher segment says, else the purposes of all (P-15, P-16)."""
    own = tc.publisher.consents if tc.publisher is not None else tc.purposes
    if not tc.purpose_one_treatment:
        return own
    return own | DEVICE if tc.country in countries else own & ~DEVICE


def _both(found: Heard, own: int, allowed: tuple[int, ...], shared: bool, updated: int) -> Heard:
    """Of two strings only what both allow."""
    if found.own is not None:
        own, shared, updated = own & found.own, shared and found.shared, min(updated, found.updated)
        allowed = tuple(vendor for vendor in allowed if vendor in found.vendors)
    return found._replace(own=own, vendors=allowed, shared=shared, updated=updated)


def _with_gpp(found: Heard, text: str, vendors: tuple[int, ...], countries: tuple[str, ...], now_ms: int) -> Heard:
    read = gpp_strings.decode(text)
    if read is None:
        return found._replace(unreadable=True)
    if read.tcf:
        found = _with_tcf(found, read.tcf, vendors, countries, now_ms)
    elif gpp_strings.TCF_EU in read.ids:
        found = found._replace(unreadable=True)
    if read.canada is not None:
        # Its vendors are not read, so it never allows sharing.
        fresh = now_ms - tcf_strings.OLDEST_DAYS * DAY_MS <= read.canada.updated <= now_ms + 2 * DAY_MS
        if fresh:
            found = _both(found, read.canada.express, (), False, read.canada.updated)
        else:
            found = found._replace(unreadable=True)
    opted_out = any(gpp_strings.opted_out(section) for section in read.us)
    return found._replace(
        opted_out=found.opted_out or opted_out or gpp_strings.us_privacy(read.usp) is True,
        protected=found.protected or any(gpp_strings.protected(section) for section in read.us),
        restricted=found.restricted or any(gpp_strings.service_provider(section) for section in read.us),
    )
