"""Lift: nothing is found where there is nothing, what was planted is found, and the sides stay what they were."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest
from api_client import serve
from loading import T0, event
from small_history import put
from test_erase import Erasing

from tracker.analytics import significance
from tracker.audiences import lift
from tracker.audiences.definition import Definition, define
from tracker.audiences.refresh import Refresher
from tracker.catalog.memberships import Membership
from tracker.core.identity import user_key, visitor_key
from tracker.core.period import rfc3339
from tracker.core.site import Site
from tracker.store.engine import Engine, Query

NOW = 1_795_000_000_000
DAY = 86_400_000
SITE = Site(name="shop", write_key="k", consent="opt-out")
RULE = {"did": {"event": "view"}}
PEOPLE, RUNS = 1500, 200


def audience(number: int, holdout: float = 0.3) -> Definition:
    return define("shop", RULE, lookup=lambda _id: {}, holdout=holdout, id=f"aud_{number}")


def enter(engine: Engine, definition: Definition, now_ms: int) -> None:
    Refresher(engine).whole(SITE, definition, Membership(audience=definition.id, site="shop"), now_ms, None)


def spec(definition: Definition) -> lift.Spec:
    body = {"site": "shop", "audience": definition.id, "from": "2026-11-18T00:00:00Z", "to": "2026-12-30T00:00:00Z"}
    return lift.parse(body)


def sides(engine: Engine, definition: Definition) -> dict[int, str]:
    text = "select person, arm from members final where audience = {audience:String}"
    return dict(engine.ask(Query(text=text, params={"audience": definition.id})).rows)


@pytest.mark.timeout(900)
def test_nothing_is_found_where_there_is_nothing(engine: Engine) -> None:
    """A/A: one crowd of buyers, drawn anew 200 times. Rejections are binomial with 5 %: 2 to 21 with 99.9 %."""
    dice = random.Random(7)
    views = [{"event": "view", "visitor": f"v{who}", "ts": NOW - DAY} for who in range(PEOPLE)]
    buys = [
        {"event": "purchase", "visitor": f"v{who}", "ts": NOW + DAY, "value": dice.expovariate(0.02), "currency": "EUR"}
        for who in range(PEOPLE)
        for _ in range(dice.choice((0, 0, 0, 1, 1, 2)))
    ]
    put(engine, views + buys)
    draws = [audience(number) for number in range(RUNS)]
    states = {one.id: Membership(audience=one.id, site="shop") for one in draws}
    Refresher(engine).some(SITE, draws, states, NOW, None)  # one after the other would cost half a minute
    found = [lift.run(engine, spec(one)) for one in draws]
    for one in found:
        assert one["exposed"]["persons"] + one["holdout"]["persons"] == PEOPLE
        assert 0.22 < one["holdout"]["persons"] / PEOPLE < 0.38
    assert len({one["holdout"]["persons"] for one in found}) > RUNS / 8  # drawn anew, not one draw 200 times
    for measure in ("conversion", "revenue"):
        results = [one[measure] for one in found]
        p_values = sorted(one["p"] for one in results)
        assert 2 <= sum(p < 0.05 for p in p_values) <= 21
        # Where nothing is, every p-value is as likely as any other (Kolmogorov-Smirnov, 0.1 %: 1.95 / sqrt(n)).
        furthest = max(max((at + 1) / RUNS - p, p - at / RUNS) for at, p in enumerate(p_values))
        assert furthest < 1.95 / math.sqrt(RUNS)
        # The interval says the same as the test: that of the rate is another method's, and may differ a little.
        differ = [one for one in results if (one["p"] < 0.05) == (one["low"] <= 0 <= one["high"])]
        assert len(differ) <= (4 if measure == "conversion" else 0)
        assert 0.36 < sum(one["difference"] > 0 for one in results) / RUNS < 0.64  # to no side (99.99 %)


def test_what_was_planted_is_found(engine: Engine) -> None:
    dice = random.Random(11)
    put(engine, [{"event": "view", "visitor": f"v{who}", "ts": NOW - DAY} for who in range(4000)])
    one = audience(1)
    enter(engine, one, NOW)
    arms = sides(engine, one)
    rates = {"exposed": 0.17, "holdout": 0.10}
    buyers = [(who, arm) for who, arm in arms.items() if dice.random() < rates[arm]]
    names = dict(engine.ask(Query(text="select distinct key, visitor from events where site = 'shop'")).rows)
    more = [
        {"event": "purchase", "visitor": names[who], "ts": NOW + 2 * DAY, "value": 10.0, "currency": "EUR", "id": None}
        for who, _ in buyers
    ]
    early = [{**more[0], "ts": NOW - 1000, "value": 5000.0}]  # before anybody was drawn
    for at, purchase in enumerate([*more, *early]):
        purchase["id"] = f"00000000-0000-0000-0001-{at:012x}"
    put(engine, [*more, *early])
    found = lift.run(engine, spec(one))
    for arm in ("exposed", "holdout"):
        bought = sum(side == arm for _, side in buyers)
        size = sum(side == arm for side in arms.values())
        assert found[arm] == {
            "persons": size,
            "converted": bought,
            "rate": bought / size,
            "conversions": bought,
            "revenue": bought * 10.0,
            "revenue_per_person": pytest.approx(bought * 10.0 / size),
        }
    assert found["conversion"]["p"] < 0.001 > found["revenue"]["p"]
    assert found["conversion"]["low"] < 0.07 < found["conversion"]["high"]
    assert 0 < found["conversion"]["relative_low"] < 0.7 < found["conversion"]["relative_high"]
    assert found["revenue"]["low"] < found["revenue"]["difference"] < found["revenue"]["high"]
    assert found["conversion"]["needed"]["exposed"] < found["exposed"]["persons"]


@pytest.mark.parametrize("spent", [None, 5.0])
def test_before_anybody_spent_another_sum_there_is_an_answer(engine: Engine, spent: float | None) -> None:
    views = [{"event": "view", "visitor": f"v{who}", "ts": NOW - DAY} for who in range(100)]
    more = {"event": "purchase", "ts": NOW + DAY, "value": spent, "currency": "EUR"}
    put(engine, views + ([{**view, **more} for view in views] if spent else []))
    enter(engine, audience(1), NOW)
    found = lift.run(engine, spec(audience(1)))
    assert found["exposed"]["persons"] + found["holdout"]["persons"] == 100
    assert found["exposed"]["revenue_per_person"] == (spent or 0)
    assert found["revenue"] | {"difference": 0, "incremental": 0} == found["revenue"]
    assert (found["revenue"]["p"], found["revenue"]["low"], found["revenue"]["high"]) == (None, None, None)
    assert found["conversion"]["difference"] == 0


def test_a_side_outlives_being_recognised_and_merged(engine: Engine, data: Path) -> None:
    road = Erasing(data, engine)
    site = road.catalog.sites.get("shop")
    half = define("shop", {"did": {"event": "click"}}, lookup=lambda _id: {}, holdout=0.5, id="aud_half")
    refresher, state = Refresher(engine), Membership(audience="aud_half", site="shop")
    road.load([event(n, visitor=f"v{n}") for n in range(1, 41)])
    state = refresher.whole(site, half, state, T0 + 60_000, None).state
    before = sides(engine, half)
    assert set(before.values()) == {"exposed", "holdout"}
    # everybody is recognised and buys; twenty users turn out to be ten
    road.load(
        [
            event(100 + n, visitor=f"v{n}", user=f"u{n}", name="purchase", value=1.0, ts=T0 + 90_000)
            for n in range(1, 41)
        ]
    )
    [done] = refresher.some(site, [half], {"aud_half": state}, T0 + 120_000, None)
    road.load(
        [
            event(200 + n, type="alias", name="alias", visitor="", user=f"u{n}", previous=f"u{n + 10}")
            for n in range(1, 11)
        ]
    )
    [done] = refresher.some(site, [half], {"aud_half": done.state}, T0 + 180_000, None)
    span = {"from": rfc3339(T0 - DAY), "to": rfc3339(T0 + DAY)}
    found = lift.run(engine, lift.parse({"site": "shop", "audience": "aud_half", **span}))
    assert found["exposed"]["persons"] + found["holdout"]["persons"] == 30
    assert found["exposed"]["converted"] == found["exposed"]["persons"]  # bought before they were recognised as one
    first = {f"v{n}": before[key] for n, key in ((n, visitor_key(f"v{n}")) for n in range(1, 41))}
    single = [first[f"v{n}"] for n in range(21, 41)]
    pairs = [{first[f"v{n}"], first[f"v{n + 10}"]} for n in range(1, 11)]
    assert found["crossed"] == sum(len(pair) == 2 for pair in pairs) > 0
    text = "select person, verdict from members final where audience = 'aud_half' and left_at = 0"
    now = dict(engine.ask(Query(text=text)).rows)
    # All were drawn at one moment, so of those who were on both sides the side counts that they are on by now.
    assert found["holdout"]["persons"] == sum(verdict == "holdout" for verdict in now.values())
    assert sum(side == "holdout" for side in single) <= found["holdout"]["persons"]
    for n in range(21, 41):  # never exported before, never exported now
        assert now[user_key(f"u{n}")] == {"exposed": "exportable", "holdout": "holdout"}[first[f"v{n}"]]

    # Who was recognised or merged in a period was fit before it: nobody is new in it.
    later = {"from": rfc3339(T0 + 60_001), "to": rfc3339(T0 + DAY)}
    found = lift.run(engine, lift.parse({"site": "shop", "audience": "aud_half", **later}))
    assert (found["exposed"]["persons"], found["holdout"]["persons"], found["crossed"]) == (0, 0, 0)


async def test_the_report_over_the_api(embedded: Engine, data: Path) -> None:
    put(embedded, [{"event": "view", "visitor": f"v{n}", "ts": NOW - DAY, "ads": 1} for n in range(30)])
    async with serve(embedded, data) as api:
        catalog = api.catalog
        if not any(site.name == "shop" for site in catalog.sites.list()):
            catalog.sites.create("shop", consent="opt-out")
        saved = catalog.audiences.create("shop", "a", RULE, duration="30d", holdout=0.0, refresh="5m")
        ask: dict[str, Any] = {
            "site": "shop",
            "audience": saved.id,
            "from": "2026-11-01T00:00:00Z",
            "to": "2026-12-01T00:00:00Z",
        }
        status, answer = await api.ask("POST", "/api/v1/reports/lift", ask)
        assert (status, answer["exposed"]["persons"], answer["conversion"]["p"]) == (200, 0, None)
        status, answer = await api.ask("POST", "/api/v1/reports/lift", {**ask, "network": "meta"})
        assert (status, answer["error"]["code"]) == (400, "never_delivered")
        status, answer = await api.ask("POST", "/api/v1/reports/lift", {**ask, "audience": "aud_none"})
        assert (status, answer["error"]["field"]) == (400, "audience")


def test_intervals_are_those_of_the_papers() -> None:
    """Newcombe 1998, table II, method 10: 56/70 - 48/80 and 9/10 - 3/10."""
    low, high = significance.difference_interval(56, 70, 48, 80) or (0, 0)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)
    low, high = significance.difference_interval(9, 10, 3, 10) or (0, 0)
    assert (round(low, 4), round(high, 4)) == (0.1705, 0.8090)
    assert significance.difference_interval(1, 0, 1, 2) is None
    low, high = significance.ratio_interval(20, 100, 10, 100) or (0, 0)
    assert math.isclose(low * high, 4.0) and low < 2 < high
    assert significance.ratio_interval(0, 10, 1, 10) is None
    # 60 % against 50 %, two equal sides: 388 each, as tables without continuity correction have it
    assert significance.needed_sizes(60, 100, 50, 100) == (388, 388)
    assert significance.needed_sizes(5, 10, 5, 10) is None
