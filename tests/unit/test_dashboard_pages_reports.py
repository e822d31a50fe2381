"""The other reports' pages: overview, trends, retention, paths, channels and lifetime value."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import streamlit as st
from dashboard_run import asked, html, run, seen
from dashboard_samples import HOSTILE, iso


def test_the_overview_compares_with_the_period_before(fake):
    text = seen(run("overview"))
    assert "2,841" in text
    assert "+8.9 %" in text
    assert "−3.9 %" in text
    assert "Germany" in text
    assert "compared with" in text


def test_retention_by_a_property_and_stickiness(fake):
    at = run("retention")
    text = seen(at)
    for expected in ("DAU / MAU", "4.7 %", "1.4", "2 days", "80 · 26.7 %"):
        assert expected in text
    at.selectbox(key="retention-by").select("country").run()
    assert "Germany" in seen(at)
    asked = [body for _, path, body in fake.state.asked if path.endswith("/retention")][-1]
    assert asked["breakdown"] == {"property": "country"}
    at.selectbox(key="stickiness-kind").select("week-month").run()
    asked = [body for _, path, body in fake.state.asked if path.endswith("/stickiness")][-1]
    assert (asked["period"], asked["unit"]) == ("month", "week")


def test_paths_put_pages_together(fake):
    at = run("paths")
    at.text_area(key="paths-groups").input("/product/* = Product\n\n/blog/*\n").run()
    asked = [body for _, path, body in fake.state.asked if path.endswith("/paths")][-1]
    assert asked["groups"] == [{"match": "/product/*", "name": "Product"}, {"match": "/blog/*"}]


def test_lifetime_value_past_and_ahead_with_an_honest_word(fake):
    at = run("value")
    text = seen(at)
    for expected in ("€ 80", "€ 18 – € 22", "5.0 : 1", "66.7 %", "4,500 to 5,500", "25 %"):
        assert expected in text
    captions = " ".join(one.value for one in at.caption)
    assert "no season, no campaign" in captions
    assert "20,000 of them" in captions
    at.selectbox(key="value-order").select("churn").run()
    assert [body["order"] for _, path, body in fake.state.asked if path.endswith("/people")][-1] == "churn"


def test_lifetime_value_without_enough_customers_to_tell(fake):
    fake.state.too_few = True
    at = run("value")
    assert "4.0 : 1" in seen(at)
    assert any("50 are needed" in one.value for one in at.caption)
    assert "Chance to be lost" not in seen(run("person", id="user_0248"))


def test_a_note_stands_on_the_charts_and_can_be_taken_away(fake):
    day = datetime.now(UTC).date().isoformat()
    fake.state.keep(fake.state.annotations, {"site": "shop", "date": day, "text": HOSTILE})
    at = run("overview")
    drawn = " ".join(element.proto.spec for element in at.get("plotly_chart"))
    assert "&lt;img src=x" in drawn
    assert "<img" not in drawn
    at.text_input(key="note-text").input("Sale began")
    at.button(key="FormSubmitter:note-Add").click().run()
    assert not at.exception
    assert [row["text"] for row in fake.state.annotations.values()] == [HOSTILE, "Sale began"]
    at.button(key="icon-note-1").click().run()
    assert [row["text"] for row in fake.state.annotations.values()] == ["Sale began"]


def test_retention_shades_shares_and_sums_only_cohorts_that_had_the_time(fake):
    at = run("retention")
    text = seen(at)
    assert "5–11 Oct 2026" in text
    assert "All 1,000 50 % 25 % 12 %" in re.sub(r"\s+", " ", text)
    assert html(at).count("background:rgba(11,110,105,0.620)") == 5  # the 50 % of all, and of four cohorts
    at.selectbox(key="retention-kind").set_value("recurring")
    at.selectbox(key="retention-rolling").set_value(True)
    at.selectbox(key="retention-back").set_value("purchase").run()
    body = next(body for _, path, body in reversed(fake.state.asked) if path.endswith("/retention"))
    assert (body["kind"], body["rolling"], body["return"]) == ("recurring", True, {"event": "purchase"})
    body = next(body for _, path, body in reversed(fake.state.asked) if path.endswith("/lifecycle"))
    assert body["event"] == {"event": "purchase"}
    assert "Dormant" in seen(at)


def test_channels_show_credit_and_what_it_cost(fake):
    at = run("channels")
    text = re.sub(r"\s+", " ", seen(at))
    assert "Paid Search 133 69.6 % € 33,518 € 6,704 € 50.40 5.0" in text
    assert "Email 57.3 30 % € 16,763 – – –" in text
    assert "1 h 30 min" in text
    assert "Costs in USD are left out" in text
    at.selectbox(key="channels-model").set_value("markov")
    at.selectbox(key="channels-by").set_value("campaign")
    at.selectbox(key="channels-event").set_value("search").run()
    body = asked(fake, "/attribution")
    assert (body["model"], body["by"], body["conversion"]) == ("markov", "campaign", {"event": "search"})


def test_channels_never_add_up_currencies_and_say_how_costs_come_in(fake):
    fake.state.currencies, fake.state.costs = ["EUR", "USD"], False
    at = run("channels")
    at.selectbox(key="channels-currency").set_value("USD").run()
    only_dollars = {"property": "currency", "op": "eq", "value": "USD"}
    assert asked(fake, "/attribution")["conversion"] == {"event": "purchase", "where": [only_dollars]}
    assert "$ 33,518" in seen(at)
    assert any("tracker cost import" in caption.value for caption in at.caption)
    fake.state.costs = True
    st.cache_data.clear()
    assert "cannot be compared" in seen(at.run())


def test_channels_of_a_site_with_a_currency_are_in_that_one(fake):
    fake.state.currencies = ["USD", "EUR"]
    fake.state.sites[0]["currency"] = "EUR"
    at = run("channels")
    assert asked(fake, "/attribution")["conversion"] == {"event": "purchase"}
    assert "€ 33,518" in seen(at)
    assert not [box for box in at.selectbox if box.key == "channels-currency"]
    assert any("SEK 1,200" in caption.value for caption in at.caption)
    at.selectbox(key="channels-by").set_value("click_id").run()
    assert asked(fake, "/attribution")["by"] == "click_id"


def test_any_event_is_drawn_over_time_beside_the_time_before(fake):
    at = run("trends")
    assert asked(fake, "/timeseries")["event"] == {"event": "purchase"}
    assert asked(fake, "/timeseries")["compare"] == "previous"
    text = " ".join(seen(at).split())
    third = datetime.fromisoformat(asked(fake, "/timeseries")["from"]) + timedelta(days=2)
    assert f"In all 60 +100 % On average 20 a day Most 30 {third.day} {third:%b %Y}" in text
    assert any("Too early to tell" in caption.value for caption in at.caption)
    at.button(key="trends-where-add").click().run()
    [field] = [box for box in at.selectbox if str(box.key).endswith("-property")]
    field.select("country").run()
    [value] = [box for box in at.selectbox if str(box.key).endswith("-value")]
    value.set_value("DE").run()
    where = [{"property": "country", "op": "eq", "value": "DE"}]
    assert asked(fake, "/timeseries")["event"] == {"event": "purchase", "where": where}
    at.selectbox(key="trends-measure").select("people").run()
    assert "In all" not in seen(at)  # people of several days do not add up
    point = {"start": third.isoformat(), "value": 30, "usual": 9.5, "score": 8.25, "unusual": True}
    others = [
        {**point, "value": 77, "unusual": False},
        {**point, "value": 88, "start": iso(3600)},  # begun an hour ago: today is not over
    ]
    fake.state.anomalies = {"series": [point, *others]}
    st.cache_data.clear()
    text = " ".join(seen(at.run()).split())
    assert f"{third.day} {third:%b %Y} 30 9.50 +8.2 ×" in text
    assert " 77 " not in text
    assert " 88 " not in text
    at.button(key="trends-watch").click().run()
    [made] = fake.state.alerts.values()
    figure = {"event": {"event": "purchase", "where": where}, "measure": "people", "interval": "day"}
    assert made["alert"] == figure | {"when": {"anomaly": {"score": 3.5}}}
    assert "It is watched." in seen(at)


@pytest.mark.parametrize(("currency", "says"), [("EUR", "€ 60"), ("", "60")])
def test_the_value_of_an_event_is_in_the_sites_currency_or_in_none(fake, currency, says):
    fake.state.sites[0]["currency"] = currency
    at = run("trends")
    at.selectbox(key="trends-measure").select("value").run()
    assert f"In all {says} +100 %" in " ".join(seen(at).split())
    assert any("SEK 27" in caption.value for caption in at.caption) == bool(currency)


def test_a_way_is_a_visit_or_all_visits_of_a_person(fake):
    at = run("paths")
    assert asked(fake, "/paths")["session_gap"] == "30m"
    at.selectbox(key="paths-gap").select("").run()
    assert asked(fake, "/paths")["session_gap"] is None


def test_paths_are_drawn_step_by_step_on_one_scale(fake):
    at = run("paths")
    text = re.sub(r"\s+", " ", seen(at))
    assert "122 of them left here" in [caption.value for caption in at.caption]
    assert "/ → /deals 1 200 50 % 5 min 29 s" in text
    assert "All other pages 30" in text
    assert "width:50.0%" in html(at)  # 200 of the 400 at the first step
    at.selectbox(key="paths-by").set_value("event").run()
    at.selectbox(key="paths-start-event").set_value("view_item")
    at.selectbox(key="paths-end-event").set_value("purchase").run()
    body = asked(fake, "/paths")
    assert (body["by"], body["start"], body["end"]) == ("event", "view_item", "purchase")
