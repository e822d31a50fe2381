"""Lifetime value of random buyers, by month and by channel, equals a slow reading of its definition."""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

from funnel_oracle import instant, persons
from rfm_oracle import left_out, main_currency, money
from world import event, load

from tracker.analytics import ltv
from tracker.core.errors import BadRequest

T0 = instant("2026-02-01T00:00:00Z")
DAY, HOUR = 86_400_000, 3_600_000
PEOPLE = 400
CHANNELS = ("", "", "Direct", "Email", "Paid Search")


def histories(chance):
    """Visits and purchases at few moments (ties, borders of months), some of several browsers' users, late, of bots."""
    events = []
    for who in range(PEOPLE):
        for _ in range(chance.choice((1, 1, 2, 3, 8))):
            buys = chance.random() < 0.6
            events.append(
                event(
                    "purchase" if buys else "view",
                    T0 + chance.randint(0, 150) * DAY + chance.choice((-HOUR, 0, 1)),
                    f"v{who}",
                    user=f"u{who // 4}" if chance.random() < 0.1 else "",
                    channel=chance.choice(CHANNELS),
                    seq=chance.randint(0, 2),
                    value=chance.choice((5.0, 10.0, 99.99, -5.0, None)),
                    currency=chance.choice(("EUR", "EUR", "EUR", "USD", "")),
                    props={"kind": chance.choice(("new", "used"))},
                    bot="crawler" if chance.random() < 0.03 else "",
                )
            )
    chance.shuffle(events)
    return events


def months(start, end, zone):
    """(year, month) of every month that [start, end) touches."""
    first, last = month(start, zone), month(end - 1, zone)
    counted = range(first[0] * 12 + first[1] - 1, last[0] * 12 + last[1])
    return [(number // 12, number % 12 + 1) for number in counted]


def month(ts, zone):
    local = datetime.fromtimestamp(ts / 1000, UTC).astimezone(zone)
    return local.year, local.month


def worth(rows, currency, rates=None):
    """`rows`: the purchases of each buyer."""
    value = sum(money(bought, currency, rates) for bought in rows)
    return {
        "buyers": len(rows),
        "purchases": sum(map(len, rows)),
        "value": pytest.approx(value, abs=1e-4),
        "ltv": pytest.approx(value / len(rows), abs=1e-4) if rows else None,
    }


def slowly(events, start, end, zone, *, wanted=lambda one: True, currency=None, rates=None):
    owners = persons(events)
    theirs, touches = defaultdict(list), defaultdict(list)
    for one in events:
        if one["bot"] or one["ts"] >= end:
            continue
        who = one["user"] or owners.get(one["visitor"]) or one["visitor"]
        if one["channel"]:
            touches[who].append(((one["ts"], one["seq"], one["arrival"]), one["channel"]))
        if one["event"] == "purchase" and wanted(one):
            theirs[who].append(one)
    lately = [one for bought in theirs.values() for one in bought if one["ts"] >= start]
    most, _ = main_currency(lately)
    currency = currency or most
    won = {who: bought for who, bought in theirs.items() if min(one["ts"] for one in bought) >= start}
    by_month, by_channel = defaultdict(list), defaultdict(list)
    for who, bought in won.items():
        by_month[month(min(one["ts"] for one in bought), zone)].append(bought)
        by_channel[min(touches[who])[1] if touches[who] else "Unassigned"].append(bought)
    every = months(start, end, zone)
    cohorts = []
    for at, when in enumerate(every):
        rows = by_month[when]
        sums = [
            sum(money([one for one in bought if month(one["ts"], zone) <= until], currency, rates) for bought in rows)
            for until in every[at:]
        ]
        cohorts.append(
            {
                "start": f"{when[0]}-{when[1]:02}-01",
                **worth(rows, currency, rates),
                "cumulative": [pytest.approx(total / len(rows), abs=1e-4) for total in sums] if rows else [],
            }
        )
    return {
        "currency": currency,
        **left_out(lately, currency, rates),
        **worth(list(won.values()), currency, rates),
        "cohorts": cohorts,
        "channels": [
            {"channel": name, **worth(rows, currency, rates)}
            for name, rows in sorted(by_channel.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        ],
    }


def body(start, end, **more):
    times = {"from": start, "to": end}
    said = {name: datetime.fromtimestamp(ms / 1000, UTC).isoformat() for name, ms in times.items()}
    return {"site": "shop", **said, **more}


def test_random_buyers_equal_the_slow_reading(engine):
    chance = random.Random(3)
    events = load(engine, histories(chance))
    load(engine, [event("purchase", T0, "v1", value=1.0, currency="CHF")], site="other")
    for zone in ("UTC", "Asia/Tokyo", "America/New_York", "UTC", "Europe/Berlin"):
        start = T0 + chance.randint(-5, 60) * DAY
        end = start + chance.randint(1, 140) * DAY
        said = ltv.run(engine, ltv.parse(body(start, end, timezone=zone)))
        wanted = slowly(events, start, end, ZoneInfo(zone))
        for got, cohort in zip(said["cohorts"], wanted["cohorts"], strict=True):
            assert got == cohort, zone
        assert said == wanted, zone
    used = {"event": "purchase", "where": [{"property": "props.kind", "op": "eq", "value": "used"}]}
    said = ltv.run(engine, ltv.parse(body(T0, T0 + 90 * DAY, event=used, currency="usd")))
    wanted = slowly(
        events, T0, T0 + 90 * DAY, ZoneInfo("UTC"), wanted=lambda one: one["props"]["kind"] == "used", currency="USD"
    )
    assert said == wanted
    assert said["buyers"] > 50
    assert len(said["channels"]) == 4


def test_nobody(engine):
    said = ltv.run(engine, ltv.parse(body(T0, T0 + DAY)))
    assert (said["buyers"], said["ltv"], said["channels"]) == (0, None, [])
    assert said["cohorts"] == [
        {"start": "2026-02-01", "buyers": 0, "purchases": 0, "value": 0.0, "ltv": None, "cumulative": []}
    ]


def test_costs_of_other_currencies_and_for_nobody():
    email = {"channel": "Email", "buyers": 4, "purchases": 5, "value": 100.0, "ltv": 25.0}
    sms = {**email, "channel": "SMS"}
    answer = {"currency": "EUR", "channels": [email, sms]}
    said = ltv.with_costs(answer, {"EUR": {"Email": 20.0, "Display": 7.0, "SMS": 0.0}, "USD": {"SMS": 900.0}})
    nobody = {"channel": "Display", "buyers": 0, "purchases": 0, "value": 0.0, "ltv": None}
    assert said["channels"] == [
        {**email, "cost": 20.0, "cac": 5.0, "ltv_to_cac": 5.0},
        {**sms, "cost": 0.0, "cac": 0.0, "ltv_to_cac": None},
        {**nobody, "cost": 7.0, "cac": None, "ltv_to_cac": None},
    ]
    assert said["other_cost_currencies"] == ["USD"]
    assert ltv.with_costs(answer, {"USD": {"SMS": 900.0}})["channels"] == [email, sms]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"currency": "EURO"}, "currency"),
        ({"timezone": "Mars"}, "timezone"),
        ({"from": "2001-01-01T00:00:00Z", "to": "2021-01-02T00:00:00Z"}, "from"),
        ({"x": 1}, "x"),
    ],
)
def test_what_cannot_be_asked(more, field):
    with pytest.raises(BadRequest) as caught:
        ltv.parse(body(T0, T0 + DAY) | more)
    assert caught.value.field == field
