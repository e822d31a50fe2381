"""The pages that act: what an audience brought and how it is kept, alerts, destinations; against a real HTTP server."""

import pytest
import streamlit as st
from dashboard_run import html, run, seen
from dashboard_samples import HOSTILE, iso, lift

from dashboard import alerts, places, recipes, rules


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


def test_without_alerts_the_page_says_what_they_are_for(fake):
    text = seen(run("alerts"))
    assert "Nothing is watched yet." in text
    assert "no purchases since the last release" in text


def test_an_alert_is_made_seen_and_deleted(fake):
    at = run("alerts")
    at.selectbox(key="alert-event").select(HOSTILE)
    at.selectbox(key="alert-interval").select("hour")
    at.number_input(key="alert-below").set_value(5)
    at.selectbox(key="alert-tell-0").select("dst_8")
    at.button(key="alert-create").click().run()
    assert not at.exception
    [made] = fake.state.alerts.values()
    assert made["destination"] == "dst_8"
    assert any(caption.value.endswith(" · tells Office") for caption in at.caption)
    wanted = {"event": {"event": HOSTILE}, "measure": "events", "interval": "hour", "when": {"below": 5.0}}
    assert made["alert"] == wanted
    assert "an hour: below 5" in seen(at)
    assert "<img" not in html(at)
    at.selectbox(key="alert-kind").select("anomaly").run()
    at.text_input(key="alert-name-1").set_value("Strange days")
    at.button(key="alert-create").click().run()
    assert fake.state.alerts["2"]["name"] == "Strange days"
    assert fake.state.alerts["2"]["alert"]["when"] == {"anomaly": {"score": 3.5}}
    at.button(key="alert-delete-1").click().run()
    assert list(fake.state.alerts) == ["2"]


def test_a_saved_funnel_is_watched(fake):
    steps = [{"event": "view_item", "name": "View item"}, {"event": "purchase", "name": "Purchase"}]
    saved = {"steps": steps, "mode": "ordered", "window": "7d", "from": "A", "to": "B", "site": "shop", "worth": True}
    kept = fake.state.keep(fake.state.funnels, {"site": "shop", "name": HOSTILE, "funnel": saved})
    at = run("alerts")
    at.selectbox(key="alert-event").select(f"\0funnel {kept['id']}").run()
    at.selectbox(key="alert-window").select("1d").run()
    assert any("Looked at 1 day after the day has ended" in caption.value for caption in at.caption)
    at.number_input(key="alert-below-share").set_value(12.5)
    at.button(key="alert-create").click().run()
    assert not at.exception
    funnel = {"steps": steps, "mode": "ordered", "window": "1d"}
    wanted = {"funnel": funnel, "measure": "conversion", "interval": "day", "when": {"below": 0.125}}
    assert fake.state.alerts["1"]["alert"] == wanted
    row = {"alert": "1", "name": "x", "start": "2026-11-26T00:00:00+01:00", "value": 0.0625, "told": True}
    fake.state.firings = [row | {"id": "f1", "kind": "anomaly", "usual": 0.25, "score": 4.0}]
    at = run("alerts")
    text = " ".join(seen(at).split())
    assert "Conversion a day from “View item” to “Purchase” within 1 day: below 12.5 %" in text
    assert "6.2 %, usually 25 %" in text
    at.selectbox(key="alert-of-funnel-1").select("entered").run()
    at.number_input(key="alert-below-1").set_value(30)
    at.button(key="alert-save-1").click().run()
    assert fake.state.alerts["1"]["alert"] == wanted | {"measure": "entered", "when": {"below": 30.0}}


def test_an_alert_is_changed_and_keeps_whom_it_tells(fake):
    alert = {"event": {"event": "purchase"}, "when": {"above": 9}}
    kept = {"name": "Many", "alert": alert, "looked_at": iso(7200), "destination": "dst_1"}
    fake.state.keep(fake.state.alerts, kept)
    at = run("alerts")
    at.text_input(key="alert-rename-1").set_value("Too many")
    at.button(key="alert-save-1").click().run()
    assert not at.exception
    assert fake.state.alerts["1"] == kept | {"id": "1", "site": "shop", "name": "Too many"}  # the rule as it was
    at.selectbox(key="alert-interval-1").select("hour")
    at.number_input(key="alert-above-1").set_value(12.5)
    at.button(key="alert-save-1").click().run()
    wanted = {"event": {"event": "purchase"}, "measure": "events", "interval": "hour", "when": {"above": 12.5}}
    assert fake.state.alerts["1"]["alert"] == wanted
    assert fake.state.alerts["1"]["destination"] == "dst_1"
    at.selectbox(key="alert-retell-1").select("").run()
    at.button(key="alert-save-1").click().run()
    assert fake.state.alerts["1"]["destination"] == ""
    assert "an hour: above 12.5" in seen(at)


GERMANS = {"property": "country", "op": "eq", "value": "DE"}


def add_filter(at, prefix):
    """`country is DE` through the widgets; every run is one of the browser's."""
    at.button(key=f"{prefix}-add").click().run()
    [field] = [box for box in at.selectbox if str(box.key).startswith(prefix) and str(box.key).endswith("-property")]
    field.select("country").run()
    at.selectbox(key=str(field.key).replace("-property", "-value")).select("DE")  # not yet sent


def test_an_alert_counts_only_what_its_filters_let_through(fake):
    at = run("alerts")
    at.selectbox(key="alert-event").select("purchase").run()
    add_filter(at, "alert-where-new0-purchase")
    at.button(key="alert-create").click().run()
    assert not at.exception
    event = {"event": "purchase", "where": [GERMANS]}
    wanted = {"event": event, "measure": "events", "interval": "day", "when": {"below": 1.0}}
    assert fake.state.alerts["1"]["alert"] == wanted
    assert "“Purchase” a day where country is DE: below 1" in " ".join(seen(at).split())
    assert not [box for box in at.selectbox if str(box.key).startswith("alert-where-new")]  # the next one begins anew
    at.number_input(key="alert-below-1").set_value(30)
    at.button(key="alert-save-1").click().run()
    assert fake.state.alerts["1"]["alert"] == wanted | {"when": {"below": 30.0}}
    [away] = [one for one in at.button if str(one.key).endswith("-remove")]
    away.click().run()
    at.button(key="alert-save-1").click().run()
    assert fake.state.alerts["1"]["alert"]["event"] == {"event": "purchase"}


def test_filters_of_a_watched_funnel_stand_on_each_of_its_steps(fake):
    paying = {"property": "value", "op": "gte", "value": 50}
    steps = [
        {
            "any_of": [{"event": "view_item", "where": [GERMANS]}, {"event": "search", "where": [GERMANS]}],
            "name": "See",
        },
        {"event": "purchase", "where": [paying, GERMANS], "name": "Buy"},
    ]
    saved = {"steps": steps, "mode": "ordered", "window": "7d"}
    kept = fake.state.keep(fake.state.funnels, {"site": "shop", "name": "Road", "funnel": saved})
    at = run("alerts")
    at.selectbox(key="alert-event").select(f"\0funnel {kept['id']}").run()
    assert any(one.label == "Only where country is DE" for one in at.expander)  # what all steps of the funnel ask for
    [comparison] = [box for box in at.selectbox if str(box.key).endswith("-op")]
    comparison.select("ne").run()
    at.button(key="alert-create").click().run()
    assert not at.exception
    others = GERMANS | {"op": "ne"}
    alert = fake.state.alerts["1"]["alert"]
    assert alert["funnel"]["steps"] == [
        {"any_of": [{"event": "view_item", "where": [others]}, {"event": "search", "where": [others]}], "name": "See"},
        {"event": "purchase", "where": [paying, others], "name": "Buy"},
    ]
    assert alerts.fields(alert).funnel == alerts.split(saved)[0]
    assert alerts.made(alerts.fields(alert)) == alert
    assert "from “See” to “Buy” within 7 days where country is not DE" in alerts.summary(alert)
    assert "where country is not DE" in " ".join(seen(run("alerts")).split())


@pytest.mark.parametrize(
    "more",
    [
        {"event": {"event": "purchase", "where": [{"property": "country", "op": "=", "value": "DE"}]}},
        {"when": {"above": 9, "below": 1}},
        {"when": {"anomaly": {"weeks": 4}}},
        {"when": {"above": None}},
        {"when": {"anomaly": {"score": 2.9}}},
        {"measure": "something new"},
    ],
)
def test_what_the_fields_of_an_alert_cannot_say_is_not_lost(fake, more):
    alert = {"event": {"event": "purchase"}, "when": {"above": 9}, **more}
    fake.state.keep(fake.state.alerts, {"name": "Much said", "alert": alert, "looked_at": None})
    at = run("alerts")
    at.text_input(key="alert-rename-1").set_value("Renamed")
    at.button(key="alert-save-1").click().run()
    assert not at.exception
    assert (fake.state.alerts["1"]["name"], fake.state.alerts["1"]["alert"]) == ("Renamed", alert)


def test_what_alerts_found_is_listed(fake):
    alert = {"event": {"event": "purchase"}, "measure": "people", "when": {"above": 9, "anomaly": {}}}
    fake.state.keep(fake.state.alerts, {"name": HOSTILE, "alert": alert, "looked_at": iso(7200)})
    row = {"alert": "1", "name": HOSTILE, "start": "2026-11-26T00:00:00+01:00", "value": 212.0, "told": True}
    fake.state.firings = [
        row | {"id": "f2", "kind": "anomaly", "usual": 80.25, "score": 4.0},
        row | {"id": "f1", "kind": "above", "usual": None, "score": None, "told": False},
    ]
    at = run("alerts")
    text = " ".join(seen(at).split())
    assert "People with “Purchase” a day: above 9 or unusual" in text
    assert "26 Nov 2026, 00:00 212, usually 80 Yes" in text
    assert "212, above the limit No" in text
    assert "Last: 26 Nov 2026, 00:00, 212, usually 80" in at.caption[0].value.replace("\\", "")
    assert "<img" not in html(at)


def test_an_alert_that_is_refused_says_why(fake):
    at = run("alerts")
    at.selectbox(key="alert-kind").select("above").run()
    at.number_input(key="alert-above").set_value(666)
    at.button(key="alert-create").click().run()
    assert "It was not created. When is <img" in " ".join(seen(at).split())
    assert fake.state.alerts == {}


def typed(at, **fields):
    """Into the fields of the form; they are sent with the click on its button."""
    for name, value in fields.items():
        [field] = [one for one in at.text_input if str(one.key).endswith(f"-{name}")]
        field.set_value(value)


def test_a_network_is_connected_and_its_secret_is_forgotten(fake):
    at = run("destinations")
    at.selectbox(key="destination-0-network").select("tiktok").run()
    at.button(key="destination-0-create").click().run()
    assert "Still missing: name, advertiser id, audience id." in seen(at)
    typed(at, name="Ads", ADVERTISER_ID="12", AUDIENCE_ID=" 34 ", access_token="s3cret-value")
    [secret] = [one for one in at.text_input if str(one.key).endswith("-secret-access_token")]
    assert secret.proto.type == secret.proto.PASSWORD
    at.button(key="destination-0-create").click().run()
    assert not at.exception
    [made] = [body for method, path, body in fake.state.asked if (method, path) == ("POST", "/api/v1/destinations")]
    assert made == {
        "site": "shop",
        "name": "Ads",
        "kind": "network",
        "options": {"network": "tiktok", "ids": {"ADVERTISER_ID": "12", "AUDIENCE_ID": "34"}},
        "secrets": {"access_token": "s3cret-value"},
    }
    everything = html(at) + repr(at.session_state) + " ".join(str(one.value) for one in at.text_input)
    assert "s3cret-value" not in everything
    assert "with access token" in seen(at)


def test_a_server_is_connected_with_one_of_its_secrets_and_what_is_optional(fake):
    at = run("destinations")
    at.selectbox(key="destination-0-kind").select("sftp").run()
    at.selectbox(key="destination-0-sftp--set").select(1).run()
    key = "-----BEGIN OPENSSH PRIVATE KEY----- " + "A" * 70 + " -----END OPENSSH PRIVATE KEY-----"
    typed(at, name="Box", host="sftp.example", user="me", port="2222", private_key=key)
    at.button(key="destination-0-create").click().run()
    [made] = [body for method, path, body in fake.state.asked if (method, path) == ("POST", "/api/v1/destinations")]
    assert made["options"] == {"host": "sftp.example", "user": "me", "port": 2222}
    kept = made["secrets"]["private_key"].splitlines()
    assert kept == [key[:35], "A" * 64, "A" * 6, key[-33:]]
    assert list(made["secrets"]) == ["private_key"]


def test_a_refused_destination_says_why_and_says_no_secret(fake):
    at = run("destinations")
    at.selectbox(key="destination-0-network").select("acme").run()
    typed(at, name="Refused", SEGMENT_ID="1", a_key="s3cret-value")
    at.button(key="destination-0-create").click().run()
    assert "It was not connected. Secrets must hold access_token." in " ".join(seen(at).split())
    assert "s3cret-value" not in html(at)
    assert fake.state.connected == {}


def test_a_destination_is_checked_and_deleted(fake):
    fake.state.connected["dst_2"] = {"id": "dst_2", "name": HOSTILE, "kind": "folder", "options": {"path": HOSTILE}}
    at = run("destinations")
    assert "3 people: it is not known yet whether they arrived." in seen(at)
    at.button(key="check-dst_2").click().run()
    assert f"It answers and can be sent to. seen as {HOSTILE}" in " ".join(seen(at).split())
    assert "<img" not in html(at)
    fake.state.checked = (409, {"error": {"code": "refused", "message": "the password is wrong"}})
    at.button(key="check-dst_1").click().run()
    assert "It does not take anything. The password is wrong." in " ".join(seen(at).split())
    fake.state.checked = (503, {"error": {"code": "try_later", "message": "the other side is away"}})
    at.button(key="check-dst_1").click().run()
    assert "It does not answer. The other side is away." in " ".join(seen(at).split())
    at.button(key="destination-delete-dst_2").click().run()
    assert fake.state.connected == {}


def test_without_destinations_the_page_says_what_to_do(fake):
    fake.state.places = False
    assert "No destination is connected yet." in seen(run("destinations"))


def test_what_is_typed_is_what_the_api_takes():
    body = places.body("shop", " A ", "email", {"to": "a@b.c, d@e.f", "port": "x1", "link": " "}, {"password": ""})
    assert body["options"] == {"to": ["a@b.c", "d@e.f"], "port": "x1"}
    assert (body["name"], body["secrets"]) == ("A", {})
    assert places.leads({"network": "meta", "ids": {"AUDIENCE_ID": "12"}}) == "meta · Audience id 12"
