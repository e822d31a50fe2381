"""Every report equals its oracle on small random histories (`TRACKER_HISTORIES` of them), on both engines.

One question is asked about eight histories. Each has people of its own, so an answer that adds up over people is wrong
where one of them is. A question that fails is asked again about each history alone, and the smallest that fails is
printed. RFM ranks people and Markov weighs paths against each other: for these, eight are one set of data.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "oracle"))

import asked_of_many as ask
import many_histories
from emptying import empty
from many_histories import DEEDS, World, deeds, printed

from tracker.store.engine import Query
from tracker.store.migrate import migrate
from tracker.store.server import Server

SEED = os.environ.get("TRACKER_HISTORIES_SEED", "6")


@pytest.fixture(scope="module", params=["embedded", pytest.param("server", marks=pytest.mark.server)])
def world(request, tmp_path_factory):
    """All histories, loaded once for an engine."""
    if request.param == "embedded":
        engine = request.getfixturevalue("_kept").open()
    else:
        engine = Server(request.getfixturevalue("clickhouse").url())
    migrate(engine)
    empty(engine)
    yield World(engine, tmp_path_factory.mktemp("many"), SEED)
    engine.command(Query(text="system start merges events"))
    if request.param == "server":
        engine.close()


def wrong(world, site, name):
    """The question put to a site; what is wrong with the answer, None where nothing is."""
    some, check = ask.REPORTS[name]
    body = some(random.Random(f"{SEED} {name} {site.histories[0]}"), site)
    return fault(world, site, check, body), body


def fault(world, site, check, body):
    try:
        check(world.engine, site, body)
    except AssertionError as error:
        return str(error) or "not equal"
    return None


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ask.REPORTS)
def test_every_history_equals_the_oracle(world, name):
    for site in world.together:
        said, body = wrong(world, site, name)
        if said is None:
            continue
        alone = [one for one in world.single if one.histories[0] in site.histories]
        failing = [one for one in alone if fault(world, one, ask.REPORTS[name][1], body)] or [site]
        least = min(failing, key=lambda one: len(one.events))
        told = fault(world, least, ask.REPORTS[name][1], body) or said
        pytest.fail(
            f"{name}, TRACKER_HISTORIES_SEED={SEED}, {least.name} in {least.zone}"
            f" (of {site.name}, {len(failing)} of {len(alone)} fail)\n{body}\n{told}\n{printed(least)}",
            pytrace=False,
        )


def test_there_are_as_many_as_are_promised(world):
    assert len(world.single) == many_histories.COUNT
    happened = Counter(what for site in world.single for what in deeds(site))
    assert min(happened[what] for what in DEEDS) > len(world.single) // 5, happened
