"""GA4, PostHog, Plausible and Umami: one bad event costs its neighbours nothing, and a refusal grants nothing."""

import json
import string
import urllib.parse
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.collector.parsed import Batch, Unreadable
from tracker.collector.protocols import plausible, posthog, umami
from tracker.collector.protocols.ga4 import check, consent, gtag, mp
from tracker.core.errors import BadRequest
from tracker.core.event import RawEvent

names = st.text(string.ascii_letters, min_size=1, max_size=12).map(lambda name: f"x{name}")
POISON = [
    b"null",
    b"17",
    b"[]",
    b'"text"',
    b'{"event":7,"name":7,"type":7}',
    b'{"event":"x","name":"x","type":"event","payload":{"website":"k","a":NaN},"properties":{"a":NaN},"params":{"a":NaN}}',
    b'{"event":"x","name":"x","properties":1,"params":1,"payload":1}',
    b'{"event":"x","name":"x","pad":"' + b"x" * 40_000 + b'"}',
    b'{"event":"x","name":"x","properties":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    b'{"event" "x"}',
    b'{"event":"x\x01","name":"x\x01","payload":{"name":"\x01"}}',
    b'{"event":"x","name":"x","timestamp":"yesterday","timestamp_micros":"yesterday",'
    b'"type":"event","payload":{"website":"k","timestamp":"yesterday"}}',
]


def posthog_body(events: list[bytes]) -> Batch:
    return posthog.parse(b'{"api_key":"k","batch":[' + b",".join(events) + b"]}", {})


def mp_body(events: list[bytes]) -> Batch:
    return mp.parse(b'{"client_id":"v","events":[' + b",".join(events) + b"]}", "k")


def umami_body(events: list[bytes]) -> Batch:
    return umami.parse(b"[" + b",".join(events) + b"]")


DIALECTS: dict[str, tuple[Callable[[list[bytes]], Batch], Callable[[str], dict]]] = {
    "posthog": (posthog_body, lambda name: {"event": name, "distinct_id": "u", "properties": {"n": 1}}),
    "mp": (mp_body, lambda name: {"name": name, "params": {"n": 1}}),
    "umami": (umami_body, lambda name: {"type": "event", "payload": {"website": "k", "name": name, "data": {"n": 1}}}),
}


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted(DIALECTS)),
    st.lists(names, max_size=3),
    st.sampled_from(POISON),
    st.lists(names, min_size=1, max_size=3),
)
def test_poison_is_refused_alone(dialect, before, poison, after):
    make, event = DIALECTS[dialect]
    batch = make(
        [
            *(json.dumps(event(name)).encode() for name in before),
            poison,
            *(json.dumps(event(name)).encode() for name in after),
        ]
    )
    assert batch.write_key == "k"
    found = batch.events
    assert isinstance(found.pop(len(before)), Unreadable)
    assert [one.name for one in found] == before + after
    assert all(one.props["n"] == 1 for one in found)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(DIALECTS)), names, st.sampled_from([rb"\ud83d", rb"\ude00", b"\xff"]), names)
def test_half_a_character_costs_only_itself(dialect, before, half, after):
    make, event = DIALECTS[dialect]
    wounded = json.dumps(event("xcut")).encode().replace(b"xcut", b"xcut" + half)
    found = make([json.dumps(event(before)).encode(), wounded, json.dumps(event(after)).encode()]).events
    assert [one.name for one in found] == [before, "xcut\ufffd", after]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=120) | st.sampled_from(POISON) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_batch_or_a_bad_request(body):
    for parse in (
        lambda: posthog.parse(body, {}),
        lambda: mp.parse(body, "k"),
        lambda: plausible.parse(body),
        lambda: umami.parse(body),
        lambda: gtag.parse("", body),
    ):
        try:
            batch = parse()
        except BadRequest:
            continue
        assert all(isinstance(one, (RawEvent, Unreadable)) for one in batch.events)
        assert len(batch.events) == len(batch.texts)
    assert isinstance(check.check(body), list)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(DIALECTS)), st.integers(1, 1200), st.sampled_from([("[", "]"), ('{"a":', "}")]), names)
def test_however_deep_it_is_nested_it_is_read_or_refused(dialect, depth, brackets, name):
    make, event = DIALECTS[dialect]
    nested = brackets[0] * depth + "1" + brackets[1] * depth
    deep = json.dumps(event("deep")).replace('"n": 1', f'"n": {nested}').encode()
    found = make([deep, json.dumps(event(name)).encode()]).events
    assert isinstance(found[0], (RawEvent, Unreadable))
    assert found[1].name == name


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(
    "n name u url d domain r p props $ revenue v sd e m event properties distinct_id timestamp uuid $set type payload "
    "website data id screen hostname events params items client_id user_properties consent user_data value".split()
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(fields, json_values | st.dictionaries(fields, json_values, max_size=4), max_size=6))
def test_any_object_is_read_or_refused(given_object):
    body = json.dumps(given_object).encode()
    for parse in (
        lambda: posthog.parse(body, {}),
        lambda: mp.parse(body, "k"),
        lambda: plausible.parse(body),
        lambda: umami.parse(body),
    ):
        try:
            batch = parse()
        except BadRequest:
            continue
        assert all(isinstance(one, (RawEvent, Unreadable)) for one in batch.events)
    check.check(body)


@settings(deadline=None)
@given(st.text(max_size=80), st.binary(max_size=80))
def test_any_query_of_gtag_is_read_or_refused(query, body):
    assert all(isinstance(one, (RawEvent, Unreadable)) for one in gtag.parse(query, body).events)


words = st.text(string.ascii_letters + string.digits + " ~.&=%\u00e4", min_size=1, max_size=12)


@given(st.dictionaries(st.sampled_from(["id", "nm", "br", "ca", "va", "cp"]), words, min_size=1))
def test_an_items_texts_survive_googles_encoding(item):
    encoded = "~".join(key + value.replace("~", "~~") for key, value in item.items())
    [event] = gtag.parse(urllib.parse.urlencode({"tid": "k", "en": "a", "pr1": encoded})).events
    assert sorted(event.items[0].values()) == sorted(item.values())


signals = st.fixed_dictionaries(
    {},
    optional={
        "gcs": st.from_regex(r"G1[01-][01-]", fullmatch=True) | st.text(max_size=5),
        "gcd": st.from_regex(r"1[13][a-z][13][a-z][13][a-z][13][a-z]5", fullmatch=True) | st.text(max_size=8),
        "npa": st.sampled_from(["0", "1", ""]),
    },
)


def rights(said) -> tuple[bool, bool]:
    return (said is not None and said.analytics is True, said is not None and said.ads is True)


@settings(max_examples=100)
@given(signals, st.integers(0, 3), st.sampled_from("pqmu"))
def test_adding_a_refusal_never_adds_a_right(hit, position, letter):
    before = rights(consent.from_hit(hit))
    harder = [{**hit, "npa": "1"}]
    gcd = hit.get("gcd", "")
    if len(gcd) == 10:
        harder.append({**hit, "gcd": gcd[: 2 + 2 * position] + letter + gcd[3 + 2 * position :]})
    gcs = hit.get("gcs", "")
    if len(gcs) == 4:
        harder += [{**hit, "gcs": gcs[:2] + "0" + gcs[3]}, {**hit, "gcs": gcs[:3] + "0"}]
    for said in map(consent.from_hit, harder):
        after = rights(said)
        assert not (after[0] and not before[0])
        assert not (after[1] and not before[1])
