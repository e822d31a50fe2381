"""What Snowplow's events become."""

import base64
import json

import pytest

from tracker.collector.loose import address_of
from tracker.collector.parsed import Unreadable
from tracker.collector.protocols import snowplow
from tracker.collector.protocols.snowplow.meanings import ECOMMERCE, ENHANCED
from tracker.core.errors import BadRequest
from tracker.core.event import RawConsent, RawEvent

OURS = "iglu:com.snowplowanalytics.snowplow/"
SHOP = "iglu:com.snowplowanalytics.snowplow.ecommerce/"
GOOGLE = "iglu:com.google.analytics.enhanced-ecommerce/"


def schema(name: str, data: object) -> dict:
    return {"schema": f"{name}/jsonschema/1-0-0", "data": data}


def ue(name: str, data: object) -> str:
    return json.dumps(schema(f"{OURS}unstruct_event", schema(name, data)))


def co(*entities: dict) -> str:
    return json.dumps(schema(f"{OURS}contexts", list(entities)))


def coded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def batches(*events: dict) -> list:
    body = {"schema": f"{OURS}payload_data/jsonschema/1-0-4", "data": list(events)}
    return snowplow.parse(json.dumps(body).encode())


def one(**fields: object) -> RawEvent:
    [batch] = batches({"aid": "k", "duid": "d", **fields})
    [raw] = batch.events
    assert isinstance(raw, RawEvent), raw
    return raw


def refused(**fields: object) -> Unreadable:
    [batch] = batches({"aid": "k", **fields})
    [raw] = batch.events
    assert isinstance(raw, Unreadable), raw
    return raw


def test_a_page_view_and_its_fields():
    raw = one(
        e="pv",
        eid="7178c939-9778-47e7-9ab8-a63d6eb57490",
        dtm="1795321729874",
        stm="1795321730000",
        url="https://x/p",
        refr="https://y/",
        page="P",
        uid="u",
        sid="s",
        lang="de",
        res="1920x1080",
        tz="Europe/Berlin",
        tv="js-4",
        tna="sp",
        vid="3",
        nuid="n",
    )
    assert (raw.type, raw.name, raw.message_id) == ("page", "page_view", "7178c939-9778-47e7-9ab8-a63d6eb57490")
    assert (raw.ts, raw.sent_at) == (1795321729874, 1795321730000)
    assert (raw.url, raw.referrer, raw.title) == ("https://x/p", "https://y/", "P")
    assert (raw.visitor, raw.user, raw.session) == ("d", "u", "s")
    assert (raw.language, raw.screen, raw.timezone, raw.library) == ("de", "1920x1080", "Europe/Berlin", "js-4")
    assert raw.props == {"tna": "sp", "vid": 3.0, "nuid": "n"}


def test_a_true_time_is_not_corrected():
    raw = one(e="pv", ttm="1795321729000", dtm="1795321720000", stm="1795321730000")
    assert (raw.ts, raw.sent_at) == (1795321729000, None)


@pytest.mark.parametrize(
    ("ids", "visitor"),
    [
        ({"duid": "d", "nuid": "n", "tnuid": "t"}, "d"),
        ({"duid": "", "nuid": "n", "tnuid": "t"}, "n"),
        ({"duid": "", "tnuid": "t"}, "t"),
        ({"duid": "", "co": co(schema(f"{OURS}client_session", {"userId": "m", "eventIndex": 7}))}, "m"),
        ({"duid": ""}, None),
    ],
)
def test_who_the_visitor_is(ids, visitor):
    assert one(e="pv", **ids).visitor == visitor


def test_the_session_orders_events_of_one_millisecond():
    session = schema(f"{OURS}client_session", {"userId": "m", "sessionId": "s9", "eventIndex": 7})
    assert (one(e="pv", co=co(session)).seq, one(e="pv", co=co(session)).session) == (7, "s9")


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("add-to-basket", "add_to_cart"),
        ("Remove from basket", "remove_from_cart"),
        ("play", "play"),
        ("purchase", "purchase"),
    ],
)
def test_structured_events(action, name):
    raw = one(e="se", se_ca="c", se_ac=action, se_la="l", se_pr="p", se_va="2.5")
    assert (raw.name, raw.value) == (name, 2.5)
    assert raw.props == {"se_ca": "c", "se_ac": action, "se_la": "l", "se_pr": "p"}


def test_a_value_that_is_none_stays_as_it_came():
    assert one(e="se", se_ac="a", se_va="much").props["se_va"] == "much"


def test_page_pings():
    raw = one(e="pp", pp_mix="0", pp_may="120")
    assert (raw.type, raw.name) == ("track", "user_engagement")
    assert raw.props == {"original_event": "page_ping", "pp_mix": 0.0, "pp_may": 120.0}


@pytest.mark.parametrize("field", ["ue_pr", "ue_px"])
def test_self_describing_events(field):
    text = ue("iglu:com.acme/order", {"id": "o1", "revenue": 9.5, "currency": "EUR", "é": 1})
    raw = one(e="ue", **{field: coded(text) if field == "ue_px" else text})
    assert (raw.type, raw.name, raw.value, raw.currency) == ("track", "order", 9.5, "EUR")
    assert raw.props == {"id": "o1", "é": 1, "original_event": "iglu:com.acme/order/jsonschema/1-0-0"}


def test_base64_of_every_spelling():
    text = ue("iglu:com.acme/o", {"x": "??>>~~"})
    for spelling in (
        coded(text),
        base64.b64encode(text.encode()).decode(),
        base64.b64encode(text.encode()).decode().replace("+", " "),
    ):
        assert one(e="ue", ue_px=spelling).props["x"] == "??>>~~"


def test_contexts_are_kept_by_their_schema():
    many = [schema("iglu:com.acme/tag", {"t": n}) for n in range(2)]
    raw = one(e="pv", cx=coded(co(*many, schema("iglu:com.acme/user", {"k": 1}))))
    assert raw.props["contexts"] == {"com.acme/tag/1-0-0": [{"t": 0}, {"t": 1}], "com.acme/user/1-0-0": {"k": 1}}


def test_what_no_rule_here_could_allow_is_left_out():
    place = schema(f"{OURS}geolocation_context", {"latitude": 52.5, "longitude": 13.4})
    phone = schema(f"{OURS}mobile_context", {"osType": "ios", "appleIdfa": "X", "appleIdfv": "Y"})
    raw = one(e="pv", co=co(place, phone))
    assert raw.props["contexts"] == {"com.snowplowanalytics.snowplow/mobile_context/1-0-0": {"osType": "ios"}}


PRODUCT = {
    "id": 7,
    "name": "Tea",
    "category": "Drinks",
    "price": "12.5",
    "quantity": 2,
    "position": 3,
    "currency": "EUR",
}
ITEM = {
    "item_id": "7",
    "item_name": "Tea",
    "item_category": "Drinks",
    "price": 12.5,
    "quantity": 2.0,
    "index": 3.0,
    "currency": "EUR",
}


@pytest.mark.parametrize(("theirs", "ours"), ECOMMERCE.items())
def test_ecommerce_actions(theirs, ours):
    raw = one(
        e="ue",
        ue_pr=ue(f"{SHOP}snowplow_ecommerce_action", {"type": theirs, "name": "n"}),
        co=co(schema(f"{SHOP}product", PRODUCT)),
    )
    assert (raw.name, raw.items, raw.value, raw.currency) == (ours, [ITEM], 25.0, "EUR")
    assert raw.props["type"] == theirs


def test_a_transaction():
    parts = [
        schema(f"{SHOP}product", PRODUCT),
        schema(
            f"{SHOP}transaction",
            {"transaction_id": "o1", "revenue": "99.5", "currency": "EUR", "tax": 1, "discount_code": "X"},
        ),
        schema("iglu:com.acme/user", {"k": 1}),
    ]
    raw = one(e="ue", ue_pr=ue(f"{SHOP}snowplow_ecommerce_action", {"type": "transaction"}), co=co(*parts))
    assert (raw.name, raw.value, raw.currency, raw.items) == ("purchase", 99.5, "EUR", [ITEM])
    assert (raw.props["transaction_id"], raw.props["tax"], raw.props["coupon"]) == ("o1", 1, "X")
    assert raw.props["contexts"] == {"com.acme/user/1-0-0": {"k": 1}}


def test_a_refund_and_promotions():
    refund = schema(f"{SHOP}refund", {"transaction_id": "o1", "refund_amount": 5, "currency": "EUR"})
    raw = one(e="ue", ue_pr=ue(f"{SHOP}snowplow_ecommerce_action", {"type": "refund"}), co=co(refund))
    assert (raw.name, raw.value, raw.currency, raw.props["transaction_id"]) == ("refund", 5.0, "EUR", "o1")
    promotion = schema(f"{SHOP}promotion", {"id": "p", "name": "Sale", "slot": "top"})
    raw = one(e="ue", ue_pr=ue(f"{SHOP}snowplow_ecommerce_action", {"type": "promo_click"}), co=co(promotion))
    assert raw.props["promotion_id"] == "p"
    assert raw.props["creative_slot"] == "top"


@pytest.mark.parametrize(
    ("step", "name"),
    [
        ({"step": 1}, "begin_checkout"),
        ({"step": 2}, "checkout_step"),
        ({"step": 2, "delivery_method": "post"}, "add_shipping_info"),
        ({"step": 3, "payment_method": "card"}, "add_payment_info"),
    ],
)
def test_steps_of_a_checkout(step, name):
    address = {"shipping_postcode": "10115", "billing_full_address": "Street 1"}
    parts = [
        schema(f"{SHOP}checkout_step", {**step, **address}),
        schema(f"{SHOP}cart", {"total_value": 30, "currency": "EUR"}),
    ]
    raw = one(e="ue", ue_pr=ue(f"{SHOP}snowplow_ecommerce_action", {"type": "checkout_step"}), co=co(*parts))
    assert (raw.name, raw.value, raw.currency) == (name, 30.0, "EUR")
    assert "10115" not in str(raw)
    assert "Street" not in str(raw)


def test_the_shops_user_becomes_traits_on_any_event():
    user = schema(f"{SHOP}user", {"id": "u7", "email": "jo@example.com", "is_guest": False})
    raw = one(e="pv", co=co(user))
    assert (raw.user, raw.traits) == ("u7", {"email": "jo@example.com"})
    assert "jo@example.com" not in json.dumps(raw.props)
    assert one(e="pv", uid="u1", co=co(user)).user == "u1"


@pytest.mark.parametrize(("theirs", "ours"), ENHANCED.items())
def test_enhanced_ecommerce(theirs, ours):
    parts = [
        schema(f"{GOOGLE}productFieldObject", {"id": "s", "price": 3, "quantity": 2}),
        schema(f"{GOOGLE}actionFieldObject", {"id": "o1", "revenue": 8, "currency": "EUR"}),
    ]
    raw = one(e="ue", ue_pr=ue(f"{GOOGLE}action", {"action": theirs}), co=co(*parts))
    assert (raw.name, raw.value, raw.currency) == (ours, 8.0, "EUR")
    assert raw.items == [{"item_id": "s", "price": 3.0, "quantity": 2.0}]
    assert raw.props["transaction_id"] == "o1"


def test_an_order_of_old_takes_its_lines_with_it():
    order = {"e": "tr", "tr_id": "o1", "tr_tt": "30", "tr_tx": "2", "tr_cu": "EUR", "tr_ci": "Berlin"}
    lines = [
        {"e": "ti", "ti_id": "o1", "ti_sk": "s1", "ti_nm": "Tea", "ti_pr": "10", "ti_qu": "2"},
        {"e": "ti", "ti_id": "o2", "ti_sk": "s2", "ti_pr": "10", "ti_qu": "1", "ti_cu": "EUR"},
    ]
    [batch] = batches(*({"aid": "k", "duid": "d", **event} for event in (order, *lines)))
    bought, mine, other = batch.events
    assert (bought.name, bought.value, bought.currency) == ("purchase", 30.0, "EUR")
    assert bought.items == [{"item_id": "s1", "item_name": "Tea", "price": 10.0, "quantity": 2.0}]
    assert bought.props["transaction_id"] == "o1"
    assert (bought.props["tax"], bought.props["tr_ci"]) == ("2", "Berlin")
    assert (mine.name, mine.items, mine.props["ti_sk"]) == ("purchase_item", [], "s1")
    assert (other.name, other.items, other.value) == (
        "purchase_item",
        [{"item_id": "s2", "price": 10.0, "quantity": 1.0}],
        None,
    )


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("link_click", {"targetUrl": "https://other/x"}, ("track", "click")),
        ("link_click", {"targetUrl": "https://shop.test/x"}, ("track", "link_click")),
        ("site_search", {"terms": ["green", "tea"]}, ("track", "search")),
        ("submit_form", {"formId": "f"}, ("track", "form_submit")),
        ("screen_view", {"name": "Home"}, ("screen", "Home")),
        ("add_to_cart", {"sku": "s", "unitPrice": 2, "quantity": 3}, ("track", "add_to_cart")),
        ("button_click", {"label": "x"}, ("track", "button_click")),
    ],
)
def test_snowplows_own_events(name, data, expected):
    raw = one(e="ue", url="https://shop.test/", ue_pr=ue(f"{OURS}{name}", data))
    assert (raw.type, raw.name) == expected
    if name == "site_search":
        assert raw.props["search_term"] == "green tea"
    if expected[1] == "click":
        assert (raw.props["outbound"], raw.props["link_url"]) == (True, "https://other/x")
    if name == "add_to_cart":
        assert (raw.items, raw.value) == ([{"item_id": "s", "price": 2.0, "quantity": 3.0}], 6.0)


def test_what_was_typed_into_a_form_is_not_kept():
    form = {"formId": "f", "elements": [{"name": "phone", "value": "030 1234567", "nodeName": "INPUT"}]}
    raw = one(e="ue", ue_pr=ue(f"{OURS}submit_form", form))
    assert raw.props["elements"] == [{"name": "phone", "nodeName": "INPUT"}]
    assert "1234567" not in str(one(e="ue", ue_pr=ue(f"{OURS}change_form", {"elementId": "e", "value": "030 1234567"})))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("consent_preferences", {"eventType": "allow_all"}, RawConsent(analytics=True, ads=True)),
        ("consent_preferences", {"eventType": "deny_all"}, RawConsent(analytics=False, ads=False)),
        ("consent_preferences", {"eventType": "withdrawn"}, RawConsent(analytics=False, ads=False)),
        (
            "consent_preferences",
            {"eventType": "allow_selected", "consentScopes": ["necessary", "Analytics"]},
            RawConsent(analytics=True, ads=False),
        ),
        ("consent_preferences", {"eventType": "pending"}, RawConsent()),
        ("consent_withdrawn", {"all": False}, RawConsent(analytics=False, ads=False)),
        ("consent_granted", {}, RawConsent()),
    ],
)
def test_consent_events(name, data, said):
    raw = one(e="ue", ue_pr=ue(f"{OURS}{name}", data))
    assert (raw.type, raw.consent) == ("consent", said)


def test_granted_documents():
    document = schema(f"{OURS}consent_document", {"id": "7", "version": "1", "name": "Marketing"})
    raw = one(e="ue", ue_pr=ue(f"{OURS}consent_granted", {}), co=co(document))
    assert raw.consent == RawConsent(ads=True)


@pytest.mark.parametrize(
    ("context", "said"),
    [
        (schema(f"{OURS}gdpr", {"basisForProcessing": "consent"}), RawConsent(analytics=True)),
        (schema(f"{OURS}gdpr", {"basisForProcessing": "legitimate_interests"}), None),
        (schema("iglu:com.acme/consent", {"analytics": True, "ads": False}), RawConsent(analytics=True, ads=False)),
        (schema("iglu:com.acme/consent", {"analytics": "yes", "tcf": "C"}), RawConsent(analytics=False, tcf="C")),
    ],
)
def test_consent_contexts(context, said):
    assert one(e="pv", co=co(context)).consent == said


def test_a_servers_word_for_its_visitor_travels_beside_the_text():
    [batch] = batches({"aid": "k", "e": "pv", "ip": "203.0.113.9", "ua": "UA", "uid": "u"})
    [raw] = batch.events
    assert (raw.ip, raw.ua) == ("203.0.113.9", "UA")
    assert b"203.0.113.9" not in batch.texts[0]
    assert address_of(batch.texts[0]) == "203.0.113.9"


def test_nothing_hides_in_the_text_that_is_kept_of_a_rejected_event():
    hidden = coded(ue("iglu:com.acme/o", {"phone": "030 1234567", "mail": "jo@example.com"}))
    [batch] = batches(
        {"aid": "k", "e": "ue", "ue_px": hidden}, {"aid": "k", "e": "pv", "cx": "%%%", "ip": "203.0.113.9"}
    )
    assert b"jo@example.com" in batch.texts[0], "plain, so that the road sees it"
    assert hidden.encode() not in batch.texts[0]
    assert b"203.0.113.9" not in batch.texts[1]
    long = b'{"data":[{"aid":"k","e":"pv","ip":"203.0.113.9","cx":"' + b"A" * 40_000 + b'"}]}'
    [big] = snowplow.parse(long)[0].texts
    assert b"203.0.113.9" not in big
    assert b"AAAA" not in big


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"e": "pv", "dtm": "yesterday"}, "bad_time"),
        ({"e": "xx"}, "bad_type"),
        ({}, "bad_type"),
        ({"e": "ue"}, "unreadable"),
        ({"e": "ue", "ue_pr": "{"}, "unreadable"),
        ({"e": "ue", "ue_px": "***"}, "unreadable"),
        ({"e": "pv", "cx": "bm90IGpzb24"}, "unreadable"),
        ({"e": "pv", "co": '{"schema":"x","data":[1]}'}, "unreadable"),
        ({"e": "pv", "page": "x" * 40_000}, "event_too_large"),
    ],
)
def test_unreadable_events_have_a_reason(fields, reason):
    assert refused(**fields).reason == reason


def test_every_app_id_is_a_batch():
    found = batches({"aid": "a", "e": "pv"}, {"aid": "b", "e": "pv"}, {"aid": "a", "e": "pp"}, {"e": "pv"})
    assert [(batch.write_key, len(batch.texts)) for batch in found] == [("a", 2), ("b", 1), ("", 1)]


def test_a_query():
    [batch] = snowplow.parse_query("e=pv&aid=k&page=T%C3%B6st+x&url=https%3A%2F%2Fx%2F&duid=d")
    [raw] = batch.events
    assert (batch.write_key, raw.title, raw.url) == ("k", "Töst x", "https://x/")


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b'{"schema":"x"}', b'{"data":7}'])
def test_unreadable_bodies(body):
    with pytest.raises(BadRequest):
        snowplow.parse(body)
    with pytest.raises(BadRequest):
        snowplow.parse_query("")
