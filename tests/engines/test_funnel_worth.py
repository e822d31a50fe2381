"""What a funnel is worth equals the slow count: whole, by value, beside another period and interval by interval."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from api_client import serve
from small_history import put

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import worth_oracle
from funnel_oracle import instant
from test_funnel_over_time import intervals, text
from test_funnel_random import history, some_funnel, timed
from world import arrive, load_hard

from tracker.analytics import funnel_compare, funnel_trend
from tracker.analytics.money import Money
from tracker.api import funnel_answers
from tracker.core.errors import BadRequest
from tracker.core.period import instant_ms, rfc3339

RATES = {"USD": [("2025-12-31", 0.8), ("2026-01-01", 0.5)]}
WHEN = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-01-08T00:00:00Z"}
BUY = [{"event": "view_item"}, {"event": "begin_checkout"}, {"event": "purchase"}]


def near(worth):
    """The oracle's figures, to a hundredth of a cent."""

    def close(figure):
        return None if figure is None else pytest.approx(figure, rel=1e-6, abs=1e-4)

    lost = worth["lost"] and {name: close(figure) for name, figure in worth["lost"].items()}
    figures = {name: close(worth[name]) for name in ("value", "average_order", "per_unit")}
    return {**worth, **figures, "lost": lost}


def same(said, expected):
    assert [step["worth"] for step in said] == [near(worth) for worth in expected]


def check(spec, engine, body, events, rates=None):
    """A funnel's answer against the slow count; gives the count."""
    said = funnel_compare.run(engine, spec)
    expected = worth_oracle.report(body, events, rates)
    assert said["worth"]["currency"] == expected["currency"]
    left = {name: pytest.approx(amount, abs=1e-4) for name, amount in expected["unconverted"].items()}
    assert said["worth"]["unconverted"] == left
    same(said["steps"], expected["steps"])
    assert {part["value"] for part in said.get("breakdown", ())} == expected["breakdown"].keys()
    for part in said.get("breakdown", ()):
        same(part["steps"], expected["breakdown"][part["value"]])
    return expected


def paying(chance, events):
    """Most events carry money, in three currencies of which one has no rate, and some none."""
    for one in events:
        if chance.random() < 0.8:
            one["value"] = chance.choice([1.0, 5.0, 19.99, 250.0, 0.0, -3.0])
            one["currency"] = chance.choice(["EUR", "EUR", "EUR", "USD", "JPY", ""])
        else:
            one["value"], one["currency"] = None, ""
    return events


def asked(body, **rates):
    spec = funnel_compare.parse(body)
    return replace(spec, money=Money(spec.money.currency, {"EUR": RATES} if rates else {}))


@pytest.mark.parametrize("seed", range(2))
def test_random_histories_equal_the_oracle(unmerged, seed):
    chance = random.Random(seed)
    events = load_hard(unmerged, chance, paying(chance, history(chance, 220)))
    certain = 0
    for number in range(9):
        body = some_funnel(chance)
        body = timed(chance, body) if chance.random() < 0.2 else body
        body |= {"worth": chance.choice([True, {"event": "b"}, {"event": "*"}]), "window": "10s"}
        rates = {}
        if chance.random() < 0.6:
            body |= {"currency": chance.choice(["EUR", "USD"]), "timezone": "America/New_York"}
            rates = {"rates": ("America/New_York", RATES)}
        try:
            expected = check(asked(body, **rates), unmerged, body, events, **rates)
        except AssertionError as error:
            raise AssertionError(f"funnel {number}: {body}") from error
        certain += any(worth["lost"] and worth["lost"]["low"] for worth in expected["steps"])
    assert certain


def test_beside_the_period_before_and_interval_by_interval(engine):
    chance = random.Random(5)
    spread = [{**one, "ts": one["ts"] + 3_600_000 * chance.randrange(300)} for one in history(chance, 150)]
    events = load_hard(engine, chance, arrive(chance, paying(chance, spread)))
    body = {**WHEN, "steps": [{"event": "a"}, {"event": "b"}], "window": "8d", "worth": True, "currency": "EUR"}
    body |= {"from": "2026-01-06T00:00:00Z", "to": "2026-01-11T00:00:00Z"}
    before = {**body, "from": "2026-01-01T00:00:00Z", "to": body["from"]}
    said = funnel_compare.run(engine, asked({**body, "compare": "previous"}))
    for steps, of in ((said["steps"], body), (said["comparison"]["steps"], before)):
        expected = worth_oracle.report(of, events)["steps"]
        assert expected[1]["orders"] > 5
        same(steps, expected)
    points = funnel_trend.run(engine, funnel_trend.parse({**body, "interval": "day"}))
    assert points["worth"]["currency"] == "EUR"
    for point, (_, start, end) in zip(points["series"], intervals({**body, "interval": "day"}), strict=True):
        same(point["steps"], worth_oracle.report({**body, "from": text(start), "to": text(end)}, events)["steps"])


def shop():
    """Four look, three check out, two buy, one of them in dollars; a third purchase comes after the window."""
    start = instant(WHEN["from"])
    deeds = [
        ("v1", "view_item", 0, None, ""),
        ("v2", "view_item", 0, None, ""),
        ("v3", "view_item", 0, None, ""),
        ("v4", "view_item", 0, None, ""),
        ("v1", "begin_checkout", 1, None, ""),
        ("v2", "begin_checkout", 1, None, ""),
        ("v3", "begin_checkout", 1, None, ""),
        ("v1", "purchase", 2, 60.0, "EUR"),
        ("v1", "purchase", 3, 500.0, "EUR"),
        ("v2", "purchase", 2, 50.0, "USD"),
        ("v3", "purchase", 24 * 9, 70.0, "EUR"),
    ]
    return [
        {"visitor": who, "event": event, "ts": start + 3_600_000 * hour, "value": value, "currency": currency}
        for who, event, hour, value, currency in deeds
    ]


@pytest.fixture
async def api(engine, data):
    async with serve(engine, data) as running:
        running.catalog.sites.create("shop", timezone="Europe/Berlin")
        put(engine, shop())
        yield running


async def test_in_the_sites_currency_over_the_api(api):
    body = {**WHEN, "steps": BUY, "window": "7d", "worth": True}
    _, said = await api.ask("POST", "/api/v1/reports/funnel", body)
    assert said["worth"] == {"currency": "EUR", "unconverted": {"USD": 50.0}}
    assert said["steps"][1]["worth"]["unknown"] == 1
    await api.ask(
        "POST", "/api/v1/rates", {"site": "shop", "base": "EUR", "csv": "date,currency,rate\n2026-01-01,USD,0.8"}
    )
    await api.ask("PUT", "/api/v1/sites/shop", {"currency": "EUR"})
    _, said = await api.ask("POST", "/api/v1/reports/funnel", body)
    msgspec.convert(said, funnel_answers.FunnelReport, strict=True)
    looked, checkout, bought = (step["worth"] for step in said["steps"])
    assert (bought["value"], bought["orders"], bought["average_order"]) == (100.0, 2, 50.0)
    assert (looked["per_unit"], checkout["per_unit"]) == (25.0, pytest.approx(100 / 3))
    # one dropped at the first step, 2 of the 3 who went on bought, for 50 on average; one dropped before buying
    assert looked["lost"] == {"expected": pytest.approx(1 * 2 / 3 * 50), "low": None, "high": None}
    assert checkout["lost"]["expected"] == 1 * 1 * 50.0
    assert bought["lost"] == {"expected": 0.0, "low": 0.0, "high": 0.0}
    some = {"compare": {"segment": {"did": {"event": "begin_checkout"}}}}
    _, beside = await api.ask("POST", "/api/v1/reports/funnel", {**body, **some})
    theirs = beside["comparison"]["steps"]
    assert (theirs[0]["count"], theirs[2]["worth"]) == (3, bought)
    _, only = await api.ask("POST", "/api/v1/reports/funnel", {**body, **some["compare"]})
    assert [step["worth"]["per_unit"] for step in only["steps"]] == [pytest.approx(100 / 3)] * 2 + [50.0]
    _, points = await api.ask("POST", "/api/v1/reports/funnel/trend", {**body, "interval": "month"})
    msgspec.convert(points, funnel_answers.FunnelTrend, strict=True)
    assert points["series"][0]["steps"][2]["worth"] == bought
    for report, extra in (("funnel", {}), ("funnel/trend", {"interval": "week"})):
        _, csv = await api.ask("POST", f"/api/v1/reports/{report}", {**body, **extra}, headers={"Accept": "text/csv"})
        head, *rows = csv.decode().splitlines()
        assert head.endswith(
            ",worth,orders,orders_unknown,average_order,worth_per_unit,lost,lost_low,lost_high,currency"
        )
        assert any(row.endswith(",100.0,2,0,50.0,50.0,0.0,0.0,0.0,EUR") for row in rows)


async def test_who_did_not_ask_for_money_gets_none(api):
    _, said = await api.ask("POST", "/api/v1/reports/funnel", {**WHEN, "steps": BUY})
    assert "worth" not in said
    assert all("worth" not in step for step in said["steps"])
    status, saved = await api.ask(
        "POST", "/api/v1/funnels", {"name": "Buying", "funnel": {**WHEN, "steps": BUY, "worth": {"event": "purchase"}}}
    )
    assert (status, saved["funnel"]["worth"]) == (201, {"event": "purchase"})


@pytest.mark.parametrize(
    ("worth", "field"), [("yes", "worth"), ([], "worth"), ({}, "worth.event"), ({"event": "a", "x": 1}, "worth.x")]
)
def test_what_cannot_be_the_money_is_named(worth, field):
    with pytest.raises(BadRequest) as error:
        funnel_compare.parse({**WHEN, "steps": BUY, "worth": worth})
    assert error.value.field == field


def test_rates_are_read_up_to_the_end_of_the_last_window():
    spec = funnel_compare.parse({**WHEN, "steps": BUY, "window": "7d", "worth": True})
    assert rfc3339(spec.range.end) == rfc3339(instant_ms("2026-01-15T00:00:00Z", field="to"))
