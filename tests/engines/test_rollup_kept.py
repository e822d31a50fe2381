"""What is kept of builds: sets as ClickHouse has them, the biggest entries, and builds that follow others."""

from __future__ import annotations

import math
import random
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from loading import event
from test_rollups import DAY, World, check

from tracker.analytics import overview, overview_rollups
from tracker.loader import rollup_build, rollup_spans
from tracker.store import rollup_kept
from tracker.store.engine import Query
from tracker.store.rollup_sets import Coded, Moves, coded, united
from tracker.store.wrapped import Wrapped
from tracker.wiring.rollups import RollupKeeper


class Noted(Wrapped):
    """Notes the texts of statements."""

    def __init__(self, engine):
        super().__init__(engine)
        self.texts = []

    def through(self, query, run):
        """Noted."""
        self.texts.append(query.text)
        return run(query)


def used(monkeypatch):
    """Whether each question was told from what is kept, as a list that grows."""
    told, real = [], overview_rollups.overview_kept.counted

    def counted(*args):
        found = real(*args)
        told.append(found is not None)
        return found

    monkeypatch.setattr(overview_rollups.overview_kept, "counted", counted)
    return told


@pytest.mark.parametrize(
    "engine", [pytest.param("embedded"), pytest.param("server", marks=pytest.mark.server)], indirect=True
)
def test_sets_are_read_as_clickhouse_has_them(engine):
    """Few and many members, in both forms; arrays of keys of all 64 bits."""
    sets = coded("groupBitmapState(toUInt32(number * 977))", "groupUniqArray(toUInt64(number) * 18446744073709551557)")
    for many in (0, 1, 31, 32, 33, 200, 70_000):
        [(text,)] = engine.ask(Query(text=f"select {sets} from numbers({many})")).rows
        found = Coded(text)
        assert list(found.numbers()) == [number * 977 % 2**32 for number in range(many)]
        assert set(found.keys().tolist()) == {number * 18446744073709551557 % 2**64 for number in range(many)}


def test_moves_are_those_of_plain_sets():
    """A number that has moved counts as its owner: another number, or a person who has none."""
    chance = random.Random(4)
    for _ in range(50):
        moved = {
            chance.randrange(60): (chance.choice((0, chance.randrange(1, 60))), chance.randrange(2**63, 2**64 - 1))
            for _ in range(chance.choice((0, 20)))
        }
        sets = [{chance.randrange(60) for _ in range(chance.randrange(30))} for _ in range(chance.randrange(4))]
        keys = [chance.choice([person for _, person in moved.values()] or [2**62]) for _ in range(chance.randrange(3))]
        expected = set(keys)
        for number in set().union(*sets):
            owner, person = moved.get(number, (number, 0))
            expected.add(owner or person) if number in moved else expected.add(number)
        numbers = united([type(united([]))(one) for one in sets])
        moves = Moves([(number, 1, owner, person) for number, (owner, person) in moved.items()])
        assert moves.count(numbers, [np.array(keys, np.uint64)]) == len(expected)


@pytest.mark.parametrize("most", [2, 8])
def test_the_biggest_of_more_entries_than_are_kept(embedded, data, monkeypatch, most):
    """Thirty pages, each day others on top, of which few are kept: more are looked at, or the store counts all."""
    monkeypatch.setattr(rollup_kept, "MOST", most)
    monkeypatch.setattr(overview, "TOP", 2)
    told, looked, real = used(monkeypatch), [], rollup_kept.Kept.look
    monkeypatch.setattr(
        rollup_kept.Kept, "look", lambda self, *asked: (looked.append(len(asked[-1])), real(self, *asked))
    )
    world = World(data, embedded, random.Random(most), "UTC")

    def seen(many):
        for _ in range(many):
            world.next += 1
            day, page = world.next % 4, int(30 * world.chance.random() ** 3)
            url = f"https://shop.example/{(page + 7 * day) % 30}"
            at = world.first + day * DAY + world.chance.randrange(DAY)
            yield event(
                world.next, ts=at, name="page_view", visitor=f"v{world.chance.randint(0, 40)}", url=url, received=at
            )

    world.load(list(seen(240)))
    assert world.open() > 0
    spec = overview.parse({"site": "shop", "from": "2026-03-29T00:00:00Z", "to": "2026-04-03T00:00:00Z"})
    for _ in range(3):
        world.load(list(seen(5)))
        said = overview.run(embedded, spec)
        assert said["days"]["from_events"] == 0
        plain = overview.run(embedded, spec, events_only=True)
        assert {**said, "days": 0} == {**plain, "days": 0}
    assert told == [False, *2 * [most == 8]]  # the first question of a process is the store's
    assert any(looked) == (most == 8)


def test_what_is_too_large_is_counted_by_the_store(embedded, data, monkeypatch):
    monkeypatch.setattr(rollup_kept, "ROOM", 3000)
    told = used(monkeypatch)
    world = World(data, embedded, random.Random(8), "UTC")
    world.load([world.make() for _ in range(60)])
    world.open()
    world.load([world.make() for _ in range(5)])
    check(world, whole=True, asked_before=True)
    assert told
    assert not any(told)


def going_on(data, engine):
    """Days that are not over, with something that came since their builds; nothing is kept."""
    rollup_kept.forget()
    world = World(data, engine, random.Random(9), "UTC")
    world.load([world.make() for _ in range(80)])
    world.open()
    world.load([world.make(at=world.first + DAY) for _ in range(3)])
    return world


def at_once(world, told):
    """The same question is told from what is kept, and nothing need be fetched for it."""
    del told[:]
    world.engine = Noted(world.engine)
    check(world, whole=True, asked_before=False)
    assert told
    assert all(told)
    assert not [text for text in world.engine.texts if "-- Sets of persons" in text or "-- Figures of what" in text]


def test_a_build_that_follows_another_is_kept_before_somebody_asks(embedded, data, monkeypatch):
    """The keeper asks for the sets that were asked for before, where somebody asked lately."""
    monkeypatch.setattr(rollup_build, "PIECE", 20)
    monkeypatch.setattr(rollup_spans, "LEAST", 2)
    monkeypatch.setattr(rollup_kept, "AHEAD", 50)
    told = used(monkeypatch)
    world = going_on(data, embedded)
    check(world, whole=True, asked_before=True)
    assert rollup_kept.renew(embedded, "shop", "UTC", ()) == 0  # each is the last of its day
    embedded.command(Query(text="delete from rollup_days where true"))
    world.open()
    assert rollup_kept.renew(embedded, "shop", "UTC", ()) > 0
    assert rollup_kept.renew(embedded, "other", "UTC", ()) == 0
    at_once(world, told)


def test_the_first_question_is_answered_by_the_store_and_what_it_wanted_is_kept_for_the_second(
    embedded, data, monkeypatch
):
    monkeypatch.setattr(rollup_kept, "AHEAD", 50)
    told = used(monkeypatch)
    world = going_on(data, embedded)
    check(world, whole=True, asked_before=False)
    assert told
    assert not any(told)
    assert rollup_kept.renew(embedded, "other", "UTC", ()) == 0
    assert rollup_kept.renew(embedded, "shop", "UTC", ()) > 0
    at_once(world, told)


@pytest.mark.parametrize("resting", [False, True])
def test_the_keeper_of_days_has_it_kept(embedded, data, monkeypatch, resting):
    """After the days that are not over, and in each round, also where it rests from those."""
    monkeypatch.setattr(rollup_kept, "AHEAD", 50)
    told = used(monkeypatch)
    world = going_on(data, embedded)
    world.road.catalog.sites.create("shop")
    check(world, whole=True, asked_before=False)
    keeper = RollupKeeper(embedded, world.road.catalog, threading.Event(), grace=3600)
    if resting:
        keeper._open_again = math.inf
        assert keeper.round() == 0
    else:
        assert keeper._open({"shop": "UTC"}) == 0
    at_once(world, told)


def test_an_answer_that_is_remembered_is_not_that_of_later(embedded, data):
    """Nobody becomes known, so the same builds say all there is to say, until something comes."""
    rollup_kept.forget()
    world = World(data, embedded, random.Random(10), "UTC")
    world.load([world.make(likely=0) for _ in range(40)])
    assert world.open() > 0
    for _ in range(2):
        check(world, whole=True, asked_before=False)
    world.load([world.make(at=world.first + DAY, likely=0)])
    check(world, whole=True, asked_before=False)
