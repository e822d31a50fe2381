"""A look that found that nothing pays is not repeated before what it said is enough has come."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

from world import event, load

from tracker.loader import journey_costs as costs
from tracker.loader import journey_waits
from tracker.loader import journeys as making
from tracker.loader.journeys import Journeys
from tracker.store import journeys

MINUTE_NS = 60_000_000_000
FIRST = 1_770_000_000_000


class Asked:
    """An engine that notes what it is asked."""

    def __init__(self, whole):
        self.whole, self.texts = whole, []

    def __getattr__(self, name):
        return getattr(self.whole, name)

    def ask(self, query):
        self.texts.append(query.text)
        return self.whole.ask(query)

    def taken(self):
        """How many statements since it was last asked for."""
        self.texts, texts = [], self.texts
        return len(texts)


@pytest.fixture
def at_work(engine, monkeypatch):
    """(maker, its engine, how to let so many persons come): a site's journeys were just made, 20 have come since."""
    monkeypatch.setattr(making, "WANTED_SHARE", 1.0)
    for name in ("HELD", "MADE"):
        monkeypatch.setattr(costs, name, 0)
    monkeypatch.setattr(costs, "ONCE", 30)
    monkeypatch.setattr(costs, "KEPT_BACK", 0.25)
    watched, known = Asked(engine), []
    maker = Journeys(watched, least=1, grace=0)

    def come(persons):
        first = len(known)
        news = [
            event("a", FIRST + 1000 * number, f"v{number}", arrival=1_000_000 + 16 * number)
            for number in range(first, first + persons)
        ]
        known.extend(news)
        load(engine, news, known=known, version=first + 1)

    come(20)
    assert maker.keep("shop", ["a"])
    state = journeys.held(engine, "shop")
    journeys.hold(engine, replace(state, paid=state.paid - MINUTE_NS))  # of what came is known ten seconds
    watched.taken()
    return maker, watched, come


def test_no_look_before_enough_has_come(at_work):
    maker, watched, come = at_work
    come(10)
    assert not maker.keep("shop", ["a"])
    assert watched.taken() > 5
    assert not maker.keep("shop", ["a"])
    assert watched.taken() == 2  # the site's state and how much has come
    come(9)
    assert not maker.keep("shop", ["a"])
    assert watched.taken() == 2
    come(1)  # 40 are a quarter more than 30
    assert maker.keep("shop", ["a"])
    assert journeys.news(watched, journeys.held(watched, "shop"))[0] == 0


@pytest.mark.parametrize("what", ["other names", "another state", "time"])
def test_other_reasons_for_a_look(at_work, monkeypatch, what):
    maker, watched, come = at_work
    come(10)
    assert not maker.keep("shop", ["a"])
    watched.taken()
    if what == "another state":
        journeys.forget(watched.whole, "shop")
    if what == "time":
        monkeypatch.setattr(journey_waits.time, "monotonic", lambda begun=journey_waits.time.monotonic: begun() + 601)
    maker.keep("shop", ["a", "b"] if what == "other names" else ["a"])
    assert watched.taken() > 5
