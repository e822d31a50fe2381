"""TC strings of the IAB's Transparency and Consent Framework, versions 2.2 and 2.3.

Layout: "Consent string and vendor list formats v2", github.com/InteractiveAdvertisingBureau/
GDPR-Transparency-and-Consent-Framework, TCFv2. A string is a core segment and, after dots, segments that begin with
three bits for their type: 1 disclosed vendors, 2 allowed vendors (of older versions; read over), 3 publisher TC.

`decode` reads what is written; `problem` says whether it may be relied on. Nothing is ever granted by what is cut off
or damaged: such a string is no string.
"""

from __future__ import annotations

from typing import NamedTuple

from tracker.core.consent_strings.bits import Bits, Overrun

LONGEST = 8192
OLDEST_DAYS = 396  # 13 months: a person has to be asked again by then
DAY_MS = 86_400_000
DISCLOSURE_SINCE_MS = 1_772_236_800_000  # 28 February 2026: a string made from then on must list disclosed vendors
_TOP_VENDOR = 65_535


class Vendors(NamedTuple):
    """A set of vendors' numbers in the list: a bit mask, or pairs of first and last number."""

    mask: int = 0
    ranges: tuple[tuple[int, int], ...] = ()

    def has(self, vendor: int) -> bool:
        """Whether this vendor is in it."""
        if vendor < 1:
            return False
        return bool(self.mask >> vendor & 1) or any(first <= vendor <= last for first, last in self.ranges)


class Restriction(NamedTuple):
    """What the publisher says of a purpose for some vendors: 0 not allowed, 1 needs consent, 2 needs an interest."""

    purpose: int
    kind: int
    vendors: Vendors


class Publisher(NamedTuple):
    """What the person agreed to for the site itself. Masks have bit n for purpose n."""

    consents: int
    interests: int
    custom_consents: int
    custom_interests: int


class TcString(NamedTuple):
    """All that a TC string says. Times are ms; masks have bit n for number n."""

    version: int
    created: int
    updated: int
    cmp: int
    cmp_version: int
    screen: int
    language: str
    list_version: int
    policy: int
    service_specific: bool
    non_standard: bool
    special_features: int
    purposes: int
    interests: int
    purpose_one_treatment: bool
    country: str
    vendors: Vendors
    vendor_interests: Vendors
    restrictions: tuple[Restriction, ...]
    disclosed: Vendors | None
    publisher: Publisher | None

    def allows_vendor(self, vendor: int, purposes: int) -> bool:
        """Whether this vendor may do all of these purposes (a mask): consent to both, disclosed, not restricted."""
        if self.purposes & purposes != purposes or not self.vendors.has(vendor):
            return False
        if self.disclosed is None:
            if self.created >= DISCLOSURE_SINCE_MS:
                return False
        elif not self.disclosed.has(vendor):
            return False
        # Type 2 allows a vendor an interest only; what it would do by consent is then not allowed either.
        return not any(
            purposes >> rule.purpose & 1 and rule.kind in (0, 2) and rule.vendors.has(vendor)
            for rule in self.restrictions
        )


def decode(text: str) -> TcString | None:
    """Read a TC string; None for anything that is not one from its first bit to its last. Never raises."""
    if not text or len(text) > LONGEST:
        return None
    core, *others = text.split(".")
    try:
        found = _core(Bits(core))
        return _segments(found, others)
    except Overrun:
        return None


def problem(tc: TcString, now_ms: int) -> str:
    """Why a string that could be read is no consent all the same; "" when it is one."""
    if tc.version != 2:
        return "version"
    if tc.policy < 4:
        return "policy"  # invalid since 30 September 2023
    if not tc.service_specific:
        return "scope"
    if tc.updated < now_ms - OLDEST_DAYS * DAY_MS:
        return "old"
    if max(tc.updated, tc.created) > now_ms + DAY_MS:
        return "future"
    return ""


def _core(bits: Bits) -> TcString:
    version = bits.take(6)
    if version != 2:
        raise Overrun("another version")
    created, updated = bits.take(36) * 100, bits.take(36) * 100
    cmp, cmp_version, screen = bits.take(12), bits.take(12), bits.take(6)
    language, list_version, policy = bits.letters(2), bits.take(12), bits.take(6)
    service_specific, non_standard = bits.flag(), bits.flag()
    features, purposes, interests = bits.numbered(12), bits.numbered(24), bits.numbered(24)
    treatment, country = bits.flag(), bits.letters(2)
    vendors, vendor_interests = _vendors(bits), _vendors(bits)
    return TcString(
        version=version,
        created=created,
        updated=updated,
        cmp=cmp,
        cmp_version=cmp_version,
        screen=screen,
        language=language,
        list_version=list_version,
        policy=policy,
        service_specific=service_specific,
        non_standard=non_standard,
        special_features=features,
        purposes=purposes,
        interests=interests,
        purpose_one_treatment=treatment,
        country=country,
        vendors=vendors,
        vendor_interests=vendor_interests,
        restrictions=_restrictions(bits),
        disclosed=None,
        publisher=None,
    )


def _segments(found: TcString, texts: list[str]) -> TcString:
    seen: set[int] = set()
    for text in texts:
        bits = Bits(text)
        kind = bits.take(3)
        if kind in seen:
            raise Overrun("a segment came twice")
        seen.add(kind)
        if kind == 1:
            found = found._replace(disclosed=_vendors(bits))
        elif kind == 2:
            _vendors(bits)
        elif kind == 3:
            consents, interests = bits.numbered(24), bits.numbered(24)
            custom = bits.take(6)
            found = found._replace(
                publisher=Publisher(consents, interests, bits.numbered(custom), bits.numbered(custom))
            )
        else:
            raise Overrun("an unknown segment")
    return found


def _vendors(bits: Bits) -> Vendors:
    highest = bits.take(16)
    if not bits.flag():
        # The first bit is vendor 1; turned round so that bit n is vendor n.
        field = bits.take(highest)
        return Vendors(int(f"{field:0{highest}b}"[::-1], 2) << 1 if highest else 0)
    return Vendors(0, _ranges(bits, highest))


def _ranges(bits: Bits, highest: int) -> tuple[tuple[int, int], ...]:
    found = []
    for _ in range(bits.take(12)):
        several = bits.flag()
        first = bits.take(16)
        last = bits.take(16) if several else first
        if not 1 <= first <= last <= highest:
            raise Overrun("a range that is none")
        found.append((first, last))
    return tuple(found)


def _restrictions(bits: Bits) -> tuple[Restriction, ...]:
    found = []
    for _ in range(bits.take(12)):
        purpose, kind = bits.take(6), bits.take(2)
        if not purpose or kind == 3:
            raise Overrun("a restriction of nothing")
        found.append(Restriction(purpose, kind, Vendors(0, _ranges(bits, _TOP_VENDOR))))
    return tuple(found)
