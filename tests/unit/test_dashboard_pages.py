"""Every page against a real HTTP server that answers as the API does: full, empty, refusing and away."""

import re

import pytest
from dashboard_run import html, run, seen
from dashboard_samples import HOSTILE, TOKEN
from streamlit.testing.v1 import AppTest

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


def test_the_period_is_whole_days_of_the_sites_own_zone(fake):
    run("overview")
    body = next(body for _, path, body in fake.state.asked if path.endswith("/overview"))
    assert re.search(r"T00:00:00\+0[12]:00$", body["from"])  # Berlin, winter or summer
    assert re.search(r"T00:00:00\+0[12]:00$", body["to"])


@pytest.mark.parametrize(("choice", "says"), [("Today", "per hour"), ("Last 12 months", "in the week of")])
def test_a_day_is_drawn_by_the_hour_and_a_year_by_the_week(fake, choice, says):
    assert says in seen(run("overview", period=choice))


def test_what_only_an_administrator_may_do_is_said(fake):
    at = run("person", id="user_0248")
    refusal = {"code": "forbidden", "message": "this needs an admin token"}
    fake.state.fail = (403, {"error": refusal})
    at.button(key="export-person").click().run()
    assert "This needs an admin token." in seen(at)


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
