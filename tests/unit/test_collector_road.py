import itertools
import json

import msgspec
import pytest

from tracker.collector.consent import Region
from tracker.collector.place import Place
from tracker.collector.road import Context, to_body, travel, turn_away
from tracker.collector.settings import Limits
from tracker.core.drops import Reject
from tracker.core.event import Event, RawConsent, RawEvent, Record, Rejected, Suppressed
from tracker.core.identifiers import keys_of, unseal
from tracker.core.site import Site

NOW = 1_795_000_000_000
DAY = 86_400_000
YES = RawConsent(analytics=True, ads=True)
GERMANY = Place("10.1.2.0", "DE", Region.OPT_IN)


def context(**given) -> Context:
    consent = given.pop("consent", "opt-in")
    key = given.pop("identifier_key", "11" * 32)
    arrivals = itertools.count(16, 16)
    given.setdefault("source", "native")
    return Context(
        site=Site(name="shop", write_key="wk", consent=consent, identifier_key=key),
        keys=keys_of("shop", "wk", key),
        received=NOW,
        arrival=lambda: next(arrivals),
        random=lambda n: b"r" * n,
        **given,
    )


def raw(**given) -> RawEvent:
    given.setdefault("type", "track")
    given.setdefault("name", "view_item")
    given.setdefault("visitor", "v1")
    return RawEvent(**given)


def accepted(event: RawEvent, where: Context | None = None, text: bytes = b"") -> Event:
    record = travel(event, where or context(), text)
    assert isinstance(record, Event), record
    return record


def reason(event: RawEvent, where: Context | None = None) -> str:
    record = travel(event, where or context())
    assert isinstance(record, Rejected | Suppressed), record
    return record.reason


def test_an_event_keeps_what_it_said():
    event = accepted(
        raw(
            message_id="1F30FEA0-e776-48d6-8414-fb22bc9cfc5c",
            ts=NOW - 5,
            user="u1",
            session="s1",
            seq=7,
            url="https://x/?a=1",
            referrer="https://y/",
            title="T",
            props={"a": {"b": [1]}},
            items=[{"item_id": "1"}],
            value=2.5,
            currency="eur",
            language="de",
            timezone="Europe/Berlin",
            screen="1x1",
            library="js 1",
            consent=YES,
        ),
        context(browser=True, place=GERMANY, ua="Mozilla/5.0"),
    )
    assert msgspec.structs.asdict(event) == {
        "site": "shop",
        "id": "1f30fea0-e776-48d6-8414-fb22bc9cfc5c",
        "arrival": 16,
        "received": NOW,
        "ts": NOW - 5,
        "type": "track",
        "name": "view_item",
        "message_id": "",
        "original_ts": 0,
        "visitor": "v1",
        "user": "u1",
        "previous": "",
        "group": "",
        "session": "s1",
        "seq": 7,
        "url": "https://x/?a=1",
        "referrer": "https://y/",
        "title": "T",
        "props": {"a": {"b": [1]}},
        "items": [{"item_id": "1"}],
        "value": 2.5,
        "currency": "EUR",
        "traits": {},
        "analytics": 1,
        "ads": 1,
        "gpc": 0,
        "mode": "M4",
        "language": "de",
        "timezone": "Europe/Berlin",
        "screen": "1x1",
        "ip": "10.1.2.0",
        "country": "DE",
        "ua": "Mozilla/5.0",
        "library": "js 1",
        "source": "native",
        "vault": "",
        "consent": "",
        "consent_text": "",
        "bot": "",
    }


@pytest.mark.parametrize(
    ("kind", "given", "stored"),
    [
        ("page", "Home", "page_view"),
        ("page", "", "page_view"),
        ("screen", "Main", "screen_view"),
        ("identify", "", "identify"),
        ("alias", "", "alias"),
        ("group", "", "group"),
        ("consent", "", "consent"),
        ("track", "x", "x"),
    ],
)
def test_names(kind, given, stored):
    event = accepted(raw(type=kind, name=given, props={"p": 1}, user="u"))
    assert event.name == stored
    assert event.props.get("name") == (given if given not in ("", stored, "x") else None)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (raw(name=" "), Reject.NO_NAME),
        (raw(type="nope"), Reject.BAD_TYPE),
        (raw(name="x" * 201), Reject.BAD_FIELD),
        (raw(visitor="x" * 256), Reject.BAD_FIELD),
        (raw(value=1e16), Reject.BAD_FIELD),
        (raw(value=float("nan")), Reject.BAD_FIELD),
        (raw(currency="EURO"), Reject.BAD_FIELD),
        (raw(seq=-1), Reject.BAD_FIELD),
        (raw(seq=2**32), Reject.BAD_FIELD),
        (raw(visitor=None), Reject.NO_PERSON),
        (raw(visitor=""), Reject.NO_PERSON),
        (raw(ts=5), Reject.BAD_TIME),
        (raw(ts=2**62), Reject.BAD_TIME),
        (raw(ts=-1), Reject.BAD_TIME),
        (raw(props={str(n): n for n in range(257)}), Reject.TOO_MANY_KEYS),
        (raw(props={"a": {str(n): n for n in range(256)}}), Reject.TOO_MANY_KEYS),
        (raw(props=json.loads('{"a":' * 17 + "1" + "}" * 17)), Reject.TOO_DEEP),
        (raw(items=json.loads("[" * 17 + "{}" + "]" * 17)), Reject.TOO_DEEP),
    ],
    ids=lambda given: given.value if isinstance(given, Reject) else "",
)
def test_what_is_refused_has_its_reason(event, why):
    assert reason(event) == why
    text = msgspec.json.encode(event)
    assert travel(event, context(), text).reason == why


def test_at_the_limits_it_is_accepted():
    accepted(raw(name="x" * 200, visitor="v" * 255, props={str(n): n for n in range(256)}))
    accepted(raw(props=json.loads('{"a":' * 16 + "1" + "}" * 16)))


def test_ids():
    assert accepted(raw(message_id=None)).id == "72727272-7272-4272-b272-727272727272"
    assert accepted(raw(message_id="00000000-0000-0000-0000-000000000000")).id.startswith("7272")
    first = accepted(raw(message_id="node-next-1"))
    assert first.id == accepted(raw(message_id="node-next-1")).id
    assert first.id != accepted(raw(message_id="node-next-2")).id
    assert first.message_id == "node-next-1"
    assert first.id[14] == "8"
    assert first.id[19] in "89ab"
    elsewhere = context()
    elsewhere.site = Site(name="other", write_key="x")
    assert accepted(raw(message_id="node-next-1"), elsewhere).id != first.id


@pytest.mark.parametrize(
    ("ts", "sent_at", "stored", "original"),
    [
        (None, None, NOW, 0),
        (NOW - 1000, None, NOW - 1000, 0),
        (NOW - 1000, NOW - 300, NOW - 1000, 0),  # the network's delay is no skew
        (NOW - 3_601_000, NOW - 3_600_000, NOW - 1000, NOW - 3_601_000),
        (NOW + 10 * 365 * DAY - 1000, NOW + 10 * 365 * DAY, NOW - 1000, NOW + 10 * 365 * DAY - 1000),
        (NOW - 1000, 12, NOW - 1000, 0),  # no plausible clock
        (NOW + DAY, None, NOW + 60_000, NOW + DAY),
        (NOW + 60_000, None, NOW + 60_000, 0),
        (NOW - 31 * DAY, None, NOW - 30 * DAY, NOW - 31 * DAY),
        (NOW - 30 * DAY, None, NOW - 30 * DAY, 0),
    ],
)
def test_times(ts, sent_at, stored, original):
    event = accepted(raw(ts=ts), context(sent_at=sent_at))
    assert (event.ts, event.original_ts) == (stored, original)


def test_an_import_keeps_its_times():
    event = accepted(raw(ts=NOW - 4000 * DAY, sent_at=NOW - DAY), context(keep_times=True))
    assert (event.ts, event.original_ts) == (NOW - 4000 * DAY, 0)


def test_consent_decides_before_anything_is_kept():
    browser = context(browser=True, place=GERMANY)
    silent = travel(raw(), browser)
    assert silent == Suppressed(site="shop", arrival=16, received=NOW, reason="no_consent")
    assert reason(raw(consent=RawConsent(analytics=False)), browser) == "refused"
    measured = accepted(raw(consent=RawConsent(analytics=True)), browser)
    assert (measured.mode, measured.analytics, measured.ads) == ("M2", 1, -1)
    assert accepted(raw(consent=YES), browser).mode == "M4"
    gpc = accepted(raw(consent=YES), context(browser=True, gpc=True))
    assert (gpc.mode, gpc.ads, gpc.gpc) == ("M2", 0, 1)
    undecoded = accepted(raw(consent=RawConsent(analytics=True, ads=True, tcf="CQ...")), browser)
    assert (undecoded.mode, undecoded.ads) == ("M2", 0)
    server = accepted(raw())
    assert (server.mode, server.analytics, server.ads) == ("M2", -1, -1)
    open_site = accepted(raw(), context(consent="opt-out", browser=True))
    assert (open_site.mode, open_site.ads) == ("M4", -1)


def test_a_withdrawal_is_kept_with_its_ids_and_nothing_else():
    event = accepted(
        raw(
            type="consent",
            name="",
            user="u1",
            consent=RawConsent(analytics=False, ads=False),
            url="https://x/secret",
            title="t",
            props={"a": 1},
            session="s",
        ),
        context(browser=True, place=GERMANY, ua="Mozilla/5.0"),
    )
    kept = {name for name, value in msgspec.to_builtins(event).items() if value}
    assert kept == {"k", "site", "id", "arrival", "received", "ts", "type", "name", "visitor", "user", "mode", "source"}
    assert (event.analytics, event.ads, event.mode) == (0, 0, "M0")


def test_a_withdrawal_of_nobody_is_only_counted():
    event = raw(type="consent", name="", visitor=None, consent=RawConsent(analytics=False))
    assert reason(event, context(browser=True)) == "refused"


def test_visitor_cookie_and_new_visitor():
    assert accepted(raw(visitor="mine"), context(cookie="cookie-1")).visitor == "mine"
    assert accepted(raw(visitor="mine"), context(cookie="cookie-1", fresh=True)).visitor == "cookie-1"
    assert accepted(raw(visitor="mine"), context(fresh=True)).visitor == "mine"
    assert accepted(raw(visitor=None), context(cookie="cookie-1")).visitor == "cookie-1"
    where = context(makes_visitors=True)
    first, second = accepted(raw(visitor=None), where), accepted(raw(visitor=None), where)
    assert first.visitor == second.visitor == where.minted != ""


PERSONAL = {
    "email": "ann.lee@mail.example",
    "phone": "+49 170 1234567",
    "firstName": "Annabella",
    "lastName": "Leemann",
    "birthday": "1984-02-29",
    "address": {"street": "Hauptstrasse 17", "city": "Bonn", "postalCode": "53111", "country": "DE"},
}


def test_nobody_is_named_in_what_is_stored():
    event = raw(
        type="identify",
        name="",
        user="Ann.Lee@mail.example",
        previous="ann.lee@mail.example",
        group="ann.lee@mail.example",
        session="ann.lee@mail.example",
        message_id="ann.lee@mail.example",
        title="Hello ann.lee@mail.example",
        url="https://ann:lee@x.org/ann.lee@mail.example?m=ann.lee%40mail.example#ann.lee@mail.example",
        referrer="https://x.org/?to=ann.lee@mail.example",
        props={
            "customer_email": "ann.lee@mail.example",
            "mobile": "0170 1234567",
            "note": "call ann.lee@mail.example",
            "deep": {"list": [{"mail": "ann.lee@mail.example", "phone": "+491701234567"}]},
            "ann.lee@mail.example": 1,
        },
        items=[{"item_name": "for ann.lee@mail.example"}],
        traits=dict(PERSONAL),
        language="ann.lee@mail.example",
        consent=YES,
    )
    for text in (b"", msgspec.json.encode(event)):
        record, body = to_body(event, context(browser=True, place=GERMANY), text)
        assert isinstance(record, Event)
        plain = body.decode().lower()
        for secret in (
            "ann.lee",
            "mail.example",
            "1701234567",
            "170 1234567",
            "annabella",
            "leemann",
            "1984",
            '17"',
            "53111",
        ):
            assert secret not in plain.replace(record.vault.lower(), ""), secret
        assert record.traits["city"] == "Bonn"
        assert record.user == record.previous
        assert record.user.startswith("e:")
        kinds = [found.kind for found in unseal(keys_of("shop", "wk", "11" * 32), record.vault)]
        assert {"email", "phone", "first_name", "last_name", "birthday", "street", "zip"} <= set(kinds)


@pytest.mark.parametrize(
    "said",
    [
        {"props": {"contact": {"phone": "0170 1234567"}}},
        {"props": {"contact": [["x", {"Telephone": "0170 1234567"}]]}},
        {"items": [{"recipient": {"mobile": "0170 1234567"}}]},
    ],
)
def test_a_number_deep_inside_an_ordinary_event_is_not_stored(said):
    event = raw(consent=YES, **said)
    assert b"0170 1234567" not in to_body(event, context(), msgspec.json.encode(event))[1]


def test_the_text_of_another_format_proves_nothing():
    event = raw(props={"note": "ann%40mail.example"})
    assert accepted(event, text=b"GET /?note=ann%2540mail.example").props == {"note": "[email]"}


def test_without_an_identifier_key_there_is_no_vault():
    event = accepted(raw(type="identify", name="", traits=dict(PERSONAL)), context(identifier_key=""))
    assert event.vault == ""
    assert event.traits == {"city": "Bonn", "country": "DE"}


def test_an_advertising_id_is_sealed_from_m3_on_and_never_in_the_event():
    device = "5f3a2b18-9c4d-4e7f-b8e2-17d3a1e69b25"
    said = {"type": "identify", "name": "identify", "user": "u1", "traits": {"idfa": device, "email": "a@b.org"}}
    for consent, kinds in ((YES, ["email", "madid"]), (RawConsent(analytics=True, ads=False), ["email"])):
        event = accepted(raw(**said, consent=consent), context(place=GERMANY))
        assert device not in msgspec.json.encode(event).decode()
        assert sorted(one.kind for one in unseal(keys_of("shop", "wk", "11" * 32), event.vault)) == kinds


def test_click_ids_need_m3():
    url = "https://x/?gclid=1&q=2"
    assert accepted(raw(url=url, consent=RawConsent(analytics=True)), context(browser=True)).url == "https://x/?q=2"
    assert accepted(raw(url=url, consent=YES), context(browser=True)).url == url


def test_a_server_may_say_for_whom_it_speaks_and_a_browser_may_not():
    found = Place("203.0.113.0", "FR", Region.OPT_IN)
    event = raw(ip="203.0.113.9", ua="Mozilla/9", consent=YES)
    server = accepted(event, context(find_place=lambda address: found, place=GERMANY))
    assert (server.ip, server.country, server.ua) == ("203.0.113.0", "FR", "Mozilla/9")
    browser = accepted(event, context(browser=True, find_place=lambda address: found, place=GERMANY, ua="Mozilla/5"))
    assert (browser.ip, browser.country, browser.ua) == ("10.1.2.0", "DE", "Mozilla/5")


def test_a_rejected_event_keeps_its_text_without_the_person():
    text = b'{"type":"nope","visitor":"v","traits":{"email":"a@b.org","firstName":"Ann"},'
    text += b'"note":"to a@b.org","x":"+49 170 1234567"}'
    record = travel(raw(type="nope"), context(), text)
    assert isinstance(record, Rejected)
    assert json.loads(record.raw)["visitor"] == "v"
    for secret in ("a@b.org", "Ann", "1234567"):
        assert secret not in record.raw
    broken = turn_away(Reject.UNREADABLE, "not JSON", context(), b'{"email":"a@b.org", oops')
    assert "a@b.org" not in broken.raw
    assert "oops" in broken.raw


def test_a_rejected_event_of_somebody_who_did_not_agree_keeps_no_text():
    browser = context(browser=True, place=GERMANY)
    assert travel(raw(type="nope"), browser, b'{"visitor":"v"}').raw == ""
    assert turn_away(Reject.UNREADABLE, "x", browser, b'{"visitor":"v"}').raw == ""
    assert travel(raw(type="nope", consent=YES), browser, b'{"visitor":"v"}').raw == '{"visitor":"v"}'


def test_a_text_no_store_can_hold_is_rejected():
    record, body = to_body(raw(title="\ud83d"), context())
    assert isinstance(record, Rejected)
    assert msgspec.json.decode(body, type=Record) == record


def test_limits_come_from_the_settings():
    assert reason(raw(props={"a": 1, "b": 2}), context(limits=Limits(keys=1))) == Reject.TOO_MANY_KEYS


def test_a_site_says_what_is_kept_of_addresses_and_whose_referrals_are_spam():
    from tracker.core.gate import GateSettings, lists_of

    lists = lists_of(GateSettings(query_keys=("Size",), spam_referrers=("spam.example",)))
    where = context(lists=lists)
    addresses = {"url": "https://x/?size=1&q=secret&utm_source=a", "referrer": "https://www.spam.example/?q=2"}
    event = accepted(raw(consent=YES, ts=NOW, message_id="1F30FEA0-e776-48d6-8414-fb22bc9cfc5c", **addresses), where)
    assert (event.url, event.referrer) == ("https://x/?size=1&utm_source=a", "https://www.spam.example/")
    assert event.bot == "referrer_spam"
    assert accepted(raw(consent=YES, referrer="https://good.example/"), where).bot == ""
    assert accepted(raw(consent=YES, **addresses), context(lists=lists, suspect="rate")).bot == "rate"
    bad = travel(raw(name="", consent=YES, **addresses), where, b'{"url":"https://x/?q=secret"}')
    assert isinstance(bad, Rejected)
    assert bad.raw == ""
    assert lists_of(GateSettings()) is None
