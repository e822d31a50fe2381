"""Shares of senders and words of sites."""

import json

import pytest
from collector_http import ORIGIN, event
from hypothesis import given
from hypothesis import strategies as st

from tracker.collector.limits import BURST_SECONDS, Buckets
from tracker.collector.vocabulary import OTHER, Vocabulary
from tracker.core.errors import TooMany
from tracker.core.event import Event


def test_a_bucket_gives_a_burst_then_its_rate():
    buckets = Buckets(10)
    for _ in range(int(10 * BURST_SECONDS)):
        buckets.take("a", 1, 100.0)
    with pytest.raises(TooMany) as caught:
        buckets.take("a", 1, 100.0)
    assert caught.value.after >= 1
    buckets.take("b", 1, 100.0)
    buckets.take("a", 5, 100.5)
    with pytest.raises(TooMany):
        buckets.take("a", 1, 100.5)


def test_a_batch_larger_than_a_bucket_passes_once_and_is_paid_for():
    buckets = Buckets(1)
    buckets.take("a", 1000, 0.0)
    with pytest.raises(TooMany) as caught:
        buckets.take("a", 1, 1.0)
    assert caught.value.after == 1 + 1000 - int(BURST_SECONDS) - 1
    buckets.take("a", 1, 1000.0)


def test_of_many_senders_the_longest_silent_are_forgotten():
    buckets = Buckets(1, most=100)
    for at in range(100_000):
        buckets.take(str(at), 1, float(at))
    assert len(buckets) == 100


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 50)), max_size=60))
def test_nobody_gets_more_than_a_burst_and_the_rate_and_one_batch(draws):
    buckets, now, got = Buckets(7), 0.0, 0
    for pause, tokens in draws:
        now += pause
        try:
            buckets.take("a", tokens, now)
            got += tokens
        except TooMany:
            continue
    assert got <= 7 * BURST_SECONDS + 7 * now + 50


async def test_an_address_over_its_share_is_told_when_to_come_back(start):
    collector = await start(rate_per_address=1, trusted_proxies=("127.0.0.1",))
    answers = [await collector.events(event(), headers={"X-Forwarded-For": "203.0.113.9"}) for _ in range(40)]
    refused = [answer for answer in answers if answer.status == 429]
    assert len(refused) >= 5
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert refused[0].json["error"]["code"] == "too_many"
    stored = len(collector.stored())
    assert stored == 40 - len(refused)
    other = await collector.events(event(), headers={"X-Forwarded-For": "203.0.114.9"})
    assert other.status == 204
    image = await collector.send("/e.gif?site=wk&visitor=v", method="GET", headers={"X-Forwarded-For": "203.0.113.9"})
    assert (image.status, len(collector.stored())) == (200, stored + 1)
    assert (await collector.send("/healthz", method="GET", headers={"X-Forwarded-For": "203.0.113.9"})).status == 200


async def test_a_key_over_its_share_costs_the_other_sites_nothing(start):
    collector = await start(rate_per_key=1)
    batch = [event() for _ in range(50)]
    assert (await collector.events(*batch)).status == 204
    refused = await collector.events(event(), headers=ORIGIN)
    assert refused.status == 429
    assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
    assert (await collector.events(event(), site="wk-open")).status == 204
    assert len(collector.stored()) == 51


def made(name: str, type: str = "track", **props) -> Event:
    return Event(site="s", id="i", arrival=1, received=1, ts=1, type=type, name=name, props=props)


def test_words_beyond_the_budget_are_kept_under_another_name():
    words = Vocabulary(2, 3)
    first = made("a", x=1, y=2)
    assert words.admit(first) is first
    assert words.admit(made("b", z=1)).name == "b"
    third = words.admit(made("c", x=5, new={"deep": [1]}))
    assert third.name == OTHER
    assert third.props == {"x": 5, "event_name": "c", OTHER: '{"new":{"deep":[1]}}'}
    assert words.admit(made("page_view", "page")).name == "page_view"  # the names of calls are always known
    assert words.admit(made("a", x=1)).props == {"x": 1}


@given(st.lists(st.tuples(st.text(max_size=3), st.dictionaries(st.text(max_size=3), st.integers(), max_size=4))))
def test_no_site_uses_more_words_than_it_may_and_nothing_is_lost(events):
    words = Vocabulary(4, 6)
    names, keys = set(), set()
    for name, props in events:
        kept = words.admit(made(name, **{}) if not props else Event("s", "i", 1, 1, 1, "track", name, props=props))
        names.add(kept.name)
        keys |= set(kept.props)
        assert kept.name == name or kept.props["event_name"] == name
        folded = json.loads(kept.props.get(OTHER, "{}")) if OTHER not in props else {}
        for key, value in props.items():
            if OTHER not in props and key != "event_name":
                assert kept.props.get(key, folded.get(key)) == value
    assert len(names - {OTHER}) <= 4
    assert len(keys - {OTHER, "event_name"}) <= 6


@pytest.mark.parametrize("limit", [0, 50])
def test_memory_of_words_is_bounded(limit):
    words = Vocabulary(limit, limit)
    for at in range(25_000):
        words.admit(made(f"n{at}", **{f"k{at}": 1}))
    assert len(words.names) <= 10_000
    assert len(words.keys) <= 10_002


async def test_a_flood_of_names_is_folded_on_its_way_to_the_disk(start):
    from tracker.collector.settings import Limits

    collector = await start(limits=Limits(event_names=3, property_keys=3))
    await collector.events(*[event(name=f"n{at}", props={f"k{at}": at}) for at in range(6)])
    stored = collector.stored()
    assert [record.name for record in stored] == ["n0", "n1", "n2", OTHER, OTHER, OTHER]
    assert stored[5].props == {"event_name": "n5", OTHER: '{"k5":5}'}
