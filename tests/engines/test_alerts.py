"""Alerts: each interval is looked at once, when it is over; what fires is kept, and told once."""

from __future__ import annotations

import random
import threading

import pytest
from api_client import serve
from test_anomalies import DAY, T0, histories
from world import load

from tracker.core.errors import TryLater
from tracker.wiring.alerts import Alerts

HOUR = 3_600_000
PEAK = T0 + 91 * DAY  # midnight after the day that is not like the others
DEFINITIONS = {
    "much": {"when": {"above": 40}},
    "little": {"when": {"below": 40}},
    "odd": {"when": {"anomaly": {"weeks": 4}}},
    "nobody": {"event": {"event": "never"}, "measure": "people", "interval": "hour", "when": {"below": 1}},
}


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
        yield running


async def test_each_interval_is_looked_at_once_and_told_once(api):
    for name, alert in DEFINITIONS.items():
        status, _ = await api.ask("POST", "/api/v1/alerts", {"site": "shop", "name": name, "alert": alert})
        assert status == 201
    told, now = Told(), [PEAK + 5 * 60_000]
    chore = Alerts(api.services.engine, api.catalog, threading.Event(), told, now_ms=lambda: now[0])
    assert chore.round() == 2  # the day before the peak and an hour of it: too early for the peak itself
    assert {(name, kind) for name, kind, _ in told.firings} == {("little", "below"), ("nobody", "below")}
    told.firings.clear()
    now[0] = PEAK + 11 * 60_000
    told.away = True
    with pytest.raises(TryLater):
        chore.round()
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


async def test_without_a_teller_firings_are_kept(api):
    await api.ask("POST", "/api/v1/alerts", {"site": "shop", "name": "much", "alert": DEFINITIONS["much"]})
    chore = Alerts(api.services.engine, api.catalog, threading.Event(), now_ms=lambda: PEAK + HOUR)
    assert (chore.round(), chore.round()) == (1, 0)
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
