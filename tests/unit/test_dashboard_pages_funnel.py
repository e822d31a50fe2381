"""The funnel's page: counts, money, reasons, comparison, what is saved and who becomes an audience."""

import re

from dashboard_run import asked, run, seen
from dashboard_samples import HOSTILE

from dashboard import questions


def test_the_funnel_shows_counts_conversion_and_human_times(fake):
    text = seen(run("funnel"))
    for expected in ("2,503", "46 %", "1,352", "10 min 40 s", "1 h 30 min"):
        assert expected in text


def test_the_funnel_says_why_they_dropped_and_what_is_chance(fake):
    at = run("funnel")
    text = seen(at)
    for expected in (
        "device: mobile",
        "3.0 ×",
        "under 0.1 %",
        "only they",
        f"script error: {HOSTILE[:40]}",
        "Of all who went on",
    ):
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


def test_a_drop_is_offered_as_an_audience_with_name_and_size(fake):
    at = run("funnel")
    at.button(key="make-audience").click().run()
    assert at.text_input(key="audience-name").value == "View item, but not Add to cart"
    assert "241 of them may be shown ads" in seen(at)
    rule = next(body["rule"] for _, path, body in fake.state.asked if path.endswith("/preview"))
    steps = [step["event"] for step in rule["dropped"]["funnel"]["steps"]]
    assert steps == ["view_item", "add_to_cart", "add_payment_info", "purchase"]
    assert (rule["dropped"]["after_step"], rule["dropped"]["within"]) == (1, "30d")


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
