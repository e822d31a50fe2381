"""Alerts in the dashboard: made, changed, deleted, and what they found; against a real HTTP server."""

import pytest
from dashboard_run import html, run, seen
from dashboard_samples import HOSTILE, iso

from dashboard import alerts


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
