"""What Matomo's hits become."""

import json
from urllib.parse import urlencode

import msgspec
import pytest

from tracker.collector.loose import address_of, name_strangers
from tracker.collector.parsed import Unreadable
from tracker.collector.protocols import matomo
from tracker.core.errors import BadRequest
from tracker.core.event import RawConsent, RawEvent

NOW = 1_795_321_800_000
DAY = 86_400_000


def events(hit: dict, *, trusted: bool = False) -> list[RawEvent | Unreadable]:
    asked = matomo.split(urlencode({"idsite": "k", "rec": "1", "_id": "v", **hit}), b"")
    [hits] = asked.hits
    read = matomo.reader(trusted=trusted, now=NOW)
    return [read(text) for text in hits.texts]


def one(hit: dict, *, trusted: bool = False) -> RawEvent:
    [raw] = events(hit, trusted=trusted)
    assert isinstance(raw, RawEvent), raw
    return raw


def bulk(*hits: object, **more: object) -> matomo.Request:
    return matomo.split("", json.dumps({"requests": list(hits), **more}).encode())


def ids(asked: matomo.Request) -> list[str | None]:
    read = matomo.reader(trusted=True, now=NOW)
    found = [read(text) for hits in asked.hits for text in hits.texts]
    assert all(isinstance(raw, RawEvent) for raw in found), found
    return [raw.message_id for raw in found]


@pytest.mark.parametrize(
    ("hit", "name", "value", "props"),
    [
        ({"action_name": "T"}, "page_view", None, {}),
        ({"e_c": "c", "e_a": "play", "e_n": "n", "e_v": "2"}, "play", 2.0, {"e_c": "c", "e_n": "n", "e_a": "play"}),
        ({"idgoal": "4", "revenue": "5"}, "goal", 5.0, {"idgoal": "4"}),
        ({"idgoal": "0", "revenue": "5", "ec_items": "[]"}, "cart_update", 5.0, {"idgoal": "0"}),
        (
            {"search": "tea", "search_cat": "c", "search_count": "3"},
            "search",
            None,
            {"search_term": "tea", "search_count": 3.0},
        ),
        ({"download": "https://x/a/B.PDF?v=1"}, "file_download", None, {"file_name": "B.PDF", "file_extension": "pdf"}),
        (
            {"link": "https://other/x"},
            "click",
            None,
            {"link_url": "https://other/x", "outbound": True, "link_domain": "other"},
        ),
        ({"c_n": "ad", "c_p": "p"}, "content_impression", None, {"c_n": "ad", "c_p": "p"}),
        ({"c_n": "ad", "c_p": "p", "c_i": "click"}, "select_content", None, {"content_type": "ad", "content_id": "p"}),
        ({"ping": "1"}, "user_engagement", None, {"original_event": "ping"}),
        ({"cra": "boom"}, "js_error", None, {"message": "boom"}),
        ({"ca": "1", "ma_id": "x"}, "custom_action", None, {"ma_id": "x"}),
    ],
)
def test_names(hit, name, value, props):
    raw = one(hit)
    assert (raw.name, raw.value) == (name, value)
    assert raw.type == ("page" if name == "page_view" else "track")
    assert props.items() <= raw.props.items()


def test_the_fields_of_a_hit():
    raw = one(
        {
            "url": "https://x/p",
            "urlref": "https://y/",
            "action_name": "T",
            "uid": "u",
            "res": "1x2",
            "lang": "de",
            "pv_id": "p",
            "cvar": '{"1":["k","v"]}',
            "dimension1": "d",
            "r": "123",
            "h": "4",
            "pdf": "1",
            "lat": "52.5",
        }
    )
    assert (raw.url, raw.referrer, raw.title) == ("https://x/p", "https://y/", "T")
    assert (raw.visitor, raw.user, raw.screen, raw.language, raw.library) == ("v", "u", "1x2", "de", "matomo")
    assert raw.props == {"pv_id": "p", "cvar": {"1": ["k", "v"]}, "dimension1": "d"}


def test_an_order():
    items = '[["s1","Tea",["Drinks","Hot"],12.5,2],["s2","Mug","",9,1],"odd"]'
    raw = one({"idgoal": "0", "ec_id": "o1", "revenue": "34", "ec_tx": "3", "ec_sh": "undefined", "ec_items": items})
    assert (raw.name, raw.value) == ("purchase", 34.0)
    assert raw.items == [
        {
            "item_id": "s1",
            "item_name": "Tea",
            "item_category": "Drinks",
            "item_category2": "Hot",
            "price": 12.5,
            "quantity": 2.0,
        },
        {"item_id": "s2", "item_name": "Mug", "price": 9.0, "quantity": 1.0},
    ]
    assert raw.props == {"transaction_id": "o1", "tax": 3.0, "idgoal": "0"}


def test_a_page_that_shows_a_product_is_two_events():
    view, seen = events({"_pks": "s1", "_pkn": "Tea", "_pkc": '["Drinks","Hot"]', "_pkp": "12.5", "r": "1"})
    assert (view.name, seen.name, seen.value) == ("page_view", "view_item", 12.5)
    assert seen.items == [{"item_id": "s1", "item_name": "Tea", "item_category": "Drinks/Hot", "price": 12.5}]
    assert len({view.message_id, seen.message_id}) == 2
    _, listed = events({"_pkc": "Drinks"})
    assert (listed.name, listed.props["item_list_name"]) == ("view_item_list", "Drinks")


@pytest.mark.parametrize(
    ("given", "ts"),
    [
        ("1795321700", 1_795_321_700_000),
        ("1795321700.5", 1_795_321_700_500),
        ("2026-11-22 04:28:20", 1_795_321_700_000),
        ("2026-11-22T05:28:20+01:00", 1_795_321_700_000),
    ],
)
def test_times(given, ts):
    assert one({"cdt": given}).ts == ts


def test_a_hit_that_says_how_long_ago_it_was():
    assert one({"cdo": "90"}).ts == NOW - 90_000
    assert one({}).ts is None


def test_history_needs_the_key():
    old = str((NOW - DAY - 60_000) // 1000)
    [raw] = events({"cdt": old})
    assert isinstance(raw, Unreadable)
    assert raw.reason == "bad_time"
    assert one({"cdt": old}, trusted=True).ts == NOW - DAY - 60_000
    assert one({"cip": "203.0.113.9"}).ip is None
    assert one({"cip": "203.0.113.9"}, trusted=True).ip == "203.0.113.9"


@pytest.mark.parametrize(
    ("hit", "reason"),
    [
        ({"cdt": "yesterday"}, "bad_time"),
        ({"cdt": "-5"}, "bad_time"),
        ({"rec": "0"}, "bad_field"),
        ({"action_name": "x" * 40_000}, "event_too_large"),
    ],
)
def test_unreadable_hits_have_a_reason(hit, reason):
    [raw] = events(hit)
    assert isinstance(raw, Unreadable)
    assert raw.reason == reason


@pytest.mark.parametrize(
    ("hit", "said"),
    [
        ({}, None),
        ({"consent": "1"}, RawConsent(analytics=True)),
        ({"consent": "0"}, RawConsent(analytics=False)),
        ({"analytics": "1", "ads": "0"}, RawConsent(analytics=True, ads=False)),
        ({"tcf": "C", "gpp": "D"}, RawConsent(tcf="C", gpp="D")),
    ],
)
def test_consent(hit, said):
    assert one(hit).consent == said


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x/?mtm_campaign=a&mtm_kwd=b#f", "https://x/?mtm_campaign=a&mtm_kwd=b&utm_campaign=a&utm_term=b#f"),
        ("https://x/?pk_campaign=a", "https://x/?pk_campaign=a&utm_campaign=a"),
        ("https://x/?pk_campaign=a&utm_source=s", "https://x/?pk_campaign=a&utm_source=s"),
        ("https://x/mtm_/?q=1", "https://x/mtm_/?q=1"),
    ],
)
def test_campaigns(url, expected):
    assert one({"url": url}).url == expected


def test_a_hit_that_comes_again_is_the_same_event():
    hit = {"r": "123456", "url": "https://x/", "h": "1", "m": "2", "s": "3"}
    assert one(hit).message_id == one(hit).message_id is not None
    assert one(hit).message_id == one({**hit, "send_image": "0", "cdo": "90"}).message_id, "sent later, from a queue"
    assert one(hit).message_id != one({**hit, "r": "123457"}).message_id
    assert one(hit).message_id != one({**hit, "url": "https://x/2"}).message_id


def test_two_equal_hits_of_one_second_stay_two():
    hit = {"rec": 1, "idsite": 1, "url": "https://x/", "cdt": "2026-11-22 04:28:20", "cip": "203.0.113.9", "ua": "A"}
    first = ids(bulk(hit, hit, {**hit, "ua": "B"}))
    assert len(set(first)) == 3
    assert ids(bulk(hit, hit, {**hit, "ua": "B"})) == first


def test_a_hit_without_time_and_random_number_is_new_each_time():
    assert one({"url": "https://x/"}).message_id is None


def test_what_a_hit_says_of_its_own_id_is_not_believed():
    hit = {"url": "https://x/", "_hit": "mine", "_view": "1"}
    assert (one(hit).message_id, one(hit).name) == (None, "page_view")


def test_a_bulk():
    asked = bulk(
        "?idsite=a&rec=1&url=https%3A%2F%2Fx%2F",
        {"idsite": 2, "rec": 1, "token_auth": "own"},
        7,
        "?idsite=a&rec=1",
        token_auth="t",
    )
    assert asked.bulk
    assert [(hits.site, hits.token, hits.at) for hits in asked.hits] == [
        ("a", "t", [0, 3]),
        ("2", "own", [1]),
        ("", "t", [2]),
    ]
    read = matomo.reader(trusted=False, now=NOW)
    assert isinstance(read(asked.hits[2].texts[0]), Unreadable)


def test_forms_and_queries_are_one():
    asked = matomo.split("idsite=k&rec=1", b"url=https%3A%2F%2Fx%2F&send_image=0")
    assert (asked.bulk, asked.silent, asked.hits[0].site) == (False, True, "k")
    assert not matomo.split("idsite=k&rec=1", b"").silent


@pytest.mark.parametrize("body", [b"", b"{", b'{"requests":7}', b'{"x":1}'])
def test_unreadable_bodies(body):
    with pytest.raises(BadRequest):
        matomo.split("", body)


def test_addresses_and_tokens_are_not_in_the_text_that_is_kept():
    asked = bulk({"idsite": "k", "rec": 1, "cip": "203.0.113.9", "token_auth": "secret", "cdt": "x"}, token_auth="t")
    [hits] = asked.hits
    [text] = hits.texts
    assert b"203.0.113.9" not in text
    assert b"secret" not in text
    assert address_of(text) == "203.0.113.9"
    broken = matomo.split("", b'{"requests":[{"idsite":"k","cip":"203.0.113.9","v":1e999}]}')
    assert b"203.0.113.9" not in broken.hits[0].texts[0]


def test_json_inside_a_text_is_opened_so_that_people_in_it_are_seen():
    [hits] = matomo.split(urlencode({"idsite": "k", "rec": "1", "cvar": '{"1":["phone","030 1"]}'}), b"").hits
    assert msgspec.json.decode(hits.texts[0])["cvar"] == {"1": ["phone", "030 1"]}


def test_strangers_get_a_name_for_a_day():
    def named(ts: int | None, ip: str | None, peer: str = "") -> str | None:
        raw = RawEvent(type="page", name="page_view", ts=ts, ip=ip, ua="A")
        found = name_strangers(lambda _: raw, b"k" * 32, peer, "", NOW)(b"")
        assert isinstance(found, RawEvent)
        return found.visitor

    assert named(NOW, "203.0.113.9") == named(None, "203.0.113.9") == named(NOW, None, "203.0.113.9")
    assert named(NOW, "203.0.113.9") != named(NOW + DAY, "203.0.113.9")
    assert named(NOW, None) is None
