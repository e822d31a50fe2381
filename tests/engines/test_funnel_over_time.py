"""The funnel's trend and histogram equal the oracle on random histories: all of them are persons of one data set."""

from __future__ import annotations

import random
import statistics
import sys
from bisect import bisect_right
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import funnel_oracle
from funnel_oracle import instant
from journeys_world import histories
from retention_oracle import period_of
from world import flat, load_hard

from tracker.analytics import funnel_time, funnel_trend
from tracker.core.errors import BadRequest

WHEN = {"site": "shop", "from": "2026-03-26T10:00:00Z", "to": "2026-03-31T10:00:00Z"}


def some_funnel(chance):
    steps = [{"event": chance.choice(["a", "b", "page_view", "*"])} for _ in range(chance.randint(2, 3))]
    body = {**WHEN, "steps": steps, "window": chance.choice(["40m", "2d"])}
    if chance.random() < 0.3:
        body["mode"] = chance.choice(["strict", "unordered"])
    elif chance.random() < 0.3:
        body["exclude"] = [{"event": "c"}]
    if chance.random() < 0.3:
        steps.insert(1, {"event": "c", "optional": True} if body.get("mode") != "unordered" else {"event": "c"})
    return body


def intervals(body):
    """[(first day, from, to)], found by walking through the range from one full quarter of an hour to the next."""
    found, start, end = {}, instant(body["from"]), instant(body["to"])
    for at in (start, *range(start - start % 900_000 + 900_000, end, 900_000)):
        found.setdefault(period_of(at, {**body, "period": body["interval"]}), at)
    starts = [*found.values(), end]
    return [(day, starts[place], starts[place + 1]) for place, day in enumerate(found)]


def text(ms):
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def some_steps(chance, body):
    """Two steps of the funnel to take the time between."""
    first = chance.randint(1, len(body["steps"]) - 1)
    return {**body, "from_step": first, "to_step": chance.randint(first + 1, len(body["steps"]))}


def check_time(engine, asked, events):
    said = funnel_time.run(engine, funnel_time.parse(asked))
    first, last = asked["from_step"], asked["to_step"]
    journeys = funnel_oracle.journeys(asked, events).values()
    attempts = [attempt for rows in journeys if (attempt := funnel_oracle.best_attempt(asked, rows))]
    took = [(one[last] - one[first]) / 1000 for one in attempts if first in one and last in one]
    assert said["count"] == len(took), asked
    assert said["seconds"]["average"] == (pytest.approx(statistics.fmean(took)) if took else None)
    assert said["seconds"]["median"] == (pytest.approx(statistics.median(took)) if took else None)
    bins = [0] * len(funnel_time.EDGES)
    for span in took:
        bins[bisect_right(funnel_time.EDGES, span) - 1] += 1
    counts = [one["count"] for one in said["bins"]]
    assert counts + [0] * (len(bins) - len(counts)) == bins


def check_trend(engine, body, events):
    said = funnel_trend.run(engine, funnel_trend.parse(body))
    expected = intervals(body)
    assert [one["start"] for one in said["series"]] == [day.isoformat() for day, _, _ in expected]
    for point, (_, start, end) in zip(said["series"], expected, strict=True):
        alone = funnel_oracle.report({**body, "from": text(start), "to": text(end)}, events)
        assert [pytest.approx(step) for step in flat(point["steps"])] == alone["steps"], body
        assert (point["entered"], point["converted"]) == (alone["steps"][0]["count"], alone["steps"][-1]["count"])


def test_random_histories_equal_the_oracle(unmerged):
    chance = random.Random(31)
    events = load_hard(unmerged, chance, histories(chance, 320, instant("2026-03-25T00:00:00Z"), 7 * 86_400_000))
    for _ in range(10):
        check_time(unmerged, some_steps(chance, some_funnel(chance)), events)
    for _ in range(4):
        body = {**some_funnel(chance), "interval": chance.choice(["day", "day", "week", "month"])}
        body["timezone"] = chance.choice(["Europe/Berlin", "Asia/Kolkata", "America/New_York"])
        check_trend(unmerged, body, events)


def test_days_with_a_clock_change_are_23_and_25_hours_long():
    body = {**WHEN, "steps": [{"event": "a"}, {"event": "b"}], "timezone": "Europe/Berlin"}
    for start, end, hours in (("2026-03-28", "2026-03-30", [24, 23]), ("2026-10-24", "2026-10-26", [24, 25])):
        zone = ZoneInfo("Europe/Berlin")
        times = [datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=zone).isoformat() for day in (start, end)]
        days = funnel_trend.parse({**body, "from": times[0], "to": times[1]}).calendar
        bounds = [days.bounds(at) for at in range(len(days.starts))]
        assert [(one.end - one.start) / 3_600_000 for one in bounds] == hours


@pytest.mark.parametrize(
    ("question", "change", "field"),
    [
        (funnel_trend, {"interval": "hour"}, "interval"),
        (funnel_trend, {"from": "2020-01-01T00:00:00Z"}, "interval"),
        (funnel_trend, {"stepz": []}, "stepz"),
        (funnel_time, {"to_step": 3}, "to_step"),
        (funnel_time, {"from_step": 2}, "from_step"),
        (funnel_time, {"breakdown": {"property": "country"}}, "breakdown"),
    ],
)
def test_mistakes_are_named(question, change, field):
    with pytest.raises(BadRequest) as caught:
        question.parse({**WHEN, "steps": [{"event": "a"}, {"event": "b"}], **change})
    assert caught.value.field == field
