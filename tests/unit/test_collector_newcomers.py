"""GA4, PostHog, Plausible and Umami: what each field becomes."""

import base64
import json
import urllib.parse

import pytest

from tracker.collector.parsed import Unreadable
from tracker.collector.protocols import plausible, posthog, umami
from tracker.collector.protocols.ga4 import check, consent, gtag, mp
from tracker.core.drops import Reject
from tracker.core.errors import BadRequest
from tracker.core.event import RawConsent, RawEvent

SHARED = {
    "v": "2", "tid": "G-ABC", "gtm": "45je", "_p": "1733", "cid": "111.222", "ul": "de-de", "sr": "1280x720", "_s": "3",
    "sid": "1795", "sct": "2", "seg": "1", "dt": "Tea",
    "dl": "https://shop.test/tea?gclid=x", "dr": "https://google.com/",
}  # fmt: skip


def hit(body: str = "", **fields: str) -> list[RawEvent]:
    events = gtag.parse(urllib.parse.urlencode(SHARED | fields), body.encode()).events
    assert all(isinstance(event, RawEvent) for event in events), events
    return events


def test_a_page_view_of_gtag():
    [event] = hit(en="page_view", uid="u-1", _ss="1", **{"ep.page_type": "list", "epn.n": "3", "up.plan": "pro"})
    assert (event.type, event.name, event.user, event.visitor, event.session) == (
        "page", "page_view", "u-1", "111.222", "1795"
    )  # fmt: skip
    assert (event.url, event.referrer, event.title) == ("https://shop.test/tea?gclid=x", "https://google.com/", "Tea")
    assert (event.language, event.screen, event.seq) == ("de-de", "1280x720", 3)
    assert event.traits == {"plan": "pro"}
    assert event.props == {
        "page_type": "list", "n": 3.0,
        "v": "2", "gtm": "45je", "_p": "1733", "_s": "3", "sct": "2", "seg": "1", "_ss": "1"
    }  # fmt: skip


def test_a_purchase_of_gtag():
    [event] = hit(
        en="purchase",
        cu="EUR",
        pr1="idp-1~nmGreen~~Tea~brB~caDrinks~c2Tea~vaBox~pr12.5~qt2~lp1~cpTEN~k0colour~v0green",
        pr2="idp-2~nmMug~pr9",
        **{"epn.value": "34", "ep.transaction_id": "T1"},
    )
    assert (event.value, event.currency, event.props["transaction_id"]) == (34.0, "EUR", "T1")
    assert event.items == [
        {
            "item_id": "p-1", "item_name": "Green~Tea", "item_brand": "B", "item_category": "Drinks",
            "item_category2": "Tea", "item_variant": "Box", "price": 12.5, "quantity": 2.0, "index": 1.0,
            "coupon": "TEN", "colour": "green",
        },
        {"item_id": "p-2", "item_name": "Mug", "price": 9.0},
    ]  # fmt: skip


def test_several_events_in_one_body_share_the_query():
    events = hit("en=scroll&epn.percent_scrolled=90&_et=5\r\nen=add_to_cart&pr1=idp-1\n")
    assert [event.name for event in events] == ["scroll", "add_to_cart"]
    assert [event.visitor for event in events] == ["111.222"] * 2
    assert events[0].props["percent_scrolled"] == 90
    assert events[0].message_id != events[1].message_id


def test_a_hit_has_a_stable_id_where_its_page_counts_its_hits():
    assert hit(en="a")[0].message_id == hit(en="a")[0].message_id
    assert hit(en="a")[0].message_id != hit(en="a", _s="4")[0].message_id
    assert hit(en="a")[0].message_id != hit(en="a", _p="1734")[0].message_id
    assert hit("en=a\nen=a")[0].message_id != hit("en=a\nen=a")[1].message_id
    assert hit(en="a", _s="")[0].message_id is None, "nobody could tell a retry from a second time"


def test_a_line_without_a_name_is_refused_alone():
    events = gtag.parse("tid=k&cid=1", b"en=a\nep.x=1\nen=b").events
    assert [type(event) for event in events] == [RawEvent, Unreadable, RawEvent]
    assert events[1].reason is Reject.NO_NAME


def test_an_address_that_a_server_passes_on_is_in_no_text():
    batch = gtag.parse("tid=k&cid=1&en=a&_uip=192.0.2.77")
    assert batch.events[0].ip == "192.0.2.77"
    assert b"192.0.2" not in batch.texts[0]
    for parsed in (
        posthog.parse(b'{"api_key":"k","event":"a","distinct_id":"u","properties":{"$ip":"192.0.2.77"}}', {}),
        umami.parse(b'{"type":"event","payload":{"website":"k","ip":"192.0.2.77"}}'),
    ):
        assert parsed.events[0].ip == "192.0.2.77"
        assert b"192.0.2" not in parsed.texts[0]


def test_contact_details_that_gtag_hashed_are_not_kept():
    batch = gtag.parse("tid=k&cid=1&em=tv.1~em.abc", b"en=a&em=tv.1~em.abc")
    assert b"tv.1" not in batch.texts[0]


def test_one_event_without_a_list_around_it_is_one():
    """As ga4mp sends what was postponed."""
    [event] = measured(events={"name": "a", "params": {"n": 1}})
    assert (event.name, event.props) == ("a", {"n": 1})


def said(analytics: bool | None, ads: bool | None) -> RawConsent:
    return RawConsent(analytics=analytics, ads=ads)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"gcs": "G111"}, said(True, True)),
        ({"gcs": "G100"}, said(False, False)),
        ({"gcs": "G101"}, said(True, False)),
        ({"gcs": "G110"}, said(False, True)),
        ({"gcs": "G1--"}, None),
        ({"gcs": "G111", "npa": "1"}, said(True, False)),
        ({"npa": "1"}, said(None, False)),
        ({"npa": "0"}, None),
        ({"gcd": "13t3t3t3t5l1"}, said(True, True)),
        ({"gcd": "13l3l3l3l1l1"}, None),
        ({"gcd": "13r3v3n3t5"}, said(True, True)),
        ({"gcd": "11p1t1t1t5"}, said(True, False)),
        ({"gcd": "11t1q1t1t5"}, said(False, True)),
        ({"gcd": "11t1t1m1t5"}, said(True, False)),
        ({"gcd": "11t1t1t1u5"}, said(True, False)),
        ({"gcd": "11l1l1t1t5"}, None),
        ({"gcs": "G111", "gcd": "11t1t1t1p5"}, said(True, False)),
        ({"gcs": "G1"}, said(None, False)),  # what cannot be read grants nothing
        ({"gcs": "yes"}, said(None, False)),
        ({"gcd": "1"}, said(None, False)),
        ({"gcd": "13z3t3t3t5"}, said(True, False)),
    ],
)
def test_consent_mode(fields, expected):
    assert consent.from_hit(fields) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, None),
        ({"consent": {"ad_user_data": "GRANTED", "ad_personalization": "GRANTED"}}, said(None, True)),
        ({"consent": {"ad_user_data": "GRANTED"}}, None),
        ({"consent": {"ad_user_data": "GRANTED", "ad_personalization": "DENIED"}}, said(None, False)),
        ({"consent": {"ad_user_data": "perhaps", "ad_personalization": "GRANTED"}}, said(None, False)),
        ({"consent": {"analytics_storage": "granted"}}, said(True, None)),
        ({"consent": {"analytics_storage": "denied"}}, said(False, None)),
        ({"consent": "yes"}, said(None, False)),
        ({"non_personalized_ads": True}, said(None, False)),
    ],
)
def test_consent_of_the_measurement_protocol(body, expected):
    assert consent.from_body(body) == expected


def measured(**fields: object) -> list[RawEvent]:
    return mp.parse(json.dumps({"client_id": "c.1"} | fields).encode(), "k").events


def test_the_measurement_protocol():
    [event] = measured(
        user_id="u-1",
        timestamp_micros="1795321739287000",
        user_properties={"plan": {"value": "pro"}},
        user_data={"sha256_email_address": ["ab" * 32]},
        events=[
            {
                "name": "purchase",
                "params": {
                    "value": 25, "currency": "EUR", "items": [{"item_id": 7, "item_name": "Tea", "price": "12.5"}],
                    "page_location": "https://shop.test/", "page_title": "Tea", "session_id": "s-1",
                    "transaction_id": "T",
                },
            }
        ],
    )  # fmt: skip
    assert (event.name, event.user, event.visitor, event.ts) == ("purchase", "u-1", "c.1", 1_795_321_739_287)
    assert (event.value, event.currency, event.session) == (25.0, "EUR", "s-1")
    assert event.items == [{"item_id": "7", "item_name": "Tea", "price": 12.5}]
    assert event.traits == {"plan": "pro", "email": "ab" * 32}
    assert event.props == {"transaction_id": "T"}
    assert (event.url, event.title) == ("https://shop.test/", "Tea")


def test_ids_of_the_measurement_protocol():
    def ids(*events: dict, **fields: object) -> list[str | None]:
        return [event.message_id for event in measured(events=list(events), **fields)]

    view = {"name": "view_item", "params": {}}
    sold = {"name": "purchase", "params": {"transaction_id": "T1"}}
    first, second = ids(view, view, timestamp_micros=1_795_321_739_287_000)
    assert first and second and first != second
    assert ids(view, view, timestamp_micros=1_795_321_739_287_000) == [first, second]
    assert ids(view, timestamp_micros=1_795_321_739_287_001)[0] != first
    assert ids(view) == [None]
    assert ids(sold) == ids({"name": "purchase", "params": {"transaction_id": "T1", "value": 3}})
    assert ids(sold) != ids({"name": "purchase", "params": {"transaction_id": "T2"}})
    assert ids(sold)[0] != measured(client_id="c.2", events=[sold])[0].message_id


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        (b"{", "VALUE_INVALID", ""),
        ({"events": [{"name": "a"}]}, "VALUE_REQUIRED", "client_id"),
        ({"client_id": "c"}, "VALUE_REQUIRED", "events"),
        ({"client_id": "c", "events": [{}]}, "VALUE_REQUIRED", "events"),
        ({"client_id": "c", "events": [{"name": "a b"}]}, "NAME_INVALID", "events"),
        ({"client_id": "c", "events": [{"name": "_a"}]}, "NAME_RESERVED", "events"),
        ({"client_id": "c", "events": [{"name": "session_start"}]}, "NAME_RESERVED", "events"),
        ({"client_id": "c", "events": [{"name": "a" * 41}]}, "NAME_INVALID", "events"),
        ({"client_id": "c", "events": [{"name": "a"}] * 26}, "EXCEEDED_MAX_ENTITIES", "events"),
        ({"client_id": "c", "events": [{"name": "a", "params": {"1": 1}}]}, "NAME_INVALID", "events.params"),
        ({"client_id": "c", "events": [{"name": "a", "params": {"value": 1}}]},
         "VALUE_REQUIRED", "events.params.currency"),
        ({"client_id": "c", "events": [{"name": "a", "params": {"value": "1", "currency": "EUR"}}]},
         "VALUE_INVALID", "events.params.value"),
        ({"client_id": "c", "events": [{"name": "refund"}]}, "VALUE_REQUIRED", "events.params.transaction_id"),
        ({"client_id": "c", "events": [{"name": "a", "params": {"items": [{}]}}]},
         "VALUE_REQUIRED", "events.params.items"),
        ({"client_id": "c", "timestamp_micros": "now", "events": [{"name": "a"}]}, "VALUE_INVALID", "timestamp_micros"),
        ({"client_id": "c", "user_properties": {"a": 1}, "events": [{"name": "a"}]},
         "VALUE_REQUIRED", "user_properties"),
        ({"client_id": "c", "consent": {"ad_user_data": "yes"}, "events": [{"name": "a"}]},
         "VALUE_INVALID", "consent.ad_user_data"),
    ],
)  # fmt: skip
def test_validation_says_what_is_wrong(body, code, path):
    [message] = check.check(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert (message["validationCode"], message["fieldPath"]) == (code, path)


def test_validation_of_a_good_request_says_nothing():
    params = {"value": 9.5, "currency": "EUR", "transaction_id": "T1", "items": [{"item_id": "p"}]}
    body = {"client_id": "c", "timestamp_micros": 1795321739287000, "events": [{"name": "purchase", "params": params}]}
    assert check.check(json.dumps(body).encode()) == []


def test_posthogs_other_bodies():
    event = {"event": "a", "properties": {"token": "k", "distinct_id": "d-1", "$device_id": "d-1"}, "uuid": "u"}
    listed = posthog.parse(json.dumps([event]).encode(), {"_": "1795321739287"})
    assert (listed.write_key, listed.sent_at) == ("k", 1_795_321_739_287)
    assert (listed.events[0].visitor, listed.events[0].user) == ("d-1", None)
    form = "data=" + urllib.parse.quote_plus(base64.b64encode(json.dumps(event).encode()).decode())
    assert posthog.parse(form.encode(), {}).write_key == "k"
    older = posthog.parse(
        json.dumps({"api_key": "k", **event, "offset": 500, "sent_at": "2026-11-22T04:28:59Z"}).encode(), {}
    )
    assert older.events[0].ts == older.sent_at - 500


def test_who_posthog_speaks_of():
    def who(**said: object) -> tuple:
        event = posthog.parse(json.dumps({"api_key": "k", "event": "a"} | said).encode(), {}).events[0]
        return event.user, event.visitor

    assert who(distinct_id="u") == ("u", None)
    assert who(distinct_id="u", properties={"$device_id": "d"}) == ("u", "d")
    assert who(distinct_id="u", properties={"$device_id": "d", "$is_identified": True}) == ("u", "d")
    assert who(distinct_id="d", properties={"$device_id": "d", "$is_identified": False}) == (None, "d")
    assert who(distinct_id="x", properties={"$process_person_profile": False}) == (None, "x")
    assert who(distinct_id="$posthog_cookieless") == (None, None)
    identified = {"event": "$identify", "distinct_id": "u", "properties": {"$anon_distinct_id": "d"}}
    assert who(**identified) == ("u", "d")


@pytest.mark.parametrize(("name", "granted"), [("$opt_in", True), ("$opt_out", False)])
def test_posthogs_opt_in_and_out_are_consent(name, granted):
    [event] = posthog.parse(json.dumps({"api_key": "k", "event": name, "distinct_id": "u"}).encode(), {}).events
    assert (event.type, event.consent) == ("consent", said(granted, None))


def test_plausibles_long_names_and_several_domains():
    batch = plausible.parse(
        b'{"name":"Purchase","url":"https://shop.test/a","domain":"a.test, b.test","referrer":"https://x.test/",'
        b'"props":{"method":"card"},"revenue":{"currency":"EUR","amount":"9.5"}}'
    )
    [event] = batch.events
    assert batch.domains == ("a.test", "b.test")
    assert (event.name, event.value, event.currency) == ("purchase", 9.5, "EUR")
    assert event.props == {"method": "card", "original_event": "Purchase"}


def test_umamis_events():
    def one(kind: str, **payload: object) -> RawEvent | Unreadable:
        return umami.parse(
            json.dumps({"type": kind, "payload": {"website": "k"} | payload}).encode(), "jt1.visitor-1"
        ).events[0]

    page = one("event", url="/a", hostname="shop.test", timestamp=1_795_321_739)
    assert (page.name, page.url, page.visitor, page.ts) == (
        "page_view",
        "https://shop.test/a",
        "visitor-1",
        1_795_321_739_000,
    )
    sale = one("event", name="purchase", data={"revenue": 9.5, "currency": "EUR", "sku": "s"})
    assert (sale.name, sale.value, sale.currency, sale.props) == ("purchase", 9.5, "EUR", {"sku": "s"})
    vitals = one("performance", lcp=900)
    assert (vitals.type, vitals.name, vitals.props) == ("track", "performance", {"lcp": 900})
    assert one("identify", id="u-1", data={"plan": "pro"}).traits == {"plan": "pro"}
    assert one("nonsense").reason is Reject.BAD_TYPE
    assert one("event", timestamp="soon").reason is Reject.BAD_TIME
    mixed = umami.parse(b'[{"payload":{"website":"k"}},{"payload":{"website":"other"}}]')
    assert mixed.write_key == "k"
    assert mixed.events[1].reason is Reject.BAD_FIELD
    assert umami.parse(b'{"payload":{"website":"k"}}', "eyJhbGciOi.x.y").events[0].visitor is None, "another server's"


def test_a_body_that_is_nothing_is_a_bad_request():
    for parse in (
        lambda: mp.parse(b"[]", "k"),
        lambda: mp.parse(b'{"client_id":"c"', "k"),
        lambda: posthog.parse(b"no", {}),
        lambda: plausible.parse(b"[1]"),
        lambda: plausible.parse(b"{"),
    ):
        with pytest.raises(BadRequest):
            parse()
