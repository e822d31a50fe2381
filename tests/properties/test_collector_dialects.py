"""One bad event never costs its neighbours anything, however it is bad."""

import json

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tracker.collector.parsed import Batch, Unreadable, elements, scrub
from tracker.collector.protocols import gif, native, segment
from tracker.collector.scrub import glance, survey
from tracker.core.errors import BadRequest
from tracker.core.event import RawEvent

texts = st.text(max_size=20)
values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), texts
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
good_events = st.fixed_dictionaries(
    {"type": st.just("track"), "name": st.text(min_size=1, max_size=20), "visitor": st.text(min_size=1, max_size=9)},
    optional={"props": st.dictionaries(texts, values, max_size=5), "value": st.floats(-1e9, 1e9), "title": texts},
)
POISON = [
    b'{"type":"track","name":"x","visitor":"v","props":{"a":NaN}}',
    b'{"type":"track","name":"x","visitor":"v","value":1e400}',
    b'{"type":"track","name":"x","visitor":"v","value":-Infinity}',
    b'{"type":"track","name":"x","visitor":"v","props":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}",
    b'{"type":"track","name":"x","visitor":"v","props":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"type":"track","name":7,"visitor":"v"}',
    b'{"type":"track","name":"x","visitor":"v","ts":"yesterday"}',
    b'{"type":"track","name":"x","visitor":["v"]}',
    b"null",
    b"17",
    b"[]",
    b'"text"',
    b'{"type":"track","name":"x","visitor":"v","pad":"' + b"x" * 40_000 + b'"}',
    b'{"type":"track","name":"x","visitor":"v",}',
    b'{"type" "track"}',
    b'{"type":"track","name":"x\x01","visitor":"v"}',
]
HEALED = [
    b'{"type":"track","name":"x","visitor":"v","title":"cut \\ud83d"}',
    b'{"type":"track","name":"x","visitor":"v","title":"\\ude00 cut"}',
    b'{"type":"track","name":"x","visitor":"v","title":"\\ud83d\\ud83d\\ude00"}',
    b'{"type":"track","name":"x","visitor":"v","title":"bytes \xff\xfe"}',
]


def native_body(events: list[bytes]) -> bytes:
    return b'{"site":"k","sent_at":17,"fresh":true,"events":[' + b",".join(events) + b"]}"


def check(batch: Batch, before: list[dict], after: list[dict]) -> list[RawEvent | Unreadable]:
    assert batch.write_key == "k"
    read = [*batch.events[: len(before)], *batch.events[len(batch.events) - len(after) :]]
    for event, given_event in zip(read, before + after, strict=True):
        assert isinstance(event, RawEvent)
        assert (event.name, event.visitor) == (given_event["name"], given_event["visitor"])
        assert event.props == given_event.get("props", {})
    return batch.events[len(before) : len(batch.events) - len(after)]


@settings(max_examples=60, deadline=None)
@given(st.lists(good_events, max_size=3), st.sampled_from(POISON), st.lists(good_events, max_size=3))
def test_poison_in_a_native_batch_is_refused_alone(before, poison, after):
    body = native_body([*map(msgspec.json.encode, before), poison, *map(msgspec.json.encode, after)])
    [refused] = check(native.parse(body), before, after)
    assert isinstance(refused, Unreadable)


@settings(max_examples=60, deadline=None)
@given(st.lists(good_events, max_size=3), st.sampled_from(HEALED), st.lists(good_events, max_size=3))
def test_half_a_character_costs_only_itself(before, wounded, after):
    body = native_body([*map(msgspec.json.encode, before), wounded, *map(msgspec.json.encode, after)])
    batch = native.parse(body)
    [event] = check(batch, before, after)
    assert isinstance(event, RawEvent)
    assert "\ufffd" in event.title
    event.title.encode()
    assert batch.sent_at == 17
    assert batch.fresh


@settings(max_examples=60, deadline=None)
@given(st.lists(good_events, max_size=2), st.sampled_from(POISON + HEALED), st.lists(good_events, max_size=2))
def test_poison_in_a_segment_batch_is_refused_alone(before, poison, after):
    def message(event: dict) -> bytes:
        return msgspec.json.encode(
            {"type": "track", "event": event["name"], "anonymousId": event["visitor"], "properties": {"p": 1}}
        )

    body = b'{"batch":[' + b",".join([*map(message, before), poison, *map(message, after)]) + b'],"writeKey":"k"}'
    batch = segment.parse(body, None, "")
    assert batch.write_key == "k"
    assert len(batch.events) == len(before) + 1 + len(after)
    read = [*batch.events[: len(before)], *batch.events[len(before) + 1 :]]
    assert [event.visitor for event in read] == [event["visitor"] for event in before + after]


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_batch_or_a_bad_request(body):
    for parse in (
        native.parse,
        lambda given: segment.parse(given, "track", "k"),
        lambda given: segment.parse(given, None, "k"),
    ):
        try:
            batch = parse(body)
        except BadRequest:
            continue
        assert len(batch.events) == len(batch.texts)


@settings(deadline=None)
@given(st.lists(good_events, min_size=1, max_size=3), st.data())
def test_any_truncation_is_a_batch_or_a_bad_request(events, data):
    body = native_body([msgspec.json.encode(event) for event in events])
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    try:
        native.parse(cut)
    except BadRequest:
        return
    raise AssertionError("half a body was taken for a whole one")


@given(st.lists(values, max_size=6))
def test_elements_are_what_json_says(given_values):
    body = json.dumps(given_values).encode()
    assert [json.loads(piece) for piece in elements(body)] == given_values


@given(st.text(max_size=60))
def test_scrubbing_leaves_sound_text_alone(text):
    for encoded in (json.dumps(text).encode(), json.dumps(text, ensure_ascii=False).encode()):
        assert json.loads(scrub(encoded)) == text


@given(st.lists(st.sampled_from(["\\ud83d", "\\ude00", "\\\\", "a", '\\"', "\\u00e9", "\\n"]), max_size=8))
def test_scrubbed_text_can_be_stored(parts):
    encoded = scrub(('"' + "".join(parts) + '"').encode())
    msgspec.json.encode(msgspec.json.decode(encoded))


@given(
    st.lists(
        st.tuples(st.sampled_from(["site", "url", "props.a", "ts", "value", "analytics", "id", "x"]), texts), max_size=6
    )
)
def test_any_query_is_an_event_or_unreadable(pairs):
    batch = gif.parse(pairs)
    assert len(batch.events) == 1


named = st.sampled_from(["size", "color", "list"]) | st.sampled_from(["email", "Phone"]) | texts
nested = st.recursive(
    st.sampled_from([1, "blue", True]) | values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(named, inner, max_size=3),
    max_leaves=8,
)


@example({"size": {"Phone": "1"}}, [])
@example({}, [{"size": [[{"email": "1"}]]}])
@example({"size": [[["1"]]]}, [])
@given(st.dictionaries(named, nested, max_size=6), st.lists(st.dictionaries(named, nested, max_size=3), max_size=2))
def test_a_glance_never_says_clean_where_a_survey_does_not(props, items):
    text = msgspec.json.encode({"props": props, "items": items})
    if glance(text, props, items, 20, 3):
        found = survey(props).plus(survey(items))
        assert found.clean
        assert found.keys <= 20
        assert found.depth <= 3
