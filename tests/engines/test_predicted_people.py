"""Predicted LTV by person and channel: the models' numbers for each buyer of a random world, told by hand."""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest
from api_client import serve
from test_predicted import BODY, histories, slowly

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

from funnel_oracle import persons
from rfm_oracle import money
from world import load

from tracker.analytics import btyd, predicted, predicted_people
from tracker.api import buyer_answers
from tracker.core.errors import BadRequest, NotFound

CHANNELS = ("Email", "Paid Search", "")


def world(seed):
    chance = random.Random(seed)
    events = histories(chance)
    for one in events:
        one["channel"] = chance.choice(CHANNELS)
    return events


def by_person(events):
    owners, theirs = persons(events), defaultdict(list)
    for one in events:
        if not one["bot"]:
            theirs[one["user"] or owners.get(one["visitor"]) or one["visitor"]].append(one)
    return theirs


def test_each_buyer_is_predicted_by_the_models_of_all(engine):
    events = load(engine, world(4))
    spec = predicted_people.parse({**BODY, "limit": 1000})
    said = predicted_people.run(engine, spec)
    msgspec.convert(said, buyer_answers.LtvPeople, strict=True)
    whole = predicted.run(engine, predicted.parse(BODY))
    model = tuple(whole["model"].values())
    priced = tuple(whole["money_model"].values())
    shown = {one["person"]: one for one in said["people"]}
    assert len(shown) == said["buyers"] == whole["buyers"]
    first, last = spec.range.start, spec.range.end
    channels = defaultdict(lambda: [0, 0.0, 0.0])
    for person, all_of in by_person(events).items():
        bought = [one for one in all_of if one["event"] == "purchase" and one["ts"] < last]
        if not bought or min(one["ts"] for one in bought) < first:
            assert person not in shown
            continue
        [(again, active, observed, paid, mean)] = slowly(
            [{**one, "user": person} for one in bought], first, last, ZoneInfo("UTC")
        )
        told = btyd.Histories(*(np.array([one]) for one in (float(again), active / 7, observed / 7)))
        count = btyd.expected_purchases(model, told, 90 / 7)[0]
        value = count * btyd.expected_value(priced, btyd.Spendings(np.array([float(paid)]), np.array([mean])))[0]
        touches = [one for one in all_of if one["channel"] and one["ts"] < last]
        touches.sort(key=lambda one: (one["ts"], one["seq"], one["arrival"]))
        channel = touches[0]["channel"] if touches else "Unassigned"
        row = shown[person]
        assert (row["channel"], row["purchases_so_far"]) == (channel, len(bought))
        assert row["value_so_far"] == pytest.approx(money(bought, "EUR"), abs=1e-5)
        assert row["churn"] == (pytest.approx(1 - btyd.alive(model, told)[0]) if again else None)
        assert (row["purchases"], row["value"]) == (pytest.approx(count), pytest.approx(value, rel=1e-5))
        for at, one in enumerate((1, row["value_so_far"], value)):
            channels[channel][at] += one
    assert [one["value"] for one in said["people"]] == sorted((one["value"] for one in said["people"]), reverse=True)
    assert len(channels) == 3
    for row in said["channels"]:
        buyers, past, ahead = channels[row["channel"]]
        assert (row["buyers"], row["value_so_far"]) == (buyers, pytest.approx(past, abs=1e-3))
        assert row["ltv"]["expected"] == pytest.approx(ahead / buyers, rel=1e-5)
        assert row["ltv"]["low"] <= row["ltv"]["expected"] <= row["ltv"]["high"]
    total = sum(row["value"]["expected"] for row in said["channels"])
    assert total == pytest.approx(whole["value"]["expected"])
    [worst] = predicted_people.run(engine, predicted_people.parse({**BODY, "order": "churn", "limit": 1}))["people"]
    assert worst["churn"] == max(one["churn"] or 0 for one in said["people"])
    some = said["people"][3]
    alone = predicted_people.run(engine, predicted_people.parse({**BODY, "person": some["person"]}))
    assert (alone["people"], alone["channels"]) == ([some], [])
    with pytest.raises(NotFound):
        predicted_people.run(engine, predicted_people.parse({**BODY, "person": "nobody"}))


def test_intervals_of_groups_add_up_to_something_wider_than_that_of_all():
    chance = np.random.default_rng(1)
    size = 600
    told = btyd.Histories(chance.poisson(1.0, size).astype(float), chance.random(size) * 10, np.full(size, 20.0))
    told = btyd.Histories(told.x, np.where(told.x > 0, told.t_x, 0.0), told.T)
    spent = btyd.Spendings(told.x, np.where(told.x > 0, 20.0 + chance.random(size), 0.0))
    model, money = predicted.fitted(told, spent)
    [whole] = predicted.ranges(model, money, told, spent, 10.0, group=np.zeros(size, dtype=np.int64), groups=1)
    parts = predicted.ranges(model, money, told, spent, 10.0, group=np.arange(size) % 3, groups=3)
    assert np.all(parts.sum(axis=0)[0] <= whole[0] + 1e-9)
    assert np.all(parts.sum(axis=0)[1] >= whole[1] - 1e-9)


@pytest.mark.parametrize(
    ("more", "field"),
    [({"order": "name"}, "order"), ({"limit": 0}, "limit"), ({"person": 5}, "person"), ({"x": 1}, "x")],
)
def test_what_cannot_be_asked(more, field):
    with pytest.raises(BadRequest) as caught:
        predicted_people.parse(BODY | more)
    assert caught.value.field == field


async def test_channels_stand_beside_what_they_cost(embedded, data):
    async with serve(embedded, data) as api:
        api.catalog.sites.create("shop")
        load(embedded, world(5))
        row = {"date": "2026-03-01", "channel": "Email", "cost": 500.0, "currency": "EUR"}
        await api.ask("POST", "/api/v1/costs", {"site": "shop", "rows": [row]})
        _, said = await api.ask("POST", "/api/v1/reports/ltv/people", BODY)
        assert msgspec.to_builtins(msgspec.convert(said, buyer_answers.LtvPeople, strict=True)) == said
        [mail] = [one for one in said["channels"] if "cost" in one]
        assert mail["cac"] == pytest.approx(500 / mail["buyers"])
        assert mail["ltv_to_cac"] == pytest.approx((mail["ltv_so_far"] + mail["ltv"]["expected"]) / mail["cac"])
        _, blob = await api.ask("POST", "/api/v1/reports/ltv/people", BODY, headers={"Accept": "text/csv"})
        head = "person,visitor,user,channel,purchases_so_far,value_so_far,churn,purchases,value"
        assert blob.decode().splitlines()[0] == head
