"""Lifecycle of 400 random histories equals a slow reading of its definition, in any calendar."""

from __future__ import annotations

import random
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

from funnel_oracle import instant, persons
from world import event, load_hard

from tracker.analytics import lifecycle
from tracker.analytics.calendar import PERIODS
from tracker.core.errors import BadRequest

T0 = instant("2026-02-20T00:00:00Z")
DAY = 86_400_000
PEOPLE = 400


def histories(chance):
    """Few visits over ten weeks, some at midnight, some repeated; browsers that turn out to be one user's."""
    events = []
    for who in range(PEOPLE):
        for _ in range(chance.randint(1, 7)):
            at = T0 + chance.randint(0, 70) * DAY + chance.choice((0, 0, 1, DAY - 1, chance.randrange(DAY)))
            user = f"u{who // 3}" if chance.random() < 0.15 else ""
            name = chance.choice(("view", "view", "purchase"))
            bot = "crawler" if chance.random() < 0.03 else ""
            events += [event(name, at, f"v{who}", user=user, bot=bot) for _ in range(chance.choice((1, 1, 2)))]
    chance.shuffle(events)
    return events


def first_day(day, period, week_start):
    if period == "month":
        return day.replace(day=1)
    if period == "week":
        return day - timedelta(days=(day.weekday() + (week_start == "sunday")) % 7)
    return day


def before(day, period, week_start):
    return first_day(day - timedelta(days=1), period, week_start)


def slowly(events, body):
    zone, period, week_start = ZoneInfo(body["timezone"]), body["period"], body["week_start"]

    def period_of(ms):
        day = datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).date()
        return first_day(day, period, week_start)

    owners = persons(events)
    active = defaultdict(set)
    for one in events:
        wanted = "event" not in body or one["event"] == body["event"]["event"]
        if wanted and not one["bot"] and one["ts"] < instant(body["to"]):
            active[one["user"] or owners.get(one["visitor"]) or one["visitor"]].add(period_of(one["ts"]))
    answer = []
    at, last = period_of(instant(body["from"])), period_of(instant(body["to"]) - 1)
    while at <= last:
        states = Counter()
        for there in active.values():
            earlier = before(at, period, week_start)
            if at in there:
                states["new" if at == min(there) else "returning" if earlier in there else "resurrecting"] += 1
            elif earlier in there:
                states["dormant"] += 1
        answer.append({"start": at.isoformat(), **{state: states[state] for state in lifecycle.STATES}})
        at = first_day(at + timedelta(days={"day": 1, "week": 7, "month": 31}[period]), period, week_start)
    return answer


def test_random_histories_equal_the_slow_reading(unmerged):
    chance = random.Random(3)
    events = load_hard(unmerged, chance, histories(chance))
    total = Counter()
    for period, zone in product(PERIODS, ("UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata")):
        start = T0 + chance.randint(0, 40) * DAY + chance.choice((0, chance.randrange(DAY)))
        end = start + chance.randint(1, 45) * DAY
        body = {
            "site": "shop",
            "from": datetime.fromtimestamp(start / 1000, UTC).isoformat(),
            "to": datetime.fromtimestamp(end / 1000, UTC).isoformat(),
            "period": period,
            "week_start": chance.choice(("monday", "sunday")),
            "timezone": zone,
            **({"event": {"event": "purchase"}} if chance.random() < 0.4 else {}),
        }
        said = lifecycle.run(unmerged, lifecycle.parse(body))["periods"]
        assert said == slowly(events, body), body
        for row in said:
            total.update({state: row[state] for state in lifecycle.STATES})
    assert min(total[state] for state in lifecycle.STATES) > 100  # every state was tried
    body = {"site": "shop", "from": "2026-02-10T00:00:00Z", "to": "2026-05-10T00:00:00Z", "period": "day"}
    body |= {"timezone": "UTC", "week_start": "monday"}  # more days than a word has bits
    assert lifecycle.run(unmerged, lifecycle.parse(body))["periods"] == slowly(events, body)


def test_nobody(engine):
    body = {"site": "shop", "from": "2026-01-31T23:00:00Z", "to": "2026-03-01T00:00:00Z", "period": "month"}
    nothing = dict.fromkeys(lifecycle.STATES, 0)
    said = lifecycle.run(engine, lifecycle.parse({**body, "timezone": "Europe/Berlin"}))["periods"]
    assert said == [{"start": day, **nothing} for day in ("2026-02-01", "2026-03-01")]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"period": "year"}, "period"),
        ({"from": "2020-01-01T00:00:00Z", "period": "day"}, "period"),
        ({"week_start": "friday"}, "week_start"),
        ({"event": {"event": ""}}, "event.event"),
        ({"timezone": "Mars"}, "timezone"),
        ({"interval": "day"}, "interval"),
    ],
)
def test_what_cannot_be_asked(more, field):
    body = {"site": "shop", "from": "2026-01-01T00:00:00Z", "to": "2026-03-01T00:00:00Z", **more}
    with pytest.raises(BadRequest) as caught:
        lifecycle.parse(body)
    assert caught.value.field == field
