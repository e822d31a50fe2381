"""What an audience brought, who is in it, and what a person is told of theirs; against a real HTTP server."""

import pytest
import streamlit as st
from dashboard_run import html, run, seen
from dashboard_samples import HOSTILE, iso, lift

from dashboard import recipes, rules


@pytest.fixture
def audience(fake):
    rule = {"all": [{"did": {"event": "view_item", "within": "14d"}}, {"not": {"did": {"event": HOSTILE}}}]}
    one = {"site": "shop", "name": "Lookers", "rule": rule, "duration": "30d", "holdout": 0.1}
    return fake.state.keep(fake.state.audiences, one)["id"]


def asked_lift(fake):
    return [body for _, path, body in fake.state.asked if path == "/api/v1/reports/lift"][-1]


def test_lift_says_what_the_difference_is_and_whether_it_is_chance(fake, audience):
    at = run("audience", id=audience)
    text = seen(at)
    for expected in (
        "2,810",
        "15 %",
        "10 %",
        "+5.0 points",
        "It brought buyers: 15 % of the exposed, 10 % of the hold-out.",
        "No effect on revenue is shown yet: € 7.49 a person of the exposed, € 5 of the hold-out.",
        "Between +1.0 and +8.3 percentage points more buyers; this is not chance.",
        "About 140 buyers who would not have been otherwise (+50 %).",
        "Between −€ 0.40 and +€ 6, so less or more revenue per person; this could be chance.",
    ):
        assert expected in text
    assert asked_lift(fake)["conversion"] == {"event": "purchase"}
    assert "segment" not in asked_lift(fake)
    at.selectbox(key="lift-1-event").select(HOSTILE)
    at.selectbox(key="lift-1-network").select("tiktok").run()
    assert not at.exception
    assert (asked_lift(fake)["conversion"], asked_lift(fake)["network"]) == ({"event": HOSTILE}, "tiktok")
    assert "<img" not in html(at)
    assert not any("fewer than 10" in one.value for one in at.caption)


def test_a_few_people_in_two_audiences_are_not_shown(fake, audience, monkeypatch):
    fake.state.keep(fake.state.audiences, {"site": "shop", "name": "Other", "rule": {"did": {}}})
    asked = fake.state.answer
    few = {"overlap": [[200, None], [None, 100]]}

    def answer(method, path, *more):
        said = asked(method, path, *more)
        return said | few if "overlap" in path else said

    monkeypatch.setattr(fake.state, "answer", answer)
    st.cache_data.clear()
    assert any("fewer than 10" in one.value for one in run("audiences").caption)


def test_a_difference_that_may_be_chance_says_how_many_people_it_takes(fake, audience):
    fake.state.lift = lift((281, 42), (12, 1), low=-0.11, high=0.19, p=0.4)
    at = run("audience", id=audience)
    said = seen(at) + " ".join(str(one.value) for one in at.caption).replace("\\", "")
    assert "Between −11.0 and +19.0 percentage points, so fewer or more buyers; this could be chance." in said
    assert "Only 12 people in the hold-out: rates say little." in said
    assert "about 3,911 exposed people and 432 in the hold-out are needed. There are 281 and 12." in said


@pytest.mark.parametrize(
    ("sides", "share", "said"),
    [
        (((50, 0), (0, 0)), 0.0, "No hold-out is set."),
        (((50, 0), (0, 0)), 0.1, "Too few people: nobody is in the hold-out yet."),
        (((0, 0), (5, 0)), 0.1, "Too few people: nobody may be shown advertising yet."),
        (((0, 0), (0, 0)), 0.1, "Too few people: nobody joined in this period."),
        (((500, 0), (50, 0)), 0.1, "Nobody converted yet, on neither side."),
    ],
)
def test_lift_without_two_sides_says_what_is_missing(fake, audience, sides, share, said):
    fake.state.lift = lift(*sides)
    fake.state.audiences[audience]["holdout"] = share
    assert said in seen(run("audience", id=audience))


@pytest.mark.parametrize(("aside", "holdout"), [(0.2, 0.2), (0.0, None)])
def test_a_new_audience_may_keep_people_aside(fake, aside, holdout):
    at = run("audiences")
    at.button(key="new-audience").click().run()
    at.selectbox(key="new-recipe").set_value(next(one for one in recipes.RECIPES if one.key == "cart"))
    at.button(key="new-audience").click().run()
    at.selectbox(key="new-holdout").set_value(aside)
    at.button(key="new-create").click()
    at.button(key="new-audience").click().run()  # opens the new audience, which is no page of this test
    [made] = [body for method, path, body in fake.state.asked if (method, path) == ("POST", "/api/v1/audiences")]
    assert made.get("holdout") == holdout


def test_an_audience_is_not_offered_to_what_takes_conversions(fake, audience):
    fake.state.connected["dst_c"] = {"id": "dst_c", "name": "Pixel", "options": {"network": "meta_conversions"}}
    offered = run("audience", id=audience).selectbox(key=f"deliver-{audience}-to").options
    assert offered == ["Meta of the shop"]


def test_lift_before_the_first_export_says_that_nobody_was_shown_anything(fake, audience):
    fake.state.networks_given = []
    fake.state.more_exports = [{"id": "exp_d", "audience": "1", "state": "done", "network": "meta", "dry_run": True}]
    assert "Nothing was exported yet." in seen(run("audience", id=audience))
    fake.state.networks_given = ["tiktok"]
    st.cache_data.clear()
    assert "Nothing was exported yet." not in seen(run("audience", id=audience))


READY = {
    "state": "ready",
    "as_of": iso(180),
    "members": 311,
    "exportable": 240,
    "judged": 412,
    "took_ms": 106,
    "error": None,
    "failed_at": None,
    "failures": 0,
}


def test_membership_says_when_it_was_refreshed_and_who_came_and_went(fake, audience):
    fake.state.audiences[audience] |= {"membership": READY, "refresh": "5m"}
    at = run("audience", id=audience)
    text = seen(at)
    for expected in ("3 min ago", "looked at every 5 minutes", "412", "+20", "−2", "−7", "318"):
        assert expected in text
    [figure] = [one for one in at.get("plotly_chart") if "300 on" in one.proto.alt]
    assert "311 on" in figure.proto.alt
    assert "Refreshing failed" not in text


def test_membership_says_plainly_what_failed(fake, audience):
    failing = {"state": "failing", "error": {"code": "x", "message": f"memory ran out {HOSTILE}"}}
    fake.state.audiences[audience]["membership"] = READY | failing | {"failed_at": iso(7200), "failures": 3}
    at = run("audience", id=audience)
    assert f"Refreshing failed 3 times in a row, last 2 h ago. Memory ran out {HOSTILE}" in " ".join(seen(at).split())
    assert "<img" not in html(at)
    assert "It could not be refreshed." in seen(run("audiences"))


@pytest.mark.parametrize("membership", [None, READY | {"state": "waiting", "as_of": None}])
def test_an_audience_that_was_never_refreshed_says_so(fake, audience, membership):
    fake.state.audiences[audience]["membership"] = membership
    assert "It is counted for the first time." in seen(run("audience", id=audience))


def test_audiences_overlap_in_a_matrix(fake, audience):
    assert "jt-triangle" not in html(run("audiences"))  # one overlaps with nothing
    fake.state.keep(fake.state.audiences, {"site": "shop", "name": HOSTILE, "rule": {"did": {}}})
    st.cache_data.clear()
    at = run("audiences")
    assert "26 %" in seen(at)  # 51 of 200, and of 100 the other way round
    assert "51 %" in seen(at)
    assert "<img" not in html(at)


def explained(**more):
    conditions = [
        {"path": "rule.all[0]", "holds": True, "count": 9, "first": iso(9), "last": "2026-11-23T13:43:30.000Z"},
        {"path": "rule.all[1].not", "holds": False, "count": 0, "value": None},
    ]
    stay = {"entered": "2026-11-20T04:28:44.404Z", "entered_by": "event", "left": None, "left_by": None, "arm": None}
    row = {"id": "1", "name": "Lookers", "inside": True, "exported": False, "withheld": "holdout", "lapsed": False}
    return row | {"changes": "2027-02-02T09:08:10.001Z", "conditions": conditions, "stay": stay} | more


def test_a_person_is_told_their_audiences_and_why_they_are_not_exported(fake, audience):
    left = {"entered": iso(9), "entered_by": "event", "left": "2026-11-21T12:00:00Z", "left_by": "lapsed", "arm": None}
    fake.state.explained = [
        explained(name="Gone", inside=False, withheld=None, stay=left),
        explained(),
        explained(name=HOSTILE, withheld="too_small", stay=None, changes=None, conditions=[]),
    ]
    at = run("person", id="user_0248")
    text = " ".join(seen(at).split())
    for expected in (
        "Yes, since 20 Nov 2026",
        "came by: did something",
        "time may change it on 2 Feb 2027",
        "✓ Did “View item” in the last 14 days (9 times, last 23 Nov 2026)",
        "✓ Did not do “",
        "No: hold-out",
        "No: too few members may be exported",
        "No, left 21 Nov 2026 went by: not heard of for too long",
    ):
        assert expected in text
    assert text.index("Lookers") < text.index("Gone")
    assert "<img" not in html(at)


def test_what_happened_to_a_person_stands_between_their_events(fake):
    fan = {"audience": "aud_1", "name": HOSTILE}
    fake.state.history = [
        {"kind": "contacted", "at": iso(-1), **fan, "network": "list.calls"},
        {"kind": "delivered", "at": iso(-2), **fan, "network": "meta"},
        {"kind": "coupon", "at": iso(-3), "pool": "spring", "code": "X1"},
        {"kind": "audience_left", "at": iso(-4), "audience": "aud_0", "name": "", "by": "time"},
        {"kind": "audience_entered", "at": iso(-5), **fan, "by": "event"},
        {"kind": "consent", "at": iso(-6), "consent": said("withdrawn", 0, 0, 1)},
        {"kind": "consent", "at": iso(-7), "consent": said("first", 0, -1, 0)},
        {"kind": "consent", "at": iso(-8), "consent": said("first", 1, 0, 0)},
        {"kind": "consent", "at": iso(10**9), "consent": said("changed", 1, 1, 0)},
    ]
    at = run("person", id="user_0248")
    text = " ".join(seen(at).split())
    for expected in (
        "Put onto a list",
        "calls · ",
        "Put into an export",
        "X1 of spring",
        "an audience that is gone",
        "Consent withdrawn",
        "Consent refused",
        "Consent given",
        "analytics yes · ads no · by banner",
        "Global Privacy Control",
    ):
        assert expected in text
    assert text.index("Came into an audience") < text.index("Left an audience")
    assert "Consent changed" not in text  # it lies before the events that are shown
    assert "<img" not in html(at)


def said(change, analytics, ads, gpc):
    return {"change": change, "analytics": analytics, "ads": ads, "gpc": gpc, "source": "banner"}


def test_a_site_without_audiences_says_so_on_the_person(fake):
    assert "No audiences yet." in seen(run("person", id="user_0248"))


def test_a_condition_is_found_by_its_path():
    did = {"did": {"event": "search"}}
    rule = {"any": [{"all": [did, {"not": {"any": [did, {"not": did}]}}]}]}
    assert rules.spoken(rule, "rule.any[0].all[0]", True) == ("Did “Search”", True)
    assert rules.spoken(rule, "rule.any[0].all[1].not.any[0]", True) == ("Did not do “Search”", False)
    assert rules.spoken(rule, "rule.any[0].all[1].not.any[1].not", False) == ("Did “Search”", False)
    assert rules.spoken(rule, "rule.any[7]", False)[1] is False
    steps = [{"event": "a"}, {"event": "b"}]
    dropped = {"dropped": {"funnel": {"steps": steps}, "after_step": 1, "within": "7d"}}
    assert rules.spoken(dropped, "rule", True)[0] == "Reached “A” but not “B” in the last 7 days; Funnel: A → B"
    sequence = {"sequence": {"steps": steps, "window": "1d"}}
    assert rules.spoken(sequence, "rule", True)[0] == "Did these in order, within 1 day of the first: “A”; “B”"
