"""The road's short cut makes the very records that its steps make, or none."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tracker.collector import bounds
from tracker.collector.consent import Region
from tracker.collector.express import express
from tracker.collector.journey import Journey
from tracker.collector.parsed import Batch
from tracker.collector.place import NOWHERE, Place
from tracker.collector.protocols import native
from tracker.collector.protocols.native import NativeEvent
from tracker.collector.road import Context
from tracker.collector.settings import Limits
from tracker.collector.vocabulary import Vocabulary
from tracker.core.event import EVENT_TYPES, Event, RawConsent, Record
from tracker.core.gate import Lists
from tracker.core.identifiers import keys_of
from tracker.core.site import Site

NOW = 1_795_000_000_000
KEY = "11" * 32
UUID = "1f30fea0-e776-48d6-8414-fb22bc9cfc5c"
COMMON: dict[str, Any] = {
    "type": "track",
    "name": "view_item",
    "id": UUID,
    "ts": NOW - 5,
    "visitor": "9b2f6a1e",
    "session": "s1",
    "url": "https://shop.example/p/1?utm_source=news&gclid=abc",
    "referrer": "https://www.google.com/",
    "title": "A product",
    "props": {"category": "shoes", "size": 42, "tags": ["a", 1, None]},
    "items": [{"item_id": "7", "price": 59.9}],
    "value": 59.9,
    "currency": "eur",
    "consent": RawConsent(analytics=True, ads=True),
    "language": "de-DE",
    "timezone": "Europe/Berlin",
    "screen": "1920x1080",
}


def around(*edges: int) -> list[int]:
    return [edge + step for edge in edges for step in (-1, 0, 1)]


TEXTS = (
    None,
    "",
    " ",
    "x",
    "jane@shop.example",
    "jane%40shop.example",
    "ä\\\n",
    "a?gclid=abc",
    "https://a.example/" + "p" * 5000,
)
LONG = tuple("y" * length for length in around(64, 200, 255, 1024, 4096))
TIMES = (
    None,
    0,
    *around(bounds.EARLIEST, bounds.LATEST, NOW, NOW + bounds.FUTURE_MS, NOW - bounds.PAST_MS),
    *around(NOW - bounds.SKEW_MS, NOW + bounds.SKEW_MS),
)
DICTS: tuple[dict[str, Any], ...] = (
    {},
    {"email": "x"},
    {"a@b.example": 1},
    {"size": "jane@shop.example"},
    {"gclid": "abc"},
    {"link": "https://shop.example/?gclid=abc"},
    {"a": {"phone": "+49 170 1234567"}},
    {"a": [{"first_name": "Jane", "email": 1}]},
    {"a": {"b": {"c": {"d": 1}}}},
    {"a": [[[1]]]},
    {"big": 10**30},
    {str(at): at for at in range(300)},
    {"long": "z" * 20_000},
)
_NAMES = (
    *("visitor", "user", "previous", "group", "session", "url", "referrer", "title"),
    *("language", "timezone", "screen", "ua", "library"),
)
EDGES: dict[str, tuple[Any, ...]] = {
    "type": (*EVENT_TYPES, "nope", None),
    "name": (*TEXTS, *LONG, "page_view"),
    "id": (*TEXTS, bounds.NIL, UUID.upper(), UUID + "0", UUID[:-1] + "g"),
    "ts": TIMES,
    "sent_at": TIMES,
    "arrival": (7,),
    "country": ("ZZ",),
    **dict.fromkeys(_NAMES, (*TEXTS, *LONG)),
    "ip": (None, "", "203.0.113.9"),
    "seq": tuple(around(0, bounds.SEQ_END)),
    "value": (None, 0.0, 5, -1e15, 1e15, 9e14),
    "currency": (*TEXTS, "EUR", "EU1", "EURO", "ÄÖÜ"),
    "props": DICTS,
    "traits": DICTS,
    "items": ([], *([inside] for inside in DICTS), [{}, {"email": "x"}]),
    "consent": (
        None,
        {},
        *({"analytics": one, "ads": other} for one in (None, True, False) for other in (None, True, False)),
        {"analytics": True, "ads": True, "tcf": "CP"},
        {"analytics": True, "ads": True, "gpp": "DB"},
        {"analytics": True, "ads": True, "usp": "1YNN"},
    ),
}
ODD = {name: st.sampled_from(edges) for name, edges in EDGES.items()}
SAID = st.sets(st.sampled_from(sorted(ODD)), max_size=3).flatmap(
    lambda names: st.fixed_dictionaries({name: ODD[name] for name in sorted(names)})
)
PLACES = (NOWHERE, Place("10.1.2.0", "DE", Region.OPT_IN), Place("9.9.9.0", "US", Region.US))
CONTEXTS: dict[str, tuple[Any, ...]] = {
    "browser": (True, False),
    "gpc": (True, False),
    "place": PLACES,
    "ua": ("", "Mozilla/5.0", "M" * 1025, "\udcff"),
    "sent_at": TIMES,
    "keep_times": (True, False),
    "cookie": ("", "cookie-visitor"),
    "fresh": (True, False),
    "makes_visitors": (True, False),
    "source": ("native", "segment", "gif"),
    "suspect": ("", "rate"),
    "nobody": (True, False),
    "limits": (Limits(), *(Limits(depth=depth) for depth in (1, 2, 3)), Limits(keys=8), Limits(event=300)),
    "lists": (None, Lists(frozenset({"size"}), frozenset({"google.com"}))),
}
WHERE = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in CONTEXTS.items()})


def context(consent: str, where: dict[str, Any]) -> Context:
    arrivals = itertools.count(16, 16)
    return Context(
        **{"source": "native"} | where,
        site=Site(name="shop", write_key="wk", consent=consent, identifier_key=KEY),
        keys=keys_of("shop", "wk", KEY),
        received=NOW,
        arrival=lambda: next(arrivals),
        random=lambda n: b"r" * n,
        find_place=lambda ip: Place("198.51.100.0", "FR", Region.OPT_IN),
    )


def batch_of(*events: dict[str, Any], limits: Limits) -> Batch:
    return native.parse(msgspec.json.encode({"site": "wk", "events": events}), max_event=limits.event)


def ended(batch: Batch, where: Context) -> tuple[Any, ...]:
    journey = Journey(batch, where)
    journey.take(batch.texts)
    records = [msgspec.json.decode(body, type=Record) for body in journey.bodies]
    end = (journey.accepted, journey.visitor, journey.dropped, journey.turned, journey.refused)
    return records, end, where.minted, where.arrival()


def with_words(where: dict[str, Any], most: int) -> dict[str, Any]:
    return where | {"words": Vocabulary(most, most)} if most else where


def both_ways(said: list[dict[str, Any]], where: dict[str, Any], consent: str = "opt-in", most: int = 0) -> None:
    batch = batch_of(*(COMMON | one for one in said), limits=where.get("limits", Limits()))
    # What the whole body proves is proven by `parse`; here it is a fact about the context.
    where = where | {"nobody": where.get("nobody", False) and batch.nobody}
    short = ended(batch, context(consent, with_words(where, most)))
    batch.common = False
    assert short == ended(batch, context(consent, with_words(where, most)))


@pytest.mark.parametrize("choice", [(True, True), (True, False), None], ids=str)
@pytest.mark.parametrize("name", EDGES)
def test_both_ways_end_in_the_same_record_at_every_edge(name, choice):
    base = {"consent": None if choice is None else {"analytics": choice[0], "ads": choice[1]}}
    for edge in EDGES[name]:
        for kind in ({}, {"type": "page", "name": "page_view"}):
            both_ways([base | kind | {name: edge}], {}, "opt-in" if choice else "opt-out")


@pytest.mark.parametrize("name", CONTEXTS)
def test_both_ways_end_in_the_same_record_whatever_the_request_says(name):
    for value in CONTEXTS[name]:
        for said in ({}, {"consent": {"analytics": True, "ads": False}}, {"props": {"a": {"b": 1}}}, {"props": {}}):
            for cookie in ("", "cookie-visitor"):
                both_ways([said], {"cookie": cookie, name: value})


def test_both_ways_learn_the_same_words():
    words = [{"name": "a"}, {"name": "b"}, {"name": "c"}, {"props": {"d": 1}}, {"props": {"e": 1, "f": 2}}]
    for most in (1, 2, 3, 20):
        both_ways(words * 2, {}, most=most)


@settings(max_examples=500, deadline=None)
@example([{}, {}], {}, "opt-in", 0)
@example([{"title": 'a "quoted" title'}, {"url": "https://shop.example/?e=jane%40shop.example"}], {}, "opt-in", 0)
@given(st.lists(SAID, min_size=1, max_size=3), WHERE, st.sampled_from(["opt-in", "opt-out"]), st.integers(0, 2))
def test_both_ways_end_in_the_same_records(said, where, consent, most):
    both_ways(said, where, consent, most)


def test_the_common_event_takes_the_short_cut():
    for said in (
        {},
        {"user": "u1"},
        {"type": "page", "name": ""},
        {"consent": None, "value": None, "items": []},
        {"props": {"first_touch": {"utm_source": "news"}, "last_touch": {"utm_source": "ad"}}},
    ):
        text = msgspec.json.encode(COMMON | said)
        taken = express(text, context("opt-in", {}))
        assert taken is not None
        assert isinstance(msgspec.json.decode(taken[1], type=Record), Event)


def test_what_is_known_of_the_request_is_never_taken_from_an_event():
    for name in Event.__struct_fields__:
        if name not in NativeEvent.__struct_fields__ and name != "id":
            text = msgspec.json.encode(COMMON | {name: 7})
            taken = express(text, context("opt-in", {}))
            assert taken is None or getattr(msgspec.json.decode(taken[1], type=Event), name) != 7
