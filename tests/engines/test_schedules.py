"""Scheduled reports: each due moment is made once, told to real servers, and tried again until it is taken."""

from __future__ import annotations

import asyncio
import csv
import email
import email.policy
import io
import json
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from api_client import serve
from command_line import CommandLine
from outside import mailbox, ok, outside

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

from world import event, load

from tracker.api import scheduled
from tracker.api.bodies_schedules import ReportRuns, ScheduleShown, SchedulesShown
from tracker.core.period import instant_ms, rfc3339
from tracker.outbound.signing import verify
from tracker.wiring.reports import ScheduledReports

HOUR, DAY = 3_600_000, 86_400_000
BREAKDOWN = "question.breakdown.property"
SECRET = "sixteen characters"


def ms(text):
    return instant_ms(text, field="x")


T0 = ms("2026-11-20T00:00:00+01:00")  # a Friday
EVERY_DAY = {"every": "day", "hour": 8}
STEPS = [{"event": "view", "name": "=cmd|' /C calc'!A0"}, {"event": "purchase"}]


def history():
    """Three days: 6, 7 and 8 visitors an odd hour, half of whom buy an hour later."""
    events = []
    for day in range(3):
        for number in range(6 + day):
            at, who = T0 + day * DAY + (9 + number) * HOUR, f"v{day}-{number}"
            events.append(event("view", at, who, country="=HYPERLINK(1)" if number == 0 else "DE"))
            if number % 2:
                events.append(event("purchase", at + HOUR, who, value=10.0, currency="EUR"))
    return events


@pytest.fixture
async def house(embedded, data):
    async with running(embedded, data) as one:
        yield one


class House:
    """An API over a store with `history`, and its chore at a clock that the test moves."""

    def __init__(self, api, box, hook):
        self.api, self.box, self.hook = api, box, hook
        self.now = T0 + 3 * DAY + 7 * HOUR
        self.services = replace(api.services, now_ms=lambda: self.now)
        self.chore = ScheduledReports(self.services, threading.Event())

    def restart(self):
        """Another process in its place."""
        self.chore = ScheduledReports(self.services, threading.Event())

    async def round(self, forward=0):
        self.now += forward
        return await asyncio.to_thread(self.chore.round)

    async def schedule(self, **more):
        body = {"site": "shop", "name": "Sales", "report": "funnel", "question": {"steps": STEPS}}
        body |= {"period": "last_3_days", "rhythm": EVERY_DAY, "to": [{"destination": self.hook.id}]}
        status, made = await self.api.ask("POST", "/api/v1/schedules", body | more)
        assert status == 201, made
        made["body"] = body | more
        return made

    async def runs(self, made):
        _, said = await self.api.ask("GET", f"/api/v1/schedules/{made['id']}/runs")
        return said["runs"]


def running(engine, data):
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def made():
        with mailbox() as box, outside() as hook:
            house = None
            clock = {"now_ms": lambda: house.now if house else T0, "reports_run": True}
            async with serve(engine, data, **clock) as api:
                api.catalog.sites.create("shop", timezone="Europe/Berlin")
                load(engine, history())
                webhook = {"site": "shop", "name": "Hook", "kind": "webhook", "options": {"url": hook.url + "/r"}}
                _, told = await api.ask("POST", "/api/v1/destinations", webhook | {"secrets": {"secret": SECRET}})
                hook.id = told["id"]
                options = {"host": "127.0.0.1", "port": box.port, "security": "none", "sender": "t@shop.example"}
                options["to"] = ["boss@shop.example"]
                mail = {"site": "shop", "name": "Office", "kind": "email", "options": options, "secrets": {}}
                _, told = await api.ask("POST", "/api/v1/destinations", mail)
                box.id = told["id"]
                house = House(api, box, hook)
                yield house

    return made()


def read(envelope):
    """Headers, text, name and content of the attachment."""
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    text, file = message.iter_parts()
    return message, text.get_content(), file.get_filename(), file.get_content()


async def test_a_mail_and_a_webhook_say_what_the_api_answers(engine, data):
    async with running(engine, data) as house:
        to = [
            {"destination": house.box.id, "addresses": ["a@x.example", "b@x.example"]},
            {"destination": house.hook.id},
        ]
        made = await house.schedule(to=to, question={"steps": STEPS, "breakdown": {"property": "country"}})
        assert await house.round() == 0  # 07:00
        assert await house.round(HOUR) == 1
        asked = {"site": "shop", "steps": STEPS, "breakdown": {"property": "country"}}
        asked |= {"from": "2026-11-20T00:00:00+01:00", "to": "2026-11-23T00:00:00+01:00"}
        _, answer = await house.api.ask("POST", "/api/v1/reports/funnel", asked)
        _, wanted = await house.api.ask("POST", "/api/v1/reports/funnel", asked, headers={"Accept": "text/csv"})
        [heard] = house.hook.heard
        assert verify(SECRET, heard.body, heard.headers["tracker-signature"], int(time.time()))
        assert heard.headers["tracker-event"] == "report"
        said = heard.json()
        assert said["answer"] == answer
        assert said["answer"]["steps"][0]["count"] == 21
        assert (said["site"], said["schedule"], said["report"]) == ("shop", made["id"], "funnel")
        assert (said["from"], said["to"]) == ("2026-11-19T23:00:00.000Z", "2026-11-22T23:00:00.000Z")
        assert said["at"] == "2026-11-23T07:00:00.000Z"
        [envelope] = house.box.got
        assert envelope.rcpt_tos == ["a@x.example", "b@x.example"]
        message, text, name, content = read(envelope)
        assert message["Subject"] == "Sales: shop, 2026-11-20 to 2026-11-22"
        assert message["Message-ID"] == f"<{said['id']}@shop.example>"
        assert message.get_content_type() == "multipart/mixed"
        parts = list(message.iter_parts())
        assert [part.get_content_type() for part in parts] == ["text/plain", "text/csv"]
        assert {part.get_content_charset() for part in parts} == {"utf-8"}
        assert name == "shop-Sales-2026-11-20.csv"
        assert content.replace("\r\n", "\n") == wanted.decode().replace("\r\n", "\n")
        rows = list(csv.DictReader(io.StringIO(content)))
        assert {row["name"] for row in rows} >= {"'=cmd|' /C calc'!A0"}
        assert {row["value"] for row in rows} == {"", "DE", "'=HYPERLINK(1)"}
        assert "Period: 2026-11-20 to 2026-11-22 (Europe/Berlin)" in text
        assert any("47.6 %" in line for line in text.splitlines())  # 10 of 21
        assert any("purchase" in line and " 10 " in f"{line} " for line in text.splitlines())
        assert "every day at 08:00 (Europe/Berlin)" in text
        [run] = await house.runs(made)
        assert (run["state"], run["kind"], run["tries"], run["rows"]) == ("done", "due", 1, len(rows))
        assert [(one["name"], one["state"]) for one in run["told"]] == [("Office", "done"), ("Hook", "done")]


REPORTS = [
    ("funnel", {"steps": STEPS}),
    ("funnel/trend", {"funnel": {"steps": STEPS}, "interval": "day"}),
    ("funnel/time", {"steps": STEPS}),
    ("funnel/reasons", {"steps": STEPS, "step": 1}),
    ("overview", {}),
    ("attribution", {"conversion": {"event": "purchase"}}),
    ("timeseries", {"event": {"event": "purchase"}, "measure": "value"}),
    ("anomalies", {}),
    ("rfm", {}),
    ("ltv", {}),
    ("ltv/predicted", {}),
    ("lifecycle", {"period": "day"}),
    ("stickiness", {}),
    ("retention", {"period": "day"}),
    ("paths", {"by": "event"}),
]


async def test_every_report_of_counts_and_sums_can_be_sent(engine, data):
    async with running(engine, data) as house:
        _, choice = await house.api.ask("GET", "/api/v1/schedules?site=shop")
        assert [one["name"] for one in choice["reports"]] == [name for name, _ in REPORTS]
        to = [{"destination": house.box.id}, {"destination": house.hook.id}]
        for name, question in REPORTS:
            await house.schedule(name=name, report=name, question=question, to=to)
        assert await house.round(HOUR) == len(REPORTS)
        mails = {}
        for envelope in house.box.got:
            message, text, _, content = read(envelope)
            mails[message["Subject"].split(":")[0]] = (text, list(csv.reader(io.StringIO(content))))
        said = {heard.json()["report"]: heard.json() for heard in house.hook.heard}
        assert set(mails) == set(said) == {name for name, _ in REPORTS} - {"ltv/predicted"}
        for name, (text, table) in mails.items():
            assert f"The whole table ({len(table) - 1:,} row" in text, name
            assert max(len(line) for line in text.splitlines()) < 240
        assert said["timeseries"]["answer"]["series"][2]["value"] == 40.0
        assert "purchases: 10" in mails["overview"][0] and "revenue: 100.00 EUR (before: 0)" in mails["overview"][0]
        _, listed = await house.api.ask("GET", "/api/v1/schedules?site=shop")
        for one in listed["schedules"]:
            if one["name"] != "ltv/predicted":
                assert one["last"]["state"] == "done", one
        [few] = [one for one in listed["schedules"] if one["name"] == "ltv/predicted"]
        asked = {"site": "shop", "from": "2026-11-20T00:00:00+01:00", "to": "2026-11-23T00:00:00+01:00"}
        _, refused = await house.api.ask("POST", "/api/v1/reports/ltv/predicted", asked)
        assert few["last"]["error"] == refused["error"]  # too few buyers: said as the API says it


@pytest.mark.parametrize(
    ("more", "field", "code"),
    [
        ({"report": "funnel/people"}, "report", "names_persons"),
        ({"report": "ltv/people", "question": {}}, "report", "names_persons"),
        ({"report": "live", "question": {}}, "report", "names_persons"),
        ({"question": {"steps": STEPS, "breakdown": {"property": "user"}}}, BREAKDOWN, "names_persons"),
        (
            {"report": "funnel/trend", "question": {"funnel": {"steps": STEPS, "breakdown": {"property": "visitor"}}}},
            BREAKDOWN,
            "names_persons",
        ),
        ({"report": "lift", "question": {}}, "report", "bad_request"),
        ({"question": {"steps": STEPS, "from": "2026-11-01T00:00:00Z"}}, "question.from", "bad_request"),
        ({"report": "overview", "question": {"timezone": "UTC"}}, "question.timezone", "bad_request"),
        ({"report": "funnel/trend", "question": {"funnel": {"site": "x"}}}, "question.funnel.site", "bad_request"),
        ({"question": {"steps": STEPS[:1]}}, "question.steps", None),
        ({"question": {"steps": STEPS, "segment": "aud_none"}}, "question.segment", "bad_request"),
        ({"report": "overview", "question": {}, "funnel": "fun_1"}, "funnel", "bad_request"),
        ({"funnel": "fun_1", "question": {}}, "funnel", "bad_request"),
        (
            {"report": "retention", "question": {"period": "day"}, "period": "last_24_months"},
            "question.period",
            "bad_request",
        ),
        ({"period": "next_week"}, "period", "bad_request"),
        ({"rhythm": {"every": "hour", "hour": 1}}, "rhythm.every", "bad_field"),
        ({"rhythm": {"every": "day", "hour": 8, "day": 3}}, "rhythm.day", "bad_request"),
        ({"to": []}, "to", "bad_field"),
        ({"to": [{"destination": "dst_none"}]}, "to[0].destination", "bad_request"),
        ({"name": ""}, "name", "bad_field"),
    ],
)  # fmt: skip
async def test_what_cannot_be_scheduled(house, more, field, code):
    body = {"site": "shop", "name": "x", "report": "funnel", "question": {"steps": STEPS}, "period": "yesterday"}
    body |= {"rhythm": EVERY_DAY, "to": [{"destination": house.hook.id}]}
    status, refused = await house.api.ask("POST", "/api/v1/schedules", body | more)
    assert (status, refused["error"].get("field")) == (400, field), refused
    assert code in (None, refused["error"]["code"])


@pytest.mark.parametrize(
    "addresses",
    [["a@x.example\nBcc: b@x.example"], ["no address"], ["a@x.example, b@x.example"], ["a@x.example"] * 51, ["<a@x>"]],
)
async def test_addresses_are_addresses_and_of_mail_only(house, addresses):
    body = {"site": "shop", "name": "x", "report": "overview", "period": "yesterday", "rhythm": EVERY_DAY}
    for destination in (house.box.id, house.hook.id):
        body["to"] = [{"destination": destination, "addresses": addresses}]
        status, refused = await house.api.ask("POST", "/api/v1/schedules", body)
        assert (status, refused["error"]["field"].removesuffix("[0]")) == (400, "to[0].addresses"), refused


async def test_a_name_cannot_put_headers_or_lines_into_a_mail(house):
    name = "Sales\r\nBcc: thief@x.example\r\n\r\n<b>\u202efdp.exe \x00\x1b[31m"
    await house.schedule(name=name, to=[{"destination": house.box.id}])
    assert await house.round(HOUR) == 1
    [envelope] = house.box.got
    assert envelope.rcpt_tos == ["boss@shop.example"]
    message, text, file, _ = read(envelope)
    assert message["Bcc"] is None
    assert message["Subject"].strip().startswith("Sales Bcc: thief@x.example <b> fdp.exe [31m: shop, ")
    assert "\x1b" not in text and "\u202e" not in text and "\nBcc" not in text
    assert file == "shop-Sales-Bcc-thief-x-example-b-fdp-exe-31m-2026-11-20.csv"


async def test_each_moment_has_one_run_and_missed_moments_have_one_together(house):
    made = await house.schedule()
    assert [await house.round(HOUR), await house.round(), await house.round(HOUR)] == [1, 0, 0]
    house.restart()
    assert await house.round() == 0
    house.restart()
    assert await house.round(4 * DAY) == 1  # four moments were missed
    assert [await house.round(), await house.round(20 * HOUR)] == [0, 0]
    assert [run["at"] for run in await house.runs(made)] == ["2026-11-27T07:00:00.000Z", "2026-11-23T07:00:00.000Z"]
    assert len(house.hook.heard) == 2
    said = house.hook.heard[-1].json()
    assert said["to"] == "2026-11-26T23:00:00.000Z"  # the days before the moment that is made up


async def test_two_processes_make_one_run_of_a_moment(house):
    made = await house.schedule()
    house.now += HOUR
    [before] = house.api.catalog.schedules.list()
    others = [ScheduledReports(house.services, threading.Event()) for _ in range(4)]
    await asyncio.gather(*(asyncio.to_thread(one.round) for one in others))
    assert len(house.hook.heard) == len(await house.runs(made)) == 1
    assert house.api.catalog.schedules.claim(before, house.now) is None  # claimed from what was read before


async def test_a_run_that_was_claimed_and_not_sent_is_sent_after_the_restart(house):
    made = await house.schedule()
    house.now += HOUR
    assert scheduled.claim_due(house.services) == 1
    taken = house.api.catalog.report_runs.take(house.now, 600_000)  # ... and here the process ends
    assert house.api.catalog.report_runs.take(house.now, 600_000) is None
    house.restart()
    assert await house.round() == 1
    [run] = await house.runs(made)
    assert (run["id"], run["state"], run["tries"]) == (taken.id, "done", 2)
    assert [heard.json()["id"] for heard in house.hook.heard] == [taken.id]
    assert not house.api.catalog.report_runs.hold(taken, house.now)  # who was too slow does no more
    house.api.catalog.report_runs.ended(taken, house.now, {"code": "x", "message": "x"})
    assert [run["state"] for run in await house.runs(made)] == ["done"]


async def test_what_ends_the_process_each_time_is_not_tried_for_ever(house):
    made = await house.schedule()
    house.now += HOUR
    scheduled.claim_due(house.services)
    for _ in range(6):
        assert house.api.catalog.report_runs.take(house.now, 1000) is not None
        house.now += 1000
    assert await house.round() == 0
    [run] = await house.runs(made)
    assert (run["state"], run["error"]["code"], run["tries"]) == ("failed", "interrupted", 6)
    assert not house.hook.heard


async def test_a_destination_that_fails_is_tried_again_after_pauses_and_the_others_once(house):
    made = await house.schedule(to=[{"destination": house.hook.id}, {"destination": house.box.id}])
    other = await house.schedule(name="Other", to=[{"destination": house.box.id}])
    house.hook.say = lambda _heard: (500, {}, b"")
    assert await house.round(HOUR) == 2
    [run] = await house.runs(made)
    assert (run["state"], run["tries"], run["next_try"]) == ("waiting", 1, rfc3339(house.now + 60_000))
    assert run["error"]["message"].startswith("Hook: ")
    assert {one["name"]: one["state"] for one in run["told"]} == {"Hook": "waiting", "Office": "done"}
    assert [one["state"] for one in await house.runs(other)] == ["done"]
    assert await house.round(59_000) == 0
    assert await house.round(1_000) == 1
    assert await house.round(299_000) == 0
    house.hook.say = ok
    house.hook.heard.clear()
    assert await house.round(1_000) == 1
    [run] = await house.runs(made)
    assert (run["state"], run["tries"], run["error"], run["next_try"]) == ("done", 3, None, None)
    [heard] = house.hook.heard
    assert heard.headers["tracker-delivery"] == heard.json()["id"] == run["id"]
    assert len(house.box.got) == 2  # one of each schedule: who took it is not told again


async def test_what_fails_to_the_last_is_shown_as_failed_and_the_next_moment_is_made(house):
    made = await house.schedule(to=[{"destination": house.box.id}])
    house.box.code = "451 not now"
    assert await house.round(HOUR) == 1
    for pause in (60, 300, 900, 3600, 10_800):
        assert await house.round(pause * 1000) == 1
    assert await house.round(10 * HOUR) == 0
    [run] = await house.runs(made)
    assert (run["state"], run["tries"], run["error"]["code"]) == ("failed", 6, "not_sent")
    assert run["error"]["message"] == "Office: the mail server takes no mail now (451)"
    assert [one["state"] for one in run["told"]] == ["failed"]
    _, shown = await house.api.ask("GET", f"/api/v1/schedules/{made['id']}")
    assert shown["last"] == run
    house.box.code = "250 OK"
    assert await house.round(DAY) == 1
    assert [one["state"] for one in await house.runs(made)] == ["done", "failed"]


async def test_a_report_that_cannot_be_made_says_why_and_stops_nobody(house, monkeypatch):
    _, funnel = await house.api.ask(
        "POST", "/api/v1/funnels", {"name": "f", "site": "shop", "funnel": {"from": "2026-11-01T00:00:00Z",
        "to": "2026-11-02T00:00:00Z", "steps": STEPS}}
    )  # fmt: skip
    saved = await house.schedule(name="a saved one", question={}, funnel=funnel["id"])
    status, refused = await house.api.ask("DELETE", f"/api/v1/funnels/{funnel['id']}")
    assert (status, refused["error"]["code"]) == (409, "in_use")
    broken = await house.schedule(name="breaks", report="overview", question={})
    buyers = {"site": "shop", "name": "a", "rule": {"did": {"event": "purchase"}}}
    _, audience = await house.api.ask("POST", "/api/v1/audiences", buyers)
    some = await house.schedule(name="some", question={"steps": STEPS, "segment": audience["id"]})
    assert (await house.api.ask("DELETE", f"/api/v1/audiences/{audience['id']}"))[0] == 200
    fine = await house.schedule(name="z")

    def breaks(*_given):
        raise ZeroDivisionError("v0-1@secret")

    monkeypatch.setattr("tracker.analytics.overview.run", breaks)
    assert await house.round(HOUR) == 4
    [run] = await house.runs(broken)
    assert (run["state"], run["tries"]) == ("failed", 1)
    assert "secret" not in str(run)
    [run] = await house.runs(some)
    assert (run["state"], run["tries"]) == ("failed", 1)
    assert "names an audience that this site does not have" in run["error"]["message"]
    assert {(await house.runs(one))[0]["state"] for one in (saved, fine)} == {"done"}
    answers = [heard.json()["answer"]["steps"][0]["count"] for heard in house.hook.heard]
    assert answers == [21, 21]


async def test_run_now_is_made_beside_the_rhythm_and_once_at_a_time(house):
    made = await house.schedule(paused=True)
    path = f"/api/v1/schedules/{made['id']}"
    assert made["next"] is None
    status, run = await house.api.ask("POST", f"{path}/run")
    assert (status, run["state"], run["kind"]) == (202, "waiting", "now")
    status, refused = await house.api.ask("POST", f"{path}/run")
    assert (status, refused["error"]["code"]) == (409, "on_its_way")
    assert await house.round() == 1
    [after] = await house.runs(made)
    assert (after["id"], after["state"], after["from"]) == (run["id"], "done", "2026-11-19T23:00:00.000Z")
    assert await house.round(3 * DAY) == 0  # paused
    status, on = await house.api.ask("PUT", path, made["body"] | {"paused": False})
    assert (status, on["paused"], on["next"]) == (200, False, "2026-11-26T07:00:00.000Z")
    assert await house.round() == 0  # what passed in the pause is not made up
    assert await house.round(HOUR) == 1
    assert (await house.api.ask("POST", f"{path}/run"))[0] == 202
    status, gone = await house.api.ask("DELETE", path)
    assert (status, gone["deleted"]) == (200, True)
    assert await house.round() == 0
    assert (await house.api.ask("GET", path))[0] == 404


async def test_another_hour_does_not_make_a_run_of_an_hour_that_has_passed(house):
    made = await house.schedule(rhythm={"every": "day", "hour": 20})
    assert await house.round(5 * HOUR) == 0
    status, _ = await house.api.ask("PUT", f"/api/v1/schedules/{made['id']}", made["body"] | {"rhythm": EVERY_DAY})
    assert (status, await house.round()) == (200, 0)
    assert await house.round(20 * HOUR) == 1


async def test_hours_are_those_of_the_zone_that_the_site_has_now(house):
    made = await house.schedule()
    assert await house.round(HOUR) == 1
    assert (await house.api.ask("PUT", "/api/v1/sites/shop", {"timezone": "America/New_York"}))[0] == 200
    _, shown = await house.api.ask("GET", f"/api/v1/schedules/{made['id']}")
    assert (shown["timezone"], shown["next"]) == ("America/New_York", "2026-11-23T13:00:00.000Z")
    assert [await house.round(6 * HOUR - 1), await house.round(1)] == [0, 1]
    assert (await house.runs(made))[0]["to"] == "2026-11-23T05:00:00.000Z"


async def test_what_is_paused_is_not_tried_again(house):
    made = await house.schedule()
    house.hook.say = lambda _heard: (500, {}, b"")
    assert await house.round(HOUR) == 1
    house.hook.heard.clear()
    await house.api.ask("PUT", f"/api/v1/schedules/{made['id']}", made["body"] | {"paused": True})
    assert await house.round(60_000) == 1
    [run] = await house.runs(made)
    assert (run["state"], run["error"]["code"], house.hook.heard) == ("failed", "paused", [])


async def test_days_are_those_of_the_site_when_its_clocks_change(house):
    """02:30 local is not there on 28 March 2027; the day before it has 24 hours, itself 23."""
    made = await house.schedule(rhythm={"every": "day", "hour": 2}, period="yesterday", report="overview", question={})
    house.now = ms("2027-03-27T12:00:00+01:00")
    await house.round()  # what was missed until then
    for moment in ("2027-03-28T03:00:00+02:00", "2027-03-29T02:00:00+02:00"):
        house.now = ms(moment) - 1
        assert await house.round() == 0
        assert await house.round(1) == 1
    after, before = (await house.runs(made))[:2]
    assert (before["from"], before["to"]) == ("2027-03-26T23:00:00.000Z", "2027-03-27T23:00:00.000Z")
    assert (after["from"], after["to"]) == ("2027-03-27T23:00:00.000Z", "2027-03-28T22:00:00.000Z")


async def test_who_may_see_and_make_them(house):
    house.api.catalog.sites.create("other")
    made = await house.schedule(to=[{"destination": house.box.id, "addresses": ["a@x.example"]}])
    path = f"/api/v1/schedules/{made['id']}"
    viewer, stranger = (house.api.catalog.tokens.create(*one) for one in (("viewer", "shop"), ("admin", "other")))
    _, seen = await house.api.ask("GET", path, token=viewer)
    assert seen["to"] == [{"destination": house.box.id}]  # addresses are for those who may change them
    assert made["to"] == [{"destination": house.box.id, "addresses": ["a@x.example"]}]
    for method, place, body in (
        ("POST", "/api/v1/schedules", made["body"]), ("PUT", path, made["body"]), ("DELETE", path, None),
        ("POST", f"{path}/run", None), ("GET", path, None), ("GET", f"{path}/runs", None),
        ("GET", "/api/v1/schedules?site=shop", None),
    ):  # fmt: skip
        assert (await house.api.ask(method, place, body, token=stranger))[0] == 403
        if method != "GET":
            assert (await house.api.ask(method, place, body, token=viewer))[0] == 403
    status, refused = await house.api.ask("PUT", path, made["body"] | {"site": "other"})
    assert (status, refused["error"]["field"]) == (400, "to[0].destination")
    status, refused = await house.api.ask("DELETE", f"/api/v1/destinations/{house.box.id}")
    assert (status, refused["error"]["code"]) == (409, "in_use")
    _, log = await house.api.ask("GET", "/api/v1/audit?site=shop")
    assert "a@x.example" not in str(log)


async def test_the_command_line_does_all_of_it(house, data, monkeypatch):
    tracker = CommandLine(house.api, data, monkeypatch, "reports")
    spec = data / "weekly.json"
    body = {"site": "shop", "name": "Weekly", "report": "funnel", "question": {"steps": STEPS}, "rhythm": EVERY_DAY}
    spec.write_text(json.dumps(body | {"period": "last_3_days", "to": [{"destination": house.hook.id}]}))
    code, made = await tracker("add", str(spec))
    assert (code, made["name"], made["rhythm"]) == (0, "Weekly", EVERY_DAY)
    id = made["id"]
    assert (await tracker("show", id))[1] == made
    assert [one["id"] for one in (await tracker("list", "--site", "shop"))[1]["schedules"]] == [id]
    spec.write_text(json.dumps(body | {"name": "Daily", "period": "yesterday", "to": [{"destination": house.hook.id}]}))
    assert (await tracker("change", id, str(spec)))[1]["name"] == "Daily"
    running = asyncio.create_task(tracker("run", id))
    for _ in range(600):
        if await house.round():
            break
        await asyncio.sleep(0.05)
    code, run = await running
    assert (code, run["state"], run["kind"], len(house.hook.heard)) == (0, "done", "now", 1)
    assert (await tracker("pause", id))[1]["next"] is None
    assert await house.round(HOUR) == 0
    assert (await tracker("resume", id))[1]["next"] == "2026-11-24T07:00:00.000Z"
    assert [one["id"] for one in (await tracker("runs", id, "--limit", "5"))[1]["runs"]] == [run["id"]]
    assert (await tracker("remove", id))[1]["deleted"]
    assert (await tracker("show", id))[0] == 1


async def test_answers_have_the_shape_that_the_document_says(house):
    import msgspec

    made = await house.schedule()
    made.pop("body")
    msgspec.convert(made, ScheduleShown)
    house.hook.say = lambda _heard: (404, {}, b"")
    await house.round(HOUR)
    _, runs = await house.api.ask("GET", f"/api/v1/schedules/{made['id']}/runs")
    msgspec.convert(runs, ReportRuns)
    _, listed = await house.api.ask("GET", "/api/v1/schedules?site=shop")
    found = msgspec.convert(listed, SchedulesShown)
    assert found.schedules[0].last.error.code == "webhook_refused"
    assert [one.kind for one in found.destinations] == ["webhook", "email"]


async def test_a_process_that_makes_none_says_so(embedded, data):
    async with serve(embedded, data) as api:
        api.catalog.sites.create("shop")
        body = {"site": "shop", "name": "h", "kind": "webhook", "options": {"url": "https://h.example/"}}
        _, hook = await api.ask("POST", "/api/v1/destinations", body | {"secrets": {"secret": SECRET}})
        body = {"site": "shop", "name": "x", "report": "overview", "period": "yesterday", "rhythm": EVERY_DAY}
        status, made = await api.ask("POST", "/api/v1/schedules", body | {"to": [{"destination": hook["id"]}]})
        assert status == 201
        status, refused = await api.ask("POST", f"/api/v1/schedules/{made['id']}/run")
        assert (status, refused["error"]["code"]) == (409, "not_running")
