"""Plain forms: they lead back to the site only, and nothing that was written into them lies in an event."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import msgspec
import pytest
from aiohttp import FormData
from api_client import serve
from collector_http import put_sites

from tracker.catalog.vault import Vault, VaultEntry
from tracker.collector import forms
from tracker.collector.endpoints import SERVICE
from tracker.core.errors import TryLater
from tracker.core.event import Suppressed
from tracker.core.gate import Form, GateSettings
from tracker.core.identifiers import keys_of, unseal, unseal_message
from tracker.core.site import Site

KEY = "44" * 32
PAGE = "https://www.shop.example/help"
BROWSER = {"User-Agent": "Mozilla/5.0 (X11)", "Origin": "https://www.shop.example", "Accept-Language": "de"}
CALLBACK = Form(id="callback", kind="callback", country="DE")
LED = Form(id="led", kind="feedback", thanks="https://shop.example/thanks", sorry="https://shop.example/sorry")
SHOP = Site(
    name="shop",
    write_key="wk",
    domains=("shop.example",),
    identifier_key=KEY,
    gate=GateSettings(forms=(Form(id="feedback", kind="feedback"), CALLBACK, LED)),
)
BARE = Site(name="bare", write_key="wk-bare", consent="opt-out", identifier_key=KEY)


@pytest.fixture
async def collector(start, tmp_path):
    put_sites(tmp_path, SHOP, BARE)
    return await start()


async def fill(collector, form: str, said: dict, **headers):
    given = {"site": "wk", "consent_analytics": "yes"} | said
    fields = {name: value for name, value in given.items() if value is not None}
    heads = {"Content-Type": "application/x-www-form-urlencoded", "Referer": PAGE} | BROWSER | headers
    return await collector.send(f"/f/{form}", urlencode(fields).encode(), headers=heads, allow_redirects=False)


async def test_a_number_is_sealed_and_the_event_is_the_widgets(collector):
    said = {"phone": "0170 1234567", "slot": "09:00-12:00", "date": "2026-12-01", "timezone": "Europe/Berlin"}
    answer = await fill(collector, "callback", said)
    assert (answer.status, answer.headers["Location"]) == (303, PAGE)
    assert answer.headers["Set-Cookie"].startswith("jt_vid=")
    [event] = collector.stored()
    assert (event.name, event.source, event.bot, event.url) == ("callback_requested", "form", "", "")
    assert event.props == {"form": "callback", "slot": "09:00-12:00", "date": "2026-12-01", "timezone": "Europe/Berlin"}
    assert set(event.traits) == {"phone_hmac"}
    assert "1234567" not in msgspec.json.encode(event).decode()
    forms_of, message = event.vault.split()
    keys = keys_of("shop", "wk", KEY)
    assert [one.kind for one in unseal(keys, forms_of)] == ["phone"]
    opened = unseal_message(keys, message)
    assert opened | {"at": ""} == {
        "form": "callback", "text": "", "email": "", "marked": "", "at": "", "phone": "+491701234567",
        "slot": "09:00-12:00", "date": "2026-12-01", "timezone": "Europe/Berlin",
    }  # fmt: skip


async def test_a_message_is_sealed(collector):
    said = {"text": "Call me: +49 170 1234567", "email": "Jo@Shop.example", "topic": "idea", "rating": "4"}
    assert (await fill(collector, "feedback", said)).status == 303
    [event] = collector.stored()
    assert event.name == "feedback_sent"
    assert event.props == {"form": "feedback", "topic": "idea", "rating": 4}
    body = msgspec.json.encode(event).decode().lower()
    assert "call me" not in body
    assert "jo@" not in body
    opened = unseal_message(keys_of("shop", "wk", KEY), event.vault.split()[1])
    assert (opened["text"], opened["email"]) == ("Call me: +49 170 1234567", "jo@shop.example")


@pytest.mark.parametrize(
    ("form", "given", "target"),
    [
        ("feedback", {"next": "https://shop.example/done?a=1"}, "https://shop.example/done?a=1"),
        ("feedback", {"next": "https://evil.example/"}, PAGE),
        ("feedback", {"next": "https://shop.example@evil.example/"}, PAGE),
        ("feedback", {"next": "https://evilshop.example/"}, PAGE),
        ("feedback", {"next": "//evil.example/"}, PAGE),
        ("feedback", {"next": "javascript:alert(1)"}, PAGE),
        ("feedback", {"next": "https://shop.example/\r\nSet-Cookie: a=b"}, PAGE),
        ("led", {"next": "https://shop.example/done"}, "https://shop.example/thanks"),
    ],
)
async def test_it_leads_to_the_site_and_nowhere_else(collector, form, given, target):
    answer = await fill(collector, form, {"text": "x"} | given)
    assert (answer.status, answer.headers["Location"]) == (303, target)


async def test_a_strange_referrer_leads_nowhere(collector):
    answer = await fill(collector, "feedback", {"text": "x"}, Referer="https://evil.example/")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    unbound = await fill(collector, "feedback", {"text": "x", "site": "wk-bare", "next": "https://evil.example/"})
    assert unbound.status == 200
    assert len(collector.stored()) == 2


async def test_without_consent_nothing_is_kept_and_nobody_is_thanked(collector):
    refused = await fill(collector, "feedback", {"text": "secret words", "consent_analytics": "no"})
    assert (refused.status, refused.json["error"]["code"]) == (400, "no_consent")
    led = await fill(collector, "led", {"text": "secret words", "consent_analytics": None})
    assert (led.status, led.headers["Location"]) == (303, "https://shop.example/sorry")
    assert all(isinstance(record, Suppressed) for record in collector.stored())
    spool = b"".join(path.read_bytes() for path in (collector.data / "spool").rglob("*.*"))
    assert b"secret words" not in spool


async def test_whoever_fills_what_nobody_sees_is_marked(collector):
    assert (await fill(collector, "feedback", {"text": "x", "website": "https://spam.example"})).status == 303
    [event] = collector.stored()
    assert event.bot == "honeypot"


async def test_what_is_no_form_of_the_site_is_refused(collector):
    assert (await fill(collector, "other", {"text": "x"})).status == 404
    assert (await fill(collector, "feedback", {"text": "x", "site": "nobody"})).status == 401
    assert (await fill(collector, "feedback", {"text": "x"}, Origin="https://evil.example")).status == 403
    assert (await fill(collector, "feedback", {})).json["error"]["field"] == "text"
    assert (await fill(collector, "feedback", {"text": "x", "email": "nobody"})).json["error"]["field"] == "email"
    assert (await fill(collector, "callback", {"phone": "12"})).json["error"]["field"] == "phone"
    assert (await fill(collector, "feedback", {"text": "x" * 20_000})).status == 413
    wrong = await collector.send("/f/feedback?site=wk", json.dumps({"text": "x"}).encode(), headers=BROWSER)
    assert wrong.status == 400
    assert collector.stored() == []


async def post_parts(collector, body: object, kind: str | None = None):
    heads = BROWSER | {"Referer": PAGE} | ({} if kind is None else {"Content-Type": kind})
    return await collector.send("/f/feedback", body, headers=heads, allow_redirects=False)


async def test_a_form_in_parts_is_the_same(collector):
    """`enctype="multipart/form-data"`, as of forms that take a file; the file itself is nobody's business."""
    fields = FormData()
    said = {"site": "wk", "consent_analytics": "yes", "text": "Grüße\r\nand more", "topic": "idea", "rating": "4"}
    for name, value in said.items():
        fields.add_field(name, value)
    fields.add_field("photo", b"\xff\xd8\xff" * 50, filename="a.jpg", content_type="image/jpeg")
    fields.add_field("empty", "")
    answer = await post_parts(collector, fields)
    assert (answer.status, answer.headers["Location"]) == (303, PAGE)
    [event] = collector.stored()
    assert (event.name, event.props) == ("feedback_sent", {"form": "feedback", "topic": "idea", "rating": 4})
    assert unseal_message(keys_of("shop", "wk", KEY), event.vault)["text"] == "Grüße\r\nand more"


NESTED = b"".join(b"--%d\r\nContent-Type: multipart/x; boundary=%d\r\n\r\n" % (n, n + 1) for n in range(400))
PART = b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data; boundary=x"),
        (b"no parts at all", "multipart/form-data; boundary=x"),
        (PART % (b"site", b"wk") + b"--x--", "multipart/form-data"),
        (PART % (b"site", b"\xff\xfe") + b"--x--", "multipart/form-data; boundary=x"),
        (b"--x\r\n\r\nnameless\r\n--x--", "multipart/form-data; boundary=x"),
        (PART % (b"a", b"b") * 41 + b"--x--", "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n" * 300, "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Disposition: " + b'"' * 8000 + b"\r\n\r\nx\r\n--x--", "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Disposition: " + b"(" * 8000 + b"\r\n\r\nx\r\n--x--", "multipart/form-data; boundary=x"),
        (b"--x\r\n" + b"A: b\r\n" * 2500, "multipart/form-data; boundary=x"),
        (b"--x\r\n\x00\xff: b\r\n\r\nx\r\n--x--", "multipart/form-data; boundary=x"),
        (b"x", "multipart/form-data; boundary=" + "y" * 500),
        (NESTED[:16_384], "multipart/form-data; boundary=0"),
    ],
)
async def test_broken_parts_are_refused(collector, body, kind):
    assert (await post_parts(collector, body, kind)).status == 400
    assert collector.stored() == []


async def test_nobody_fills_in_forms_all_day(collector, monkeypatch):
    monkeypatch.setattr(forms, "is_public", lambda block: True)
    answers = [await fill(collector, "feedback", {"text": "x"}) for _ in range(8)]  # a bucket may be overdrawn once
    assert [answer.status for answer in answers] == [303] * 7 + [429]


async def test_a_full_disk_is_said(collector, monkeypatch):
    async def full(_):
        raise TryLater("full")

    monkeypatch.setattr(collector.app[SERVICE].spool, "append", full)
    assert (await fill(collector, "feedback", {"text": "x"})).status == 503
    assert (await fill(collector, "led", {"text": "x"})).headers["Location"] == LED.sorry


async def test_an_admin_reads_messages_and_hash_forms_stay_apart(embedded, data, collector):
    await fill(collector, "callback", {"phone": "+491701234567"})
    await fill(collector, "feedback", {"text": "Too small", "email": "jo@shop.example"})
    async with serve(embedded, data) as api:
        vault: Vault = api.catalog.vault
        made = api.catalog.sites.create("shop", consent="opt-out")
        status, changed = await api.ask(
            "PUT", "/api/v1/sites/shop", {"gate": {"forms": [{"id": "a", "kind": "feedback"}]}}
        )
        assert (status, changed["gate"]) == (200, {"forms": [{"id": "a", "kind": "feedback"}]})
        assert api.catalog.sites.get("shop").gate.forms == (Form(id="a", kind="feedback"),)
        keys = keys_of("shop", made.write_key, made.identifier_key)
        put_sites(collector.data, made)
        collector.app[SERVICE].sites.get("look again")
        said = {"site": made.write_key, "phone": "+491701234567", "visitor": "visitor-1"}
        await fill(collector, "callback", said)
        await fill(collector, "callback", said | {"phone": "+491701234568"})
        events = collector.stored()[2:]
        for _ in range(2):  # the loader may come again with the same
            vault.upsert_many(VaultEntry("shop", one.user, one.visitor, one.vault) for one in events)
        assert [unseal(keys, one)[0].kind for one in vault.get("shop", visitor="visitor-1")] == ["phone", "phone"]
        status, page = await api.ask("GET", "/api/v1/messages?site=shop&limit=1")
        assert status == 200
        [first] = page["messages"]
        assert first.pop("at")
        assert first == {"form": "callback", "visitor": "visitor-1", "phone": "+491701234568", "slot": "soon"}
        _, rest = await api.ask("GET", f"/api/v1/messages?site=shop&cursor={page['cursor']}")
        assert [one["phone"] for one in rest["messages"]] == ["+491701234567"]
        assert rest["cursor"] is None
        assert (await api.ask("GET", "/api/v1/messages?site=shop&cursor=x"))[0] == 400
        exporter = api.catalog.tokens.create("export")
        assert (await api.ask("GET", "/api/v1/messages?site=shop", token=exporter))[0] == 403
        assert vault.delete("shop", visitors=["visitor-1"]) == 4
        assert (await api.ask("GET", "/api/v1/messages?site=shop"))[1] == {"messages": [], "cursor": None}
