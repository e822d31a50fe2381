"""Reports in one currency, through the API: by events and by rollups, in the days of the site's zone."""

from __future__ import annotations

import msgspec
import pytest
from api_client import serve
from small_history import put

from tracker.analytics import overview
from tracker.api import buyer_answers
from tracker.api import report_answers as answers
from tracker.core.period import instant_ms
from tracker.loader.rollups import Rollups

WHEN = {"site": "shop", "from": "2026-11-02T00:00:00+09:00", "to": "2026-11-05T00:00:00+09:00"}
PAID = [  # Tokyo is nine hours ahead: the first is of the 2nd there
    ("2026-11-01T15:30:00Z", 10.0, "USD"),
    ("2026-11-02T15:30:00Z", 10.0, "USD"),
    ("2026-11-03T01:00:00Z", 5.0, "EUR"),
    ("2026-11-03T02:00:00Z", 900.0, "JPY"),
    ("2026-11-04T02:00:00Z", 3.0, ""),
    ("2026-10-31T02:00:00Z", 8.0, "EUR"),
]
RATES = "date,currency,rate\n2026-11-01,USD,0.5\n2026-11-03,USD,0.8\n"


@pytest.fixture
async def api(engine, data):
    async with serve(engine, data) as running:
        running.catalog.sites.create("shop", timezone="Asia/Tokyo")
        put(
            engine,
            [
                {
                    "event": "purchase",
                    "visitor": f"v{place}",
                    "ts": instant_ms(at, field="at"),
                    "value": value,
                    "currency": currency,
                    "channel": "Email",
                }
                for place, (at, value, currency) in enumerate(PAID)
            ],
        )
        yield running


@pytest.mark.parametrize("rolled", [False, True])
async def test_money_in_the_sites_currency(api, engine, rolled):
    if rolled:
        rollups = Rollups(engine, grace=-10)
        later = instant_ms(WHEN["to"], field="to") + 86_400_000  # yesterday is not over yet
        assert [rollups.build(due) for due in rollups.due("shop", "Asia/Tokyo", later)]
    _, plain = await api.ask("POST", "/api/v1/reports/overview", WHEN)
    assert "converted" not in plain["totals"]
    status, taken = await api.ask("POST", "/api/v1/rates", {"site": "shop", "base": "eur", "csv": RATES})
    assert (status, taken) == (200, {"site": "shop", "base": "EUR", "rows": 2, "changed": 2})
    status, site = await api.ask("PUT", "/api/v1/sites/shop", {"currency": "eur"})
    assert (status, site["currency"]) == (200, "EUR")
    _, said = await api.ask("POST", "/api/v1/reports/overview", WHEN)
    assert said["days"]["from_rollups"] == (3 if rolled else 0)
    assert (
        said["totals"]["revenue"] == plain["totals"]["revenue"] == {"USD": 20.0, "EUR": 5.0, "JPY": 900.0, "XXX": 3.0}
    )
    assert said["totals"]["converted"] == {"currency": "EUR", "amount": 18.0, "unconverted": {"JPY": 900.0, "XXX": 3.0}}
    assert [day["converted"]["amount"] for day in said["series"]] == [5.0, 13.0, 0.0]
    assert said["channels"][0]["converted"]["amount"] == 18.0
    assert said["change"]["converted"] == pytest.approx(10 / 8)
    _, dollars = await api.ask("POST", "/api/v1/reports/overview", {**WHEN, "currency": "USD"})
    assert dollars["totals"]["converted"]["amount"] == pytest.approx(20 + 5 / 0.8)
    worth = {**WHEN, "measure": "value", "event": {"event": "purchase"}}
    _, series = await api.ask("POST", "/api/v1/reports/timeseries", worth)
    assert (series["currency"], [point["value"] for point in series["series"]]) == ("EUR", [5.0, 13.0, 0.0])
    assert [point["unconverted"] for point in series["series"]] == [{}, {"JPY": 900.0}, {"XXX": 3.0}]


async def test_buyers_and_channels_in_the_sites_currency(api):
    await api.ask("POST", "/api/v1/rates", {"site": "shop", "base": "EUR", "csv": RATES})
    cost = {"channel": "Email", "cost": 4.0}
    rows = [{**cost, "date": "2026-11-02", "currency": "USD"}, {**cost, "date": "2026-11-03", "currency": "CHF"}]
    await api.ask("POST", "/api/v1/costs", {"site": "shop", "rows": rows})
    _, plain = await api.ask("POST", "/api/v1/reports/attribution", WHEN)
    assert (plain["value"], plain["cost_currency"], "currency" in plain) == (928.0, "CHF", False)
    await api.ask("PUT", "/api/v1/sites/shop", {"currency": "EUR"})
    left = {"JPY": 900.0, "XXX": 3.0}
    _, said = await api.ask("POST", "/api/v1/reports/attribution", WHEN)
    assert (said["value"], said["currency"], said["unconverted"]) == (18.0, "EUR", left)
    assert (said["cost_currency"], said["other_cost_currencies"]) == ("EUR", ["CHF"])
    [email] = said["rows"]
    assert (email["cost"], email["roas"]) == (2.0, 9.0)
    _, said = await api.ask("POST", "/api/v1/reports/attribution", {**WHEN, "currency": "USD"})
    assert (said["value"], said["rows"][0]["cost"]) == (pytest.approx(20 + 5 / 0.8), 4.0)
    _, said = await api.ask("POST", "/api/v1/reports/ltv", WHEN)
    assert (said["currency"], said["value"], said["ltv"], said["other_currencies"]) == ("EUR", 18.0, 3.6, 2)
    assert said["unconverted"] == left
    assert said["channels"][0]["ltv_to_cac"] == pytest.approx(3.6 / (2.0 / 5))
    msgspec.convert(said, buyer_answers.Ltv, strict=True)
    _, said = await api.ask("POST", "/api/v1/reports/rfm", WHEN)
    assert (said["currency"], sum(one["value"] for one in said["segments"])) == ("EUR", 18.0)
    assert said["unconverted"] == left
    msgspec.convert(said, buyer_answers.Rfm, strict=True)


async def test_what_cannot_be_taken_in(api):
    for more, field in (
        ({}, "rows"),
        ({"csv": RATES, "rows": [{"date": "2026-11-01"}]}, "rows"),
        ({"rows": [{"date": "2026-11-01", "currency": "EUR", "rate": 1}]}, "rows[0].currency"),
        ({"rows": [{"date": "2026-11-01", "currency": "USD", "rate": True}]}, "rows[0].rate"),
    ):
        status, error = await api.ask("POST", "/api/v1/rates", {"site": "shop", "base": "EUR", **more})
        assert (status, error["error"]["field"]) == (400, field)
    status, error = await api.ask("POST", "/api/v1/reports/overview", {**WHEN, "currency": "EURO"})
    assert (status, error["error"]["field"]) == (400, "currency")


def test_the_answer_has_the_documented_shape():
    assert "converted" in answers.Totals.__struct_fields__
    assert overview.parse({**WHEN, "currency": "usd"}).money.currency == "USD"
