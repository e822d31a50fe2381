"""GPP strings (IAB Tech Lab Global Privacy Platform) and the older US privacy string.

Layouts: github.com/InteractiveAdvertisingBureau/Global-Privacy-Platform, Core and Sections. A string is a header and
then, each after `~`, one section for every id the header lists. Header: type 3, version 1, ids as Fibonacci ranges.

Of the US sections every field is read; of Canada's (tcfca) the part before the vendors, which is all that can ever
grant something inside a site. A section that is not known, or not to be read, makes the whole string unreadable: an
opt-out may stand in it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tracker.core.consent_strings.bits import Bits, Overrun

LONGEST = 8192
TCF_EU, TCF_CA, USP, US_NATIONAL = 2, 5, 6, 7
_USP = re.compile(r"1[YN-]{3}")
_HIGHEST_ID = 127


class UsSection(NamedTuple):
    """A US section: field -> values, each 0 not applicable, 1 yes, 2 no; `gpc` of its own segment, None without one."""

    id: int
    version: int
    fields: dict[str, tuple[int, ...]]
    gpc: bool | None


class CanadaSection(NamedTuple):
    """The part of Canada's TC string before its vendors. Masks have bit n for purpose n."""

    updated: int
    created: int
    express: int
    implied: int


class GppString(NamedTuple):
    """What a GPP string holds; `tcf` is the text of its European section, "" without one."""

    ids: tuple[int, ...]
    tcf: str
    canada: CanadaSection | None
    usp: str
    us: tuple[UsSection, ...]


# Every field has two bits; a number behind its name says how many values it has. In the order of the string.
_COMMON = "SharingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice"
_PROCESSING = "ProcessingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice"
_OUT = "SaleOptOut TargetedAdvertisingOptOut"
_MSPA = "MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode"
_MORE = f"AdditionalDataProcessingConsent {_MSPA}"
_S, _K = "SensitiveDataProcessing", "KnownChildSensitiveDataConsents"
_NATIONAL = (
    "SharingNotice SaleOptOutNotice SharingOptOutNotice TargetedAdvertisingOptOutNotice "
    "SensitiveDataProcessingOptOutNotice SensitiveDataLimitUseNotice SaleOptOut SharingOptOut "
    "TargetedAdvertisingOptOut {sensitive} {child} PersonalDataConsents " + _MSPA
)
_NEWER = f"MspaCoveredTransaction MspaMode {_PROCESSING} {_OUT}"
LAYOUTS: dict[tuple[int, int], str] = {
    (7, 1): _NATIONAL.format(sensitive=f"{_S}:12", child=f"{_K}:2"),
    (7, 2): _NATIONAL.format(sensitive=f"{_S}:16", child=f"{_K}:3"),
    (8, 1): "SaleOptOutNotice SharingOptOutNotice SensitiveDataLimitUseNotice SaleOptOut SharingOptOut "
    f"{_S}:9 {_K}:2 PersonalDataConsents {_MSPA}",  # California
    (9, 1): f"{_COMMON} {_OUT} {_S}:8 {_K} {_MSPA}",  # Virginia
    (10, 1): f"{_COMMON} {_OUT} {_S}:7 {_K} {_MSPA}",  # Colorado
    (11, 1): f"{_COMMON} SensitiveDataProcessingOptOutNotice {_OUT} {_S}:8 {_K} {_MSPA}",  # Utah
    (12, 1): f"{_COMMON} {_OUT} {_S}:8 {_K}:3 {_MSPA}",  # Connecticut
    (13, 1): f"{_PROCESSING} {_OUT} {_S}:8 {_K}:3 {_MORE}",  # Florida
    (14, 1): f"{_COMMON} {_OUT} {_S}:8 {_K}:3 {_MORE}",  # Montana
    (15, 1): f"{_PROCESSING} {_OUT} {_S}:11 {_K}:3 {_MORE}",  # Oregon
    (16, 1): f"{_PROCESSING} {_OUT} {_S}:8 {_K} {_MORE}",  # Texas
    (17, 1): f"{_PROCESSING} {_OUT} {_S}:9 {_K}:5 {_MORE}",  # Delaware
    (18, 1): f"{_PROCESSING} SensitiveDataOptOutNotice {_OUT} {_S}:8 {_K} {_MSPA}",  # Iowa
    (19, 1): f"{_PROCESSING} {_OUT} {_S}:8 {_K} {_MORE}",  # Nebraska
    (20, 1): f"{_PROCESSING} {_OUT} {_S}:8 {_K}:3 {_MORE}",  # New Hampshire
    (21, 1): f"{_PROCESSING} {_OUT} {_S}:10 {_K}:5 {_MORE}",  # New Jersey
    (22, 1): f"{_PROCESSING} {_OUT} {_S}:8 {_K} {_MORE}",  # Tennessee
    (23, 1): f"{_PROCESSING} {_OUT} {_S}:8 {_K} {_MORE}",  # Minnesota
    (24, 1): f"{_NEWER} AdditionalDataProcessingConsent",  # Maryland
    (25, 1): f"{_NEWER} {_K} AdditionalDataProcessingConsent",  # Indiana
    (26, 1): f"{_NEWER} {_K} AdditionalDataProcessingConsent",  # Kentucky
    (27, 1): f"{_NEWER} {_K} AdditionalDataProcessingConsent",  # Rhode Island
}
SENSITIVE_APART = frozenset({25, 26, 27})
"""Sections whose second segment, without a type of its own, holds eight kinds of sensitive data; it may be missing."""
_CHOICES = (
    ("SaleOptOut", "SaleOptOutNotice"),
    ("SharingOptOut", "SharingOptOutNotice"),
    ("TargetedAdvertisingOptOut", "TargetedAdvertisingOptOutNotice"),
)


def decode(text: str) -> GppString | None:
    """Read a GPP string; None for anything that cannot be read in full. Never raises."""
    if not text or len(text) > LONGEST:
        return None
    header, *sections = text.split("~")
    try:
        ids = _ids(Bits(header))
        if len(ids) != len(sections):
            return None
        return _sections(ids, sections)
    except Overrun:
        return None


def us_privacy(text: str) -> bool | None:
    """Whether a US privacy string (`1YNN`: version, notice, opt-out, covered) opts out; None if it is none.

    `1---`: the law does not apply. A notice that was not given makes the sale an opted-out one.
    """
    if _USP.fullmatch(text) is None:
        return None
    return text[2] == "Y" or (text[2] == "-" and text[1] == "N")


def opted_out(section: UsSection) -> bool:
    """Whether sale, sharing or targeted ads are refused: said so, by GPC, or because nobody was offered the choice.

    A choice that is "not applicable" where no notice was given is one that was never offered; MSPA fields that
    contradict each other make nothing in the section reliable.
    """
    said = section.fields
    if section.gpc or _contradicts(said):
        return True
    return any(
        choice in said and (said[choice][0] in (1, 3) or (said[choice][0] == 0 and said[notice][0] != 1))
        for choice, notice in _CHOICES
    )


def protected(section: UsSection) -> bool:
    """A known child without consent, or sensitive data that the person did not want processed."""
    return any(value in (1, 3) for name in (_K, _S) for value in section.fields.get(name, ()))


def service_provider(section: UsSection) -> bool:
    """The site acts as a service provider here: nothing may be shared but in restricted form."""
    said = section.fields
    return said.get("MspaServiceProviderMode", (0,))[0] == 1 or said.get("MspaMode", (0,))[0] == 2


def _contradicts(said: dict[str, tuple[int, ...]]) -> bool:
    """A covered transaction is in exactly one of the two modes, any other in none."""
    covered = said["MspaCoveredTransaction"][0]
    if "MspaMode" in said:
        modes = int(said["MspaMode"][0] in (1, 2))
    else:
        modes = (said["MspaOptOutOptionMode"][0] == 1) + (said["MspaServiceProviderMode"][0] == 1)
    return covered not in (1, 2) or modes != (1 if covered == 1 else 0)


def _ids(bits: Bits) -> tuple[int, ...]:
    if bits.take(6) != 3 or bits.take(6) != 1:
        raise Overrun("no header")
    found: list[int] = []
    last = 0
    for _ in range(bits.take(12)):
        several = bits.flag()
        first = last + bits.fibonacci()
        last = first + bits.fibonacci() if several else first
        if last > _HIGHEST_ID:
            raise Overrun("no such section")
        found.extend(range(first, last + 1))
    return tuple(found)


def _sections(ids: tuple[int, ...], texts: list[str]) -> GppString:
    tcf, usp = "", ""
    canada: CanadaSection | None = None
    us: list[UsSection] = []
    for number, text in zip(ids, texts, strict=True):
        if number == TCF_EU:
            tcf = text
        elif number == TCF_CA:
            canada = _canada(Bits(text.split(".")[0]))
        elif number == USP:
            if us_privacy(text) is None:
                raise Overrun("no US privacy string")
            usp = text
        else:
            us.append(_us(number, text))
    return GppString(ids, tcf, canada, usp, tuple(us))


def _us(number: int, text: str) -> UsSection:
    core, *others = text.split(".")
    bits = Bits(core)
    version = bits.take(6)
    layout = LAYOUTS.get((number, version))
    if layout is None:
        raise Overrun("an unknown section")
    fields: dict[str, tuple[int, ...]] = {}
    for field in layout.split():
        name, _, count = field.partition(":")
        fields[name] = tuple(bits.take(2) for _ in range(int(count or 1)))
    gpc: bool | None = None
    if number in SENSITIVE_APART and others:
        apart = Bits(others.pop(0))
        fields[_S] = tuple(apart.take(2) for _ in range(8))
        if others:
            raise Overrun("an unknown segment")
    for other in others:
        segment = Bits(other)
        if segment.take(2) != 1 or gpc is not None:
            raise Overrun("an unknown segment")
        gpc = segment.flag()
    return UsSection(number, version, fields, gpc)


def _canada(bits: Bits) -> CanadaSection:
    if bits.take(6) != 1:
        raise Overrun("another version")
    created, updated = bits.take(36) * 100, bits.take(36) * 100
    bits.take(12 + 12 + 6)  # CMP, its version, screen
    bits.letters(2)
    bits.take(12 + 6 + 1 + 12)  # vendor list, policy, stacks, special features
    return CanadaSection(updated, created, bits.numbered(24), bits.numbered(24))
