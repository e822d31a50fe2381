"""Each due moment of a scheduled report is made once, in the zone of its site, and when it is asked for."""

from __future__ import annotations

import asyncio
import threading

from scheduled_house import DAY, EVERY_DAY, HOUR, ms

from tracker.wiring.reports import ScheduledReports


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
