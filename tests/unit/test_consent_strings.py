"""Decoders of TC, GPP and US privacy strings: golden strings, and agreement with the IAB's own code."""

from __future__ import annotations

import random
from typing import Any

import pytest
from consent_reference import reference

from tracker.core.consent_strings import gpp, tcf
from tracker.core.consent_strings.bits import Bits, Overrun

GOLDEN = "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA.IDKQA4AAgAKAGQAygAAA"
NOW = 1_795_000_000_000
SECTION_NAMES = {
    **{7: "usnat", 8: "usca", 9: "usva", 10: "usco", 11: "usut", 12: "usct", 13: "usfl", 14: "usmt", 15: "usor"},
    **{16: "ustx", 17: "usde", 18: "usia", 19: "usne", 20: "usnh", 21: "usnj", 22: "ustn", 23: "usmn", 24: "usmd"},
    **{25: "usin", 26: "usky", 27: "usri"},
}
WITHOUT_GPC = {9, 11, 13, *gpp.SENSITIVE_APART}


def numbers(mask: int) -> list[int]:
    return [at for at in range(mask.bit_length()) if mask >> at & 1]


def vendors(found: tcf.Vendors | None) -> list[int]:
    if found is None:
        return []
    listed = {vendor for first, last in found.ranges for vendor in range(first, last + 1)}
    return sorted({*numbers(found.mask), *listed})


def shown(found: tcf.TcString | None) -> dict[str, Any] | None:
    """Ours in the reference's words."""
    if found is None:
        return None
    fields = found._asdict()
    for name in ("special_features", "purposes", "interests"):
        fields[name] = numbers(fields[name])
    for name in ("vendors", "vendor_interests", "disclosed"):
        fields[name] = vendors(fields[name])
    fields["publisher"] = [numbers(mask) for mask in found.publisher or (0, 0, 0, 0)]
    fields["restrictions"] = sorted(
        [rule.purpose, rule.kind, vendor] for rule in found.restrictions for vendor in vendors(rule.vendors)
    )
    return fields


def a_model(chance: random.Random) -> dict[str, Any]:
    def some(top: int, most: int) -> list[int]:
        return sorted(chance.sample(range(1, top + 1), chance.randint(0, most)))

    def many(top: int) -> list[int]:
        kind = chance.randrange(4)
        if kind == 0:
            return some(60, 20)  # a bit field
        if kind == 1:
            return some(top, 5)  # single entries of a range
        start = chance.randint(1, top - 200)
        return sorted({*range(start, start + chance.randint(1, 200)), *some(top, 3)})

    custom = chance.randint(0, 12)
    return {
        "plain": {
            "cmpId": chance.randint(2, 4000),
            "cmpVersion": chance.randint(1, 4000),
            "consentScreen": chance.randint(0, 63),
            "consentLanguage": chance.choice(["EN", "DE", "FR", "ZZ"]),
            "vendorListVersion": chance.randint(1, 4000),
            "policyVersion": chance.randint(2, 6),
            "isServiceSpecific": chance.random() < 0.8,
            "useNonStandardTexts": chance.random() < 0.3,
            "purposeOneTreatment": chance.random() < 0.3,
            "publisherCountryCode": chance.choice(["AA", "DE", "FR"]),
            "numCustomPurposes": custom,
        },
        "vectors": {
            "specialFeatureOptins": some(12, 12),
            "purposeConsents": some(24, 24),
            "purposeLegitimateInterests": some(24, 24),
            "vendorConsents": many(4000),
            "vendorLegitimateInterests": many(4000),
            "vendorsDisclosed": many(4000),
            "publisherConsents": some(24, 24),
            "publisherLegitimateInterests": some(24, 24),
            "publisherCustomConsents": some(custom, custom) if custom else [],
            "publisherCustomLegitimateInterests": some(custom, custom) if custom else [],
        },
        "restrictions": sorted({(chance.randint(1, 11), chance.randint(0, 2), vendor) for vendor in some(70, 30)}),
        "segments": chance.choice([[0], [0, 1], [0, 3], [0, 1, 3], [0, 3, 1]]),
        "created": chance.randint(1_700_000_000, 1_795_000_000) * 1000,
        "updated": chance.randint(1_700_000_000, 1_795_000_000) * 1000,
    }


def test_the_specifications_sample():
    found = tcf.decode(GOLDEN)
    assert found is not None
    assert (found.cmp, found.language, found.list_version, found.policy, found.country) == (880, "EN", 48, 2, "DE")
    assert found.created == 1_748_908_800_000  # 3 June 2025
    assert (numbers(found.purposes), vendors(found.vendors)) == ([], [1, 2, 3, 4])
    assert vendors(found.disclosed) == [1, 2, 3, 4, 5, 100, 404]
    assert tcf.problem(found, found.created) == "policy"


def test_tcf_agrees_with_the_reference_on_every_field():
    chance = random.Random(20_261_125)
    texts = reference(tcf=[a_model(chance) for _ in range(400)])["tcf"]
    kinds = {bool(found.vendors.ranges) for text in texts if (found := tcf.decode(text)) is not None}
    assert kinds == {False, True}  # bit fields and ranges
    for text, theirs in zip(texts, reference(tcf_decode=texts)["tcf_decode"], strict=True):
        theirs["restrictions"].sort()
        assert shown(tcf.decode(text)) == theirs, text


def test_what_is_cut_off_is_no_consent_and_damage_never_grants_what_the_reference_refuses():
    chance = random.Random(7)
    whole = reference(tcf=[a_model(chance) for _ in range(40)])["tcf"]
    for text in whole:
        core = text.split(".")[0]
        assert all(tcf.decode(core[:at]) is None for at in range(36))
    damaged = []
    for text in whole:
        for _ in range(15):
            at = chance.randrange(len(text))
            damaged.append(text[:at] + chance.choice("ABxyz019-_.") + text[at + chance.randrange(2) :])
    for text, theirs in zip(damaged, reference(tcf_decode=damaged)["tcf_decode"], strict=True):
        ours = shown(tcf.decode(text))
        if ours is None:
            continue
        assert theirs is not None, text
        for right in ("purposes", "vendors", "disclosed"):
            assert set(ours[right]) <= set(theirs[right]), text


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"policy": 3}, "policy"),
        ({"service_specific": False}, "scope"),
        ({"updated": NOW - 397 * tcf.DAY_MS}, "old"),
        ({"updated": NOW + 2 * tcf.DAY_MS}, "future"),
        ({"created": NOW + 2 * tcf.DAY_MS}, "future"),
        ({"version": 1}, "version"),
        ({"updated": NOW - 395 * tcf.DAY_MS}, ""),
        ({}, ""),
    ],
    ids=str,
)
def test_what_makes_a_string_invalid(changes, why):
    found = tcf.decode(GOLDEN)
    assert found is not None
    good = found._replace(policy=5, created=NOW - tcf.DAY_MS, updated=NOW - tcf.DAY_MS)
    assert tcf.problem(good._replace(**changes), NOW) == why


def allowing(**changes: Any) -> bool:
    found = tcf.decode(GOLDEN)
    assert found is not None
    base = found._replace(
        purposes=0b11010, vendors=tcf.Vendors(1 << 755), disclosed=tcf.Vendors(0, ((700, 800),)), created=NOW
    )
    return base._replace(**changes).allows_vendor(755, 0b11010)


def test_a_vendor_needs_consent_purposes_disclosure_and_no_restriction():
    assert allowing()
    assert not allowing(vendors=tcf.Vendors(1 << 754))
    assert not allowing(purposes=0b10010)
    assert not allowing(disclosed=tcf.Vendors())
    assert not allowing(disclosed=None)
    assert allowing(disclosed=None, created=tcf.DISCLOSURE_SINCE_MS - 1)
    mine = tcf.Vendors(0, ((755, 755),))
    assert not allowing(restrictions=(tcf.Restriction(3, 0, mine),))
    assert not allowing(restrictions=(tcf.Restriction(4, 2, mine),))
    assert allowing(restrictions=(tcf.Restriction(4, 1, mine),))
    assert allowing(restrictions=(tcf.Restriction(7, 0, mine),))
    assert allowing(restrictions=(tcf.Restriction(3, 0, tcf.Vendors(0, ((1, 754),))),))
    assert not tcf.Vendors(1).has(0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "C",
        "!!!!",
        "BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA",
        GOLDEN + ".",
        GOLDEN + ".A",
        GOLDEN + GOLDEN[44:],
        GOLDEN + "A" * 9000,
        GOLDEN.replace("C", "D", 1),
        GOLDEN.split(".", maxsplit=1)[0] + ".gAAA",
        "CQSbk4A QSbk4",
        "ä" * 60,
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_tc_string(text):
    assert tcf.decode(text) is None


def test_gpp_headers():
    for text, ids in (("DBABM", (2,)), ("DBACNY", (2, 6)), ("DBAA", ())):
        found = gpp.decode("~".join([text, *("1YNN" if one == 6 else "x" for one in ids)]))
        assert found is not None
        assert found.ids == ids


def a_section(chance: random.Random, number: int, version: int) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for entry in gpp.LAYOUTS[number, version].split():
        name, _, count = entry.partition(":")
        low = 1 if name == "MspaCoveredTransaction" else 0
        values = [chance.randint(low, 2) for _ in range(int(count or 1))]
        fields[name] = values if count else values[0]
    if number not in WITHOUT_GPC:
        fields["Gpc"] = chance.random() < 0.5
    if number in gpp.SENSITIVE_APART and chance.random() < 0.5:
        fields["SensitiveDataProcessing"] = [chance.randint(0, 2) for _ in range(8)]
        fields["SensitiveDataConsentSegmentIncluded"] = True
    return {"Version": version, **fields} if number == 7 else fields


def test_gpp_agrees_with_the_reference_on_every_field():
    chance = random.Random(11)
    asked = []
    for _ in range(150):
        known = chance.sample(sorted(SECTION_NAMES), chance.randint(1, 5))
        asked.append({SECTION_NAMES[one]: a_section(chance, one, 2 if one == 7 else 1) for one in known})
        if chance.random() < 0.4:
            asked[-1]["uspv1"] = {"Notice": "Y", "OptOutSale": chance.choice("YN-"), "LspaCovered": "N"}
    texts = reference(gpp=asked)["gpp"]
    seen = set()
    for text, theirs in zip(texts, reference(gpp_decode=texts)["gpp_decode"], strict=True):
        ours = gpp.decode(text)
        assert ours is not None, text
        assert list(ours.ids) == theirs["ids"]
        for section in ours.us:
            seen.add(section.id)
            words = dict(theirs["sections"][SECTION_NAMES[section.id]])
            assert words.pop("Gpc", None) == section.gpc
            words.pop("GpcSegmentType", None)
            words.pop("GpcSegmentIncluded", None)
            if not words.pop("SensitiveDataConsentSegmentIncluded", True):
                words.pop("SensitiveDataProcessing")
            assert words.pop("Version", words.pop("MspaVersion", 1)) == section.version
            flat = {name: tuple(value) if isinstance(value, list) else (value,) for name, value in words.items()}
            assert flat == section.fields, text
        if ours.usp:
            assert ours.usp[2] == theirs["sections"]["uspv1"]["OptOutSale"]
    assert seen == set(SECTION_NAMES)


def test_canadas_purposes_agree_with_the_reference():
    chance = random.Random(3)
    asked = []
    for _ in range(30):
        masks = [[chance.random() < 0.5 for _ in range(24)] for _ in range(2)]
        asked.append({"tcfcav1": {"PurposesExpressConsent": masks[0], "PurposesImpliedConsent": masks[1]}})
    for text, given in zip(reference(gpp=asked)["gpp"], asked, strict=True):
        found = gpp.decode(text)
        assert found is not None
        assert found.canada is not None
        express = given["tcfcav1"]["PurposesExpressConsent"]
        assert numbers(found.canada.express) == [at + 1 for at, yes in enumerate(express) if yes]


def us(**fields: int | tuple[int, ...]) -> gpp.UsSection:
    base: dict[str, tuple[int, ...]] = {
        "SaleOptOutNotice": (1,),
        "TargetedAdvertisingOptOutNotice": (1,),
        "SaleOptOut": (2,),
        "TargetedAdvertisingOptOut": (2,),
        "MspaCoveredTransaction": (2,),
        "MspaOptOutOptionMode": (0,),
        "MspaServiceProviderMode": (0,),
    }
    given = {name: value if isinstance(value, tuple) else (value,) for name, value in fields.items()}
    return gpp.UsSection(9, 1, base | given, None)


OPT_OUTS = [
    ({}, False),
    ({"SaleOptOut": 1}, True),
    ({"TargetedAdvertisingOptOut": 1}, True),
    ({"SaleOptOut": 0}, False),
    ({"SaleOptOut": 0, "SaleOptOutNotice": 2}, True),
    ({"SaleOptOut": 0, "SaleOptOutNotice": 0}, True),
    ({"SaleOptOut": 3}, True),
    ({"MspaCoveredTransaction": 1}, True),  # in neither mode
    ({"MspaCoveredTransaction": 1, "MspaOptOutOptionMode": 1}, False),
    ({"MspaCoveredTransaction": 1, "MspaOptOutOptionMode": 1, "MspaServiceProviderMode": 1}, True),
    ({"MspaOptOutOptionMode": 1}, True),  # a mode of a transaction that is not covered
]


@pytest.mark.parametrize(("fields", "out"), OPT_OUTS, ids=str)
def test_opt_outs_of_a_us_section(fields, out):
    assert gpp.opted_out(us(**fields)) is out


def test_gpc_children_sensitive_data_and_service_providers():
    assert gpp.opted_out(us()._replace(gpc=True))
    assert not gpp.protected(us())
    assert gpp.protected(us(KnownChildSensitiveDataConsents=(0, 1)))
    assert not gpp.protected(us(KnownChildSensitiveDataConsents=(0, 2)))
    assert gpp.protected(us(SensitiveDataProcessing=(2, 0, 1)))
    assert gpp.service_provider(us(MspaServiceProviderMode=1))
    assert not gpp.service_provider(us())


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("1YYN", True),
        ("1YNN", False),
        ("1---", False),
        ("1N-N", True),
        ("1NYN", True),
        ("1YN", None),
        ("2YNN", None),
        ("1yNN", None),
        ("", None),
        ("1YNN ", None),
    ],
)
def test_us_privacy(text, out):
    assert gpp.us_privacy(text) is out


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DBAB",
        "DBABM",
        "DBABM~",
        "DBABM~x~y",
        "DBABTA~1Y",
        "DBABTA~9YNN",
        "CBABM~x",
        "DDABM~x",
        "DBABLA~",
        "ä",
        "DBABLA~BVQq",
        "DBABLA~BVQqAAAAAgA.gA",
        "DBABLA~BVQqAAAAAgA.QA.QA",
        "DBABLA~HVQqAAAAAgA",
        "DBAB" + "A" * 40,
    ],
    ids=lambda text: text[:22] or "empty",
)
def test_what_is_no_gpp_string(text):
    found = gpp.decode(text)
    if text == "DBABM~":
        assert found is not None  # the European section is judged by the decoder of TC strings
        assert tcf.decode(found.tcf) is None
        return
    assert found is None


def test_bits_end_where_the_text_ends():
    bits = Bits("DB")
    assert (bits.take(6), bits.take(6)) == (3, 1)
    with pytest.raises(Overrun):
        bits.take(1)
