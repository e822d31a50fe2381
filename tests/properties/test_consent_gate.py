"""The gate over all that may come: a refusal never adds a right, and what must never happen does not."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tracker.collector.consent import Decision, Mode, Region, decide
from tracker.collector.signals import ADS_CHOICE, ADS_PROFILE, DEVICE, Heard, hear
from tracker.core import privacy
from tracker.core.consent_strings import gpp, tcf
from tracker.core.event import RawConsent
from tracker.core.privacy import PrivacySettings
from tracker.core.suppression import State

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))
from consent_oracle import Case, mode

NOW = 1_795_000_000_000
WORDS = st.sampled_from([None, True, False])
YES = st.booleans()
VENDORS = (21, 91, 755)  # the networks of the site
HEARD = st.none() | st.builds(
    lambda vendors, **more: Heard(vendors=tuple(sorted(vendors)), shared=len(vendors) == len(VENDORS), **more),
    vendors=st.sets(st.sampled_from(VENDORS)),
    own=st.none() | st.sets(st.sampled_from([1, 2, 3, 4, 7])).map(lambda found: sum(1 << one for one in found)),
    unreadable=YES,
    opted_out=YES,
    protected=YES,
    restricted=YES,
)
# Loosening declarations of the site, and those that tighten.
LOOSE = (privacy.EXEMPT, privacy.SHARE_US, privacy.SHARE_ELSEWHERE, privacy.LATER_OPT_IN)
TIGHT = (privacy.CHILD_DIRECTED, privacy.ALWAYS_EEA, privacy.SERVICE_PROVIDER, privacy.SENSITIVE)
FLAGS = st.sets(st.sampled_from(LOOSE + TIGHT)).map(sum)
STATES = st.sets(st.sampled_from(list(State))).map(lambda found: int(sum(found)))
EVERYTHING = st.fixed_dictionaries(
    {
        "policy": st.sampled_from(["opt-in", "opt-out"]),
        "region": st.sampled_from(Region),
        "analytics": WORDS,
        "ads": WORDS,
        "heard": HEARD,
        "gpc": YES,
        "browser": YES,
        "flags": FLAGS,
        "state": STATES,
    }
)


def leaves(decision: Decision, policy: str) -> bool:
    """Whether the person may leave the house, as audiences read what is stored."""
    return decision.mode is Mode.M4 and (decision.ads == 1 or (policy == "opt-out" and decision.ads == -1))


def leaves_to(vendor: int, decision: Decision, policy: str) -> bool:
    """The same for the network that is this vendor."""
    mode, _, vendors = decision.stored.partition(":")
    return str(vendor) in vendors.split(",") if mode != decision.stored else leaves(decision, policy)


def rights(decision: Decision, policy: str) -> list[int]:
    """All that may be done, each as a number that only an additional permission makes larger."""
    return [decision.mode, leaves(decision, policy), *(leaves_to(vendor, decision, policy) for vendor in VENDORS)]


def stricter(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The same with one more refusal."""
    found = [
        {"analytics": False},
        {"ads": False},
        {"gpc": True},
        {"policy": "opt-in"},
        *({"flags": case["flags"] | flag} for flag in TIGHT),
        *({"flags": case["flags"] & ~flag} for flag in LOOSE),
        *({"state": case["state"] | state} for state in State),
    ]
    heard = case["heard"]
    worse = ("unreadable", "opted_out", "protected", "restricted")
    found += [{"heard": (heard or Heard())._replace(**{change: True})} for change in worse]
    if heard is not None:
        for vendor in heard.vendors:
            fewer = tuple(one for one in heard.vendors if one != vendor)
            found.append({"heard": heard._replace(vendors=fewer, shared=False)})
        if heard.own is not None:
            found += [{"heard": heard._replace(own=heard.own & ~(1 << purpose))} for purpose in (1, 2, 3, 4, 7)]
            found.append({"heard": heard._replace(own=0)})
    if case["region"] not in (Region.OPT_IN, Region.UNKNOWN):
        found.append({"region": Region.OPT_IN})
    if case["analytics"] is None:  # a string that refuses, where none spoke
        found.append({"heard": (heard or Heard())._replace(own=0, vendors=(), shared=False)})
    return [case | change for change in found]


NOTHING = {"analytics": None, "ads": None, "gpc": False, "browser": False, "flags": 0, "state": 0}


@settings(max_examples=1500, deadline=None)
@given(EVERYTHING)
@example({**NOTHING, "policy": "opt-in", "region": Region.US_OPT_OUT, "heard": Heard(own=0b1110)})
def test_one_more_refusal_never_adds_a_right(case):
    now = decide(**case)
    for other in stricter(case):
        less, more = rights(decide(**other), other["policy"]), rights(now, case["policy"])
        assert all(one <= two for one, two in zip(less, more, strict=True)), other


@settings(max_examples=1500, deadline=None)
@given(EVERYTHING)
def test_what_must_always_hold(case):
    decision = decide(**case)
    heard, state, flags = case["heard"], case["state"], case["flags"]
    strict = case["region"] in (Region.OPT_IN, Region.UNKNOWN) or flags & privacy.ALWAYS_EEA
    assert (decision.reason is not None) == (decision.mode < Mode.M2)
    strings = heard is not None and heard.own is not None and decision.mode is Mode.M4
    assert decision.stored.partition(":")[::2] == (
        decision.mode.name, ",".join(map(str, heard.vendors)) if strings else ""
    )  # fmt: skip
    overruled = flags & privacy.LATER_OPT_IN and case["ads"]
    if case["ads"] is False or ((case["gpc"] or state & State.OPTED_OUT) and not overruled):
        assert decision.mode <= Mode.M2
        assert decision.ads == 0
    if (
        state & (State.CHILD | State.ERASED | State.LEGAL | State.WITHDRAWN | State.UNREADABLE)
        or flags & privacy.CHILD_DIRECTED
    ):
        assert decision.mode <= Mode.M1S
    if strict and heard is not None and heard.own is not None and decision.mode >= Mode.M3:
        assert heard.own & DEVICE
        assert heard.own & ADS_PROFILE
        if decision.mode is Mode.M4:
            assert heard.own & ADS_CHOICE
            assert heard.vendors
            assert heard.shared or decision.ads == 0
    if strict and case["browser"] and case["policy"] == "opt-in" and decision.mode >= Mode.M2:
        assert case["analytics"] or (heard is not None and heard.own)


REGIONS = {
    "EEA": Region.OPT_IN, "unknown": Region.UNKNOWN, "US": Region.US, "US opt-out state": Region.US_OPT_OUT,
    "rest": Region.OTHER,
}  # fmt: skip
FLAG_SETS = [
    frozenset(names)
    for names in (
        [],
        *([one] for one in PrivacySettings.__struct_fields__ if isinstance(getattr(privacy.PLAIN, one), bool)),
        ["share_in_us", "share_elsewhere"],
        ["share_in_us", "share_elsewhere", "always_eea"],
        ["share_in_us", "share_elsewhere", "sensitive"],
        ["share_in_us", "share_elsewhere", "service_provider_only"],
        ["exempt_measurement", "child_directed"],
        ["exempt_measurement", "always_eea"],
    )
]
STATE_SETS = [(), *((one.name.lower(),) for one in State if one.name), ("withdrawn", "gpc"), ("erased", "child")]
PURPOSE_SETS: list[Any] = [None, "invalid"] + [
    frozenset(purpose for bit, purpose in enumerate((1, 2, 3, 4, 7)) if number >> bit & 1) for number in range(32)
]
STRINGS = [
    (purposes, vendors)
    for purposes in PURPOSE_SETS
    for vendors in (((), (21,), VENDORS) if isinstance(purposes, frozenset) and purposes >= {1, 3, 4} else ((),))
]
US = {
    None: {}, "out": {"opted_out": True}, "not_out": {}, "invalid": {"unreadable": True},
    "protected": {"protected": True},
}  # fmt: skip


def heard_of(purposes: Any, vendors: tuple[int, ...], us: str | None) -> Heard | None:
    if purposes is None and us is None:
        return None
    found = Heard(**US[us])
    if purposes == "invalid":
        return found._replace(unreadable=True)
    if purposes is None:
        return found
    own = sum(1 << purpose for purpose in purposes)
    return found._replace(own=own, vendors=vendors, shared=len(vendors) == len(VENDORS))


def test_the_whole_table_is_what_a_second_reading_of_it_says():
    """The full cross product of the sheet: every region, declaration, state, set of purposes, vendors, signal."""
    count = 0
    for flags, states in itertools.product(FLAG_SETS, STATE_SETS):
        bits = privacy.flags_of(PrivacySettings(**dict.fromkeys(flags, True)))
        state = int(sum(State[one.upper()] for one in states))
        known = frozenset("opted_out" if one in ("gpc", "optout") else one for one in states)
        for (purposes, allowed), us in itertools.product(STRINGS, US):
            heard = heard_of(purposes, allowed, us)
            for (name, region), gpc in itertools.product(REGIONS.items(), (False, True)):
                case = Case(name, flags, known, purposes, allowed, gpc, us)
                found = decide.__wrapped__("opt-in", region, None, None, heard, gpc, True, bits, state)
                assert found.mode == mode(case), case
                if name == "EEA" and found.mode >= Mode.M3:
                    assert purposes >= {1, 3}
                    assert found.mode is Mode.M3 or (purposes >= {1, 3, 4} and allowed)
                count += 1
    assert count > 300_000


TEXT = st.text(max_size=60) | st.text("ABCDEFXYZabcdefxyz0189-_.~", max_size=400)
GOLDEN = "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA.IDKQA4AAgAKAGQAygAAA"
CUT = st.builds(
    lambda at, put, skip: GOLDEN[:at] + put + GOLDEN[at + skip :],
    st.integers(0, len(GOLDEN)),
    st.text("ABCxyz019-_.", max_size=4),
    st.integers(0, 9),
)


@settings(max_examples=1500, deadline=None)
@example("DBABM~" + GOLDEN)
@example("DBABLA~BVQqAAAAAgA.QA")
@given(TEXT | CUT | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_any_text_is_read_without_an_error_and_gives_nothing_that_silence_does_not(text):
    tcf.decode(text)
    gpp.decode(text)
    gpp.us_privacy(text)
    networks = PrivacySettings(vendors=(1,))
    for region in Region:
        silent = decide("opt-in", region, None, None, None, False, True)
        for said in (RawConsent(tcf=text), RawConsent(gpp=text), RawConsent(usp=text)):
            heard = hear(said, networks, NOW)
            assert heard is not None
            # Nothing that can be made of the sample is valid at this time: its policy is outdated.
            if heard.own is None:
                assert decide("opt-in", region, None, None, heard, False, True).mode <= silent.mode
