"""Unusual days and hours of random histories equal a slow reading of the definition, over changes of the clocks too."""

from __future__ import annotations

import random
import statistics
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from api_client import serve

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

from funnel_oracle import instant, persons
from world import event, load

from tracker.analytics import anomalies
from tracker.api import report_answers as answers
from tracker.core.errors import BadRequest

T0 = instant("2026-01-05T00:00:00Z")
DAY = 86_400_000


def histories(chance):
    """Fourteen weeks with busy and quiet weekdays, and one day that is not like the others."""
    events = []
    for day in range(98):
        visits = (12, 10, 9, 9, 8, 3, 2)[day % 7] + chance.randint(0, 3) + (60 if day == 90 else 0)
        for _ in range(visits):
            at = T0 + day * DAY + chance.randrange(DAY)
            worth = {"value": chance.choice((5.0, 10.0)), "currency": "EUR"} if chance.random() < 0.3 else {}
            events.append(
                event("view", at, f"v{chance.randint(1, 60)}", bot="x" if chance.random() < 0.02 else "", **worth)
            )
    return events


def slowly(events, body):
    zone, start, end = ZoneInfo(body["timezone"]), instant(body["from"]), instant(body["to"])
    owners, found = persons(events), defaultdict(list)

    def slot(ms):
        then = datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)
        return then.replace(minute=0, second=0, microsecond=0, **({} if body["interval"] == "hour" else {"hour": 0}))

    def figure(rows):
        if body["measure"] == "people":
            return len({one["user"] or owners.get(one["visitor"]) or one["visitor"] for one in rows})
        return len(rows) if body["measure"] == "events" else round(sum(one.get("value") or 0 for one in rows), 4)

    for one in events:
        if not one["bot"] and one["ts"] < end:
            found[slot(one["ts"]).replace(tzinfo=None)].append(one)
    inside = {slot(ms) for ms in [*range(start, end, 1_800_000), end - 1]}
    cut = slot(start - body["weeks"] * 7 * DAY - DAY).replace(tzinfo=None) + timedelta(hours=24)
    cut += timedelta(hours=body["interval"] == "hour")
    begun = min(wall for wall in found if wall >= cut and figure(found[wall]))
    rows = []
    for at in sorted(inside):
        wall = at.replace(tzinfo=None)
        value = figure([one for one in found[wall] if one["ts"] >= start])
        weeks = [wall - timedelta(weeks=back) for back in range(1, body["weeks"] + 1)]
        before = [figure(found[one]) for one in weeks if one >= begun]
        if len(before) < 4:
            rows.append((wall, value, None, None))
            continue
        middle = statistics.median(before)
        away = [abs(one - middle) for one in before]
        scale = 1.4826 * statistics.median(away) or 1.2533 * statistics.fmean(away)
        if body["measure"] != "value":
            scale = max(scale, max(middle, 1) ** 0.5)
        score = (value - middle) / scale if scale else (0.0 if value == middle else None)
        rows.append((wall, value, pytest.approx(middle), None if score is None else pytest.approx(score)))
    return rows


def test_days_and_hours_equal_the_slow_reading(engine):
    chance = random.Random(6)
    events = load(engine, histories(chance))
    unusual = []
    for interval, measure in (("day", "events"), ("day", "people"), ("day", "value"), ("hour", "events")):
        for zone in ("UTC", "Asia/Kolkata", "Europe/Berlin"):
            if (interval, zone) == ("hour", "Europe/Berlin"):
                continue  # an hour that is there twice in autumn: of spring below
            body = {"site": "shop", "from": "2026-03-26T05:00:00Z", "to": "2026-04-09T12:00:00Z", "timezone": zone}
            body |= {"interval": interval, "measure": measure, "weeks": chance.choice((4, 8))}
            said = anomalies.run(engine, anomalies.parse(body))["series"]
            rows = [
                (datetime.fromisoformat(one["start"]).replace(tzinfo=None), one["value"], one["usual"], one["score"])
                for one in said
            ]
            wanted = slowly(events, body)
            assert rows[1:] == wanted[1:], body  # the first interval counts only what lies in the range
            assert all(one["unusual"] == (one["score"] is not None and abs(one["score"]) >= 3.5) for one in said)
            unusual += [
                one["start"][:10] for one in said if one["unusual"] and (interval, measure) == ("day", "events")
            ]
    assert set(unusual) & {"2026-04-05", "2026-04-06"}


@pytest.mark.parametrize(
    ("value", "before", "counts", "score"),
    [
        (30, [10, 12, 11, 9, 10], True, 6.3246),  # never closer than chance: the root of 10
        (130, [100, 80, 120, 90, 110], True, 2.0235),  # 30 / (1.4826 x 10)
        (7.5, [5.0, 5.0, 5.0, 5.0, 10.0], False, 1.9948),  # 2.5 / (1.2533 x 1)
        (5.0, [5.0] * 5, False, 0.0),
        (6.0, [5.0] * 5, False, None),
        (3, [0] * 5, True, 3.0),
    ],
)
def test_scores(value, before, counts, score):
    assert anomalies.score_of(value, before, anomalies.by_chance if counts else None) == (
        score if score is None else pytest.approx(score, abs=1e-4)
    )


@pytest.mark.parametrize(
    ("more", "field"),
    [({"interval": "week"}, "interval"), ({"weeks": 3}, "weeks"), ({"score": 0}, "score"), ({"x": 1}, "x")],
)
def test_what_cannot_be_asked(more, field):
    with pytest.raises(BadRequest) as caught:
        anomalies.parse({"site": "shop", "from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z", **more})
    assert caught.value.field == field


async def test_anomalies_through_the_api(embedded, data):
    async with serve(embedded, data) as api:
        api.catalog.sites.create("shop")
        load(embedded, histories(random.Random(2)))
        body = {"site": "shop", "from": "2026-01-05T00:00:00Z", "to": "2026-04-12T00:00:00Z"}
        _, said = await api.ask("POST", "/api/v1/reports/anomalies", body)
        assert msgspec.to_builtins(msgspec.convert(said, answers.Anomalies, strict=True)) == said
        assert [row["usual"] for row in said["series"][:28]] == [None] * 28  # four weeks before there is a usual
        assert "2026-04-05" in {row["start"][:10] for row in said["series"] if row["unusual"]}
        _, blob = await api.ask("POST", "/api/v1/reports/anomalies", body, headers={"Accept": "text/csv"})
        assert blob.decode().splitlines()[0] == "start,value,usual,score,unusual"
