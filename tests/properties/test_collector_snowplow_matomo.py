"""Snowplow and Matomo: one bad event never costs its neighbours anything, and no bytes are worse than a bad request."""

import base64
import json
from urllib.parse import urlencode

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.collector.parsed import Batch, Unreadable
from tracker.collector.protocols import matomo, snowplow
from tracker.collector.road import Context, to_body, turn_away
from tracker.core.errors import BadRequest
from tracker.core.event import RawEvent
from tracker.core.identifiers import keys_of
from tracker.core.site import Site

NOW = 1_795_321_800_000
texts = st.text(max_size=20)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000
POISON = [
    b'{"aid":"k","idsite":"k","rec":1,"e":"pv","x":NaN}',
    b'{"aid":"k","idsite":"k","rec":1,"e":"pv","se_va":1e400}',
    b'{"aid":"k","idsite":"k","rec":1,"e":"pv","co":' + DEEP + b"}",
    b'{"aid":"k","idsite":"k","rec":1,"e":"pv","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"aid":"k","idsite":"k","rec":1,"e":"pv","dtm":"yesterday","cdt":"yesterday"}',
    b"null",
    b"17",
    b"[]",
    b'{"aid":"k","idsite":"k","rec":1,"e":"pv","pad":"' + b"x" * 40_000 + b'"}',
    b'{"aid":"k","idsite":"k","rec":1,"e":"pv",}',
    b'{"aid" "k"}',
]
HEALED = [
    b'{"aid":"k","idsite":"k","rec":1,"e":"pv","duid":"v","_id":"v","page":"cut \\ud83d","action_name":"cut \\ud83d"}',
    b'{"aid":"k","idsite":"k","rec":1,"e":"pv","duid":"v","_id":"v","page":"\xff","action_name":"\xff"}',
]
visitors = st.lists(st.text("abcdef0123456789", min_size=1, max_size=16), max_size=3)


def good(visitor: str) -> bytes:
    return msgspec.json.encode({"aid": "k", "idsite": "k", "rec": "1", "e": "pv", "duid": visitor, "_id": visitor})


def read_snowplow(body: bytes) -> list[RawEvent | Unreadable]:
    return [event for batch in snowplow.parse(body) for event in batch.events]


def read_matomo(body: bytes, query: str = "") -> list[RawEvent | Unreadable]:
    read = matomo.reader(trusted=True, now=NOW)
    return [read(text) for hits in matomo.split(query, body).hits for text in hits.texts]


@settings(max_examples=60, deadline=None)
@given(visitors, st.sampled_from(POISON), visitors)
def test_poison_is_refused_alone(before, poison, after):
    events = b",".join([*map(good, before), poison, *map(good, after)])
    for name, found in (
        ("snowplow", read_snowplow(b'{"data":[' + events + b"]}")),
        ("matomo", read_matomo(b'{"requests":[' + events + b"]}")),
    ):
        fine = [event.visitor for event in found if isinstance(event, RawEvent)]
        assert sorted(fine) == sorted([*before, *after]), name
        assert len(found) == len(fine) + 1, name


@settings(max_examples=30, deadline=None)
@given(visitors, st.sampled_from(HEALED), visitors)
def test_half_a_character_costs_only_itself(before, wounded, after):
    events = b",".join([*map(good, before), wounded, *map(good, after)])
    for found in (read_snowplow(b'{"data":[' + events + b"]}"), read_matomo(b'{"requests":[' + events + b"]}")):
        assert len(found) == len(before) + 1 + len(after)
        assert all(isinstance(event, RawEvent) for event in found)
        assert any("\ufffd" in (event.title or "") for event in found)


@settings(deadline=None)
@given(st.binary(max_size=200), st.text(max_size=100))
def test_any_bytes_are_events_or_a_bad_request(body, query):
    for read in (read_snowplow, read_matomo, lambda body: read_matomo(body, query)):
        try:
            read(body)
        except BadRequest:
            continue
    try:
        [batch] = snowplow.parse_query(query)
    except BadRequest:
        return
    assert len(batch.events) == 1


KEYS = (
    "e eid dtm ttm stm aid uid duid url refr page se_ca se_ac se_va tr_id tr_tt ti_id ti_pr co cx ue_pr ue_px ip ua "
    "sid idsite rec r cdt cdo cip e_c e_a e_v idgoal revenue ec_id ec_items search download link c_n c_i ping _pks "
    "_pkc _pkp cvar uadata _id cid consent ca cra"
).split()
KINDS = ("pv", "pp", "se", "ue", "tr", "ti", "1")
schemas = st.sampled_from(
    [
        "iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/jsonschema/1-0-0",
        "iglu:com.snowplowanalytics.snowplow/consent_preferences/jsonschema/1-0-0",
        "iglu:com.snowplowanalytics.snowplow/submit_form/jsonschema/1-0-0",
        "iglu:com.snowplowanalytics.snowplow/link_click/jsonschema/1-0-0",
        "iglu:com.snowplowanalytics.snowplow.ecommerce/product/jsonschema/1-0-0",
        "iglu:com.snowplowanalytics.snowplow.ecommerce/user/jsonschema/1-0-0",
        "iglu:com.google.analytics.enhanced-ecommerce/action/jsonschema/1-0-0",
        "iglu:com.acme/x/jsonschema/1-0-0",
    ]
)
entities = st.fixed_dictionaries({"schema": schemas, "data": values})
unstruct = entities.map(lambda it: {"schema": "iglu:a/unstruct_event/jsonschema/1-0-0", "data": it})
contexts = st.lists(entities, max_size=3).map(lambda them: {"schema": "iglu:a/contexts/jsonschema/1-0-0", "data": them})
odd = st.dictionaries(st.sampled_from(KEYS), values | st.sampled_from(KINDS), max_size=8)


def whole(fields: dict, told: dict, around: dict, coded: bool) -> dict:
    """Fields, with an event and contexts that are well-formed outside and anything inside."""

    def text(value: dict) -> str:
        plain = json.dumps(value)
        return base64.urlsafe_b64encode(plain.encode()).decode() if coded else plain

    marks = ("ue_px", "cx") if coded else ("ue_pr", "co")
    return {"e": "ue", "rec": "1", "idsite": "k", **fields, marks[0]: text(told), marks[1]: text(around)}


def context() -> Context:
    return Context(
        site=Site(name="shop", write_key="k", consent="opt-out"),
        keys=keys_of("shop", "k", "11" * 32),
        source="snowplow",
        received=NOW,
        arrival=lambda: 1,
    )


@settings(max_examples=200, deadline=None)
@given(odd, unstruct, contexts, st.booleans())
def test_odd_values_never_break_the_road(fields, told, around, coded):
    body = json.dumps({"data": [whole(fields, told, around, coded)]}).encode()
    hits = json.dumps({"requests": [{"rec": 1, "idsite": "k", **fields}]}).encode()
    for batches in (snowplow.parse(body), _matomo_batches(hits)):
        for batch in batches:
            for given_text in batch.texts:
                raw = batch.read(given_text)
                if not isinstance(raw, Unreadable):
                    to_body(raw, context(), given_text)


def _matomo_batches(body: bytes) -> list[Batch]:
    read = matomo.reader(trusted=True, now=NOW)
    return [Batch(write_key=hits.site, texts=hits.texts, read=read) for hits in matomo.split("", body).hits]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["ue", "pv", "xx"]), st.text("abcxyz", min_size=1, max_size=8), st.booleans(), st.booleans())
def test_no_address_in_events_or_contexts_reaches_the_spool(kind, name, coded, broken):
    """Accepted or rejected, plain or in base64: neither an e-mail address nor a phone number by name, nor the IP."""
    mail, phone, ip = f"{name}@example.com", "+49 30 1234567", "203.0.113.77"
    inner = {
        "schema": "iglu:com.acme/x/jsonschema/1-0-0",
        "data": {"note": mail, "phone": phone, "deep": [{"email": mail}]},
    }
    told = {"schema": "iglu:a/unstruct_event/jsonschema/1-0-0", "data": inner}
    around = {"schema": "iglu:a/contexts/jsonschema/1-0-0", "data": [inner]}
    event = whole({"e": kind, "duid": "v", "ip": ip, "uid": mail}, told, around, coded)
    if broken:
        event["dtm"] = "yesterday"
    cvar = json.dumps({"1": ["mail", mail]})
    hit = {
        "idsite": "k",
        "rec": "1",
        "_id": "v",
        "cip": ip,
        "e_c": "c",
        "e_a": "a",
        "cvar": cvar,
        "cdt": "x" if broken else "1795321700",
    }
    for batch in (
        *snowplow.parse(json.dumps({"data": [event]}).encode()),
        *snowplow.parse_query(urlencode(event)),
        *_matomo_batches(json.dumps({"requests": [hit, "?" + urlencode(hit)]}).encode()),
    ):
        for text in batch.texts:
            raw = batch.read(text)
            if isinstance(raw, Unreadable):
                kept = msgspec.json.encode(turn_away(raw.reason, raw.message, context(), text))
            else:
                kept = to_body(raw, context(), text)[1]
            for secret in (mail, phone, "1234567", ip):
                assert secret.encode() not in kept, kept


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["1", "2"]), st.sampled_from(["/a", "/b"]), st.booleans()), min_size=1, max_size=6
    )
)
def test_hits_count_once_however_often_their_request_comes(told):
    """Equal hits of one request stay several; the same request again is the same events."""
    hits = [
        {"idsite": "k", "rec": "1", "url": f"https://x{path}", "_id": who, "cdt": "1795321700"}
        | ({"r": "7"} if r else {})
        for who, path, r in told
    ]
    body = json.dumps({"requests": hits}).encode()
    first, second = ([event.message_id for event in read_matomo(body) if isinstance(event, RawEvent)] for _ in range(2))
    assert first == second
    with_random = {(who, path) for who, path, r in told if r}
    assert len(set(first)) == sum(not r for _, _, r in told) + len(with_random)
