"""A scheduled report that fails is tried again after pauses, told to each destination once, and stops nobody else."""

from __future__ import annotations

from outside import ok
from scheduled_house import DAY, HOUR, STEPS

from tracker.api import scheduled
from tracker.core.period import rfc3339


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


async def test_what_is_paused_is_not_tried_again(house):
    made = await house.schedule()
    house.hook.say = lambda _heard: (500, {}, b"")
    assert await house.round(HOUR) == 1
    house.hook.heard.clear()
    await house.api.ask("PUT", f"/api/v1/schedules/{made['id']}", made["body"] | {"paused": True})
    assert await house.round(60_000) == 1
    [run] = await house.runs(made)
    assert (run["state"], run["error"]["code"], house.hook.heard) == ("failed", "paused", [])
