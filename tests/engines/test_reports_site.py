"""Overview, live, timeseries, people, timeline, names, properties: on both engines, against plain counting."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

from funnel_oracle import instant, persons
from world import event, load

from tracker.analytics import live, names, overview, people, properties, timeline, timeseries
from tracker.core.errors import BadRequest, NotFound

FROM, TO = "2026-03-27T00:00:00+01:00", "2026-04-03T00:00:00+02:00"  # Berlin; the clocks go forward in between
T0, T1 = instant(FROM), instant(TO)
BERLIN = ZoneInfo("Europe/Berlin")


def days_of(chance, count=400):
    events = []
    for _ in range(count):
        who = chance.randint(0, 30)
        name = chance.choice(["page_view"] * 5 + ["purchase", "add_to_cart"])
        buys = name == "purchase"
        events.append(
            event(
                name,
                chance.randint(T0 - 6 * 86_400_000, T1 + 86_400_000),
                f"v{who}",
                user=f"u{who // 2}" if who < 10 and chance.random() < 0.3 else "",
                session=f"v{who}-{chance.randint(1, 3)}",
                channel=chance.choice(["Direct", "Email"]) if name == "page_view" and chance.random() < 0.5 else "",
                path=f"/{chance.randint(1, 4)}",
                country=chance.choice(["DE", "FR", ""]),
                device=chance.choice(["mobile", "desktop"]),
                value=chance.choice([9.99, 20.0, None]) if buys else None,
                currency=chance.choice(["EUR", "USD", ""]) if buys else "",
                bot="crawler" if chance.random() < 0.05 else "",
            )
        )
    return events


@pytest.fixture
def world(engine):
    return load(engine, days_of(random.Random(5)))


def whose(events):
    owners = persons(events)
    return lambda one: one["user"] or owners.get(one["visitor"]) or one["visitor"]


def within(events, start, end):
    return [one for one in events if start <= one["ts"] < end and not one.get("bot")]


def berlin(one):
    return datetime.fromtimestamp(one["ts"] / 1000, BERLIN).date().isoformat()


def revenue(rows):
    total = defaultdict(float)
    for one in rows:
        if one["event"] == "purchase" and one["value"] is not None:
            total[one["currency"] or "XXX"] += one["value"]
    return {currency: pytest.approx(amount) for currency, amount in total.items()}


def figures(rows, person):
    return {
        "people": len({person(one) for one in rows}),
        "events": len(rows),
        "page_views": sum(one["event"] == "page_view" for one in rows),
        "purchases": sum(one["event"] == "purchase" for one in rows),
        "revenue": revenue(rows),
    }


def test_overview(engine, world):
    body = {"site": "shop", "from": FROM, "to": TO, "timezone": "Europe/Berlin"}
    said = overview.run(engine, overview.parse(body))
    person = whose(world)
    # the clocks change in between: seven whole days before are an hour shorter than seven times 24 hours
    for part, start, end in (("totals", T0, T1), ("previous", instant("2026-03-20T00:00:00+01:00"), T0)):
        rows = within(world, start, end)
        buyers = {person(one) for one in rows if one["event"] == "purchase"}
        expected = figures(rows, person)
        expected["sessions"] = len({(one["session"], berlin(one)) for one in rows})
        expected["conversion_rate"] = pytest.approx(len(buyers) / expected["people"])
        assert said[part] == expected
    by_day = defaultdict(list)
    for one in within(world, T0, T1):
        by_day[berlin(one)].append(one)
    dates = ["2026-03-27", "2026-03-28", "2026-03-29", "2026-03-30", "2026-03-31", "2026-04-01", "2026-04-02"]
    assert said["series"] == [{"date": day, **figures(by_day[day], person)} for day in dates]
    rows = within(world, T0, T1)
    views = Counter(one["path"] for one in rows if one["event"] == "page_view")
    assert [(row["key"], row["views"]) for row in said["pages"]] == sorted(
        views.items(), key=lambda pair: (-pair[1], pair[0])
    )
    for key, column in (("countries", "country"), ("devices", "device")):
        found = defaultdict(set)
        for one in rows:
            found[one[column]].add(person(one))
        assert {row["key"]: row["people"] for row in said[key]} == {k: len(v) for k, v in found.items() if k}
    assert {row["event"]: row["count"] for row in said["events"]} == Counter(one["event"] for one in rows)
    assert channels(rows, person) == {row.pop("key"): row for row in said["channels"]}


def channels(rows, person):
    visits = defaultdict(list)
    for one in sorted(rows, key=lambda one: (one["ts"], one["arrival"])):
        visits[one["visitor"], one["session"], berlin(one)].append(one)
    found = defaultdict(list)
    for visit in visits.values():
        nothing = "Direct" if any(one.get("url") for one in visit) else "Unassigned"
        found[next((one["channel"] for one in visit if one["channel"]), nothing)] += visit
    answer = {}
    for channel, part in found.items():
        all_of_it = figures(part, person)
        answer[channel] = {name: all_of_it[name] for name in ("people", "purchases", "revenue")}
    return answer


def test_overview_of_nothing(engine):
    said = overview.run(engine, overview.parse({"site": "shop", "from": FROM, "to": TO}))
    assert said["totals"] == said["previous"]
    assert said["totals"]["people"] == 0
    assert said["totals"]["revenue"] == {}
    assert [day["events"] for day in said["series"]] == [0] * 8  # in UTC the range touches eight days
    assert said["channels"] == said["pages"] == said["events"] == []


@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata"])
def test_timeseries(engine, world, interval, zone):
    body = {"site": "shop", "from": FROM, "to": TO, "interval": interval, "timezone": zone, "measure": "people"}
    series = timeseries.run(engine, timeseries.parse({**body, "event": {"event": "page_view"}}))["series"]
    assert all(
        point["start"] == datetime.fromisoformat(point["start"]).astimezone(ZoneInfo(zone)).isoformat()
        for point in series
    )
    starts = [instant(point["start"]) for point in series]
    assert starts == sorted(starts)
    assert starts[0] <= T0
    if interval == "day" and zone == "Europe/Berlin":
        assert [b - a for a, b in pairwise(starts)].count(23 * 3_600_000) == 1
    person, found = whose(world), defaultdict(set)
    for one in within(world, T0, T1):
        if one["event"] == "page_view":
            found[max(start for start in starts if start <= one["ts"])].add(person(one))
    assert [point["value"] for point in series] == [len(found[start]) for start in starts]
    assert sum(found[start] != set() for start in starts) > 0


def test_people_of_many_days_are_counted_out_of_sets_of_days_or_of_people(engine, world, monkeypatch):
    """Sets of days of several words, and none where there are more days than a set may have."""
    body = {"site": "shop", "from": "2025-11-01T00:00:00Z", "to": TO, "timezone": "Europe/Berlin", "measure": "people"}
    person, found = whose(world), defaultdict(set)
    for one in within(world, instant(body["from"]), T1):
        found[berlin(one)].add(person(one))
    for most in (timeseries.MAX_SET, 3):
        monkeypatch.setattr(timeseries, "MAX_SET", most)
        series = timeseries.run(engine, timeseries.parse(body))["series"]
        assert len(series) > 128
        said = {point["start"][:10]: point["value"] for point in series if point["value"]}
        assert said == {str(day): len(people) for day, people in found.items()}


def test_timeseries_of_money_and_events(engine, world):
    body = {"site": "shop", "from": FROM, "to": TO, "event": {"event": "purchase"}}
    rows = [one for one in within(world, T0, T1) if one["event"] == "purchase"]
    money = timeseries.run(engine, timeseries.parse({**body, "measure": "value"}))["series"]
    assert sum(point["value"] for point in money) == pytest.approx(sum(one["value"] or 0 for one in rows))
    count = timeseries.run(engine, timeseries.parse(body))["series"]
    assert sum(point["value"] for point in count) == len(rows) > 0


def test_hours_where_the_clocks_change_by_half_an_hour(engine):
    moments = ["01:59:59+10:30", "02:30:00+11:00", "02:59:59+11:00", "03:00:00+11:00", "03:29:59+11:00"]
    load(engine, [event("a", instant(f"2026-10-04T{moment}"), "v") for moment in moments])
    body = {"site": "shop", "from": "2026-10-04T01:30:00+10:30", "to": "2026-10-04T04:00:00+11:00", "interval": "hour"}
    said = timeseries.run(engine, timeseries.parse({**body, "timezone": "Australia/Lord_Howe"}))["series"]
    assert [(point["start"][11:], point["value"]) for point in said] == [
        ("01:00:00+10:30", 1),
        ("02:30:00+11:00", 2),
        ("03:00:00+11:00", 2),
    ]


def test_live(engine):
    now = int(time.time() * 1000)
    load(
        engine,
        [
            event("page_view", now - 3_600_000, "a", url="https://shop/a"),
            event("page_view", now - 60_000, "b", value=3.5, currency="EUR"),
            event("page_view", now - 60_000, "b", seq=2),
            event("login", now - 30_000, "c", user="b"),
            event("page_view", now - 1000, "x", bot="crawler"),
        ],
    )
    said = live.run(engine, live.parse({"site": "shop", "limit": 3}))
    assert said["active_5m"] == 2  # visitor b and user b are two persons
    assert [one["event"] for one in said["events"]] == ["login", "page_view", "page_view"]
    assert said["events"][2] == {
        "ts": datetime.fromtimestamp((now - 60_000) / 1000, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z"),
        "event": "page_view",
        "person": "b",
        "url": "",
        "country": "",
        "device": "",
        "channel": "",
        "value": 3.5,
        "currency": "EUR",
    }
    assert live.run(engine, live.parse({"site": "other"})) == {"active_5m": 0, "events": []}


def test_people_and_their_timelines(engine):
    load(
        engine,
        [
            event("page_view", T0, "phone", device="mobile", props={"a": {"b": [1, "ä"]}}),
            event("login", T0 + 1000, "phone", user="Ann@Home"),
            event(
                "purchase",
                T0 + 2000,
                "",
                user="Ann@Home",
                value=5.0,
                currency="EUR",
                items=[{"item_id": "i1", "price": 5.0}],
            ),
            event("page_view", T0 + 500, "desk"),
            event("page_view", T0 - 60 * 86_400_000, "old"),
        ],
    )
    everybody = people.run(engine, people.parse({"site": "shop"}))["people"]
    assert [one["person"] for one in everybody] == ["Ann@Home", "desk"]
    assert [one["person"] for one in people.run(engine, people.parse({"site": "shop", "q": "HOME"}))["people"]] == [
        "Ann@Home"
    ]
    assert [one["person"] for one in people.run(engine, people.parse({"site": "shop", "q": "old"}))["people"]] == [
        "old"
    ]
    assert people.run(engine, people.parse({"site": "shop", "q": "%"})) == {"people": []}
    for name in ("Ann@Home", "phone"):
        said = timeline.run(engine, timeline.parse({"site": "shop", "person": name, "limit": 2}))
        assert said["person"] == everybody[0]
        assert [one["event"] for one in said["events"]] == ["purchase", "login"]
        assert said["events"][0]["items"][0] == {
            "item_id": "i1",
            "item_name": "",
            "item_category": "",
            "price": 5.0,
            "quantity": 1.0,
        }
        rest = timeline.run(
            engine, timeline.parse({"site": "shop", "person": name, "limit": 2, "cursor": said["cursor"]})
        )
        assert [one["props"] for one in rest["events"]] == [{"a": {"b": [1, "ä"]}}]
        assert rest["cursor"] is None
    with pytest.raises(NotFound):
        timeline.run(engine, timeline.parse({"site": "shop", "person": "nobody"}))


def test_names_and_properties(engine):
    load(
        engine,
        [
            event("page_view", T0 + 5, "a", path="/x", props={"plan": "pro", "n": 5, "deep": {"a": 1}, "none": None}),
            event("page_view", T0, "a", path="/x", props={"plan": "pro", "list": [1]}),
            event("page_view", T0, "a", path="/y", props={"plan": 'say "free"', "ok": True}),
            event("login", T0, "a", props={"way": "mail"}),
            event("login", T0 + 9, "a", bot="crawler"),
        ],
    )
    assert names.run(engine, names.parse({"site": "shop"})) == {
        "events": [
            {"event": "page_view", "count": 3, "last_seen": "2026-03-26T23:00:00.005Z"},
            {"event": "login", "count": 1, "last_seen": "2026-03-26T23:00:00.000Z"},
        ]
    }
    said = properties.run(engine, properties.parse({"site": "shop", "event": "page_view"}))["properties"]
    assert {one["property"]: one["values"] for one in said} == {
        "props.n": ["5"],
        "props.ok": ["true"],
        "props.plan": ["pro", 'say "free"'],
        "path": ["/x", "/y"],
    }
    assert "props.way" in [
        one["property"] for one in properties.run(engine, properties.parse({"site": "shop"}))["properties"]
    ]


@pytest.mark.parametrize(
    ("parse", "body", "field"),
    [
        (overview.parse, {"site": "shop", "from": TO, "to": FROM}, "to"),
        (overview.parse, {"site": "shop", "from": FROM}, "to"),
        (overview.parse, {"site": "", "from": FROM, "to": TO}, "site"),
        (overview.parse, {"site": "shop", "from": FROM, "to": TO, "timezone": "Mars"}, "timezone"),
        (overview.parse, [], None),
        (live.parse, {"site": "shop", "limit": 1001}, "limit"),
        (timeseries.parse, {"site": "shop", "from": FROM, "to": TO, "interval": "year"}, "interval"),
        (timeseries.parse, {"site": "shop", "from": "2010-01-01T00:00:00Z", "to": TO, "interval": "hour"}, "interval"),
        (timeseries.parse, {"site": "shop", "from": FROM, "to": TO, "event": {"event": ""}}, "event.event"),
        (timeseries.parse, {"site": "shop", "from": FROM, "to": TO, "measure": "sum"}, "measure"),
        (people.parse, {"site": "shop", "q": 5}, "q"),
        (timeline.parse, {"site": "shop"}, "person"),
        (timeline.parse, {"site": "shop", "person": "a", "cursor": "WzFd"}, "cursor"),
        (names.parse, {"site": "shop", "q": "x"}, "q"),
        (properties.parse, {"site": "shop", "event": 5}, "event"),
    ],
)
def test_bad_requests_name_the_field(parse, body, field):
    with pytest.raises(BadRequest) as caught:
        parse(body)
    assert caught.value.field == field
