import msgspec
import pytest

from tracker.collector import commerce
from tracker.collector.parsed import Unreadable
from tracker.collector.protocols import segment
from tracker.core.errors import BadRequest
from tracker.core.event import RawConsent, RawEvent


def one(kind: str = "track", **message) -> RawEvent:
    message.setdefault("anonymousId", "a1")
    [raw] = segment.parse(msgspec.json.encode(message), kind, "k").events
    assert isinstance(raw, RawEvent), raw
    return raw


@pytest.mark.parametrize(("theirs", "ours"), commerce.SEGMENT.items())
def test_ecommerce_names(theirs, ours):
    raw = one(event=theirs, properties={"x": 1})
    assert raw.name == ours
    assert raw.props == {"x": 1, "original_event": theirs}


def test_other_names_stay():
    assert one(event="Newsletter Opened").props == {}
    assert one(event="Newsletter Opened").name == "Newsletter Opened"


def test_products_become_items():
    raw = one(
        event="Order Completed",
        properties={
            "order_id": "50314b8e",
            "revenue": "25.00",
            "total": 27.5,
            "currency": "USD",
            "products": [
                {
                    "product_id": 507,
                    "sku": "45790",
                    "name": "Monopoly",
                    "price": "19",
                    "quantity": 1,
                    "category": "Games",
                },
                {"sku": "46493", "name": "Uno", "price": 3, "quantity": 2, "color": "red"},
                "not a product",
            ],
        },
    )
    assert raw.value == 25.0
    assert raw.currency == "USD"
    assert raw.props == {"order_id": "50314b8e", "total": 27.5, "original_event": "Order Completed"}
    assert raw.items == [
        {
            "item_id": "507",
            "item_sku": "45790",
            "item_name": "Monopoly",
            "price": 19.0,
            "quantity": 1.0,
            "item_category": "Games",
        },
        {"item_sku": "46493", "item_name": "Uno", "price": 3.0, "quantity": 2.0, "color": "red", "item_id": "46493"},
    ]


def test_one_product_becomes_one_item():
    raw = one(
        event="Product Viewed", properties={"product_id": "p1", "name": "Shoe", "price": 20, "quantity": 2, "page": 3}
    )
    assert raw.items == [{"item_id": "p1", "item_name": "Shoe", "price": 20.0, "quantity": 2.0}]
    assert raw.value == 40.0
    assert raw.props == {"page": 3, "original_event": "Product Viewed"}


def test_money_that_is_none_stays_a_property():
    raw = one(event="x", properties={"revenue": "a lot", "currency": "dollars"})
    assert (raw.value, raw.currency) == (None, None)
    assert raw.props == {"revenue": "a lot", "currency": "dollars"}


def test_a_page_call():
    raw = one(
        "page",
        name="Home",
        category="Docs",
        properties={"url": "https://x/?a=1", "title": "T", "referrer": "https://y/", "path": "/", "depth": 2},
        context={"page": {"url": "https://other/"}},
    )
    assert (raw.url, raw.title, raw.referrer, raw.name) == ("https://x/?a=1", "T", "https://y/", "Home")
    assert raw.props == {"depth": 2, "category": "Docs"}


def test_the_context():
    raw = one(
        event="x",
        context={
            "page": {"url": "https://x/p"},
            "campaign": {"name": "autumn", "source": "news", "medium": "email", "term": None},
            "userAgent": "Mozilla/5.0",
            "ip": "203.0.113.9",
            "locale": "de-DE",
            "timezone": "Europe/Berlin",
            "screen": {"width": 1280.0, "height": 720},
            "library": {"name": "js", "version": "1"},
            "sessionId": 17,
        },
    )
    assert raw.url == "https://x/p?utm_source=news&utm_medium=email&utm_campaign=autumn"
    assert (raw.ua, raw.ip, raw.language, raw.timezone) == ("Mozilla/5.0", "203.0.113.9", "de-DE", "Europe/Berlin")
    assert (raw.screen, raw.library, raw.session) == ("1280x720", "js 1", "17")


def test_campaign_tags_in_the_address_win_and_without_an_address_they_are_properties():
    campaign = {"source": "news"}
    raw = one(event="x", context={"page": {"url": "https://x/?utm_source=a"}, "campaign": campaign})
    assert raw.url == "https://x/?utm_source=a"
    assert one(event="x", context={"campaign": campaign}).props == {"utm_source": "news"}


@pytest.mark.parametrize(
    "odd", [{"context": {"page": 7, "screen": "x", "library": [], "campaign": None, "consent": 1}}]
)
def test_an_odd_context_costs_nothing(odd):
    assert one(event="x", **odd).url is None


@pytest.mark.parametrize(
    ("preferences", "said"),
    [
        ({"analytics": True, "advertising": False}, RawConsent(analytics=True, ads=False)),
        ({"Advertising": True, "Analytics": True}, RawConsent(analytics=True, ads=True)),
        ({"C0002": True, "C0004": False, "C0001": True}, RawConsent(analytics=True, ads=False)),
        ({"marketing": True, "targeting": False}, RawConsent(ads=False)),
        ({"marketing": "yes"}, RawConsent(ads=False)),
        ({"necessary": True}, None),
        ({}, None),
        ("odd", None),
    ],
)
def test_consent(preferences, said):
    assert one(event="x", context={"consent": {"categoryPreferences": preferences}}).consent == said


@pytest.mark.parametrize(
    ("given", "ms"),
    [
        ("2026-11-22T04:28:59.287Z", 1795321739287),
        ("2026-11-22T04:28:59.287+00:00", 1795321739287),
        ("2026-11-22T05:28:59.287+01:00", 1795321739287),
        ("2026-11-22T04:28:59.287", 1795321739287),
        (1795321739287, 1795321739287),
        ("", None),
        (None, None),
    ],
)
def test_timestamps(given, ms):
    assert one(event="x", timestamp=given).ts == ms


def test_the_original_timestamp_wins():
    assert (
        one(event="x", timestamp="2026-11-22T04:28:59Z", originalTimestamp="2026-11-22T04:00:00Z").ts == 1795320000000
    )


def test_times_of_sending():
    messages = b'{"type":"track","event":"x","userId":1},{"type":"track","event":"y","userId":2,"sentAt":1}'
    body = b'{"sentAt":"2026-11-22T04:00:00Z","batch":[' + messages + b"]}"
    batch = segment.parse(body, None, "k")
    assert [raw.sent_at for raw in batch.events] == [1795320000000, 1]
    assert [raw.user for raw in batch.events] == ["1", "2"]


def test_group_and_alias_and_identify():
    group = one("group", groupId="g1", traits={"plan": "pro"}, userId="u")
    assert (group.group, group.props, group.traits) == ("g1", {"plan": "pro"}, {})
    alias = one("alias", previousId="old", userId="new")
    assert (alias.previous, alias.user) == ("old", "new")
    identify = one("identify", userId="u", context={"traits": {"plan": "pro"}})
    assert identify.traits == {"plan": "pro"}


def test_a_consent_event():
    raw = one(
        event="Segment Consent Preference Updated", context={"consent": {"categoryPreferences": {"analytics": False}}}
    )
    assert raw.type == "consent"
    assert raw.consent == RawConsent(analytics=False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"event":7}', "bad_field"),
        (b'{"event":"x","properties":[]}', "bad_field"),
        (b'{"event":"x","timestamp":"tomorrow"}', "bad_time"),
        (b'{"event":"x","timestamp":{}}', "bad_time"),
        (b'{"event":"x","properties":{"a":1e999}}', "unreadable"),
    ],
)
def test_unreadable_messages_have_a_reason(text, reason):
    [found] = segment.parse(b'{"batch":[' + text + b"]}", "track", "k").events
    assert isinstance(found, Unreadable)
    assert found.reason == reason


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b'{"batch":7}', b'{"batch":[{]}', b'{"writeKey":"k"}'])
def test_unreadable_bodies(body):
    with pytest.raises(BadRequest):
        segment.parse(body, None, "k")


def test_where_the_write_key_comes_from():
    assert segment.parse(b'{"batch":[],"writeKey":"body"}', None, "").write_key == "body"
    assert segment.parse(b'{"batch":[],"writeKey":"body"}', None, "header").write_key == "header"
    assert segment.parse(b'{"event":"x","writeKey":"body"}', "track", "").write_key == "body"
