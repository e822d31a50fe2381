"""Conversions and removal orders on the page of destinations, against a real HTTP server that answers as the API."""

import pytest
from dashboard_run import html, run, seen
from dashboard_samples import HOSTILE, iso

from dashboard import told

CONVERSION = {
    "id": "cnv_1",
    "site": "shop",
    "name": HOSTILE,
    "network": "meta_conversions",
    "destination": "dst_1",
    "events": [
        {"event": "purchase", "where": [{"property": "currency", "op": "eq", "value": "EUR"}]},
        {"event": "callback_requested", "send_as": "Lead"},
    ],
    "every": "15m",
    "failures": 0,
    "last": None,
}
COUNTS = {"written": 41, "unchanged": 6, "withheld": {"no_consent": 52, "no_identifier": 3, "too_old": 0}}


@pytest.fixture
def conversion(fake):
    fake.state.conversions = [dict(CONVERSION)]
    return fake.state.conversions[0]


def words(at):
    return " ".join(seen(at).split())


def test_what_goes_where_and_how_the_last_uploads_ended(fake, conversion):
    upload = {"audience": "cnv_1", "network": "meta_conversions", "created": "2026-11-27T10:00:00.000Z"}
    fake.state.more_exports = [
        {**upload, "id": "exp_4", "mode": "live", "state": "failed", "error": {"message": f"no {HOSTILE}"}},
        {**upload, "id": "exp_3", "mode": "test", "state": "done", "counts": COUNTS | {"refused": 2}},
        {**upload, "id": "exp_2", "audience": "cnv_2", "mode": "dry", "state": "done", "counts": {"written": 777}},
    ]
    conversion |= {"failures": 4, "last": fake.state.more_exports[0]}
    page = words(at := run("destinations"))
    assert "Meta · Meta of the shop · live, every 15 minutes" in page
    assert "Purchase currency is EUR Purchase" in page
    assert "Callback requested every one Lead" in page
    assert "The last upload failed, 4 times in a row." in page
    assert "27 Nov 2026, 11:00 Test Done, 2 refused 39 6 55" in page  # in the site's time zone
    assert "777" not in page
    assert "<img" not in html(at)


@pytest.mark.parametrize(
    ("button", "mode", "said"),
    [
        ("dry", "dry", "Dry run: 41 events would be told. Nothing was sent."),
        ("test", "test", "Test: 41 events were sent, and count nowhere."),
        ("send", "live", "41 events were told."),
    ],
)
def test_a_run_says_what_was_told_and_why_others_were_not(fake, conversion, button, mode, said):
    fake.state.list_counts = COUNTS
    at = run("destinations")
    at.button(key=f"{button}-cnv_1").click().run()
    assert [body for _, path, body in fake.state.asked if path.endswith("/cnv_1/run")] == [{"mode": mode}]
    page = words(at.run())
    assert said in page
    assert "Nobody agreed to advertising 52" in page
    assert "Older than" not in page


def test_a_refused_run_says_why(fake, conversion):
    at = run("destinations")
    fake.state.conversion_refusal = "the destination's ids need TEST_EVENT_CODE for that"
    at.button(key="test-cnv_1").click().run()
    assert "Nothing was sent. The destination's ids need TEST_EVENT_CODE for that." in words(at)


@pytest.fixture
def pixels(fake):
    for network in ("meta_conversions", "google_conversions"):
        one = {"kind": "network", "options": {"network": network, "ids": {}}, "secrets": [], "waiting": 0}
        fake.state.connected[network] = {"id": network, "name": f"{network} {HOSTILE}", **one}


def posted(fake):
    return [body for method, path, body in fake.state.asked if method == "POST" and path == "/api/v1/conversions"]


def test_a_network_is_told_of_events_from_the_form(fake, pixels):
    at = run("destinations")
    at.text_input(key="conversion-0-name").input("Orders")
    at.selectbox(key="conversion-0-begin").select("day")
    at.button(key="conversion-0-add").click().run()
    first, second = (row["id"] for row in at.session_state["conversion-0-events"])
    at.selectbox(key=f"conversion-0-event-{second}-meta_conversions-name").select("search").run()
    at.selectbox(key=f"conversion-0-event-{second}-meta_conversions-as-search").select("Purchase").run()
    at.button(key=f"conversion-0-event-{first}-meta_conversions-add").click().run()
    [row] = at.session_state["conversion-0-events"][0]["where"]
    where = f"conversion-0-event-{first}-meta_conversions-{row['id']}"
    at.selectbox(key=f"{where}-value").select("DE").run()
    at.button(key="conversion-0-save").click().run()
    assert not at.exception
    [body] = posted(fake)
    assert body.pop("start")[:10] and body == {
        "site": "shop",
        "name": "Orders",
        "destination": "meta_conversions",
        "events": [
            {"event": "purchase", "where": [{"property": "country", "op": "eq", "value": "DE"}]},
            {"event": "search", "send_as": "Purchase"},
        ],
        "event_id": "id",
        "every": "15m",
    }
    assert "Orders" in words(at)
    assert at.text_input(key="conversion-1-name").value == ""  # what was typed is gone


def test_a_network_that_counts_by_numbers_is_asked_for_one(fake, pixels):
    at = run("destinations")
    at.selectbox(key="conversion-0-to").select("google_conversions").run()
    at.text_input(key="conversion-0-name").input("Refused")
    [row] = at.session_state["conversion-0-events"]
    at.text_input(key=f"conversion-0-event-{row['id']}-google_conversions-number").input(" 77 ")
    at.selectbox(key="conversion-0-every").select("").run()
    at.button(key="conversion-0-save").click().run()
    [body] = posted(fake)
    assert (body["events"], body["every"]) == ([{"event": "purchase", "send_as": "77"}], None)
    assert "It was not saved." in words(at) and "<img" not in html(at)
    assert "start" not in body


def test_without_an_account_the_form_says_what_comes_first(fake):
    at = run("destinations")
    assert "First connect a conversions API below" in " ".join(str(one.value) for one in at.caption)


def test_its_rhythm_can_be_changed_and_it_can_end(fake, conversion):
    at = run("destinations")
    at.selectbox(key="every-cnv_1-15m").select("").run()
    asked = [(method, body) for method, path, body in fake.state.asked if path.endswith("/conversions/cnv_1")]
    assert asked == [("PUT", {"every": None})]
    at = run("destinations")
    at.button(key="conversion-delete-cnv_1").click().run()
    assert not at.exception and "No network is told of conversions yet." in words(at)


def test_a_deleted_audience_stands_there_until_its_removal_is_acknowledged(fake):
    line = {"audience": "aud_1", "network": "tiktok", "destination": "dst_1"}
    done = {**line, "mode": "recall", "state": "done", "counts": {"removed": 500}, "finished": iso(60)}
    fake.state.more_exports = [{**done, "id": "exp_8"}, {**done, "id": "exp_7", "audience": "aud_2"}]
    waiting = {**line, "id": "pln_1", "waiting": 12, "next": iso(-60), "failures": 3, "created": iso(600)}
    fake.state.recalls = [waiting]
    page = words(run("destinations"))
    assert "1 could not be taken back yet." in page
    assert "aud_1 Meta of the shop · TikTok Not yet; next try" in page
    assert "failed 3 times in a row 12" in page
    assert "aud_2 Meta of the shop · TikTok Yes," in page
    fake.state.recalls = []
    assert "aud_1 Meta of the shop · TikTok Yes," in words(run("destinations"))


def test_without_conversions_and_removals_the_page_says_how_they_come(fake):
    page = seen(run("destinations"))
    assert "No network is told of conversions yet." in page
    assert "Nothing has to be taken back." in page


def test_what_a_network_refused_stands_among_what_was_not_told():
    counts = {"written": 9, "refused": 2, "refused_for": {"the network refuses: code 100": 2}, "withheld": {}}
    assert told.withheld({"counts": counts}) == [("The network refuses: code 100", 2.0, "2")]
    assert told.taken({"counts": counts}) == 7


def test_only_the_last_removal_of_a_place_counts():
    one = {"audience": "a", "network": "n", "destination": "d", "mode": "recall", "state": "done"}
    newest = one | {"id": "2"}
    assert told.taken_back([newest, one | {"id": "1"}, one | {"state": "failed"}], []) == [newest]
    assert told.ended({"state": "failed"}) == "Failed: the reason is in the log of the service"
