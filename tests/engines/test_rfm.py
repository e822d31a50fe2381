"""RFM of random buyers equals a slow reading of its definition."""

from __future__ import annotations

import random
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

from funnel_oracle import instant, persons
from rfm_oracle import left_out, main_currency, money, scores
from world import event, load

from tracker.analytics import rfm
from tracker.core.errors import BadRequest

T0 = instant("2026-03-01T00:00:00Z")
DAY = 86_400_000
PEOPLE = 320


def histories(chance):
    """Many buy once, at few moments and prices, so that equals are common; some browsers are one user's."""
    events = []
    for who in range(PEOPLE):
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 8))):
            buys = chance.random() < 0.8
            events.append(
                event(
                    "purchase" if buys else "view",
                    T0 + chance.randint(0, 60) * DAY + chance.choice((0, 1)),
                    f"v{who}",
                    user=f"u{who // 4}" if chance.random() < 0.1 else "",
                    value=chance.choice((5.0, 10.0, 10.0, 99.99, -5.0, None)),
                    currency=chance.choice(("EUR", "EUR", "EUR", "USD", "")),
                    props={"kind": chance.choice(("new", "used"))},
                    bot="crawler" if chance.random() < 0.03 else "",
                )
            )
    chance.shuffle(events)
    return events


def slowly(events, start, end, *, wanted=lambda one: True, currency=None, rates=None):
    owners = persons(events)
    bought = [
        one
        for one in events
        if one["event"] == "purchase" and not one["bot"] and start <= one["ts"] < end and wanted(one)
    ]
    most, _ = main_currency(bought)
    currency = currency or most
    theirs = defaultdict(list)
    for one in bought:
        theirs[one["user"] or owners.get(one["visitor"]) or one["visitor"]].append(one)
    n = len(theirs)
    segments, cells = defaultdict(list), Counter()
    for who, (r, f, m, segment) in scores(theirs, currency, rates).items():
        cells[r, f, m] += 1
        segments[segment].append(who)
    return {
        "currency": currency,
        "buyers": n,
        **left_out(bought, currency, rates),
        "segments": [
            {
                "segment": name,
                "people": len(people),
                "purchases": sum(len(theirs[who]) for who in people),
                "value": pytest.approx(sum(money(theirs[who], currency, rates) for who in people), abs=1e-3),
                "share": len(people) / n if people else 0.0,
                "days_since_purchase": pytest.approx(
                    sum((end - max(one["ts"] for one in theirs[who])) // DAY for who in people) / len(people)
                )
                if people
                else None,
            }
            for name in rfm.NAMES
            for people in [segments[name]]
        ],
        "cells": [{"r": r, "f": f, "m": m, "people": cells[r, f, m]} for r, f, m in sorted(cells, reverse=True)],
    }


def body(start, end, **more):
    times = {"from": start, "to": end}
    said = {name: datetime.fromtimestamp(ms / 1000, UTC).isoformat() for name, ms in times.items()}
    return {"site": "shop", **said, **more}


def test_random_buyers_equal_the_slow_reading(engine):
    chance = random.Random(8)
    events = load(engine, histories(chance))
    seen = Counter()
    for _ in range(10):
        start = T0 + chance.randint(-5, 40) * DAY
        end = start + chance.randint(1, 70) * DAY
        said = rfm.run(engine, rfm.parse(body(start, end)))
        assert said == slowly(events, start, end)
        seen.update({row["segment"]: row["people"] for row in said["segments"]})
    assert len([name for name in rfm.NAMES if seen[name]]) >= 9
    used = {"event": "purchase", "where": [{"property": "props.kind", "op": "eq", "value": "used"}]}
    said = rfm.run(engine, rfm.parse(body(T0, T0 + 70 * DAY, event=used, currency="usd")))
    wanted = slowly(events, T0, T0 + 70 * DAY, wanted=lambda one: one["props"]["kind"] == "used", currency="USD")
    assert said == wanted


def test_nobody_and_one(engine):
    asked = rfm.parse(body(T0, T0 + DAY))
    nobody = rfm.run(engine, asked)
    assert (nobody["buyers"], nobody["currency"], nobody["cells"]) == (0, "", [])
    assert [row["people"] for row in nobody["segments"]] == [0] * len(rfm.NAMES)
    load(engine, [event("purchase", T0 + 5, "v1", value=3.0, currency="EUR")])
    one = rfm.run(engine, asked)
    assert one["cells"] == [{"r": 5, "f": 1, "m": 1, "people": 1}]
    assert [row["segment"] for row in one["segments"] if row["people"]] == ["new_customers"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"currency": "EURO"}, "currency"),
        ({"event": {}}, "event.event"),
        ({"to": "2020-01-01T00:00:00Z"}, "to"),
        ({"x": 1}, "x"),
    ],
)
def test_what_cannot_be_asked(more, field):
    with pytest.raises(BadRequest) as caught:
        rfm.parse(body(T0, T0 + DAY) | more)
    assert caught.value.field == field
