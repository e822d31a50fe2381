"""Every page against a real HTTP server that answers as the API does: full, empty, refusing and away."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import streamlit as st
from dashboard_run import html, run, seen
from dashboard_samples import HOSTILE, TOKEN, VISITOR, iso
from streamlit.testing.v1 import AppTest

from dashboard import questions, recipes

PAGES = [
    "overview",
    "trends",
    "funnel",
    "retention",
    "paths",
    "channels",
    "customers",
    "value",
    "audiences",
    "outreach",
    "destinations",
    "contact_rules",
    "alerts",
    "schedules",
    "health",
    "install",
    "pixel",
]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_draws_and_keeps_strangers_text_as_text(fake, name):
    fake.state.keep(fake.state.audiences, {"site": "shop", "name": HOSTILE, "rule": {"did": {"event": HOSTILE}}})
    at = run(name)
    assert "<h1>" in html(at)
    assert "<img" not in html(at)


def test_the_segment_of_the_sidebar_goes_with_every_report_and_stands_in_the_head(fake):
    kept = [
        fake.state.keep(fake.state.audiences, {"site": "shop", "name": name, "rule": {"did": {}}})
        for name in (HOSTILE, "Twins", "Twins", "Everybody")
    ]

    def asked_of():
        reports = [body for _, path, body in fake.state.asked if "/reports/" in path]
        fake.state.asked.clear()
        return {body.get("segment") for body in reports}

    at = run("overview", segment=HOSTILE)
    assert asked_of() == {kept[0]["id"]}
    assert f"only “{HOSTILE}”" in seen(at)
    at.selectbox(key="segment").select("Twins (3)").run()
    assert asked_of() == {kept[2]["id"]}
    at.selectbox(key="segment").select("Everybody").run()
    assert "only “" not in seen(at)
    fake.state.asked.clear()
    assert run("overview", segment="gone").selectbox(key="segment").value == "Everybody"


@pytest.mark.parametrize("name", PAGES)
def test_without_a_site_every_page_says_what_to_do_next(fake, name):
    fake.state.sites.clear()
    at = run(name)
    assert re.search(
        r"add (your|a) site", seen(at) + " ".join(str(element.label) for element in at.text_input), re.IGNORECASE
    )


@pytest.mark.parametrize(
    "name", ["overview", "funnel", "retention", "paths", "channels", "customers", "value", "audiences", "health"]
)
def test_without_events_a_page_says_what_to_do_next(fake, name):
    fake.state.empty, fake.state.heard = True, False
    at = run(name)
    assert 'class="jt-empty"' in html(at)


@pytest.mark.parametrize("name", PAGES)
def test_while_the_api_is_away_a_page_is_calm_and_offers_to_try_again(fake, name):
    fake.close()
    at = run(name)
    assert "does not answer" in seen(at)
    assert "Try again" in [button.label for button in at.button]


@pytest.mark.parametrize("name", PAGES)
def test_a_refusal_is_a_sentence(fake, name):
    fake.state.fail = (400, {"error": {"code": "bad_request", "message": "from must be before to", "field": "from"}})
    assert "From must be before to." in seen(run(name))


def test_the_overview_compares_with_the_period_before(fake):
    text = seen(run("overview"))
    assert "2,841" in text
    assert "+8.9 %" in text
    assert "−3.9 %" in text
    assert "Germany" in text
    assert "compared with" in text


def test_the_period_is_whole_days_of_the_sites_own_zone(fake):
    run("overview")
    body = next(body for _, path, body in fake.state.asked if path.endswith("/overview"))
    assert re.search(r"T00:00:00\+0[12]:00$", body["from"])  # Berlin, winter or summer
    assert re.search(r"T00:00:00\+0[12]:00$", body["to"])


@pytest.mark.parametrize(("choice", "says"), [("Today", "per hour"), ("Last 12 months", "in the week of")])
def test_a_day_is_drawn_by_the_hour_and_a_year_by_the_week(fake, choice, says):
    assert says in seen(run("overview", period=choice))


def test_the_funnel_shows_counts_conversion_and_human_times(fake):
    text = seen(run("funnel"))
    for expected in ("2,503", "46 %", "1,352", "10 min 40 s", "1 h 30 min"):
        assert expected in text


def test_the_funnel_says_why_they_dropped_and_what_is_chance(fake):
    at = run("funnel")
    text = seen(at)
    for expected in ("device: mobile", "3.0 ×", "under 0.1 %", "only they", f"script error: {HOSTILE[:40]}"):
        assert expected in text
    assert "Slow pages" not in [tab.label for tab in at.tabs]
    [asked] = [body for _, path, body in fake.state.asked if path.endswith("/funnel/reasons")]
    assert asked["step"] == 1  # where most were lost


def test_the_funnel_beside_the_period_before_an_audience_and_by_value(fake):
    audience = fake.state.keep(fake.state.audiences, {"site": "shop", "name": "Twins", "rule": {"did": {}}})
    at = run("funnel")
    at.selectbox(key="compare").select("previous").run()
    text = seen(at)
    for expected in ("1 of 2 differences are more than chance", "Period before", "+8.5 points", "-1.0 points"):
        assert expected in text
    at.selectbox(key="compare").select(audience["id"]).run()
    assert "Everybody else" in seen(at)
    assert fake.state.asked[-1][1].startswith("/api/v1/")
    compared = [body["compare"] for _, path, body in fake.state.asked if "compare" in body and path.endswith("/funnel")]
    assert compared == ["previous", {"segment": audience["id"]}]


def test_the_funnel_says_what_each_step_is_worth_and_what_is_lost(fake):
    at = run("funnel")
    text = re.sub(r"\s+", " ", seen(at))
    worth = asked(fake, "/reports/funnel")["worth"]
    assert worth is True  # the last step is the purchase: its own filters say which count
    for expected in ("€ 17,000", "425 purchases, 3 more of unknown amount", "Average order € 40", "€ 6.79", "€ 19,969"):
        assert expected in text
    assert "€ 17,972 to € 21,966" in text
    assert any("SEK 1,200" in caption.value for caption in at.caption)
    at.selectbox(key="breakdown").select("country").run()
    assert "€ 10,200" in seen(at)
    at.selectbox(key="compare").select("previous").run()
    assert "+4.2 %" in seen(at)
    at.selectbox(key="worth").select(None).run()
    assert "What it is worth" not in seen(at)
    assert "worth" not in asked(fake, "/reports/funnel") | asked(fake, "/funnel/trend")


def test_a_saved_funnel_keeps_its_comparison_and_its_money():
    steps = [{"event": "view_item", "name": "View item"}, {"event": "lead", "name": "Lead"}]
    for worth, read in (({"event": "purchase"}, {"event": "purchase"}), (True, {"event": "lead"})):
        draft = questions.draft_of({"steps": steps, "compare": {"segment": "aud_1"}, "worth": worth})
        assert (draft["compare"], draft["worth"]) == ("aud_1", read)
        assert questions.money(draft) == {"worth": worth}
    assert questions.money(questions.draft_of({"steps": steps})) == {}


def test_a_step_with_a_time_of_its_own_is_asked_for_and_read_back():
    spec = {"steps": [{"event": "page_view", "entry": True}, {"event": "b", "within": "2h"}], "mode": "ordered"}
    draft = questions.draft_of(spec)
    assert [(step["entry"], step["within"]) for step in draft["steps"]] == [(True, ""), (False, "2h")]
    again = questions.rule_funnel(draft)["steps"]
    assert (again[0]["entry"], again[1]["within"]) == (True, "2h")
    assert questions.problem(draft) == ""
    assert "order" in questions.problem({**draft, "mode": "unordered"})


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


def test_a_persons_card_says_what_to_expect(fake):
    text = seen(run("person", id="user_0248"))
    assert "Chance to be lost" in text
    assert "€ 210" in text


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
    at.button(key="note-1").click().run()
    assert [row["text"] for row in fake.state.annotations.values()] == ["Sale began"]


def test_a_drop_is_offered_as_an_audience_with_name_and_size(fake):
    at = run("funnel")
    at.button(key="make-audience").click().run()
    assert at.text_input(key="audience-name").value == "View item, but not Add to cart"
    assert "241 of them may be shown ads" in seen(at)
    rule = next(body["rule"] for _, path, body in fake.state.asked if path.endswith("/preview"))
    steps = [step["event"] for step in rule["dropped"]["funnel"]["steps"]]
    assert steps == ["view_item", "add_to_cart", "add_payment_info", "purchase"]
    assert (rule["dropped"]["after_step"], rule["dropped"]["within"]) == (1, "30d")


def test_a_recipe_is_an_audience_in_three_clicks(fake):
    at = run("audiences")

    def again():  # this test client runs the whole page each time, so the dialog is opened again
        at.button(key="new-audience").click().run()
        assert not at.exception

    again()
    chosen = at.selectbox(key="new-recipe")
    assert "Cart abandoned" in chosen.options
    assert "Newsletter readers who do not buy" not in chosen.options  # this site knows no such event
    chosen.set_value(next(one for one in recipes.RECIPES if one.key == "cart"))
    again()
    at.selectbox(key="new-within-cart").set_value("7d")
    again()
    assert "Reached “Add to cart” but not “Purchase” in the last 7 days" in seen(at)
    at.button(key="new-create").click()
    at.button(key="new-audience").click().run()  # opens the new audience, which is no page of this test
    made = next(body for method, path, body in fake.state.asked if (method, path) == ("POST", "/api/v1/audiences"))
    assert made["name"] == "Cart abandoned"
    assert made["rule"]["dropped"]["within"] == "7d"


def test_changing_the_builder_changes_the_question(fake):
    at = run("funnel")
    at.multiselect[0].set_value(["search", "page_view"])
    at.selectbox(key="mode").set_value("strict")
    at.selectbox(key="breakdown").set_value("country")
    at.number_input(key="window-length").set_value(3)
    at.run()
    assert not at.exception
    asked = [body for _, path, body in fake.state.asked if path.endswith("/reports/funnel")][-1]
    assert [one["event"] for one in asked["steps"][0]["any_of"]] == ["search", "page_view"]
    assert (asked["mode"], asked["window"], asked["breakdown"]) == (
        "strict",
        "3d",
        {"property": "country", "touch": "first"},
    )
    assert "(not known)" not in seen(at)
    assert HOSTILE in seen(at)  # a value of the breakdown, as text


def test_a_funnel_is_saved_opened_and_deleted(fake):
    at = run("funnel")
    at.selectbox(key="mode").set_value("unordered").run()
    at.text_input(key="funnel-name-new").set_value("Checkout").run()
    at.button(key="funnel-create").click().run()
    assert [row["name"] for row in fake.state.funnels.values()] == ["Checkout"]
    assert at.selectbox(key="funnel-choice").value == "1"
    at.selectbox(key="funnel-choice").set_value("").run()
    assert at.selectbox(key="mode").value == "ordered"
    at.selectbox(key="funnel-choice").set_value("1").run()
    assert at.selectbox(key="mode").value == "unordered"
    at.button(key="funnel-delete").click().run()
    assert fake.state.funnels == {}
    assert not at.exception


def audience(fake):
    rule = {
        "all": [
            {"did": {"event": "view_item", "within": "14d"}},
            {"not": {"did": {"event": "purchase", "within": "14d"}}},
        ]
    }
    return fake.state.keep(fake.state.audiences, {"site": "shop", "name": "Lookers", "rule": rule, "duration": "30d"})[
        "id"
    ]


def test_an_audience_says_who_is_in_it_and_who_is_withheld(fake):
    text = seen(run("audience", id=audience(fake)))
    for expected in (
        "Lookers",
        "312",
        "241",
        "have not agreed to advertising",
        "Did “View item” in the last 14 days",
        "Did not do “Purchase”",
    ):
        assert expected in text


def test_an_audience_that_is_gone_is_a_sentence(fake):
    assert "There is no /api/v1/audiences/gone." in seen(run("audience", id="gone"))


def test_a_download_goes_through_the_export(fake):
    at = run("audience", id=audience(fake))
    at.button(key="export-1-start").click().run()
    at.run()
    assert "241 people are in the file" in seen(at)
    assert len(at.get("download_button")) == 1


def test_a_network_that_needs_more_people_says_so_before_anything_is_made(fake):
    at = run("audience", id=audience(fake))
    assert seen(at).count("TikTok needs 1,000 people in a list.") == 1, "of the delivery to TikTok"
    at.selectbox(key="export-1-kind").select("tiktok").run()
    assert seen(at).count("TikTok needs 1,000 people in a list.") == 2
    at.selectbox(key="export-1-mode").select("delta").run()
    at.button(key="export-1-start").click().run()
    assert not at.exception
    assert fake.state.exports["1"]["network"] == "tiktok"


def test_a_list_below_the_minimum_of_the_site_says_so_before_anything_is_made(fake):
    fake.state.sites[0]["min_size"] = 242
    assert "This site exports 242 people at least" in seen(run("audience", id=audience(fake)))


def test_a_list_as_long_as_the_minimum_of_the_site_is_not_warned_about(fake):
    fake.state.sites[0]["min_size"] = 241
    assert "people at least" not in seen(run("audience", id=audience(fake)))


def test_what_a_network_lets_choose_is_sent_along(fake):
    at = run("audience", id=audience(fake))
    at.selectbox(key="export-1-kind").select("liveramp").run()
    at.selectbox(key="export-1-liveramp-delimiter").select("|").run()
    at.selectbox(key="export-1-liveramp-compression").select("none").run()
    at.button(key="export-1-start").click().run()
    assert not at.exception
    assert ordered(fake)[-1]["options"] == {"delimiter": "|", "compression": "none"}
    at = run("audience", id="1")
    at.selectbox(key="export-1-kind").select("openrtb").run()
    at.text_input(key="export-1-openrtb-segments").set_value("753, 1675").run()
    at.button(key="export-1-start").click().run()
    assert ordered(fake)[-1]["options"] == {"segments": ["753", "1675"]}


def ordered(fake):
    return [body for method, path, body in fake.state.asked if method == "POST" and path.endswith("/export")]


def test_a_failed_export_says_why(fake):
    fake.state.minimum = True
    at = run("audience", id=audience(fake))
    at.button(key="export-1-start").click().run()
    at.run()
    assert "the site's minimum is 100" in seen(at)
    assert len(at.get("download_button")) == 0


def test_the_sum_of_data_health_adds_up_or_says_so(fake):
    ledger = fake.state.ledger
    ledger["waiting"], ledger["received"] = 0, 31106 + 41 + 11 + 50
    assert "It adds up" in seen(run("health"))
    ledger["received"] += 3
    ledger["unexplained"] = 3
    st.cache_data.clear()
    assert "3 events are unexplained" in seen(run("health"))


def test_a_replay_says_what_it_did(fake):
    at = run("health")
    at.button(key="replay").click().run()
    assert "11 events are accepted now and will be in the reports in a moment; 3 still are not." in seen(at)


def test_a_site_is_added(fake):
    fake.state.sites.clear()
    at = run("install")
    at.text_input[0].set_value("news")
    at.text_input[1].set_value("https://news.example/, www.news.example")
    at.button[0].click().run()
    assert fake.state.sites[0]["domains"] == ["news.example", "www.news.example"]
    assert "The site news is ready." in seen(at)


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


def asked(fake, end):
    """The latest body that was sent to an address with this end."""
    return next(body for _, path, body in reversed(fake.state.asked) if path.endswith(end))


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


def test_the_funnel_has_a_trend_and_the_time_it_takes(fake):
    at = run("funnel", period="Last 90 days")
    text = re.sub(r"\s+", " ", seen(at))
    assert "best in the week of 12 Oct: 20 %" in text
    assert "1 s to 1 min 12 1 min or more 40" in text
    assert any("52 people, half of them within 10 min 40 s" in caption.value for caption in at.caption)
    assert "Under 1 s" not in text  # nobody was that fast
    assert asked(fake, "/funnel/trend")["interval"] == "week"
    at.selectbox(key="time-from").set_value(2).run()
    assert asked(fake, "/funnel/time")["from_step"] == 2
    assert "breakdown" not in asked(fake, "/funnel/time")


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
    assert "width:50.0%" in html(at)  # 200 of the 400 at the first step
    at.selectbox(key="paths-by").set_value("event").run()
    at.selectbox(key="paths-start-event").set_value("view_item")
    at.selectbox(key="paths-end-event").set_value("purchase").run()
    body = asked(fake, "/paths")
    assert (body["by"], body["start"], body["end"]) == ("event", "view_item", "purchase")


def test_customers_come_in_segments_with_what_to_do(fake):
    at = run("customers")
    text = re.sub(r"\s+", " ", seen(at))
    assert "Champions 53 58.9 % 106 € 15,900 12 d ago Thank them" in text
    assert "Unheard of 1" in text
    assert "4 purchases in other currencies" in text


def test_people_are_found_by_what_is_typed(fake):
    at = run("customers")
    assert "user_0248" in seen(at)
    at.text_input(key="people-q").set_value("nobody").run()
    assert "Nobody was found" in seen(at)


def test_shared_browsers_are_listed_where_there_are_some(fake):
    assert "Shared browsers" not in seen(run("customers"))
    users = [{"user": name, "first_seen": "2026-11-01T10:00:00.000Z"} for name in ("ann", HOSTILE, "cy", "di")]
    row = {"visitor": "bc5aff9d-b40b-5dc2-b22f-5cc516ad77b7", "kept": "ann", "users": users, "users_total": 5}
    fake.state.conflicts = [row] * 12
    st.cache_data.clear()
    at = run("customers")
    text = " ".join(seen(at).split())
    assert "the latest 10 of 12" in text
    assert f"Visitor bc5aff9d ann, {HOSTILE[:20]}" in text
    assert "cy and 2 more ann" in text
    assert "<img" not in html(at)


def test_a_person_has_a_profile_and_a_timeline(fake):
    at = run("person", id="user_0248")
    text = seen(at)
    for expected in ("user_0248", "Spain", "Add to cart", "€ 59", "2 × ", "/cart"):
        assert expected in text
    assert "<img" not in html(at)
    before = html(at).count("<tr>")
    at.button(key="more-events").click().run()
    assert html(at).count("<tr>") > before


def test_a_person_who_is_not_known_is_a_sentence(fake):
    fake.state.empty = True
    assert "Nobody on this site goes by that id." in seen(run("person", id="gone"))


@pytest.mark.parametrize(("id", "kind"), [("user_0248", "user"), (VISITOR, "visitor")])
def test_a_person_is_erased_only_after_a_second_word(fake, id, kind):
    at = run("person", id=id)
    assert at.button(key="erase-now").disabled
    at.checkbox(key=f"erase-sure-shop-{id}").check().run()
    at.button(key="erase-now").click().run()
    assert fake.state.erased == [(id, "shop", kind)]
    assert "39 events are gone." in seen(at)


def test_all_that_is_kept_can_be_downloaded(fake):
    at = run("person", id="user_0248")
    at.button(key="export-person").click().run()
    assert [button.label for button in at.get("download_button")] == ["Download"]


def test_what_only_an_administrator_may_do_is_said(fake):
    at = run("person", id="user_0248")
    refusal = {"code": "forbidden", "message": "this needs an admin token"}
    fake.state.fail = (403, {"error": refusal})
    at.button(key="export-person").click().run()
    assert "This needs an admin token." in seen(at)


def test_install_shows_the_snippet_that_pins_its_file(fake):
    at = run("install")
    [pinned] = [code.value for code in at.code if "integrity=" in code.value]
    assert 'integrity="sha384-AAAA"' in pinned and "jt.q" in pinned
    assert any("settings load: engagement" in caption.value for caption in at.caption)


def test_install_turns_green_with_the_first_event(fake):
    fake.state.heard = False
    assert "Waiting for the first event" in seen(run("install"))
    fake.state.heard = True
    st.cache_data.clear()
    assert "We have heard from shop." in seen(run("install"))


def toggle(at, label):
    [found] = [one for one in at.toggle if one.label == label]
    return found


def field(at, label):
    [found] = [one for one in at.text_input if one.label == label]
    return found


def test_pixel_settings_are_saved_and_what_the_form_does_not_know_stays(fake):
    survey = {"id": "own", "kind": "csat"}
    fake.state.sites[0]["pixel"] = {"look": {"colour": "#112233"}, "surveys": [survey], "engagement": True}
    at = run("pixel")
    assert toggle(at, "Time engaged and how far down").value is True
    at.multiselect[0].set_value(["outbound", "form"])
    toggle(at, "Time engaged and how far down").set_value(False)
    toggle(at, "Our own consent banner").set_value(True)
    field(at, "Address of your privacy policy").set_value("/privacy")
    toggle(at, "Would you recommend us?").set_value(True)
    field(at, "Ask by itself after the event").set_value("purchase")
    field(at, "Your other domains").set_value("Shop.fr, shop.de")
    toggle(at, "Call-back request").set_value(True)
    at.radio[0].set_value("opt-out")
    at.button[0].click().run()
    assert "Saved." in seen(at)
    assert fake.state.sites[0]["consent"] == "opt-out"
    assert fake.state.sites[0]["pixel"] == {
        "look": {"colour": "#112233"},
        "surveys": [survey, {"id": "nps", "kind": "nps", "on": "purchase"}],
        "autocapture": ["outbound", "form"],
        "banner": {"policy": "/privacy"},
        "link_domains": ["shop.fr", "shop.de"],
        "callback": {},
    }


def test_pixel_settings_that_are_refused_say_why_and_keep_what_was_there(fake):
    at = run("pixel")
    toggle(at, "Our own consent banner").set_value(True)
    at.multiselect[1].set_value(["tcf"])
    at.button[0].click().run()
    assert "Nothing was saved." in seen(at) and "must not have two" in seen(at)
    assert "pixel" not in fake.state.sites[0]


def test_without_a_token_one_is_asked_for_and_kept_in_the_session_only(fake, monkeypatch):
    monkeypatch.delenv("TRACKER_DASHBOARD_TOKEN")
    at = AppTest.from_file("../../dashboard/app.py", default_timeout=60).run()
    assert [field.label for field in at.text_input] == ["API token"]
    at.text_input[0].set_value("wrong")
    at.button[0].click().run()
    assert "This token is not known" in seen(at)
    at.text_input[0].set_value(TOKEN)
    at.button[0].click().run()
    assert not at.exception
    assert "2,841" in seen(at)
    assert "Sign out" in [button.label for button in at.button]
    assert TOKEN not in html(at)


def test_an_audience_is_connected_with_a_destination_and_says_how_it_goes(fake):
    id = audience(fake)
    at = run("audience", id=id)
    at.button(key=f"deliver-{id}-start").click().run()
    [made] = [body for method, path, body in fake.state.asked if method == "POST" and path.endswith("/deliveries")]
    wanted = {"destination": "dst_1", "network": "tiktok", "shape": "api", "mode": "delta", "every": "15m"}
    assert made == wanted
    text = seen(run("audience", id=id))
    assert "Meta of the shop, every 15 minutes: failed 2 times in a row." in text
    assert "The network does not take these credentials" in text and "3 people: it is not known yet" in text
    at = run("audience", id=id)
    at.button(key="end-1").click().run()
    assert fake.state.deliveries == {}
    fake.state.places = False
    assert "No destination is connected yet" in seen(run("audience", id=id))
