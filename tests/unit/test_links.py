"""Signed links: they lead where they were signed to lead, and become events under the rules of consent."""

import base64

import msgspec
import pytest
from api_client import serve
from collector_http import OPEN, SHOP, put_sites
from hypothesis import given
from hypothesis import strategies as st

from tracker.collector.endpoints import SERVICE
from tracker.core.errors import BadRequest, NotFound, TryLater
from tracker.core.event import RawConsent, Suppressed
from tracker.core.links import Link, leads_somewhere, read, sign
from tracker.core.site import Site

SECRET = "33" * 32
NOW = 1_800_000_000_000
FREE = Site(name="free", write_key="wk-free", consent="opt-out", identifier_key=SECRET)
TARGET = "https://shop.example/sale?utm_source=news&utm_campaign=autumn"
BROWSER = {"User-Agent": "Mozilla/5.0 (X11)", "Sec-Fetch-Site": "none"}


def made(**given) -> Link:
    return Link(**{"key": "wk-free", "kind": "click", "expires": 4_000_000_000_000, "url": TARGET} | given)


def secret_of(key: str) -> str | None:
    return {"wk-free": SECRET, "wk": SHOP.identifier_key}.get(key)


@given(
    st.dictionaries(st.text(max_size=8), st.one_of(st.text(max_size=8), st.integers(-9, 9)), max_size=4),
    st.text(max_size=20),
)
def test_what_was_signed_is_read(props, user):
    link = made(props=props, user=user, consent=RawConsent(analytics=True))
    assert read(sign(link, SECRET), secret_of, NOW, "click") == link


TOKEN = sign(made(), SECRET)


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="ascii"))
def test_no_letter_of_a_token_can_be_changed(at, letter):
    forged = TOKEN[:at] + letter + TOKEN[at + 1 :]
    if forged == TOKEN:
        return
    with pytest.raises(NotFound) as caught:
        read(forged, secret_of, NOW, "click")
    assert caught.value.message == "this link is not valid"


def test_tokens_that_are_not_ours():
    theirs = sign(made(key="wk"), SECRET)  # signed with another site's secret
    unknown = sign(made(key="nobody"), SECRET)
    opening = sign(made(kind="open", url=""), SECRET)
    elsewhere = msgspec.json.encode(msgspec.structs.replace(made(), url="javascript:alert(1)"))
    payload = base64.urlsafe_b64encode(elsewhere).rstrip(b"=").decode()
    for token in (
        "",
        ".",
        "..",
        "1..",
        "1.e30.",
        "2" + TOKEN[1:],
        TOKEN + "A",
        f"1.{payload}.x",
        theirs,
        unknown,
        opening,
        "1." + "A" * 9000 + ".x",
    ):
        with pytest.raises(NotFound):
            read(token, secret_of, NOW, "click")
    with pytest.raises(NotFound) as caught:
        read(TOKEN, secret_of, 4_000_000_000_001, "click")
    assert caught.value.code == "expired"


@pytest.mark.parametrize(
    ("url", "good"),
    [
        (TARGET, True),
        ("http://localhost:8090/x", True),
        ("https://[::1]/", True),
        ("//evil.example/", False),
        ("/relative", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https://shop.example@evil.example/", False),
        ("https:\\\\evil.example", False),
        ("https://shop.example/\r\nSet-Cookie: a=b", False),
        ("https://shop.example/a b", False),
        ("https://shöp.example/", False),
        ("https:///path", False),
        ("https://[::1", False),
        ("https://shop.example/" + "a" * 2000, False),
        ("", False),
    ],
)
def test_targets(url, good):
    assert leads_somewhere(url) is good
    if not good:
        with pytest.raises(BadRequest):
            sign(made(url=url), SECRET)


@pytest.fixture
async def collector(start, tmp_path):
    put_sites(tmp_path, SHOP, OPEN, FREE)
    return await start()


async def follow(collector, token: str, method: str = "GET", **headers):
    return await collector.send(f"/r/{token}", method=method, headers=BROWSER | headers, allow_redirects=False)


async def test_a_click_is_stored_and_leads_to_its_target(collector):
    answer = await follow(collector, sign(made(props={"campaign": "autumn"}, user="u7"), SECRET))
    assert (answer.status, answer.headers["Location"]) == (302, TARGET)
    assert "no-store" in answer.headers["Cache-Control"]
    [record] = collector.stored()
    assert (record.name, record.site, record.user, record.props) == ("click", "free", "u7", {"campaign": "autumn"})
    assert record.url == TARGET
    assert answer.headers["Set-Cookie"].startswith(f"jt_vid={record.visitor};")
    again = await follow(collector, sign(made(), SECRET), Cookie=f"jt_vid={record.visitor}")
    assert "Set-Cookie" not in again.headers
    assert collector.stored()[1].visitor == record.visitor


async def test_nothing_else_leads_anywhere(collector):
    for token in (TOKEN[:-1] + "x", "x", "1.2.3", sign(made(key="wk"), SECRET), sign(made(expires=1), SECRET)):
        answer = await follow(collector, token)
        assert answer.status == 404
        assert "Location" not in answer.headers
    assert collector.stored() == []


async def test_asking_for_the_head_and_prefetching_count_nothing(collector):
    head = await follow(collector, TOKEN, "HEAD")
    early = await follow(collector, TOKEN, **{"Sec-Purpose": "prefetch;prerender"})
    assert {head.headers["Location"], early.headers["Location"]} == {TARGET}
    assert collector.stored() == []


async def test_consent_decides_about_links_too(collector):
    key = SHOP.identifier_key
    assert (await follow(collector, sign(made(key="wk"), key))).status == 302
    asked = made(key="wk", consent=RawConsent(analytics=True, ads=False))
    assert (await follow(collector, sign(asked, key))).status == 302
    silent, kept = collector.stored()
    assert isinstance(silent, Suppressed)
    assert (kept.name, kept.ads) == ("click", 0)


async def test_a_full_disk_keeps_nobody_from_the_target(collector, monkeypatch):
    async def full(_):
        raise TryLater("full")

    monkeypatch.setattr(collector.app[SERVICE].spool, "append", full)
    assert (await follow(collector, TOKEN)).headers["Location"] == TARGET
    metrics = (await collector.send("/metrics", method="GET")).body.decode()
    assert 'tracker_collector_requests_total{source="click_failed",status="503"} 1.0' in metrics


async def test_an_opened_mail(collector):
    token = sign(made(kind="open", url="", user="u7", props={"campaign": "autumn"}), SECRET)
    for path in (f"/o/{token}.gif", "/o/nonsense.gif", f"/o/{TOKEN}.gif"):
        answer = await collector.send(path, method="GET", headers=BROWSER)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/gif")
        assert "Set-Cookie" not in answer.headers
    [record] = collector.stored()
    assert (record.name, record.user, record.visitor, record.props) == ("email_open", "u7", "", {"campaign": "autumn"})


async def test_links_are_made_by_the_api_and_work(embedded, data, collector):
    async with serve(embedded, data) as api:
        site = api.catalog.sites.create("news", consent="opt-out")
        put_sites(collector.data, site)
        collector.app[SERVICE].sites.get("look again")
        body = {"site": "news", "url": TARGET, "user": "jo@shop.example", "props": {"campaign": "autumn"}}
        status, link = await api.ask("POST", "/api/v1/links", body)
        assert status == 201
        assert link["url"].startswith(f"{api.services.collector_url}/r/1.")
        assert "jo@" not in base64.urlsafe_b64decode(link["url"].split(".")[-2] + "===").decode()
        assert (await follow(collector, link["url"].rpartition("/")[2])).headers["Location"] == TARGET
        [record] = collector.stored()
        assert record.user.startswith("e:")
        for wrong, field in (
            ({"url": "/relative"}, "url"),
            ({"props": {"to": "jo@shop.example"}}, "props"),
            ({"kind": "open"}, "url"),
            ({"kind": "open", "url": "", "user": ""}, "user"),
            ({"expires": "soon"}, "expires"),
            ({"props": {"a": "b" * 9000}}, "props"),
        ):
            status, answer = await api.ask("POST", "/api/v1/links", body | wrong)
            assert (status, answer["error"]["field"]) == (400, field), wrong
        viewer = api.catalog.tokens.create("viewer")
        assert (await api.ask("POST", "/api/v1/links", body, token=viewer))[0] == 403
