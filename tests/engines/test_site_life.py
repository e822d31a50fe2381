"""A site's life: whatever happens to it, a process that remembers and a fresh one answer as a slow count does.

Days counted already, sets kept of them and the journey table are caches. They are here together, over days in which
events come late and twice, people become known, are merged and erased, and the site moves to another time zone.
"""

from __future__ import annotations

import random
import sys
from collections import OrderedDict
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import asked_of_many as ask
import many_histories
from funnel_oracle import instant
from loading import Road, event
from many_histories import DAY, HOUR, NOW, Site
from test_rollups import on

from tracker.analytics import funnel, funnel_journeys, overview, overview_rollups, paths_journeys
from tracker.loader import journeys as making
from tracker.loader import rollup_build, rollup_spans
from tracker.loader.journeys import Journeys
from tracker.loader.rollups import Rollups
from tracker.store import erase, rollup_kept, rollups
from tracker.store import rollup_spans as spans

ZONES = ("Europe/Berlin", "America/St_Johns")
START = instant("2026-10-24T16:00:00Z")  # the clocks go back in Berlin the night after
DAY_ONE = ("come", "keep", "know", "come", "make", "late", "erase", "twice")
NIGHTS = ("keep", "make", "come", "night", "merge", "keep", "move", "keep", "erase")
MEMORY = (
    (rollup_kept, "_kept", OrderedDict),
    (rollup_kept, "_wanted", OrderedDict),
    (overview_rollups, "_answers", dict),
    (overview_rollups, "_biggest", dict),
    (rollups, "_lately", dict),
    (spans, "_noted", dict),
)
"""What a process keeps between two questions."""


def fresh():
    """What a process remembers that has just begun."""
    return [kind() for _, _, kind in MEMORY]


@contextmanager
def remembering(memory):
    """As the process that remembers this."""
    with pytest.MonkeyPatch.context() as patched:
        for (module, name, _), one in zip(MEMORY, memory, strict=True):
            patched.setattr(module, name, one)
        yield


class Life:
    """A site, what was sent to it, and what the process that is asked about it remembers."""

    def __init__(self, engine, data, chance):
        self.engine, self.chance, self.road = engine, chance, Road(data, engine)
        self.now, self.zone = START, ZONES[0]
        self.sent, self.found, self.made = {}, {}, 0
        self.visitors, self.users = [f"v{number}" for number in range(12)], [f"u{number}" for number in range(5)]
        self.memory = fresh()

    def load(self, ones):
        made = []
        for one in ones:
            self.made += 1
            told = {"site": "shop", "arrival": (NOW * 1000 + self.made) * 16, "received": one["ts"] + HOUR}
            made.append(event(**{"n": self.made, **one, **told}))
            self.sent.setdefault(made[-1].id, made[-1])
        self.road.load(made)

    def some(self, many, back, **more):
        """Events of the last `back` ms."""
        for _ in range(many):
            at, visitor = self.now - self.chance.randrange(back), self.chance.choice(self.visitors)
            one = many_histories.some_event(self.chance, at, visitor, self.users) | {"visitor": visitor}
            if self.chance.random() < 0.7:  # nobody is known yet
                one |= {"user": "", "previous": "", "type": "track"}
            yield {**one, **more}

    # What may happen

    def come(self):
        self.load(self.some(20, 8 * HOUR))

    def late(self):
        self.load(self.some(3, 4 * DAY))

    def know(self):
        self.load(self.some(3, 4 * DAY, user=self.chance.choice(self.users)))

    def merge(self):
        user, other = self.chance.sample(self.users, 2)
        self.load(self.some(1, DAY, type="alias", user=user, previous=other))

    def twice(self):
        """The same ids once more, some of them with another story."""
        again = [msgspec.structs.asdict(one) for one in self.chance.sample(list(self.sent.values()), 6)]
        changes = {"user": "nobody", "value": 1000.0, "currency": "EUR"}
        self.load([{**one, **(changes if place % 2 else {})} for place, one in enumerate(again)])

    def erase(self):
        """A person, whose ids come no more."""
        visitor = self.visitors.pop(0)
        names = erase.all_names(self.engine, "shop", erase.Names(visitors=(visitor,)))
        erase.delete(self.engine, "shop", names, ())
        self.sent = {
            one.id: one
            for one in self.sent.values()
            if (one.user not in names.users if one.user else one.visitor not in names.visitors)
        }
        self.visitors = [one for one in self.visitors if one not in names.visitors] + [f"after {visitor}"]
        self.users = [one if one not in names.users else f"{one} again" for one in self.users]
        self.road.loader._identity = type(self.road.loader._identity)(self.engine)  # as `Loader.erase_due` does

    def night(self):
        self.now += DAY
        self.come()

    def move(self):
        self.zone = ZONES[1]

    def keep(self):
        """What the keeper of days does in the first process."""
        with remembering(self.memory):
            for builder, some in (
                (Rollups(self.engine, grace=0), "open_due"),
                (Rollups(self.engine, grace=-10), "due"),
            ):
                for due in getattr(builder, some)("shop", self.zone, self.now):
                    builder.build(due)
            for due in rollup_spans.due(self.engine, "shop", self.zone, self.now, 100):
                rollup_spans.make(self.engine, due)
            rollup_kept.renew(self.engine, "shop", self.zone, spans.noted_lately(self.engine, "shop", self.zone))

    def make(self):
        Journeys(self.engine, least=1, grace=0, eager=True).keep("shop", ["a", "b", "purchase"])

    # Questions

    def truth(self):
        for id_, *more in self.road.rows(f"toString(id), {', '.join(many_histories.FOUND_OUT)}"):
            self.found[id_] = dict(zip(many_histories.FOUND_OUT, more, strict=True))
        site = Site("shop", self.zone, self.now - self.chance.randrange(3) * DAY, [0], sent=self.sent, rolled=True)
        for id_, one in self.sent.items():
            told = msgspec.structs.asdict(one)
            site.events.append({**told, **self.found[id_], "event": told.pop("name")})
        many_histories.settle_users(site.events)
        site.enriched = {one["id"]: (one["path"], one["channel"]) for one in site.events}
        return site

    def ask(self):
        """An overview of a process that remembers and of a fresh one, a funnel and paths are right."""
        chance, site = self.chance, self.truth()
        tomorrow = datetime.fromtimestamp(self.now / 1000, ZoneInfo(self.zone)).date() + timedelta(days=1)
        first = tomorrow - timedelta(days=chance.choice((1, 3, 7)))
        days = {
            name: datetime.combine(day, time(), ZoneInfo(self.zone)).isoformat()
            for name, day in (("from", first), ("to", tomorrow))
        }
        for memory in (self.memory, fresh()):
            with remembering(memory):
                ask.check_overview(self.engine, site, {**days, "timezone": self.zone})
        steps = [{"event": name} for name in chance.sample(("a", "b", "purchase"), 2)]
        ask.check_funnel(self.engine, site, {**days, "steps": steps, "window": "2d"})
        ask.check_paths(self.engine, site, {**days, "by": chance.choice(("event", "event", "page")), "steps": 4})


@on(deeds={"embedded": DAY_ONE, "server": NIGHTS})
def test_whatever_happens_answers_are_right(engine, data, monkeypatch, deeds):
    for module, name, small in (
        (funnel_journeys, "MAX_SHARE", 100.0),
        (paths_journeys, "MAX_SHARE", 100.0),
        (making, "WANTED_SHARE", 1.0),
        (rollup_spans, "LEAST", 2),
        (rollup_build, "PIECE", 60),
    ):
        monkeypatch.setattr(module, name, small)
    life = Life(engine, data, random.Random(len(deeds)))
    life.load(life.some(60, 4 * DAY))
    for deed in (*deeds, "make", "keep"):
        getattr(life, deed)()
        try:
            life.ask()
        except AssertionError as error:
            raise AssertionError(f"after {deed}") from error
    body = ask.at(life.truth(), {"from": "2026-10-20T00:00:00+02:00", "to": "2026-10-30T00:00:00+01:00"})
    assert overview.run(engine, overview.parse({**body, "timezone": life.zone}))["days"]["from_rollups"]
    assert funnel.run(engine, funnel.parse({**body, "steps": [{"event": "a"}, {"event": "b"}]}))["road"] == "journeys"
