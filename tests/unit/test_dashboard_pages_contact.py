"""How often people are contacted, and what stays in the house, against a real HTTP server that answers as the API."""

import pytest
from dashboard_run import html, run, seen
from dashboard_samples import HOSTILE, iso


def sent(fake, path):
    return [body for method, asked, body in fake.state.asked if (method, asked) == ("PUT", path)]


def test_a_cap_is_said_in_words_and_saved_with_the_order_of_audiences(fake):
    for name in ("Carts", HOSTILE):
        fake.state.keep(fake.state.audiences, {"site": "shop", "name": name, "rule": {"did": {"event": "x"}}})
    at = run("contact_rules")
    assert "There is no cap" in seen(at)
    at.number_input(key="frequency-shop-most").set_value(3)
    at.multiselect(key="frequency-shop-priority").set_value(["2", "1"])
    at.button(key="frequency-shop-save").click().run()
    assert sent(fake, "/api/v1/sites/shop/frequency") == [{"most": 3, "days": 7, "priority": ["2", "1"]}]
    page = seen(at)
    assert "Saved." in page
    assert "Nobody is contacted more than 3 times within 7 days." in page
    at.number_input(key="frequency-shop-most").set_value(13)
    at.button(key="frequency-shop-save").click().run()
    assert "Nothing was saved. This needs a token of an admin." in " ".join(seen(at).split())


@pytest.mark.parametrize("typed", ["consent", "explicit consent, form F-12"])
def test_a_ground_is_declared_after_it_was_said_what_that_means(fake, typed):
    row = {"id": "aud_1", "site": "shop", "name": HOSTILE, "categories": ["health"], "ground": None, "declared": None}
    fake.state.sensitive = [row]
    at = run("contact_rules")
    page = seen(at)
    assert "It stays in the house." in page
    assert "You declare this for the company that answers for the data." in page
    assert "<img" not in html(at)
    at.text_area(key="ground-aud_1").set_value(typed)
    at.button(key="declare-aud_1-send").click().run()
    if len(typed) < 10:
        assert "Nothing was declared." in seen(at)
        assert row["ground"] is None
    else:
        assert sent(fake, "/api/v1/sensitive/aud_1") == [{"ground": typed}]
        assert "It may leave the house." in seen(at)


def test_a_declaration_is_withdrawn(fake):
    row = {"id": "cnv_1", "site": "shop", "name": "Leads", "categories": ["health", "trade_union"]}
    fake.state.sensitive = [row | {"ground": HOSTILE, "declared": iso(60)}]
    at = run("contact_rules")
    assert "Conversion · suggests health and trade union" in seen(at)
    assert "<img" not in html(at)
    at.button(key="withdraw-cnv_1").click().run()
    assert "It stays in the house." in seen(at)
