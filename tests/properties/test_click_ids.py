"""Below M3 no click id's value is anywhere in what is written; from M3 on it is kept."""

from __future__ import annotations

import itertools
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tracker.collector.clicks import NAMES, names_click
from tracker.collector.consent import Region
from tracker.collector.place import Place
from tracker.collector.protocols.native import NativeEvent
from tracker.collector.road import Context, to_body
from tracker.core.event import RawConsent, RawEvent
from tracker.core.identifiers import keys_of
from tracker.core.site import Site

NOW = 1_795_000_000_000
VALUE = "Cj0KEQjw7Tell"
PLACE = Place("10.1.2.0", "DE", Region.OPT_IN)
NAME = st.sampled_from([*sorted(NAMES), "GCLID", "hsa_cam", "clickId", "click_id", "_fbp", "advertisingId", "xclid"])
IN_ADDRESSES = st.sampled_from([*sorted(NAMES), "GCLID", "FbClId", "hsa_cam"])


def address(name: str) -> st.SearchStrategy[str]:
    plain = f"https://shop.example/a?x=1&{name}={VALUE}&utm_source=n"
    return st.sampled_from(
        [
            plain,
            f"https://shop.example/a?{name}={VALUE}",
            f"https://shop.example/a?to={quote(plain, safe='')}",
            f"https://shop.example/a?to={quote(quote(plain, safe=''), safe='')}",
            f"https://shop.example/a&{name}={VALUE}",
            f"https://shop.example/a#{name}={VALUE}",
        ]
    )


ADDRESS = IN_ADDRESSES.flatmap(address)
PAIRS = st.dictionaries(NAME, st.just(VALUE), min_size=1, max_size=2)
LEAF = PAIRS | st.fixed_dictionaries({"landing": ADDRESS}) | st.fixed_dictionaries({"seen": st.lists(ADDRESS | PAIRS)})
OBJECT = LEAF | st.fixed_dictionaries({"first_touch": LEAF, "last_touch": LEAF, "size": st.just(4)})
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "url": ADDRESS,
        "referrer": ADDRESS,
        "props": OBJECT,
        "traits": OBJECT,
        "items": st.lists(OBJECT, max_size=2),
        "title": ADDRESS,
        "name": ADDRESS | st.just(""),  # an event without a name is rejected and its text kept
        "value": st.just(1e99),  # out of range: rejected
        "user": st.just("u1"),
    },
)
TYPES = st.sampled_from(["track", "page", "identify", "screen"])


def context(**more: Any) -> Context:
    arrivals = itertools.count(16, 16)
    return Context(
        site=Site(name="shop", write_key="wk", identifier_key="11" * 32),
        keys=keys_of("shop", "wk", "11" * 32),
        source="native",
        received=NOW,
        arrival=lambda: next(arrivals),
        browser=True,
        place=PLACE,
        **more,
    )


def event(said: dict[str, Any], consent: RawConsent, kind: str) -> RawEvent:
    base = {"type": kind, "name": "look", "visitor": "9b2f6a1e", "ts": NOW, "consent": consent}
    return NativeEvent(**base | {"message_id": "1f30fea0-e776-48d6-8414-fb22bc9cfc5c"} | said)


@settings(max_examples=1200, deadline=None)
@example({"props": {"first_touch": {"gclid": VALUE}}}, "track", True)
@example({"props": {"gclid": VALUE}, "name": ""}, "track", True)
@given(EVENTS, TYPES, st.booleans())
def test_below_m3_no_click_id_is_written(said, kind, with_text):
    raw = event(said, RawConsent(analytics=True), kind)
    text = msgspec.json.encode(raw) if with_text else b""
    _, body = to_body(raw, context(), text)
    assert VALUE.encode() not in body


@given(IN_ADDRESSES)
def test_from_m3_on_it_is_kept(name):
    said = {"url": f"https://shop.example/?{name}={VALUE}", "props": {"first_touch": {name: VALUE}}}
    _, body = to_body(event(said, RawConsent(analytics=True, ads=True), "track"), context())
    assert body.count(VALUE.encode()) == 2


@pytest.mark.parametrize("name", ["item_id", "click", "clicks", "order_id", "utm_id", "fbx", "ttpx", "candidate"])
def test_other_names_stay(name):
    assert not names_click(name)
    said = {"url": f"https://shop.example/?{name}=7", "props": {name: "7", "text": f"100% {name}=7 b+c"}}
    raw = event(said, RawConsent(analytics=True), "track")
    record, _ = to_body(raw, context())
    assert (record.url, record.props) == (raw.url, raw.props)  # type: ignore[union-attr]
