"""The page of scheduled reports, against a real HTTP server."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from dashboard_run import html, run, seen
from dashboard_samples import HOSTILE, RUN

from dashboard import schedules

BERLIN = ZoneInfo("Europe/Berlin")
WEEKLY = {
    "site": "shop", "name": "Weekly", "report": "funnel", "question": {"segment": "aud_1"}, "funnel": "1",
    "period": "last_7_days", "rhythm": {"every": "week", "weekday": "monday", "hour": 8}, "paused": False,
    "to": [{"destination": "dst_8", "addresses": ["a@shop.example"]}, {"destination": "dst_9"}],
    "next": "2026-11-30T07:00:00.000Z", "last": RUN,
}  # fmt: skip


@pytest.fixture
def weekly(fake):
    fake.state.keep(fake.state.schedules, dict(WEEKLY))
    return fake.state.schedules


def test_without_any_the_page_says_what_they_are_for(fake):
    text = seen(run("schedules"))
    assert "No report is sent yet." in text and "every morning" in text


def test_without_a_destination_it_says_where_to_connect_one(fake):
    fake.state.tellable = []
    at = run("schedules")
    assert "Open Destinations in the menu" in seen(at)
    assert [one.key for one in at.button] == []


def test_a_report_is_scheduled_with_what_the_fields_say(fake):
    fake.state.keep(fake.state.funnels, {"name": "Checkout", "site": "shop", "funnel": {"steps": []}})
    at = run("schedules")
    at.selectbox(key="schedule-0-report").select("funnel").run()
    at.selectbox(key="schedule-0-every").select("month").run()
    at.number_input(key="schedule-0-day").set_value(31)
    at.selectbox(key="schedule-0-hour").select(17)
    at.selectbox(key="schedule-0-period").select("last_month")
    at.multiselect(key="schedule-0-to").set_value(["dst_8", "dst_9"])
    at.text_input(key="schedule-0-addresses").set_value("a@shop.example; b@shop.example,a@shop.example")
    at.button(key="schedule-create").click().run()
    assert not at.exception
    [made] = fake.state.schedules.values()
    sent = {name: value for name, value in made.items() if name not in ("id", "last", "next", "paused")}
    assert sent == {
        "site": "shop", "name": "Funnel, last month", "report": "funnel", "funnel": "1", "question": {},
        "period": "last_month", "rhythm": {"every": "month", "day": 31, "hour": 17},
        "to": [{"destination": "dst_8", "addresses": ["a@shop.example", "b@shop.example"]}, {"destination": "dst_9"}],
    }  # fmt: skip
    assert at.text_input(key="schedule-1-name").value == ""
    at.selectbox(key="schedule-1-report").select("timeseries").run()
    at.selectbox(key="schedule-1-measure").select("people")
    at.text_input(key="schedule-1-name").set_value("Buyers")
    at.button(key="schedule-create").click().run()
    second = fake.state.schedules["2"]
    assert (second["name"], second["question"]) == ("Buyers", {"event": {"event": "purchase"}, "measure": "people"})
    assert second["to"] == [{"destination": "dst_8"}]


def test_what_is_no_address_or_no_saved_funnel_is_said_and_not_sent(fake):
    at = run("schedules")
    at.text_input(key="schedule-0-addresses").set_value("nobody").run()
    at.button(key="schedule-create").click().run()
    assert "This is no mail address." in seen(at)
    at.text_input(key="schedule-0-addresses").set_value("").run()
    at.multiselect(key="schedule-0-to").set_value([]).run()
    assert "Choose whom it goes to." in seen(at)
    at.multiselect(key="schedule-0-to").set_value(["dst_8"])
    at.selectbox(key="schedule-0-report").select("funnel").run()
    assert "No funnel is saved yet." in seen(at)
    at.button(key="schedule-create").click().run()
    assert fake.state.schedules == {}
    at.selectbox(key="schedule-0-report").select("rfm")
    at.text_input(key="schedule-0-name").set_value("Refused").run()
    at.button(key="schedule-create").click().run()
    assert "It was not scheduled." in seen(at) and "<img" not in html(at)


def test_one_is_paused_resumed_sent_now_and_deleted(fake, weekly):
    at = run("schedules")
    text = seen(at)
    assert f"to Office (a@shop.example) and {HOSTILE}" in text and "every Monday at 08:00" in text
    assert "Sent for 23 Nov 2026, 08:00." in text and "24 rows." in text
    at.button(key="schedule-pause-1").click().run()
    sent = {name: weekly["1"][name] for name in WEEKLY if name not in ("next", "last")}
    assert sent == {name: WEEKLY[name] for name in sent} | {"paused": True}
    assert any("Paused" in one.value for one in at.caption)
    at.button(key="schedule-pause-1").click().run()
    assert weekly["1"]["paused"] is False
    at.button(key="schedule-now-1").click().run()
    assert not at.exception
    assert [one["id"] for one in fake.state.runs] == ["run_now"]
    assert "16–22 Nov 2026" in seen(at)  # its days, in the history
    fake.state.runs = None
    at.button(key="schedule-now-1").click().run()
    assert "It is not sent now." in seen(at) and "on its way already" in seen(at)
    at.button(key="schedule-delete-1").click().run()
    assert weekly == {}


ENDED = [
    (None, ("info", "It was not sent yet.", "")),
    (RUN, ("good", "Sent for 23 Nov 2026, 08:00.", "24 rows.")),
    (RUN | {"rows": 1}, ("good", "Sent for 23 Nov 2026, 08:00.", "1 row.")),
    (
        RUN | {"state": "failed", "error": {"code": "x", "message": "Office: no"}},
        ("bad", "Failed for 23 Nov 2026, 08:00.", "Office: no"),
    ),
    (
        RUN | {"state": "waiting", "tries": 2, "next_try": "2026-11-23T07:05:00Z", "error": {"message": "away"}},
        ("warn", "Not sent yet for 23 Nov 2026, 08:00: tried 2 times, again 23 Nov 2026, 08:05.", "away"),
    ),
    (
        RUN | {"state": "waiting", "tries": 1, "next_try": "2026-11-23T07:05:00Z"},
        ("warn", "Not sent yet for 23 Nov 2026, 08:00: tried once, again 23 Nov 2026, 08:05.", ""),
    ),
    (RUN | {"state": "running"}, ("info", "On its way for 23 Nov 2026, 08:00.", "")),
]


@pytest.mark.parametrize(("one", "expected"), ENDED)
def test_how_a_run_ended_in_words(one, expected):
    assert tuple(schedules.ended(one, BERLIN)) == expected


def test_rhythms_and_periods_in_words():
    assert schedules.when({"every": "month", "day": 31, "hour": 0}) == "on day 31 of every month at 00:00"
    assert schedules.when(schedules.rhythm("day", "friday", 3, 9)) == "every day at 09:00"
    assert [schedules.period(one) for one in ("last_3_weeks", "this_year")] == ["the last 3 weeks", "this year"]
    assert schedules.last_day(datetime(2026, 11, 23, tzinfo=UTC)) == date(2026, 11, 22)
