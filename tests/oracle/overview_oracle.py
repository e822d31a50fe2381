"""The overview and time series as a person would count them: every event looked at, nothing kept."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, time, timedelta

import pytest

DAY = 86_400_000


def figures(rows, person, zone):
    def day(one):
        return datetime.fromtimestamp(one.ts / 1000, UTC).astimezone(zone).date()

    revenue = defaultdict(float)
    for one in rows:
        if one.name == "purchase" and one.value is not None:
            revenue[one.currency or "XXX"] += one.value
    return {
        "people": len({person(one) for one in rows}),
        "sessions": len({(one.visitor or one.user, one.session, day(one)) for one in rows if one.session}),
        "events": len(rows),
        "page_views": sum(one.name == "page_view" for one in rows),
        "purchases": sum(one.name == "purchase" for one in rows),
        "revenue": {name: pytest.approx(amount, abs=1e-3) for name, amount in revenue.items()},
    }


def channels(rows, person, zone, enriched):
    visits = defaultdict(list)
    for one in sorted(rows, key=lambda one: (one.ts, one.seq, one.arrival)):
        local = datetime.fromtimestamp(one.ts / 1000, UTC).astimezone(zone).date()
        visits[one.visitor or one.user, one.session, local].append(one)
    found = defaultdict(list)
    for visit in visits.values():
        nothing = "Direct" if any(one.url for one in visit) else "Unassigned"
        found[next((enriched[one.id][1] for one in visit if enriched[one.id][1]), nothing)] += visit
    answer = []
    for channel, part in found.items():
        all_of_it = figures(part, person, zone)
        answer.append({"key": channel, **{name: all_of_it[name] for name in ("people", "purchases", "revenue")}})
    return sorted(answer, key=lambda row: (-row["people"], row["key"]))


def top(rows, person, key, order="people"):
    found = defaultdict(list)
    for one in rows:
        if key(one):
            found[key(one)].append(one)
    counted = [
        {"key": name, "count": len(part), "people": len({person(one) for one in part})} for name, part in found.items()
    ]
    return sorted(counted, key=lambda row: (-row[order], row["key"]))[:20]


def slowly(world, start, end, zone):
    person = world.people()
    rows = [one for one in world.events.values() if start <= one.ts < end and not one.bot]
    by_day = defaultdict(list)
    for one in rows:
        by_day[datetime.fromtimestamp(one.ts / 1000, UTC).astimezone(zone).date()].append(one)
    first, last = (datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).date() for ms in (start, end - 1))
    series = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        said = figures(by_day[day], person, zone)
        del said["sessions"]
        series.append({"date": day.isoformat(), **said})
    buyers = len({person(one) for one in rows if one.name == "purchase"})
    totals = figures(rows, person, zone)
    rate = pytest.approx(buyers / totals["people"]) if totals["people"] else 0.0
    pages = [one for one in rows if one.name == "page_view"]
    return {
        "totals": {**totals, "conversion_rate": rate},
        "series": series,
        "channels": channels(rows, person, zone, world.enriched),
        "pages": [
            {"key": row["key"], "views": row["count"], "people": row["people"]}
            for row in top(pages, person, lambda one: world.enriched[one.id][0], "count")
        ],
        "countries": [
            {"key": row["key"], "people": row["people"]} for row in top(rows, person, lambda one: one.country)
        ],
        "events": [
            {"event": row["key"], "count": row["count"], "people": row["people"]}
            for row in top(rows, person, lambda one: one.name, "count")
        ],
    }


def series_slowly(world, start, end, zone, *, interval, measure, event="*"):
    """The figure of each interval that the range touches."""
    person = world.people()

    def bucket(ms):
        day = datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).date()
        first = {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[interval]
        return datetime.combine(first, time(), zone).isoformat()

    found = {bucket(ms): [] for ms in (*range(start, end, DAY // 3), end - 1)}
    for one in world.events.values():
        if start <= one.ts < end and not one.bot and event in ("*", one.name):
            found[bucket(one.ts)].append(one)
    if measure == "value":
        return [{"start": first, **_worth(rows)} for first, rows in found.items()]
    whom = {"people": person, "events": lambda one: one.id}[measure]
    return [{"start": first, "value": len({whom(one) for one in rows})} for first, rows in found.items()]


def _worth(rows):
    values = defaultdict(float)
    for one in rows:
        if one.value is not None:
            values[one.currency or "XXX"] += one.value
    about = {name: pytest.approx(amount, abs=1e-3) for name, amount in values.items()}
    return {"value": pytest.approx(sum(values.values()), abs=1e-3), "values": about}
