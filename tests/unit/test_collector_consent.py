"""The consent gate: every row of the decision table, as data. The properties are in tests/properties."""

from __future__ import annotations

from typing import Any

import pytest

from tracker.collector.consent import Region, decide, region_of
from tracker.collector.signals import Heard, hear
from tracker.core import privacy
from tracker.core.consent_strings import tcf
from tracker.core.event import RawConsent
from tracker.core.privacy import PrivacySettings, SharingNetwork, flags_of
from tracker.core.suppression import State

EEA, UNKNOWN, CA, US, OTHER = Region.OPT_IN, Region.UNKNOWN, Region.US_OPT_OUT, Region.US, Region.OTHER
BAD = Heard(unreadable=True)
OUT = Heard(opted_out=True)

BEFORE_STRINGS = [
    # policy       region  analytics ads heard gpc browser  mode  a   ads reason
    ("opt-in", EEA, None, None, None, False, True, "M0", -1, -1, "no_consent"),
    ("opt-in", EEA, None, None, None, True, True, "M0", -1, 0, "no_consent"),
    ("opt-in", EEA, None, True, None, False, True, "M0", -1, -1, "no_consent"),
    ("opt-in", EEA, None, None, BAD, False, True, "M0", -1, 0, "no_consent"),
    ("opt-in", EEA, False, True, None, False, True, "M0", 0, 0, "refused"),
    ("opt-in", EEA, True, None, None, False, True, "M2", 1, -1, None),
    ("opt-in", EEA, True, False, None, False, True, "M2", 1, 0, None),
    ("opt-in", EEA, True, True, None, False, True, "M4", 1, 1, None),
    ("opt-in", EEA, True, True, None, True, True, "M2", 1, 0, None),
    ("opt-in", EEA, True, True, BAD, False, True, "M2", 1, 0, None),
    ("opt-in", UNKNOWN, None, None, None, False, True, "M0", -1, -1, "no_consent"),
    ("opt-in", UNKNOWN, True, True, None, False, True, "M4", 1, 1, None),
    ("opt-in", CA, None, None, None, False, True, "M3", -1, -1, None),
    ("opt-in", CA, None, None, None, True, True, "M2", -1, 0, None),
    ("opt-in", US, None, False, None, False, True, "M2", -1, 0, None),
    ("opt-in", OTHER, None, None, None, False, True, "M2", -1, -1, None),
    ("opt-in", OTHER, None, True, None, False, True, "M4", -1, 1, None),
    ("opt-in", UNKNOWN, None, None, None, False, False, "M2", -1, -1, None),
    ("opt-in", UNKNOWN, None, True, None, False, False, "M4", -1, 1, None),
    ("opt-in", UNKNOWN, False, None, None, False, False, "M0", 0, 0, "refused"),
    ("opt-out", EEA, None, None, None, False, True, "M4", -1, -1, None),
    ("opt-out", EEA, None, False, None, False, True, "M2", -1, 0, None),
    ("opt-out", EEA, None, None, None, True, True, "M2", -1, 0, None),
    ("opt-out", EEA, None, None, BAD, False, True, "M2", -1, 0, None),
    ("opt-out", EEA, False, None, None, False, True, "M0", 0, 0, "refused"),
    ("opt-out", US, None, None, None, False, False, "M4", -1, -1, None),
    ("unheard-of", EEA, None, None, None, False, True, "M0", -1, -1, "no_consent"),
]


@pytest.mark.parametrize("row", BEFORE_STRINGS, ids=str)
def test_what_was_said_in_so_many_words(row):
    *given, mode, analytics, ads, reason = row
    decision = decide(*given)
    assert (decision.mode.name, decision.analytics, decision.ads, decision.reason) == (mode, analytics, ads, reason)
    assert decision.stored == mode


def agreed(*purposes: int, v: bool = False, some: bool = False, **more: Any) -> Heard:
    """A valid TC string with these purposes; `v`: it allows both networks of the site, `some`: one of them."""
    vendors = (21, 755) if v else (21,) if some else ()
    return Heard(own=sum(1 << purpose for purpose in purposes), vendors=vendors, shared=v, **more)


ALL = (1, 3, 4)
# The rows of the decision table. `browser` and `opt-in` unless said otherwise.
# row, what differs from a silent browser, mode, ads, reason
TABLE: list[tuple[str, dict[str, Any], str, int, str | None]] = [
    ("C1 erased", {"region": OTHER, "ads": True, "state": State.ERASED}, "M0", 0, "suppressed"),
    ("C1 erased, string", {"heard": agreed(*ALL, v=True), "state": State.ERASED}, "M0", 0, "suppressed"),
    ("C1 legal", {"region": OTHER, "ads": True, "state": State.LEGAL}, "M0", 0, "suppressed"),
    ("C2 child site", {"region": OTHER, "ads": True, "flags": privacy.CHILD_DIRECTED}, "M1", 0, "child"),
    ("C2 known child", {"heard": agreed(*ALL, v=True), "state": State.CHILD}, "M1", 0, "child"),
    ("C2 child site, server", {"browser": False, "flags": privacy.CHILD_DIRECTED}, "M1", -1, "child"),
    ("C3 withdrawn, EEA", {"analytics": True, "ads": True, "state": State.WITHDRAWN}, "M0", 0, "suppressed"),
    ("C3 withdrawn, elsewhere", {"region": OTHER, "state": State.WITHDRAWN}, "M1", -1, "suppressed"),
    ("C3 withdrawn, US", {"region": CA, "state": State.WITHDRAWN}, "M1", -1, "suppressed"),
    ("C4 list unreadable", {"region": OTHER, "state": State.UNREADABLE}, "M1", -1, "list_unreadable"),
    ("C4 all agreed", {"analytics": True, "ads": True, "state": State.UNREADABLE}, "M1", 0, "list_unreadable"),
    ("C5 server, user out", {"browser": False, "ads": True, "state": State.OPTED_OUT}, "M2", 0, None),
    ("C5 server, silent", {"browser": False}, "M2", -1, None),
    ("C6 linked user out", {"region": CA, "state": State.OPTED_OUT}, "M2", 0, None),
    ("1 exempt, silent", {"flags": privacy.EXEMPT}, "M1S", -1, "contextual"),
    ("1 exempt, P{}", {"heard": agreed(), "flags": privacy.EXEMPT}, "M1S", 0, "contextual"),
    ("1 exempt, GPC", {"gpc": True, "flags": privacy.EXEMPT}, "M0", 0, "no_consent"),
    ("2 none", {}, "M0", -1, "no_consent"),
    ("2 invalid string", {"heard": BAD}, "M0", 0, "no_consent"),
    ("3 refused all", {"heard": agreed()}, "M0", 0, "refused"),
    ("3 vendors yes, purposes none", {"heard": agreed(v=True)}, "M0", 0, "refused"),
    ("3 against an own yes", {"heard": agreed(), "analytics": True, "ads": True}, "M0", 0, "refused"),
    ("4 without 1", {"heard": agreed(2, 3, 4, 7, v=True)}, "M1", 0, "contextual"),
    ("5 GPC", {"heard": agreed(*ALL, v=True), "gpc": True}, "M2", 0, None),
    (
        "5 GPC, later opt-in",
        {"analytics": True, "ads": True, "gpc": True, "flags": privacy.LATER_OPT_IN},
        "M4",
        1,
        None,
    ),
    ("6 only 1", {"heard": agreed(1)}, "M2", 0, None),
    ("6 1 and 2", {"heard": agreed(1, 2)}, "M2", 0, None),
    ("6 own analytics", {"analytics": True}, "M2", -1, None),
    ("7 1 and 7", {"heard": agreed(1, 7, v=True)}, "M2", 0, None),
    ("7 with 4", {"heard": agreed(1, 4, 7, v=True)}, "M2", 0, None),
    ("8 1 and 4", {"heard": agreed(1, 4)}, "M2", 0, None),
    ("9 1 and 3", {"heard": agreed(1, 3, v=True)}, "M3", 0, None),
    ("10 no vendor", {"heard": agreed(*ALL)}, "M3", 0, None),
    ("10 own yes, no vendor", {"heard": agreed(*ALL), "analytics": True, "ads": True}, "M3", 0, None),
    ("11 vendor", {"heard": agreed(*ALL, v=True)}, "M4:21,755", 1, None),
    ("11 one vendor of two", {"heard": agreed(*ALL, some=True)}, "M4:21", 0, None),
    (
        "11 one vendor of two, own yes",
        {"heard": agreed(*ALL, some=True), "analytics": True, "ads": True},
        "M4:21",
        0,
        None,
    ),
    ("11 one vendor, GPC", {"heard": agreed(*ALL, some=True), "gpc": True}, "M2", 0, None),
    ("11 own no to ads", {"heard": agreed(*ALL, v=True), "ads": False}, "M2", 0, None),
    ("11 own no to analytics", {"heard": agreed(*ALL, v=True), "analytics": False}, "M0", 0, "refused"),
    ("11 opt-out site", {"heard": agreed(*ALL, v=True), "policy": "opt-out"}, "M4:21,755", 1, None),
    ("3 opt-out site", {"heard": agreed(), "policy": "opt-out"}, "M0", 0, "refused"),
    ("10 opt-out site", {"heard": agreed(*ALL), "policy": "opt-out"}, "M3", 0, None),
    ("12 sensitive", {"region": CA, "flags": privacy.SENSITIVE}, "M2", 0, None),
    ("12 sensitive, asked", {"region": CA, "flags": privacy.SENSITIVE, "ads": True}, "M4", 1, None),
    ("12 sensitive string", {"heard": Heard(protected=True), "region": CA}, "M2", 0, None),
    ("13 opted out before", {"region": CA, "state": State.OPTED_OUT}, "M2", 0, None),
    ("13 shares otherwise", {"region": CA, "state": State.OPTED_OUT, "flags": privacy.SHARE_US}, "M2", 0, None),
    ("14 GPC", {"region": CA, "gpc": True, "flags": privacy.SHARE_US}, "M2", 0, None),
    ("14 section", {"region": CA, "heard": OUT, "flags": privacy.SHARE_US}, "M2", 0, None),
    ("15 invalid section", {"region": CA, "heard": BAD}, "M2", 0, None),
    ("16 none", {"region": CA}, "M3", -1, None),
    ("16 enabled", {"region": CA, "flags": privacy.SHARE_US}, "M4", 1, None),
    ("16 section without opt-out", {"region": CA, "heard": Heard(), "flags": privacy.SHARE_US}, "M4", 1, None),
    ("16 service provider", {"region": CA, "heard": Heard(restricted=True), "flags": privacy.SHARE_US}, "M3", 0, None),
    ("P-23 site", {"region": CA, "flags": privacy.SHARE_US | privacy.SERVICE_PROVIDER}, "M3", 0, None),
    ("17 other US, GPC", {"region": US, "gpc": True}, "M2", 0, None),
    ("18 other US", {"region": US, "flags": privacy.SHARE_US}, "M4", 1, None),
    ("19 Brazil", {"region": region_of("BR")}, "M0", -1, "no_consent"),
    ("19 Brazil, string", {"region": region_of("BR"), "heard": agreed(*ALL)}, "M3", 0, None),
    ("20 rest, GPC", {"region": OTHER, "gpc": True, "ads": True}, "M2", 0, None),
    ("21 rest", {"region": OTHER}, "M2", -1, None),
    ("21 enabled", {"region": OTHER, "flags": privacy.SHARE_ELSEWHERE}, "M4", 1, None),
    ("21 string refuses ads", {"region": OTHER, "heard": agreed(1), "flags": privacy.SHARE_ELSEWHERE}, "M2", 0, None),
    ("21 string agrees", {"region": OTHER, "heard": agreed(*ALL, v=True)}, "M4:21,755", 1, None),
    ("22 unknown", {"region": UNKNOWN}, "M0", -1, "no_consent"),
    ("23 unknown, string", {"region": UNKNOWN, "heard": agreed(*ALL, v=True)}, "M4:21,755", 1, None),
    ("always_eea", {"region": CA, "flags": privacy.ALWAYS_EEA}, "M0", -1, "no_consent"),
]
SILENT: dict[str, Any] = {
    "policy": "opt-in", "region": EEA, "analytics": None, "ads": None, "heard": None, "gpc": False, "browser": True,
}  # fmt: skip


@pytest.mark.parametrize(("row", "given", "mode", "ads", "reason"), TABLE, ids=[row[0] for row in TABLE])
def test_decision_table(row, given, mode, ads, reason):
    decision = decide(**SILENT | given)
    assert (decision.stored, decision.ads, decision.reason) == (mode, ads, reason), row


def test_every_row_of_the_decision_table_is_there():
    rows = {row[0].split()[0].rstrip(",") for row in TABLE}
    assert rows >= {f"C{n}" for n in range(1, 7)} | {str(n) for n in range(1, 24)}
    assert len({row[0] for row in TABLE}) == len(TABLE)


GOLDEN = "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA.IDKQA4AAgAKAGQAygAAA"
THEN = 1_748_908_800_000


def test_the_specifications_sample_is_no_consent():
    assert hear(RawConsent(tcf=GOLDEN), privacy.PLAIN, THEN) == BAD
    assert decide(**SILENT | {"heard": hear(RawConsent(tcf=GOLDEN), privacy.PLAIN, THEN)}).mode.name == "M0"


def test_strings_are_heard(monkeypatch):
    vendors = tcf.Vendors(0, ((1, 800),))
    found = tcf.decode(GOLDEN)
    assert found is not None
    valid = found._replace(policy=5, purposes=0b11010, vendors=vendors, disclosed=vendors)
    texts = {
        "all": valid,
        "publisher": valid._replace(publisher=tcf.Publisher(0b10, 0, 0, 0)),
        "treated": valid._replace(purpose_one_treatment=True),
        "short": valid._replace(disclosed=tcf.Vendors(0, ((1, 754),))),
    }
    monkeypatch.setattr(tcf, "decode", texts.get)
    networks = PrivacySettings(vendors=(755, 21))
    now = THEN

    def heard(text: str, settings: PrivacySettings = networks, **more: str) -> Heard | None:
        return hear(RawConsent(tcf=text, **more), settings, now)

    both = {"vendors": (755, 21), "shared": True, "updated": THEN}
    assert heard("all") == Heard(own=0b11010, **both)
    assert heard("all", privacy.PLAIN) == Heard(own=0b11010, shared=False, updated=THEN)  # shares with nobody
    assert heard("publisher") == Heard(own=0b10, **both)
    assert heard("treated") == Heard(own=0b11000, **both)
    assert heard("treated", PrivacySettings(vendors=(755, 21), purpose_one=("DE",))) == heard("all")
    named = PrivacySettings(vendors=(21,), networks=(SharingNetwork(name="google", vendor=755),))
    assert named.asked_vendors == (21, 755)
    assert (named.vendor_of("google"), named.vendor_of("meta")) == (755, None)
    assert heard("short", named) == Heard(own=0b11010, vendors=(21,), updated=THEN)
    assert heard("short") == Heard(own=0b11010, vendors=(21,), updated=THEN)  # discloses one of the two
    assert heard("nonsense") == BAD
    assert heard("x" * 9000) == BAD
    assert heard("all", usp="1YYN") == Heard(own=0b11010, **both, opted_out=True)
    assert heard("all", usp="odd") == Heard(own=0b11010, **both, unreadable=True)
    assert heard("all", gpp="DBABM~short").vendors == (21,)
    assert heard("all", gpp="DBABM~publisher") == Heard(own=0b10, **both)  # what both allow
    assert heard("all", gpp="DBABM~nonsense") == Heard(own=0b11010, **both, unreadable=True)
    assert heard("all", gpp="DBAB") == Heard(own=0b11010, **both, unreadable=True)
    assert hear(RawConsent(gpp="DBABLA~BVQqAAAAAgA.QA"), networks, now) == Heard()
    assert hear(RawConsent(gpp="DBABLA~BVQqAAAAAgA.YA"), networks, now) == Heard(opted_out=True)
    assert hear(RawConsent(analytics=True), networks, now) is None
    later = THEN + 400 * tcf.DAY_MS
    assert hear(RawConsent(tcf="all"), networks, later) == BAD


def test_every_declaration_of_a_site_reaches_the_gate():
    plain = PrivacySettings()
    assert flags_of(plain) == 0
    names = [name for name, kind in PrivacySettings.__annotations__.items() if kind == "bool" and name != "honour_dnt"]
    flags = [flags_of(PrivacySettings(**{name: True})) for name in names]
    assert sum(flags) == 2 ** len(names) - 1
    assert flags_of(PrivacySettings(honour_dnt=True, vendors=(7,))) == 0  # read elsewhere


@pytest.mark.parametrize(
    ("country", "subdivision", "region"),
    [
        ("DE", "", Region.OPT_IN),
        ("GB", "ENG", Region.OPT_IN),
        ("CH", "", Region.OPT_IN),
        ("RE", "", Region.OPT_IN),
        ("BR", "", Region.OPT_IN),
        ("CA", "QC", Region.OPT_IN),
        ("CA", "", Region.OPT_IN),
        ("CA", "ON", Region.OTHER),
        ("US", "CA", Region.US_OPT_OUT),
        ("US", "", Region.US_OPT_OUT),
        ("US", "WY", Region.US),
        ("JP", "", Region.OTHER),
        ("", "", Region.UNKNOWN),
    ],
)
def test_region_of(country, subdivision, region):
    assert region_of(country, subdivision) is region
