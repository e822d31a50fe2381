"""The road's short cut makes the very records that its steps make, or none."""

import itertools
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tracker.collector import bounds
from tracker.collector.consent import Region
from tracker.collector.express import express
from tracker.collector.place import NOWHERE, Place
from tracker.collector.protocols.native import NativeEvent
from tracker.collector.road import Context, travel, walk
from tracker.core.event import EVENT_TYPES, Event, RawConsent
from tracker.core.gate import Lists
from tracker.core.identifiers import keys_of
from tracker.core.site import Site

NOW = 1_795_000_000_000
KEY = "11" * 32
UUID = "1F30FEA0-e776-48d6-8414-fb22bc9cfc5c"
COMMON: dict[str, Any] = {
    "type": "track",
    "name": "view_item",
    "message_id": UUID,
    "ts": NOW - 5,
    "visitor": "9b2f6a1e",
    "session": "s1",
    "url": "https://shop.example/p/1?utm_source=news&gclid=abc",
    "referrer": "https://www.google.com/",
    "title": "A product",
    "props": {"category": "shoes", "size": 42, "nested": {"a": [1, 2]}},
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


TEXTS = st.sampled_from(["", " ", "x", "jane@shop.example", "jane%40shop.example", "ä\\\n", "a" * 64, "b" * 65])
LONG = st.sampled_from([200, 201, 255, 256, 1024, 1025]).map("y".__mul__)
TEXT = st.none() | TEXTS | LONG
KEYS = st.sampled_from(["color", "email", "customer_email", "phone", "first_name", "a@b.example", "name"])
VALUES = st.recursive(
    TEXTS | st.integers(0, 9) | st.booleans() | st.just("+49 170 1234567"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)
DICTS = st.dictionaries(KEYS, VALUES, max_size=3) | st.just({str(at): at for at in range(300)})
TIMES = st.none() | st.sampled_from(
    [
        0,
        *around(bounds.EARLIEST, bounds.LATEST, NOW, NOW + bounds.FUTURE_MS, NOW - bounds.PAST_MS),
        *around(NOW - bounds.SKEW_MS, NOW + bounds.SKEW_MS),
    ]
)
_TEXTS = (
    *("visitor", "user", "previous", "group", "session", "url", "referrer", "title"),
    *("language", "timezone", "screen", "ua", "library"),
)
ODD: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from([*EVENT_TYPES, "nope"]),
    "name": TEXTS | LONG | st.just("page_view"),
    "message_id": TEXT | st.sampled_from([bounds.NIL, UUID.lower(), UUID + "0", UUID[:-1] + "g"]),
    "ts": TIMES,
    "sent_at": TIMES,
    **dict.fromkeys(_TEXTS, TEXT),
    "ip": st.sampled_from([None, "", "203.0.113.9"]),
    "seq": st.sampled_from(around(0, bounds.SEQ_END)),
    "value": st.sampled_from([None, 0.0, -1e15, 1e15, 9e14]),
    "currency": TEXT | st.sampled_from(["EUR", "EU1", "EURO", "ÄÖÜ"]),
    "props": DICTS,
    "traits": DICTS,
    "items": st.lists(DICTS, max_size=2),
    "consent": st.none()
    | st.builds(
        RawConsent,
        analytics=st.sampled_from([None, True, False]),
        ads=st.sampled_from([None, True, False]),
        tcf=st.sampled_from([None, "CP"]),
        gpp=st.sampled_from([None, "DB"]),
    ),
}
SAID = st.sets(st.sampled_from(sorted(ODD)), max_size=3).flatmap(
    lambda names: st.fixed_dictionaries({name: ODD[name] for name in sorted(names)})
)
PLACES = st.sampled_from([NOWHERE, Place("10.1.2.0", "DE", Region.OPT_IN), Place("9.9.9.0", "US", Region.US)])
WHERE = st.fixed_dictionaries(
    {},
    optional={
        "browser": st.booleans(),
        "gpc": st.booleans(),
        "place": PLACES,
        "ua": st.sampled_from(["", "Mozilla/5.0", "M" * 1025]),
        "sent_at": TIMES,
        "keep_times": st.booleans(),
        "cookie": st.sampled_from(["", "cookie-visitor"]),
        "fresh": st.booleans(),
        "makes_visitors": st.booleans(),
        "source": st.sampled_from(["native", "segment", "gif"]),
        "suspect": st.sampled_from(["", "rate"]),
        "lists": st.sampled_from([None, Lists(frozenset({"size"}), frozenset({"google.com"}))]),
    },
)


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


@settings(max_examples=800, deadline=None)
@example({}, {}, "opt-in", True)
@example({"type": "page", "name": ""}, {"gpc": True}, "opt-out", True)
@example({"type": "page", "name": "page_view"}, {"browser": True}, "opt-in", True)
@given(SAID, WHERE, st.sampled_from(["opt-in", "opt-out"]), st.booleans())
def test_both_ways_end_in_the_same_record(said, where, consent, with_text):
    raw = NativeEvent(**COMMON | said)
    text = msgspec.json.encode(raw) if with_text else b""
    short, whole = context(consent, where), context(consent, where)
    record = travel(raw, short, text)
    assert msgspec.json.encode(record) == msgspec.json.encode(walk(raw, whole, text))
    assert (short.minted, short.arrival()) == (whole.minted, whole.arrival())


def test_the_common_event_takes_the_short_cut():
    for said in ({}, {"user": "u1"}, {"type": "page", "name": ""}, {"consent": None, "value": None, "items": []}):
        raw = NativeEvent(**COMMON | said)
        assert isinstance(express(raw, context("opt-in", {}), msgspec.json.encode(raw)), Event)


def test_nothing_proves_an_event_that_came_as_something_else():
    assert express(NativeEvent(**COMMON), context("opt-in", {}), b"") is None
