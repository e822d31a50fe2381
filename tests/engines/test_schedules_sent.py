"""What a scheduled report sends: a mail and a signed webhook that say what the API answers."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import time
from dataclasses import replace

import pytest
from scheduled_house import EVERY_DAY, HOUR, SECRET, STEPS, running

from tracker.outbound.signing import verify


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
    made = await house.schedule(to=[{"destination": house.box.id}])
    status, refused = await house.api.ask("POST", "/api/v1/schedules", made["body"] | {"name": name})
    assert (status, refused["error"]["field"]) == (400, "name")
    schedules = house.api.catalog.schedules  # names of before are as they were
    old = schedules.get(made["id"])
    schedules.update(old.id, replace(old, name=name), house.now)
    assert await house.round(HOUR) == 1
    [envelope] = house.box.got
    assert envelope.rcpt_tos == ["boss@shop.example"]
    message, text, file, _ = read(envelope)
    assert message["Bcc"] is None
    assert message["Subject"].strip().startswith("Sales Bcc: thief@x.example <b> fdp.exe [31m: shop, ")
    assert "\x1b" not in text and "\u202e" not in text and "\nBcc" not in text
    assert file == "shop-Sales-Bcc-thief-x-example-b-fdp-exe-31m-2026-11-20.csv"
