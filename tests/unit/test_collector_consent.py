import itertools

import pytest

from tracker.collector.consent import Mode, Region, decide, region_of

STRICT = (Region.OPT_IN, Region.UNKNOWN)
EVERYTHING = list(
    itertools.product(
        ("opt-in", "opt-out"),
        Region,
        (None, True, False),
        (None, True, False),
        (False, True),
        (False, True),
        (False, True),
    )
)

TABLE = [
    # policy    region             analytics ads    undecoded gpc    browser  mode  a   ads reason
    ("opt-in", Region.OPT_IN, None, None, False, False, True, "M0", -1, -1, "no_consent"),
    ("opt-in", Region.OPT_IN, None, None, False, True, True, "M0", -1, 0, "no_consent"),
    ("opt-in", Region.OPT_IN, None, True, False, False, True, "M0", -1, -1, "no_consent"),
    ("opt-in", Region.OPT_IN, None, None, True, False, True, "M0", -1, -1, "no_consent"),
    ("opt-in", Region.OPT_IN, False, True, False, False, True, "M0", 0, 0, "refused"),
    ("opt-in", Region.OPT_IN, True, None, False, False, True, "M2", 1, -1, None),
    ("opt-in", Region.OPT_IN, True, False, False, False, True, "M2", 1, 0, None),
    ("opt-in", Region.OPT_IN, True, True, False, False, True, "M4", 1, 1, None),
    ("opt-in", Region.OPT_IN, True, True, False, True, True, "M2", 1, 0, None),
    ("opt-in", Region.OPT_IN, True, True, True, False, True, "M2", 1, 0, None),
    ("opt-in", Region.UNKNOWN, None, None, False, False, True, "M0", -1, -1, "no_consent"),
    ("opt-in", Region.UNKNOWN, True, True, False, False, True, "M4", 1, 1, None),
    ("opt-in", Region.US_OPT_OUT, None, None, False, False, True, "M3", -1, -1, None),
    ("opt-in", Region.US_OPT_OUT, None, None, False, True, True, "M2", -1, 0, None),
    ("opt-in", Region.US, None, False, False, False, True, "M2", -1, 0, None),
    ("opt-in", Region.OTHER, None, None, False, False, True, "M2", -1, -1, None),
    ("opt-in", Region.OTHER, None, True, False, False, True, "M4", -1, 1, None),
    ("opt-in", Region.UNKNOWN, None, None, False, False, False, "M2", -1, -1, None),
    ("opt-in", Region.UNKNOWN, None, True, False, False, False, "M4", -1, 1, None),
    ("opt-in", Region.UNKNOWN, False, None, False, False, False, "M0", 0, 0, "refused"),
    ("opt-out", Region.OPT_IN, None, None, False, False, True, "M4", -1, -1, None),
    ("opt-out", Region.OPT_IN, None, False, False, False, True, "M2", -1, 0, None),
    ("opt-out", Region.OPT_IN, None, None, False, True, True, "M2", -1, 0, None),
    ("opt-out", Region.OPT_IN, None, None, True, False, True, "M2", -1, 0, None),
    ("opt-out", Region.OPT_IN, False, None, False, False, True, "M0", 0, 0, "refused"),
    ("opt-out", Region.US, None, None, False, False, False, "M4", -1, -1, None),
    ("unheard-of", Region.OPT_IN, None, None, False, False, True, "M0", -1, -1, "no_consent"),
]


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_truth_table(row):
    *given, mode, analytics, ads, reason = row
    decision = decide(*given)
    assert (decision.mode.name, decision.analytics, decision.ads, decision.reason) == (mode, analytics, ads, reason)
    assert decision.stored == mode


def test_a_refusal_never_adds_a_right():
    for given in EVERYTHING:
        refusals_take_away(given)


def refusals_take_away(given):
    policy, region, analytics, ads, undecoded, gpc, browser = given
    now = decide(*given)
    stricter = [
        decide(policy, region, False, ads, undecoded, gpc, browser),
        decide(policy, region, analytics, False, undecoded, gpc, browser),
        decide(policy, region, analytics, ads, True, gpc, browser),
        decide(policy, region, analytics, ads, undecoded, True, browser),
        decide("opt-in", region, analytics, ads, undecoded, gpc, browser),
    ]
    assert all(other.mode <= now.mode for other in stricter)
    assert all(other.ads <= max(now.ads, 0) for other in stricter)


def test_what_must_always_hold():
    for given in EVERYTHING:
        always_holds(given)


def always_holds(given):
    policy, region, analytics, ads, undecoded, gpc, browser = given
    decision = decide(*given)
    assert (decision.reason is not None) == (decision.mode is Mode.M0)
    if policy == "opt-in" and browser and region in STRICT and decision.mode >= Mode.M3:
        assert analytics is True
        assert ads is True
    if gpc or undecoded or ads is False or analytics is False:
        assert decision.mode <= Mode.M2
    if decision.ads == 1:
        assert ads is True


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
