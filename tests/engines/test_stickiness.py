"""Stickiness of 400 random histories equals a slow reading of its definition, in any calendar."""

from __future__ import annotations

import random
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from api_client import serve
from test_lifecycle import DAY, T0, first_day, histories

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

from funnel_oracle import instant, persons
from world import load

from tracker.analytics import stickiness
from tracker.api import journey_answers
from tracker.core.errors import BadRequest


def slowly(events, body):
    zone, start, end = ZoneInfo(body["timezone"]), instant(body["from"]), instant(body["to"])

    def of(ms, what):
        return first_day(datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).date(), what, body["week_start"])

    owners, active = persons(events), defaultdict(lambda: defaultdict(set))
    for one in events:
        wanted = "event" not in body or one["event"] == body["event"]["event"]
        if wanted and not one["bot"] and start <= one["ts"] < end:
            who = one["user"] or owners.get(one["visitor"]) or one["visitor"]
            active[of(one["ts"], body["period"])][who].add(of(one["ts"], body["unit"]))
    there = defaultdict(set)  # the days or weeks of the range in each period, walked through by the half hour
    for ms in [*range(start, end, 1_800_000), end - 1]:
        there[of(ms, body["period"])].add(of(ms, body["unit"]))
    rows = []
    for period in sorted(there):
        counts = Counter(len(units) for units in active[period].values())
        people, units = sum(counts.values()), len(there[period])
        total = sum(number * count for number, count in counts.items())
        rows.append(
            {
                "start": period.isoformat(),
                "units": units,
                "people": people,
                "active": [counts[number] for number in range(1, units + 1)],
                "average": pytest.approx(total / people) if people else None,
                "per_unit": pytest.approx(total / units),
                "ratio": pytest.approx(total / units / people) if people else None,
            }
        )
    return rows


def test_random_histories_equal_the_slow_reading(engine):
    chance = random.Random(13)
    events = load(engine, histories(chance))
    several = 0
    for (period, unit), zone in product(
        (("week", "day"), ("month", "day"), ("month", "week")), ("UTC", "Europe/Berlin", "Asia/Kolkata")
    ):
        start = T0 + chance.randint(0, 40) * DAY + chance.choice((0, chance.randrange(DAY)))
        body = {
            "site": "shop",
            "from": datetime.fromtimestamp(start / 1000, UTC).isoformat(),
            "to": datetime.fromtimestamp((start + chance.randint(1, 45) * DAY) / 1000, UTC).isoformat(),
            "period": period,
            "unit": unit,
            "week_start": chance.choice(("monday", "sunday")),
            "timezone": zone,
            **({"event": {"event": "view"}} if chance.random() < 0.3 else {}),
        }
        said = stickiness.run(engine, stickiness.parse(body))["periods"]
        assert said == slowly(events, body), body
        several += sum(sum(row["active"][1:]) for row in said)
    assert several > 200


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"period": "day"}, "period"),
        ({"period": "week", "unit": "week"}, "unit"),
        ({"unit": "hour"}, "unit"),
        ({"event": {"event": ""}}, "event.event"),
    ],
)
def test_what_cannot_be_asked(more, field):
    body = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-03-01T00:00:00Z", **more}
    with pytest.raises(BadRequest) as caught:
        stickiness.parse(body)
    assert caught.value.field == field


async def test_stickiness_through_the_api(embedded, data):
    async with serve(embedded, data) as api:
        api.catalog.sites.create("shop", timezone="Europe/Berlin")
        load(embedded, histories(random.Random(1)))
        body = {"site": "shop", "from": "2026-03-01T00:00:00+01:00", "to": "2026-04-01T00:00:00+02:00"}
        _, said = await api.ask("POST", "/api/v1/reports/stickiness", body)
        assert msgspec.to_builtins(msgspec.convert(said, journey_answers.Stickiness, strict=True)) == said
        [month] = said["periods"]
        assert (month["start"], month["units"], len(month["active"])) == ("2026-03-01", 31, 31)
        _, blob = await api.ask("POST", "/api/v1/reports/stickiness", body, headers={"Accept": "text/csv"})
        lines = blob.decode().splitlines()
        assert lines[:2] == ["start,active_on,people", f"2026-03-01,1,{month['active'][0]}"]
        assert len(lines) == 32
