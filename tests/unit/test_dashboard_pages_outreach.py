"""Lists for people and coupons, against a real HTTP server that answers as the API does."""

import pytest
from dashboard_run import html, run, seen
from dashboard_samples import HOSTILE

from dashboard import outreach

CALLS = (
    "rank,user,visitor,phone,email,contact,reason,best_time,score,intent,value,last_seen\n"
    f'1,"{HOSTILE}",v1,+491511234567,,given in a form,asked for a call,09:00,9,9,59.00 EUR,2026-11-20\n'
    "2,,0123456789ab,,a@b.example,given in a form,filled a cart,,4,4,,2026-11-20\n"
).encode()


@pytest.fixture
def audience(fake):
    return fake.state.keep(fake.state.audiences, {"site": "shop", "name": HOSTILE, "rule": {"did": {"event": "x"}}})


def made(fake):
    return [body for _, path, body in fake.state.asked if path.endswith("/outreach")]


def test_a_list_is_made_and_shown_with_reasons_but_without_how_to_reach_anybody(fake, audience):
    fake.state.list_file = CALLS
    fake.state.list_counts = {"written": 2, "withheld": {"no_permission": 7, "capped": 3, "holdout": 0}}
    at = run("outreach")
    at.number_input(key="outreach-limit").set_value(20)
    at.button(key="outreach-start").click().run()
    assert made(fake) == [{"list": "calls", "limit": 20, "mode": "full", "destination": "download"}]
    at.run()
    page = " ".join(seen(at).split())
    assert "2 people are on the list." in page
    assert "did not agree to this contact 7" in page
    assert "had as many contacts as allowed 3" in page
    assert "hold-out" not in page
    assert f"{HOSTILE} 1 asked for a call 59.00 EUR 09:00" in page
    assert "Visitor 01234567" in page
    assert "+4915" not in page
    assert "a@b.example" not in page
    assert "<img" not in html(at)
    assert at.get("download_button")[0].proto.label == "Download"


def test_a_win_back_waits_for_coupons_and_for_who_agreed(fake, audience):
    at = run("outreach")
    at.selectbox(key="outreach-list").select("winback").run()
    assert at.button(key="outreach-start").disabled
    assert "There are no coupons yet." in seen(at)
    fake.state.pools = [{"pool": "spring", "codes": 100, "given": 95, "free": 5}]
    at.run()
    assert "spring: 5 left." in seen(at)
    assert at.button(key="outreach-start").disabled
    at.button(key="outreach-filters-add").click().run()
    [row] = at.session_state["outreach-filters"]
    at.selectbox(key=f"outreach-filters-{row['id']}-property").select("props.plan").run()
    at.selectbox(key=f"outreach-filters-{row['id']}-value").select("pro").run()
    at.button(key="outreach-start").click().run()
    [body] = made(fake)
    assert body["permission"] == {"property": {"property": "props.plan", "op": "eq", "value": "pro"}}
    assert (body["list"], body["coupons"]) == ("winback", "spring")


def test_a_refused_list_says_why(fake, audience):
    fake.state.connected["dst_2"] = {"id": "dst_2", "name": "Box", "kind": "sftp", "options": {}, "waiting": 0}
    at = run("outreach")
    to = at.selectbox(key="outreach-shop-to")
    assert to.options == ["Download", "Box"]
    to.select("dst_2").run()
    at.button(key="outreach-start").click().run()
    assert "No list was made. It stays in the house." in " ".join(seen(at).split())


def test_without_an_audience_the_page_says_what_to_do(fake):
    page = seen(run("outreach"))
    assert "A list is made of an audience, and there is none yet." in page
    assert "No coupons yet." in page


def test_coupons_are_added_whole_or_not_at_all(fake):
    at = run("outreach")
    at.text_input(key="coupon-pool").set_value("spring")
    at.text_area(key="coupon-typed").set_value("A1\nB 2\n")
    at.button(key="coupon-add").click().run()
    assert "Nothing was added. Code 2 is none" in " ".join(seen(at).split())
    at.text_area(key="coupon-typed").set_value("A1\n\nB2\nA1\nC3")
    at.button(key="coupon-add").click().run()
    sent = [body for method, path, body in fake.state.asked if (method, path) == ("POST", "/api/v1/coupons")]
    assert sent == [{"site": "shop", "pool": "spring", "codes": ["A1", "B2", "C3"]}]
    page = " ".join(seen(at).split())
    assert "2 new codes in spring. 1 were there already" in page
    assert "spring 9 0 9" in page


def test_audiences_of_one_name_are_told_apart_and_codes_go_in_portions():
    rows = [{"id": "a", "name": "Carts"}, {"id": "b", "name": "Carts"}, {"id": "c", "name": "Buyers"}]
    assert outreach.named(rows) == {"a": "Carts (a)", "b": "Carts (b)", "c": "Buyers"}
    assert [len(some) for some in outreach.portions(["x"] * (outreach.AT_ONCE + 1))] == [outreach.AT_ONCE, 1]
    assert outreach.codes_of("\ufeffA\nA\nB") == (["A", "B"], 0)


def test_a_file_of_a_list_that_this_page_does_not_know_is_shown_too():
    titles, rows = outreach.preview("new_crm", b"External ID,Email,Next_step\nu1,a@b.c,call\nu2,,\n", 1)
    assert (titles, rows) == (["Person", "Next step"], [["u1", "call"]])


def test_a_list_is_made_by_plan(fake, audience):
    fake.state.connected["dst_f"] = {"id": "dst_f", "name": "Desk", "kind": "folder", "options": {}, "waiting": 0}
    at = run("outreach")
    at.selectbox(key="outreach-shop-to").select("dst_f").run()
    at.selectbox(key="outreach-mode").select("new")
    at.selectbox(key="outreach-every").select("1h").run()
    at.button(key="outreach-start").click().run()
    assert "It was not planned. It stays in the house." in " ".join(seen(at).split())
    at.selectbox(key="outreach-every").select("24h").run()
    at.button(key="outreach-start").click().run()
    asked = [body for _, path, body in fake.state.asked if path.endswith("/outreach/plans")]
    assert asked[-1] == {"list": "calls", "limit": 50, "mode": "new", "destination": "dst_f", "every": "24h"}
    assert "List calls to Desk, every day: not delivered yet." in seen(at)
    at.button(key="end-1").click().run()
    assert not at.exception and fake.state.deliveries == {}
