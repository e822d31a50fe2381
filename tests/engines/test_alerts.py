"""Alerts: each interval is looked at once, when it is over; what fires is kept, and told once."""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import threading
import time
from pathlib import Path

import pytest
from api_client import serve
from outside import ok, outside

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import funnel_oracle
from test_anomalies import DAY, T0, histories
from world import event, load

from tracker.core.errors import TryLater
from tracker.core.period import rfc3339
from tracker.outbound.signing import verify
from tracker.wiring.alerts import Alerts
from tracker.wiring.telling import Announcer

HOUR = 3_600_000
PEAK = T0 + 91 * DAY  # midnight after the day that is not like the others
DEFINITIONS = {
    "much": {"when": {"above": 40}},
    "little": {"when": {"below": 40}},
    "odd": {"when": {"anomaly": {"weeks": 4}}},
    "nobody": {"event": {"event": "never"}, "measure": "people", "interval": "hour", "when": {"below": 1}},
}


HOOK = {
    "site": "shop", "name": "hook", "kind": "webhook", "options": {"url": "https://hooks.example/x"},
    "secrets": {"secret": "sixteen characters"},
}  # fmt: skip


class Told:
    def __init__(self):
        self.firings, self.away = [], False

    def tell(self, firing):
        if self.away:
            raise TryLater("away")
        self.firings.append((firing.name, firing.kind, firing.start))


@pytest.fixture
async def api(embedded, data):
    async with serve(embedded, data) as running:
        running.catalog.sites.create("shop")
        load(embedded, histories(random.Random(2)))
        _, hook = await running.ask("POST", "/api/v1/destinations", HOOK)
        running.hook = hook["id"]
        yield running


async def test_each_interval_is_looked_at_once_and_told_once(api):
    for name, alert in DEFINITIONS.items():
        body = {"site": "shop", "name": name, "alert": alert, "destination": api.hook}
        status, _ = await api.ask("POST", "/api/v1/alerts", body)
        assert status == 201
    told, now = Told(), [PEAK + 5 * 60_000]
    chore = Alerts(api.services.engine, api.catalog, threading.Event(), told, now_ms=lambda: now[0])
    assert chore.round() == 2  # the day before the peak and an hour of it: too early for the peak itself
    assert {(name, kind) for name, kind, _ in told.firings} == {("little", "below"), ("nobody", "below")}
    told.firings.clear()
    now[0] = PEAK + 11 * 60_000
    told.away = True
    assert chore.round() == 3
    assert not told.firings
    told.away = False
    assert chore.round() == 0  # looked at already, told now
    assert [(name, kind, start[:10]) for name, kind, start in sorted(told.firings)] == [
        ("much", "above", "2026-04-05"),
        ("nobody", "below", "2026-04-05"),
        ("odd", "anomaly", "2026-04-05"),
    ]
    assert chore.round() == 0
    assert len(told.firings) == 3
    _, said = await api.ask("GET", "/api/v1/firings?site=shop")
    assert len(said["firings"]) == 5
    [odd] = [one for one in said["firings"] if one["name"] == "odd"]
    assert (odd["value"], odd["told"]) == (pytest.approx(odd["usual"], abs=90), True)
    assert odd["score"] > 3.5
    _, said = await api.ask("GET", "/api/v1/alerts?site=shop")
    one = next(row for row in said["alerts"] if row["name"] == "odd")
    assert one["looked_at"][:10] == "2026-04-05"
    status, _ = await api.ask("DELETE", f"/api/v1/alerts/{one['id']}")
    assert status == 200
    _, said = await api.ask("GET", "/api/v1/firings?site=shop")
    assert "odd" not in {row["name"] for row in said["firings"]}


async def test_without_a_destination_firings_are_kept_and_told_to_nobody(api):
    await api.ask("POST", "/api/v1/alerts", {"site": "shop", "name": "much", "alert": DEFINITIONS["much"]})
    told = Told()
    chore = Alerts(api.services.engine, api.catalog, threading.Event(), told, now_ms=lambda: PEAK + HOUR)
    assert (chore.round(), chore.round(), told.firings) == (1, 0, [])
    _, said = await api.ask("GET", "/api/v1/firings?site=shop&limit=1")
    assert [(one["name"], one["told"]) for one in said["firings"]] == [("much", False)]


BUYING = {"steps": [{"event": "view"}, {"event": "buy"}], "window": "1d"}


def buyers():
    """Ten weeks in which 20 look each day and about half of them buy hours later; the day before the last, one does."""
    chance, events = random.Random(3), []
    for day in range(70):
        buying = 1 if day == 68 else chance.choice((9, 10, 11))
        for one in range(20):
            at = T0 + day * DAY + chance.randrange(DAY)
            who = f"d{day}-{one}"
            events.append(event("view", at, who))
            if one < buying:
                events.append(event("buy", at + chance.randrange(HOUR, DAY), who))
    return events


def shares(events, body, day, weeks):
    """(converted, entered) of the day and of the same weekday so many weeks before, the oldest first."""
    for back in range(weeks, -1, -1):
        start = T0 + (day - 7 * back) * DAY
        asked = {**body, "from": rfc3339(start), "to": rfc3339(start + DAY)}
        steps = funnel_oracle.report(asked, events)["steps"]
        yield steps[-1]["count"], steps[0]["count"]


async def test_a_funnel_is_watched_once_its_last_window_is_over(engine, data):
    async with serve(engine, data) as running:
        running.catalog.sites.create("shop")
        events = load(engine, buyers())
        for name, when in (("low", {"below": 0.2}), ("odd", {"anomaly": {"weeks": 6}}), ("fine", {"above": 0.9})):
            body = {"site": "shop", "name": name, "alert": {"funnel": BUYING, "when": when}}
            assert (await running.ask("POST", "/api/v1/alerts", body))[0] == 201
        crowd = {"funnel": BUYING, "measure": "entered", "when": {"above": 19}}
        await running.ask("POST", "/api/v1/alerts", {"site": "shop", "name": "crowd", "alert": crowd})
        now = [T0 + 70 * DAY + 5 * 60_000]  # the window of day 68 has ended, its ten minutes have not
        chore = Alerts(running.services.engine, running.catalog, threading.Event(), Told(), now_ms=lambda: now[0])
        assert chore.round() == 1  # day 67 was like the others
        now[0] += 6 * 60_000
        assert chore.round() == 3
        assert chore.round() == 0
        _, said = await running.ask("GET", "/api/v1/firings?site=shop")
        fired = {one["name"]: one for one in said["firings"] if one["start"][:10] == "2026-03-14"}
        assert {name: one["kind"] for name, one in fired.items()} == {
            "low": "below",
            "odd": "anomaly",
            "crowd": "above",
        }
        *before, (converted, entered) = shares(events, BUYING, 68, 6)
        usual = statistics.median(one / all_ for one, all_ in before)
        assert (fired["odd"]["value"], fired["odd"]["usual"]) == (converted / entered, pytest.approx(usual))
        away = 1.4826 * statistics.median(abs(one / all_ - usual) for one, all_ in before)
        share = (usual * 20 + 1) / 22
        scale = max(away, (share * (1 - share) / 20) ** 0.5)
        assert fired["odd"]["score"] == pytest.approx((converted / entered - usual) / scale)


async def test_a_conversion_of_nobody_fires_nothing(engine, data):
    async with serve(engine, data) as running:
        running.catalog.sites.create("shop")
        load(engine, buyers()[:3])
        alert = {"funnel": BUYING, "when": {"below": 0.5, "anomaly": {}}}
        await running.ask("POST", "/api/v1/alerts", {"site": "shop", "name": "low", "alert": alert})
        later = T0 + 70 * DAY
        chore = Alerts(running.services.engine, running.catalog, threading.Event(), Told(), now_ms=lambda: later)
        assert chore.round() == 0
        _, said = await running.ask("GET", "/api/v1/alerts?site=shop")
        assert said["alerts"][0]["looked_at"]


@pytest.mark.parametrize(
    ("alert", "field"),
    [
        ({"funnel": BUYING, "event": {"event": "a"}, "when": {"below": 1}}, "event"),
        ({"funnel": {"steps": [{"event": "a"}]}, "when": {"below": 1}}, "funnel.steps"),
        ({"funnel": {**BUYING, "breakdown": {"property": "os"}}, "when": {"below": 1}}, "funnel.breakdown"),
        ({"funnel": BUYING, "measure": "events", "when": {"below": 1}}, "measure"),
        ({"funnel": BUYING, "interval": "week", "when": {"below": 1}}, "interval"),
        ({"funnel": BUYING, "when": {"anomaly": {"score": 0}}}, "score"),
        ({}, "when"),
        ({"when": {}}, "when"),
        ({"when": {"above": "5"}}, "when.above"),
        ({"when": {"anomaly": {"weeks": 1}}}, "weeks"),
        ({"when": {"above": 1}, "interval": "week"}, "interval"),
        ({"when": {"above": 1}, "site": "other"}, "site"),
    ],
)
async def test_what_is_no_alert(api, alert, field):
    status, error = await api.ask("POST", "/api/v1/alerts", {"site": "shop", "name": "x", "alert": alert})
    assert (status, error["error"]["field"]) == (400, field)


async def test_a_token_of_another_site_sees_and_deletes_nothing(api):
    api.catalog.sites.create("other")
    _, one = await api.ask("POST", "/api/v1/alerts", {"site": "shop", "name": "x", "alert": DEFINITIONS["much"]})
    token = api.catalog.tokens.create("analyst", "other")
    for method, path in (
        ("GET", "/api/v1/alerts?site=shop"),
        ("GET", "/api/v1/firings?site=shop"),
        ("DELETE", f"/api/v1/alerts/{one['id']}"),
    ):
        status, _ = await api.ask(method, path, token=token)
        assert status == 403


async def test_a_webhook_is_told_signed_and_again_until_it_takes_it(api):
    with outside() as hook:
        body = {**HOOK, "name": "near", "options": {"url": hook.url + "/alerts"}}
        _, near = await api.ask("POST", "/api/v1/destinations", body)
        alert = {"site": "shop", "name": "much", "alert": DEFINITIONS["much"], "destination": near["id"]}
        assert (await api.ask("POST", "/api/v1/alerts", alert))[0] == 201
        announcer = Announcer(api.catalog, api.services.senders)
        chore = Alerts(api.services.engine, api.catalog, threading.Event(), announcer, now_ms=lambda: PEAK + HOUR)
        hook.say = lambda _heard: (503, {}, b"")
        await asyncio.to_thread(chore.round)
        tried = len(hook.heard)
        hook.say = ok
        await asyncio.to_thread(chore.round)
        await asyncio.to_thread(chore.round)
        assert tried >= 1 and len(hook.heard) == tried + 1
        last = hook.heard[-1]
        assert {one.headers["tracker-delivery"] for one in hook.heard} == {last.json()["id"]}
        assert verify(HOOK["secrets"]["secret"], last.body, last.headers["tracker-signature"], int(time.time()))
        said = last.json()
        assert (said["alert"], said["kind"], said["site"], last.headers["tracker-event"]) == (
            "much", "above", "shop", "alert",
        )  # fmt: skip
        status, refused = await api.ask("DELETE", f"/api/v1/destinations/{near['id']}")
        assert (status, refused["error"]["code"]) == (409, "in_use")


async def test_an_alert_that_is_changed_begins_anew_only_with_another_rule(api):
    body = {"site": "shop", "name": "much", "alert": DEFINITIONS["much"]}
    _, one = await api.ask("POST", "/api/v1/alerts", body)
    path, told = f"/api/v1/alerts/{one['id']}", Told()
    chore = Alerts(api.services.engine, api.catalog, threading.Event(), told, now_ms=lambda: PEAK + HOUR)
    assert chore.round() == 1
    status, after = await api.ask("PUT", path, {**body, "name": "busy", "destination": api.hook})
    assert (status, after["name"], after["destination"]) == (200, "busy", api.hook)
    assert after["looked_at"][:10] == "2026-04-05"
    assert (chore.round(), told.firings) == (0, [])  # what fired while nobody was to be told is not told now
    _, said = await api.ask("GET", "/api/v1/firings?site=shop")
    assert [(row["name"], row["told"]) for row in said["firings"]] == [("busy", False)]
    status, after = await api.ask("PUT", path, {**body, "alert": {"when": {"above": 41}}, "destination": api.hook})
    assert (status, after["looked_at"]) == (200, None)
    assert (chore.round(), len(told.firings)) == (1, 1)
    _, said = await api.ask("GET", "/api/v1/firings?site=shop")
    assert sorted(row["told"] for row in said["firings"]) == [False, True]


async def test_what_an_older_rule_found_is_not_noted_for_the_new_one(api):
    body = {"site": "shop", "name": "much", "alert": DEFINITIONS["much"]}
    _, one = await api.ask("POST", "/api/v1/alerts", body)
    read = api.catalog.alerts.get(one["id"])
    await api.ask("PUT", f"/api/v1/alerts/{one['id']}", {**body, "alert": DEFINITIONS["odd"]})
    assert not api.catalog.alerts.looked(read, "2026-04-05T00:00:00+00:00", None)
    assert api.catalog.alerts.get(one["id"]).looked_at == ""


async def test_what_is_no_change_of_an_alert(api):
    api.catalog.sites.create("other")
    body = {"site": "shop", "name": "much", "alert": DEFINITIONS["much"], "destination": api.hook}
    _, one = await api.ask("POST", "/api/v1/alerts", body)
    for wrong, field in (
        ({"site": "other", "destination": ""}, "site"),
        ({"alert": {"when": {}}}, "when"),
        ({"destination": "dst_none"}, "destination"),
    ):
        status, refused = await api.ask("PUT", f"/api/v1/alerts/{one['id']}", body | wrong)
        assert (status, refused["error"]["field"]) == (400, field)
    status, refused = await api.ask("PUT", "/api/v1/alerts/alt_none", body)
    assert (status, refused["error"]["code"]) == (404, "no_such_alert")
    token = api.catalog.tokens.create("analyst", "other")
    assert (await api.ask("PUT", f"/api/v1/alerts/{one['id']}", body, token=token))[0] == 403
    _, listed = await api.ask("GET", "/api/v1/alerts?site=shop")
    assert listed["alerts"] == [one]


async def test_only_what_can_be_told_a_word_is_a_destination_of_alerts(api):
    folder = {"site": "shop", "name": "folder", "kind": "folder", "options": {"path": "x"}, "secrets": {}}
    _, made = await api.ask("POST", "/api/v1/destinations", folder)
    for wrong in (made["id"], "dst_none"):
        body = {"site": "shop", "name": "a", "alert": DEFINITIONS["much"], "destination": wrong}
        status, refused = await api.ask("POST", "/api/v1/alerts", body)
        assert (status, refused["error"]["field"]) == (400, "destination")
