"""Rhythms and relative periods: clocks that change, months that are short, and every zone against a slow search."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.core import relative, rhythm
from tracker.core.errors import BadRequest
from tracker.core.period import instant_ms, rfc3339
from tracker.core.rhythm import Rhythm

ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"),
    *("America/Santiago", "Africa/Cairo", "Asia/Beirut", "Pacific/Apia", "Pacific/Auckland"),
)


def ms(text: str) -> int:
    return instant_ms(text, field="x")


FOLLOWING = [
    # rhythm                                          zone             now                          next
    ({"every": "day", "hour": 8}, "Europe/Berlin", "2026-11-28T07:00:00+01:00", "2026-11-28T08:00:00+01:00"),
    ({"every": "day", "hour": 8}, "Europe/Berlin", "2026-11-28T08:00:00+01:00", "2026-11-29T08:00:00+01:00"),
    # the night in which 02:00 is not there, and the one in which it is there twice
    ({"every": "day", "hour": 2}, "Europe/Berlin", "2026-03-28T12:00:00+01:00", "2026-03-29T03:00:00+02:00"),
    ({"every": "day", "hour": 2}, "Europe/Berlin", "2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"),
    ({"every": "day", "hour": 2}, "Europe/Berlin", "2026-10-25T00:00:00+02:00", "2026-10-25T02:00:00+02:00"),
    ({"every": "day", "hour": 2}, "Europe/Berlin", "2026-10-25T02:00:00+02:00", "2026-10-26T02:00:00+01:00"),
    ({"every": "day", "hour": 8}, "Europe/Berlin", "2026-10-24T08:00:00+02:00", "2026-10-25T08:00:00+01:00"),
    # a midnight that is not there
    ({"every": "day", "hour": 0}, "Africa/Cairo", "2026-04-23T12:00:00+02:00", "2026-04-24T01:00:00+03:00"),
    # half an hour
    ({"every": "day", "hour": 2}, "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30", "2026-10-04T02:30:00+11:00"),
    ({"every": "week", "weekday": "monday", "hour": 9}, "UTC", "2026-11-28T00:00:00Z", "2026-11-30T09:00:00Z"),
    ({"every": "week", "weekday": "sunday", "hour": 9}, "UTC", "2026-11-29T09:00:00Z", "2026-12-06T09:00:00Z"),
    ({"every": "month", "day": 31, "hour": 6}, "UTC", "2026-11-01T00:00:00Z", "2026-11-30T06:00:00Z"),
    ({"every": "month", "day": 31, "hour": 6}, "UTC", "2026-11-30T06:00:00Z", "2026-12-31T06:00:00Z"),
    ({"every": "month", "day": 30, "hour": 6}, "UTC", "2027-02-01T00:00:00Z", "2027-02-28T06:00:00Z"),
    ({"every": "month", "day": 29, "hour": 6}, "UTC", "2028-02-01T00:00:00Z", "2028-02-29T06:00:00Z"),
    ({"every": "month", "day": 1, "hour": 0}, "Asia/Kathmandu", "2026-12-31T18:14:59Z", "2026-12-31T18:15:00Z"),
]


@pytest.mark.parametrize(("said", "zone", "now", "expected"), FOLLOWING)
def test_when_it_is_next(said, zone, now, expected):
    found = rhythm.parse(said)
    assert rhythm.shown(found) == said
    assert rfc3339(found.following(zone, ms(now))) == rfc3339(ms(expected))
    assert rfc3339(found.latest(zone, ms(expected))) == rfc3339(ms(expected))
    assert found.latest(zone, ms(expected) - 1) <= ms(now)


@settings(max_examples=300, deadline=None)
@given(
    made=st.builds(
        Rhythm,
        every=st.sampled_from(rhythm.EVERY),
        hour=st.integers(0, 23),
        weekday=st.integers(0, 6),
        day=st.integers(1, 31),
    ),
    zone=st.sampled_from(ZONES),
    at=st.integers(1_262_304_000, 1_893_456_000).map(lambda at: datetime.fromtimestamp(at, UTC)),
)
def test_moments_are_those_of_a_slow_search(made, zone, at):
    """Every day of two months around is looked at: does the rhythm name it, and which instant is its hour?"""
    moments = set()
    for off in range(-70, 71):
        day = (at + timedelta(days=off)).date()
        last = calendar.monthrange(day.year, day.month)[1]
        named = {"day": True, "week": day.weekday() == made.weekday, "month": day.day == min(made.day, last)}
        if named[made.every]:
            local = datetime(day.year, day.month, day.day, made.hour, tzinfo=ZoneInfo(zone))
            moments.add(round(local.astimezone(UTC).timestamp() * 1000))
    now = round(at.timestamp() * 1000)
    assert made.latest(zone, now) == max(one for one in moments if one <= now)
    assert made.following(zone, now) == min(one for one in moments if one > now)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (None, "rhythm"),
        ({}, "rhythm.every"),
        ({"every": "hour", "hour": 1}, "rhythm.every"),
        ({"every": ["day"], "hour": 1}, "rhythm.every"),
        ({"every": "day"}, "rhythm.hour"),
        ({"every": "day", "hour": 24}, "rhythm.hour"),
        ({"every": "day", "hour": True}, "rhythm.hour"),
        ({"every": "day", "hour": 8, "weekday": "monday"}, "rhythm.weekday"),
        ({"every": "week", "hour": 8, "weekday": "Montag"}, "rhythm.weekday"),
        ({"every": "week", "hour": 8, "weekday": ["monday"]}, "rhythm.weekday"),
        ({"every": "month", "hour": 8, "day": 0}, "rhythm.day"),
        ({"every": "month", "hour": 8, "day": 32}, "rhythm.day"),
    ],
)
def test_what_is_no_rhythm(said, field):
    with pytest.raises(BadRequest) as refused:
        rhythm.parse(said)
    assert refused.value.field == field


PERIODS = [
    # period          seen from (Berlin)            from                          to
    ("yesterday", "2026-11-28T08:00:00+01:00", "2026-11-27T00:00:00+01:00", "2026-11-28T00:00:00+01:00"),
    ("today", "2026-11-28T08:00:00+01:00", "2026-11-28T00:00:00+01:00", "2026-11-28T08:00:00+01:00"),
    ("today", "2026-11-28T00:00:00+01:00", "2026-11-28T00:00:00+01:00", "2026-11-28T00:00:01+01:00"),
    ("last_7_days", "2026-11-28T08:00:00+01:00", "2026-11-21T00:00:00+01:00", "2026-11-28T00:00:00+01:00"),
    # days of 23 and of 25 hours
    ("yesterday", "2026-03-30T08:00:00+02:00", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
    ("yesterday", "2026-10-26T08:00:00+01:00", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
    ("last_7_days", "2026-03-30T08:00:00+02:00", "2026-03-23T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
    # just after midnight there it is still yesterday in London
    ("yesterday", "2026-11-28T00:10:00+01:00", "2026-11-27T00:00:00+01:00", "2026-11-28T00:00:00+01:00"),
    ("last_week", "2026-11-29T08:00:00+01:00", "2026-11-16T00:00:00+01:00", "2026-11-23T00:00:00+01:00"),
    ("this_week", "2026-11-29T08:00:00+01:00", "2026-11-23T00:00:00+01:00", "2026-11-29T08:00:00+01:00"),
    ("last_8_weeks", "2026-11-29T08:00:00+01:00", "2026-09-28T00:00:00+02:00", "2026-11-23T00:00:00+01:00"),
    ("last_month", "2026-03-31T08:00:00+02:00", "2026-02-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00"),
    ("last_month", "2026-01-01T08:00:00+01:00", "2025-12-01T00:00:00+01:00", "2026-01-01T00:00:00+01:00"),
    ("this_month", "2026-11-28T08:00:00+01:00", "2026-11-01T00:00:00+01:00", "2026-11-28T08:00:00+01:00"),
    ("last_14_months", "2026-01-31T08:00:00+01:00", "2024-11-01T00:00:00+01:00", "2026-01-01T00:00:00+01:00"),
    ("last_quarter", "2026-01-31T08:00:00+01:00", "2025-10-01T00:00:00+02:00", "2026-01-01T00:00:00+01:00"),
    ("this_quarter", "2026-08-01T08:00:00+02:00", "2026-07-01T00:00:00+02:00", "2026-08-01T08:00:00+02:00"),
    ("last_year", "2026-08-01T08:00:00+02:00", "2025-01-01T00:00:00+01:00", "2026-01-01T00:00:00+01:00"),
    ("this_year", "2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00+01:00", "2026-01-01T00:00:01+01:00"),
]


@pytest.mark.parametrize(("period", "seen", "start", "end"), PERIODS)
def test_which_days_a_period_is(period, seen, start, end):
    found = relative.resolve(relative.check(period), "Europe/Berlin", ms(seen))
    assert [rfc3339(one) for one in found] == [rfc3339(ms(one)) for one in (start, end)]


def test_a_week_may_begin_on_sunday():
    seen = ms("2026-11-29T08:00:00Z")  # a Sunday
    found = relative.resolve("last_week", "UTC", seen, week_start="sunday")
    assert [rfc3339(one)[:10] for one in found] == ["2026-11-22", "2026-11-29"]


@pytest.mark.parametrize(
    "period",
    ["", None, 7, "last_0_days", "last_07_days", "last_401_days", "last_61_weeks", "last_25_months", "this_3_days",
     "next_week", "last_day", "last_7_days ", "last_٧_days", "Last_7_days"],
)  # fmt: skip
def test_what_is_no_period(period):
    with pytest.raises(BadRequest) as refused:
        relative.check(period)
    assert refused.value.field == "period"
