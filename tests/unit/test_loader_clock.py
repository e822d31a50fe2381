"""A machine's clock that is set back while the loader works, or between two of its lives."""

import time

import pytest

from tracker.loader import doubts as doubts_module
from tracker.loader import identity as identity_module
from tracker.loader.batch import Seen
from tracker.loader.doubts import Doubts
from tracker.loader.identity import Identity
from tracker.store.clean import events_source
from tracker.store.embedded import Embedded
from tracker.store.engine import Query

DAY = 86_400 * 10**9


class Clock:
    """time, but a number of nanoseconds off."""

    def __init__(self, off: int) -> None:
        self._off = off

    def __getattr__(self, name):
        return getattr(time, name)

    def time_ns(self) -> int:
        return time.time_ns() + self._off


def test_a_doubt_opened_after_the_clock_was_set_back_is_open(embedded: Embedded, monkeypatch: pytest.MonkeyPatch):
    doubts = Doubts(embedded, patience=0.0)
    doubts.open([202601])
    assert doubts.settle() == 0
    assert events_source(embedded).text == "events"
    monkeypatch.setattr(doubts_module, "time", Clock(-DAY))
    doubts.open([202601])
    assert events_source(embedded).text == "events final"
    assert doubts.settle() == 0
    assert events_source(embedded).text == "events"


def test_the_patience_of_a_doubt_does_not_end_because_the_clock_was_set_forward(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch
):
    doubts = Doubts(embedded, patience=600.0)
    doubts.open([202601])
    assert doubts.settle() == 1
    monkeypatch.setattr(doubts_module, "time", Clock(DAY))
    assert doubts.settle() == 1


def test_what_is_learnt_after_the_clock_was_set_back_replaces_what_was_known(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch
):
    def who(ts: int, user: str) -> Seen:
        return Seen(site="shop", id="x", arrival=ts, ts=ts, visitor="v1", user=user)

    text = "select person from person_map final where site = 'shop'"
    Identity(embedded).learn([who(2000, "late")])
    before = embedded.ask(Query(text=text)).rows
    monkeypatch.setattr(identity_module, "time", Clock(-DAY))
    Identity(embedded).learn([who(1000, "early")])  # who was identified first is the person
    assert embedded.ask(Query(text=text)).rows != before
