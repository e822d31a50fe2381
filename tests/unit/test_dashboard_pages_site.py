"""Pages about the site itself: data health, install and the pixel's settings."""

import streamlit as st
from dashboard_run import run, seen


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
