"""Customers and one person: segments, search, timeline, what to expect, what is kept and its erasure."""

import re

import pytest
import streamlit as st
from dashboard_run import html, run, seen
from dashboard_samples import HOSTILE, VISITOR


def test_a_persons_card_says_what_to_expect(fake):
    text = seen(run("person", id="user_0248"))
    assert "Chance to be lost" in text
    assert "€ 210" in text


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
