"""Alerts: each interval is looked at once, when it is over; what fires is kept, and told once."""

from __future__ import annotations

import asyncio
import random
import threading
import time

import pytest
from api_client import serve
from outside import ok, outside
from test_anomalies import DAY, T0, histories
from world import load

from tracker.core.errors import TryLater
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


@pytest.mark.parametrize(
    ("alert", "field"),
    [
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
