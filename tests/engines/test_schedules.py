"""Scheduled reports: who may have which, over the API and the command line."""

from __future__ import annotations

import asyncio
import json

import pytest
from api_client import serve
from command_line import CommandLine
from scheduled_house import EVERY_DAY, HOUR, SECRET, STEPS

from tracker.api.bodies_schedules import ReportRuns, ScheduleShown, SchedulesShown

BREAKDOWN = "question.breakdown.property"


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
