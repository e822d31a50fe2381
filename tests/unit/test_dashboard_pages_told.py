"""Conversions and removal orders on the page of destinations, against a real HTTP server that answers as the API."""

import pytest
from dashboard_api import HOSTILE, iso
from dashboard_run import html, run, seen

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


def test_only_the_last_removal_of_a_place_counts():
    one = {"audience": "a", "network": "n", "destination": "d", "mode": "recall", "state": "done"}
    newest = one | {"id": "2"}
    assert told.taken_back([newest, one | {"id": "1"}, one | {"state": "failed"}], []) == [newest]
    assert told.ended({"state": "failed"}) == "Failed: the reason is in the log of the service"
