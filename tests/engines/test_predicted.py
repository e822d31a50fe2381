"""What the models are told of 400 random buyers equals a slow reading; the answer has its form."""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

from funnel_oracle import instant, persons
from rfm_oracle import money
from world import event, load

from tracker.analytics import predicted, rfm, tables
from tracker.api import buyer_answers
from tracker.core.errors import BadRequest
from tracker.store.clean import events_source
from tracker.store.sql import Fragment

T0 = instant("2026-02-01T00:00:00Z")
DAY, HOUR = 86_400_000, 3_600_000
BODY = {"site": "shop", "from": "2026-02-01T00:00:00Z", "to": "2026-06-01T00:00:00Z", "horizon": "90d"}


def histories(chance):
    """Days with several purchases, moments near midnight, some of several browsers' users, of bots, out of range."""
    events = [
        event(
            chance.choice(("purchase", "purchase", "view")),
            T0 + chance.randint(-10, 125) * DAY + chance.choice((-HOUR, 0, HOUR, 2 * HOUR)),
            f"v{who}",
            user=f"u{who // 4}" if chance.random() < 0.05 else "",
            value=chance.choice((5.0, 10.0, 99.99, -5.0, None)),
            currency=chance.choice(("EUR", "EUR", "EUR", "USD")),
            bot="crawler" if chance.random() < 0.03 else "",
        )
        for who in range(400)
        for _ in range(chance.choice((1, 1, 2, 3, 8)))
    ]
    chance.shuffle(events)
    return events


def slowly(events, start, end, zone, *, currency="EUR", rates=None):
    def day(ts):
        return datetime.fromtimestamp(ts / 1000, UTC).astimezone(zone).date().toordinal()

    owners, theirs = persons(events), defaultdict(list)
    for one in events:
        if one["event"] == "purchase" and not one["bot"] and one["ts"] < end:
            theirs[one["user"] or owners.get(one["visitor"]) or one["visitor"]].append(one)
    rows = []
    for bought in theirs.values():
        if min(one["ts"] for one in bought) < start:
            continue
        days = defaultdict(list)
        for one in bought:
            days[day(one["ts"])].append(one)
        paid = [worth for rows_of_day in days.values() if (worth := money(rows_of_day, currency, rates)) > 0]
        mean = sum(paid) / len(paid) if paid else 0
        rows.append((len(days) - 1, max(days) - min(days), day(end - 1) - min(days), len(paid), round(mean, 6)))
    return sorted(rows)


def test_the_models_are_told_the_truth(engine):
    events = load(engine, histories(random.Random(4)))
    load(engine, [event("purchase", T0, "v1", value=1.0, currency="CHF")], site="other")
    for zone in ("America/New_York", "Asia/Tokyo", "UTC"):
        spec = predicted.parse({**BODY, "timezone": zone})
        found = predicted.summaries(engine, spec, events_source(engine), rfm.in_currency(Fragment("'EUR'")))
        wanted = slowly(events, spec.range.start, spec.range.end, ZoneInfo(zone))
        assert sorted((*row[:4], round(row[4], 6)) for row in found.tolist()) == wanted
        assert {row[5] for row in found.tolist()} == {len(wanted)}
    said = predicted.run(engine, spec)
    assert (said["currency"], said["buyers"], said["fitted"]) == ("EUR", len(wanted), len(wanted))
    for name in ("alive", "purchases", "value"):
        assert said[name]["low"] <= said[name]["expected"] <= said[name]["high"], name
        assert said[name]["low"] < said[name]["high"], name
    msgspec.convert(said, buyer_answers.LtvPredicted, strict=True)
    lines = tables.to_csv("ltv/predicted", said).decode().splitlines()
    assert [line.split(",")[0] for line in lines] == ["figure", "alive", "churned", "purchases", "value", "ltv"]


def test_too_few_to_tell(engine):
    load(engine, [event("purchase", T0 + at * DAY, "v1", value=3.0, currency="EUR") for at in range(5)])
    with pytest.raises(BadRequest) as caught:
        predicted.run(engine, predicted.parse(BODY))
    assert caught.value.code == "too_few"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"horizon": "1h"}, "horizon"),
        ({"horizon": "9999d"}, "horizon"),
        ({"timezone": "Mars"}, "timezone"),
        ({"x": 1}, "x"),
    ],
)
def test_what_cannot_be_asked(more, field):
    with pytest.raises(BadRequest) as caught:
        predicted.parse(BODY | more)
    assert caught.value.field == field
