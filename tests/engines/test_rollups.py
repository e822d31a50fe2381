"""Rollups against plain counting: late and doubled events, people who turn out to be one, erasures, odd calendars."""

from __future__ import annotations

import random
import sys
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import time_ns
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

from depth import DEEP
from funnel_oracle import instant
from loading import Road, event
from overview_oracle import series_slowly, slowly

from tracker.analytics import overview, timeseries
from tracker.api.bounded import Bounded
from tracker.loader import rollup_build, rollup_spans
from tracker.loader.people import Aliases, links_of
from tracker.loader.rollups import Rollups
from tracker.store import erase, rollup_kept, rollup_open, rollups
from tracker.store.engine import Query
from tracker.store.erase import Names
from tracker.store.rollup_spans import noted
from tracker.store.site_days import midnight

DAY = 86_400_000
T0 = instant("2026-03-29T00:00:00Z")
SPAN = 4  # days: one more costs as much as two more deeds
NOW = T0 + 40 * DAY
ZONES = {  # and the first of the days: on one of them the clocks go forward, where they do
    "UTC": T0,
    "Europe/Berlin": T0,
    "America/Los_Angeles": instant("2026-03-07T00:00:00Z"),
    "Asia/Kathmandu": T0,
    "America/St_Johns": instant("2026-03-07T00:00:00Z"),
}
FROM = ("", "", "?utm_source=news&utm_medium=email", "?utm_source=google&utm_medium=cpc")


class World:
    """What was sent, as the loader was given it and as a person would count it."""

    def __init__(self, data, engine, chance, zone):
        self.road = Road(data, engine)
        self.engine = engine
        self.chance = chance
        self.zone = zone
        self.first = ZONES[zone]
        self.now = self.first + (SPAN + 4) * DAY
        self.rollups = Rollups(engine, grace=-10)
        self.events = {}
        self.enriched = {}  # id -> (path, channel): what the loader found out is not in question here
        self.sent = []
        self.unlinked = set()  # ids of events whose visitor was erased as another person, too: the link went with that
        self.next = 0

    def make(self, at=None, likely=0.12, like=None):
        """An event; at this time; by somebody who is probably known; in the visit of another one."""
        chance, who = self.chance, self.chance.randint(0, 30)
        name = chance.choice(("page_view", "page_view", "page_view", "purchase", "add_to_cart"))
        moment = chance.choice((0, 1, DAY - 1, chance.randrange(DAY))) + DAY * chance.randrange(SPAN)
        when = at if at is not None else self.first + moment
        self.next += 1
        known = chance.random() < likely
        user = f"u{chance.randint(0, 8)}" if known else ""
        more = {"previous": f"u{chance.randint(0, 8)}"} if known and chance.random() < 0.1 else {}
        money = name == "purchase" and chance.random() < 0.8
        visit = {"session": chance.choice(("", f"s{who}-{chance.randint(0, 3)}"))}
        if like is not None:
            when = like.ts + chance.choice((-60_000, -1, 0, 0, 0, 1, 60_000))
            visit = {"visitor": like.visitor, "session": like.session}
        else:
            visit["visitor"] = f"v{who}" if not known or chance.random() < 0.9 else ""
        return event(
            self.next,
            ts=when,
            name=name,
            user=user or (like.user if like is not None else ""),
            seq=chance.randint(0, 2),
            received=when + chance.randrange(2 * DAY),
            **visit,
            type="alias" if more else "track",
            url=f"https://shop.example/{chance.randint(1, 30)}{chance.choice(FROM)}" if name == "page_view" else "",
            country=chance.choice(("DE", "FR", "")),
            value=round(chance.random() * 100, 2) if money else None,
            currency=chance.choice(("EUR", "USD", "")) if money else "",
            bot="crawler" if chance.random() < 0.05 else "",
            **more,
        )

    def load(self, events):
        self.road.load(events)
        for one in events:
            self.events.setdefault(one.id, one)
        self.sent += events
        self.enriched |= {row[0]: row[1:] for row in self.road.rows("toString(id), path, channel")}

    def build(self, most=None):
        built = 0
        for due in self.rollups.due("shop", self.zone, self.now)[:most]:
            built += self.rollups.build(due)
        for due in rollup_spans.due(self.engine, "shop", self.zone, self.now, 100) if most is None else ():
            rollup_spans.make(self.engine, due)
        return built

    def open(self):
        """Build all days as on the day itself, while events come; gives how many were built."""
        built = 0
        rollups = Rollups(self.engine, grace=0)  # builds hold what came until now, not what is still to come
        for number in range(self.first // DAY, self.first // DAY + SPAN + 1, 2):
            for due in rollups.open_due("shop", self.zone, midnight(number, self.zone) + DAY // 2):
                built += rollups.build(due)
        return built

    def people(self):
        """Event -> person, by the rule of `docs/decisions/identity.md`."""
        links = [
            link
            for one in self.events.values()
            for link in links_of("shop", one.visitor, one.user, one.previous, (one.ts, one.arrival))
            if one.id not in self.unlinked or link.kind != "identify" or link.source != one.visitor
        ]
        aliases = Aliases()
        aliases.add(link for link in links if link.kind == "alias")
        first = {}
        for link in sorted(
            (one for one in links if one.kind == "identify"), key=lambda one: (one.ts, one.arrival, one.target)
        ):
            first.setdefault(link.source, link.target)

        def person(one):
            user = one.user or first.get(one.visitor)
            return ("u", aliases.person(user)) if user else ("v", one.visitor)

        return person

    def erase(self):
        known = Names(visitors=(f"v{self.chance.randint(0, 30)}",))
        names = erase.all_names(self.engine, "shop", known)
        erase.delete(self.engine, "shop", names, ())
        gone = {
            one.id
            for one in self.events.values()
            if (one.user in names.users if one.user else one.visitor in names.visitors)
        }
        self.events = {id_: one for id_, one in self.events.items() if id_ not in gone}
        self.unlinked |= {id_ for id_, one in self.events.items() if one.visitor in names.visitors}
        self.sent = [one for one in self.sent if one.id not in gone]  # the loader keeps them out: not in question here
        self.road.loader._identity = type(self.road.loader._identity)(self.engine)  # as `Loader.erase_due` does
        return len(gone)


def span(world, zone, *, whole):
    """Whole days of the zone mostly, sometimes any two moments. `whole`: all days there are."""
    chance = world.chance
    if chance.random() < 0.3 and not whole:
        start = world.first + chance.randrange(SPAN * DAY)
        return start, start + chance.randrange(1, SPAN * DAY)
    first = datetime.fromtimestamp(world.first / 1000, UTC).date() + timedelta(days=chance.randint(-2, SPAN - 2))
    last = first + timedelta(days=chance.randint(1, SPAN))
    if whole:
        first, last = first - timedelta(days=SPAN), last + timedelta(days=2 * SPAN)
    return tuple(round(datetime.combine(day, time(), zone).timestamp() * 1000) for day in (first, last))


def check(world, *, whole=False, events=False, asked_before=None):
    """Some days: rollups and plain Python say the same. Gives how many days were not counted again.

    whole: all days. events: counting from events says the same, too. asked_before: as if the same had been asked, so
    that the answer may come from what is kept (`rollup_kept.warm`); None: at times.
    """
    if asked_before or (asked_before is None and len(world.events) % 5 < 3):  # draws nothing: histories stay
        with patch.object(rollup_kept, "warm", return_value=True):
            return _checked(world, whole=whole, events=events)
    return _checked(world, whole=whole, events=events)


def _checked(world, *, whole, events):
    engine, chance, zone = Bounded(world.engine, 600), world.chance, ZoneInfo(world.zone)  # as the API asks
    start, end = span(world, zone, whole=whole)
    asked = {
        "site": "shop",
        "from": datetime.fromtimestamp(start / 1000, UTC).isoformat(),
        "to": datetime.fromtimestamp(end / 1000, UTC).isoformat(),
        "timezone": world.zone,
    }
    said = overview.run(engine, overview.parse(asked))
    expected = slowly(world, start, end, zone)
    assert {name: said[name] for name in expected} == expected, asked
    if not events and chance.random() < 0.5:
        return said["days"]["from_rollups"]
    interval, measure = chance.choice((("day", "people"), ("week", "value"), ("month", "people"), ("week", "events")))
    event = chance.choice(("*", "page_view", "purchase"))
    drawn = {**asked, "interval": interval, "measure": measure, "event": {"event": event}}
    series = timeseries.run(engine, timeseries.parse(drawn))["series"]
    assert series == series_slowly(world, start, end, zone, interval=interval, measure=measure, event=event), drawn
    if events:
        raw = overview.run(engine, overview.parse(asked), events_only=True)
        assert raw["previous"] == said["previous"] or raw["previous"] == pytest.approx(said["previous"])
        assert {name: raw[name] for name in expected} == expected, asked
        spec = timeseries.parse({**drawn, "compare": chance.choice(("previous", "year"))})
        assert timeseries.run(engine, spec) == timeseries.run(engine, spec, events_only=True), drawn
    return said["days"]["from_rollups"]


DEEDS = ("late", "late", "known", "known", "double", "repeat", "erase")
GOING = ("go on", "known", "double", "repeat", "go on", "erase", "open", "go on", "known")
ENGINES = ("embedded", "server")


def on(**cases):
    """Run on each engine with its case; in the deep run every case on both. By name of the argument: engine -> case."""
    [(name, each)] = cases.items()
    pairs = [
        pytest.param(kind, case, marks=[pytest.mark.server] if kind == "server" else [])
        for kind in ENGINES
        for case in (dict.fromkeys(each.values()) if DEEP else [each[kind]] if kind in each else [])
    ]
    return pytest.mark.parametrize(("engine", name), pairs, indirect=["engine"])


BOTH = [pytest.param("embedded"), pytest.param("server", marks=pytest.mark.server)]
EMBEDDED, SERVER = (pytest.mark.parametrize("engine", BOTH if DEEP else [one], indirect=True) for one in BOTH)
"""What hangs on no engine: on one of them in the whole run, on both in the deep one."""


@on(seed={"embedded": 1, "server": 2, **{f"deep {seed}": seed for seed in (0, 3, 4)}})
def test_any_order_of_late_doubled_identified_and_erased(engine, data, seed, monkeypatch):
    """Every statement is some milliseconds, and that is what a case costs: one question after each deed.

    A deed touches one day where it can, so that others stay believed.
    """
    monkeypatch.setattr(rollup_spans, "LEAST", 2)
    monkeypatch.setattr(rollup_build, "PIECE", 20)
    chance = random.Random(seed)
    world = World(data, engine, chance, list(ZONES)[seed])
    world.load([world.make() for _ in range(120)])
    assert check(world) == 0  # nothing is built yet
    world.build()
    rolled = 0
    for deed in chance.sample(DEEDS, len(DEEDS)):
        if deed == "known" or chance.random() < 0.3:
            world.build(most=chance.choice((2, None)))
        if chance.random() < 0.3:
            world.open()
        at = world.first + chance.randrange(SPAN * DAY)
        if deed == "late":
            world.load([world.make(at=at + number) for number in range(chance.randint(1, 5))])
        elif deed == "known":  # before and after the days that are built
            outside = (world.first - DAY, world.first + (SPAN + 2) * DAY)
            world.load([world.make(at=chance.choice(outside), likely=0.9) for _ in range(6)])
        elif deed == "double":
            world.load(chance.sample(world.sent, 8))
        elif deed == "repeat":  # an insert whose outcome is not known: the rows are sent again
            months = {int(datetime.fromtimestamp(one.ts / 1000, UTC).strftime("%Y%m")) for one in world.events.values()}
            world.road.loader.doubts.open(months)
            text = "insert into events select * from events where toDate(ts) = toDate({at:UInt32}) limit 20"
            engine.command(Query(text=text, params={"at": at // 1000}))
        else:
            world.erase()
        rolled += check(world, whole=deed == "known")
    world.road.loader.doubts.settle()
    world.build()
    assert rolled + check(world, whole=True, events=True) > 6


@on(
    zone_and_deeds={
        "embedded": ("America/St_Johns", GOING[:5]),
        "server": ("Europe/Berlin", GOING[3:]),
        **{f"deep {zone}": (zone, GOING) for zone in ("America/St_Johns", "Europe/Berlin")},
    }
)
def test_days_that_are_not_over(engine, data, zone_and_deeds, monkeypatch):
    """Each is a build and what came since: events of visits that go on and of others, late ones, people known now."""
    zone, deeds = zone_and_deeds
    chance = random.Random(zone)
    monkeypatch.setattr(rollup_spans, "LEAST", 2)
    monkeypatch.setattr(rollup_build, "PIECE", 20)
    world = World(data, engine, chance, zone)
    world.load([world.make() for _ in range(120)])
    assert world.open() >= SPAN
    assert world.open() == 0
    asked = (engine, "shop", zone, midnight(world.first // DAY, zone), midnight(world.first // DAY + SPAN, zone))
    assert not rollups.road(*asked).counted
    added = 0
    for deed in deeds:
        if deed == "go on":
            some = chance.sample(list(world.events.values()), 12)
            world.load([world.make(like=one) for one in some] + [world.make() for _ in range(4)])
        elif deed == "known":
            world.load([world.make(at=world.first - 3 * DAY, likely=0.9) for _ in range(6)])
        elif deed == "double":
            world.load(chance.sample(world.sent, 8))
        elif deed == "repeat":
            months = {int(datetime.fromtimestamp(one.ts / 1000, UTC).strftime("%Y%m")) for one in world.events.values()}
            world.road.loader.doubts.open(months)
            engine.command(Query(text="insert into events select * from events limit 60"))
        elif deed == "erase":
            while not world.erase():
                pass
        else:
            world.road.loader.doubts.settle()
            assert world.open() > 0
        road = rollups.road(*asked)
        added += len(road.opened)
        assert deed != "open" or (not road.counted and not road.opened)
        check(world, whole=True)
    assert added > (SPAN if len(deeds) == len(GOING) else 1)
    world.build()
    assert check(world, whole=True, events=True) >= SPAN


def test_who_has_another_visit_stays_with_its_channel(engine, data, monkeypatch):
    """A visit to pages turns out to have come by mail: its person leaves `Direct` only with the last visit there."""
    world = World(data, engine, random.Random(6), "UTC")
    noon = world.first + DAY // 2

    def seen(number, visitor, session, at, **more):
        world.next = number
        page = {"name": "page_view", "url": "https://shop.example/1"}
        return event(number, ts=at, visitor=visitor, session=session, received=at, **{**page, **more})

    mail = {"url": "https://shop.example/1?utm_source=news&utm_medium=email"}
    bought = {"name": "purchase", "url": "", "value": 10.0, "currency": "EUR"}
    first = [seen(1, "v1", "a", noon), seen(2, "v1", "b", noon + 9), seen(3, "v2", "c", noon), seen(5, "v3", "d", noon)]
    world.load([*first, seen(4, "v2", "c", noon + 5, **bought)])
    world.open()
    world.load([seen(6, "v1", "a", noon - 9, **mail), seen(7, "v2", "c", noon - 9, **mail)])
    for most in (2, 1, 2):  # more are not added: the day is counted
        monkeypatch.setattr(rollup_open, "MOST_SINCE", most)
        road = rollups.road(engine, "shop", "UTC", world.first, world.first + DAY)
        assert (len(road.opened), len(road.counted)) == ((1, 0) if most == 2 else (0, 1))
    asked = {"site": "shop", "from": "2026-03-29T00:00:00Z", "to": "2026-03-30T00:00:00Z"}
    rows = overview.run(Bounded(engine, 60), overview.parse(asked))["channels"]
    assert {row["key"]: (row["people"], row["purchases"], row["revenue"]) for row in rows} == {
        "Direct": (2, 0, {}),
        "Email": (2, 1, {"EUR": 10.0}),
    }
    check(world, whole=True)


@EMBEDDED
def test_a_closed_day_is_counted_once_and_again_only_when_something_came(engine, data):
    chance = random.Random(1)
    world = World(data, engine, chance, "Europe/Berlin")
    world.load([world.make() for _ in range(200)])
    days = world.build()
    assert days >= SPAN
    assert world.build() == 0
    world.load([world.make(at=T0 + DAY)])
    assert [due.number for due in world.rollups.due("shop", "Europe/Berlin", NOW)] == [T0 // DAY + 1]
    assert world.build() == 1


@EMBEDDED
def test_a_build_that_was_cut_off_is_begun_again(engine, data, monkeypatch):
    """At any of its statements: nothing of it is believed, and it leaves nothing for long."""
    monkeypatch.setattr(rollup_build, "PIECE", 9)
    monkeypatch.setattr(rollup_spans, "LEAST", 2)
    world = World(data, engine, random.Random(3), "UTC")
    world.load([world.make(at=world.first + number * 997_000) for number in range(40)])
    count = {table: Query(text=f"select count() from {table}") for table in ("rollup_rows", "rollup_pieces")}

    def left():
        return [engine.ask(query).rows[0][0] for query in count.values()]

    def cut(at, *, killed):
        going = iter(range(at))

        def rest(_):
            if next(going, None) is not None:
                return True
            if killed:
                raise ConnectionError
            return False

        return rest

    opened = rollup_build.Due("shop", "UTC", world.first // DAY, 0, time_ns() // 1_000_000)
    for due in (world.rollups.due("shop", "UTC", world.now)[0], opened):
        for at, killed in ((1, True), (3, False), (8, True), (14, False)):
            with suppress(ConnectionError):
                assert not world.rollups.build(due, cut(at, killed=killed))
        assert max(left()) > 0
        assert check(world, whole=True) == 0
        assert world.rollups.build(due)
        assert check(world, whole=True) == 1
        assert max(left()) > 0
        monkeypatch.setattr(rollup_build, "LAST_READERS", -1_000_000_000)
        rollup_build.forget(engine)
        assert left() == [0, 0]
        engine.command(Query(text="truncate table rollup_days"))
    # one list of a span is not the span
    world.build()
    engine.command(Query(text="truncate table rollup_span_days"))
    world.load([world.make(at=world.first + DAY + number) for number in range(3)])
    world.build(most=9)
    for span in rollup_spans.due(engine, "shop", "UTC", world.now, 100):
        assert rollup_spans.make(engine, span, lambda _: False) is None
    assert not noted(engine, "shop", "UTC")
    check(world, whole=True, events=True)


@SERVER
def test_who_is_known_later_costs_no_building(engine, data, monkeypatch):
    chance = random.Random(2)
    world = World(data, engine, chance, "UTC")
    plain = [event(number, ts=T0 + number * 3_600_000, visitor=f"v{number % 5}") for number in range(100)]
    world.load(plain)
    world.build()
    world.load(
        [event(900, ts=T0 + 30 * DAY, visitor="v1", user="u"), event(901, ts=T0 + 30 * DAY, visitor="v2", user="u")]
    )
    asked = {"site": "shop", "from": "2026-03-29T00:00:00Z", "to": "2026-04-02T00:00:00Z"}
    for most in (1, 2):  # more are not put right: the days are counted
        monkeypatch.setattr(rollups, "MOST_MOVES", most)
        said = overview.run(engine, overview.parse(asked))
        days = {"from_rollups": 4 * (most == 2), "from_events": 4 * (most == 1)}
        assert (said["totals"]["people"], said["days"]) == (4, days)
    monkeypatch.undo()
    # v1 turns out to have been w first: it leaves u, whom builds after this one know
    world.build()
    world.rollups.build(world.rollups.due("shop", "UTC", NOW + DAY)[0]) if world.rollups.due(
        "shop", "UTC", NOW + DAY
    ) else None
    world.load([event(902, ts=T0 + 29 * DAY, visitor="v1", user="w")])
    assert overview.run(engine, overview.parse(asked))["totals"]["people"] == 5


@EMBEDDED
def test_a_span_stands_for_its_days(engine, data):
    world = World(data, engine, random.Random(5), "Europe/Berlin")
    world.load([world.make() for _ in range(60)])
    world.build()
    asked = overview.parse(
        {
            "site": "shop",
            "from": "2026-03-29T00:00:00+01:00",
            "to": "2026-04-03T00:00:00+02:00",
            "timezone": "Europe/Berlin",
        }
    )
    from_days = overview.run(engine, asked, events_only=True)
    assert rollup_spans.due(engine, "shop", "Europe/Berlin", world.now, 100) == []
    engine.command(Query(text="delete from rollups where kind != 'day'"))
    assert {**overview.run(engine, asked), "days": 0} == {**from_days, "days": 0}
    # not after something came for one of them
    world.load([world.make(at=T0 + DAY)])
    assert overview.run(engine, asked)["events"] != overview.run(engine, asked, events_only=True)["events"]
    world.build()
    for due in rollup_spans.due(engine, "shop", "Europe/Berlin", world.now + 60 * DAY, 30):  # too long ago to be kept
        rollup_spans.make(engine, due)
    assert not any(span.days for span in noted(engine, "shop", "Europe/Berlin"))
    assert {**overview.run(engine, asked), "days": 0} != {**from_days, "days": 0}


@SERVER
def test_old_builds_go_after_their_last_reader(engine, data, monkeypatch):
    monkeypatch.setattr(rollup_spans, "LEAST", 2)
    world = World(data, engine, random.Random(3), "UTC")
    world.load([world.make() for _ in range(60)])
    world.build()
    world.load([world.make(at=T0 + DAY)])
    world.build()
    assert world.rollups.tidy({"shop": "UTC"}) == 0
    monkeypatch.setattr("tracker.loader.rollups.LAST_READERS", -1_000_000_000)
    assert world.rollups.tidy({"shop": "UTC"}) > 1  # a day and its spans
    check(world)
    world.rollups.tidy({"shop": "Europe/Berlin"})
    assert world.rollups.tidy({"shop": "Europe/Berlin"}) > 0
    for table in ("rollups", "rollup_spans"):
        assert engine.ask(Query(text=f"select count() from {table}")).rows == [(0,)]
