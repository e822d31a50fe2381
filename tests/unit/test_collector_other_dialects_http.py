"""Snowplow and Matomo over HTTP: what their clients are answered, and what is on disk then."""

import json
import time
from urllib.parse import quote, urlencode

import pytest
from collector_http import OPEN, ORIGIN, Running, put_sites

from tracker.collector.protocols.gif import PIXEL
from tracker.collector.settings import Limits
from tracker.core.event import Event, Rejected, Suppressed

TP2 = "/com.snowplowanalytics.snowplow/tp2"
EID = "1f30fea0-e776-48d6-8414-fb22bc9cfc5c"


CHROME = "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0 Safari/537.36"


@pytest.fixture
async def collector(start):
    return await start()


def page(aid: str = "wk-open", **fields: str) -> dict:
    return {"e": "pv", "aid": aid, "duid": "visitor-1", **fields}


async def tp2(collector: Running, *events: dict, **given):
    return await collector.send(TP2, {"schema": "payload_data", "data": list(events)}, **given)


async def test_a_snowplow_batch_is_on_disk_when_200_arrives(collector):
    answer = await tp2(collector, page(eid=EID, page="T"), page("open", uid="u"))
    assert (answer.status, answer.body) == (200, b"ok")
    first, second = collector.stored()
    assert (first.id, first.site, first.title, first.source) == (EID, "open", "T", "snowplow")
    assert (second.site, second.user) == ("open", "u"), "a site's name does as well as its key"


async def test_a_snowplow_query_is_answered_with_an_image(collector):
    answer = await collector.send("/i?" + urlencode(page(eid=EID)), method="GET")
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, PIXEL, "image/gif")
    assert answer.headers["Cache-Control"] == "no-store, private"
    assert [event.id for event in collector.stored()] == [EID]


async def test_a_browser_asks_first_and_gets_a_cookie(collector):
    asks = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for path in (TP2, "/matomo.php"):
        answer = await collector.send(path, method="OPTIONS", headers=asks)
        assert answer.status == 204
        assert "sp-anonymous" in answer.headers["Access-Control-Allow-Headers"]
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    answer = await tp2(collector, page(), headers=ORIGIN)
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
    assert "jt_vid=visitor-1" in answer.headers["Set-Cookie"]


async def test_who_wants_to_leave_no_trace_leaves_none(collector):
    headers = {**ORIGIN, "SP-Anonymous": "*", "Cookie": "jt_vid=known-visitor"}
    answer = await tp2(collector, {"e": "pv", "aid": "wk-open"}, headers=headers)
    assert answer.status == 200
    assert "Set-Cookie" not in answer.headers
    [event] = collector.stored()
    assert event.visitor
    assert event.visitor != "known-visitor"


async def test_the_consent_of_a_site_holds_for_every_dialect(collector):
    await tp2(collector, page("wk"), headers=ORIGIN)
    await collector.send("/matomo.php?idsite=wk&rec=1&_id=0123456789abcdef", headers=ORIGIN)
    await collector.send("/matomo.php?idsite=wk&rec=1&_id=0123456789abcdef&analytics=1", headers=ORIGIN)
    first, second, third = collector.stored()
    assert isinstance(first, Suppressed)
    assert isinstance(second, Suppressed)
    assert isinstance(third, Event)
    assert third.mode == "M2"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (TP2, json.dumps({"data": [page("nobody")]})),
        ("/matomo.php?idsite=nobody&rec=1", None),
        ("/matomo.php", json.dumps({"requests": ["?idsite=nobody&rec=1"]})),
    ],
)
async def test_an_unknown_site_is_a_401_that_no_client_repeats(collector, path, body):
    answer = await collector.send(path, body)
    assert answer.status == 401
    assert answer.json["error"]["code"] == "unknown_key"
    assert "Retry-After" not in answer.headers
    assert collector.stored() == []


async def test_an_origin_that_is_not_allowed(collector):
    elsewhere = {"Origin": "https://evil.example"}
    assert (await tp2(collector, page("wk-open"), page("wk"), headers=elsewhere)).status == 403
    assert (await collector.send("/matomo.php?idsite=wk&rec=1", headers=elsewhere)).status == 403
    assert collector.stored() == [], "not even the other site's"


async def test_events_of_an_unknown_site_are_rejected_alone(collector):
    answer = await tp2(collector, page("nobody"), page(eid=EID), {"e": "pv"})
    assert answer.status == 200
    stored = collector.stored()
    assert [event.id for event in stored if isinstance(event, Event)] == [EID]
    assert [(event.site, event.reason) for event in stored if isinstance(event, Rejected)] == [
        ("open", "bad_field")
    ] * 2


async def test_nobody_has_a_hundred_sites(collector):
    assert (await tp2(collector, page(), *(page(f"site-{n}") for n in range(100)))).status == 413
    hits = [f"?idsite={n}&rec=1" for n in range(100)]
    assert (await collector.send("/matomo.php", {"requests": ["?idsite=open&rec=1&uid=u", *hits]})).status == 413
    assert collector.stored() == []


async def test_a_batch_that_is_too_large_leaves_nothing(start):
    collector = await start(limits=Limits(events=2))
    assert (await tp2(collector, page(), page("shop"), page())).status == 413
    hits = ["?idsite=shop&rec=1&uid=u", *["?idsite=open&rec=1&uid=u"] * 3]
    assert (await collector.send("/matomo.php", {"requests": hits})).status == 413
    assert collector.stored() == [], "not even the other site's"
    assert (await collector.send("/matomo.php", {"requests": hits[1:], "token_auth": "wk-open"})).status == 200


@pytest.mark.parametrize(
    ("path", "body"), [(TP2, b"{"), (TP2, b""), ("/i", None), ("/matomo.php", b""), ("/piwik.php", b'{"requests":1}')]
)
async def test_nonsense_is_a_bad_request(collector, path, body):
    answer = await collector.send(path, body, method="GET" if path == "/i" else "POST")
    assert answer.status == 400
    assert collector.stored() == []


@pytest.mark.parametrize("path", ["/matomo.php", "/piwik.php", "//piwik.php", "/matomo.php/"])
@pytest.mark.parametrize(("more", "status", "body"), [("", 200, PIXEL), ("&send_image=0", 204, b"")])
async def test_a_matomo_hit_in_the_query_of_an_empty_post(collector, path, more, status, body):
    query = f"?idsite=wk-open&rec=1&url={quote('https://x/?a=1')}&_id=0123456789abcdef&r=1{more}"
    for method in ("POST", "GET"):
        answer = await collector.send(path + query, method=method)
        assert (answer.status, answer.body) == (status, body)
    first, second = collector.stored()
    assert (first.name, first.url, first.visitor) == ("page_view", "https://x/?a=1", "0123456789abcdef")
    assert first.id == second.id, "the loader counts it once"


async def test_an_order_too_long_for_most_servers(collector):
    items = json.dumps([[f"sku-{n}", "A product with a long name", "Category", 12.5, 2] for n in range(150)])
    query = urlencode(
        {"idsite": "wk-open", "rec": 1, "idgoal": 0, "ec_id": "o", "revenue": 5, "ec_items": items, "_id": "v"}
    )
    assert len(query) > 12_000
    assert (await collector.send("/matomo.php", query.encode(), headers={"Content-Type": "text/plain"})).status == 200
    [order] = collector.stored()
    assert (order.name, len(order.items)) == ("purchase", 150)


async def test_a_matomo_bulk_says_what_became_of_each(collector):
    hits = [
        "?idsite=open&rec=1&uid=u&url=https%3A%2F%2Fx",
        "?idsite=open&uid=u",
        {"idsite": "wk-open", "rec": 1, "uid": "u", "_pks": "s"},
        7,
    ]
    answer = await collector.send("/matomo.php", {"requests": hits})
    assert answer.status == 200
    assert answer.json == {"status": "success", "tracked": 2, "invalid": 2, "invalid_indices": [1, 3]}
    assert [event.name for event in collector.stored() if isinstance(event, Event)] == [
        "page_view",
        "page_view",
        "view_item",
    ]


async def test_the_key_as_token_opens_history_and_the_visitors_address(collector):
    old = int(time.time()) - 90 * 86_400
    hit = {"idsite": "open", "rec": 1, "cip": "203.0.113.9", "ua": CHROME, "cdt": old}
    answer = await collector.send("/matomo.php", {"requests": [hit], "token_auth": "wk-open"})
    assert answer.json["tracked"] == 1
    answer = await collector.send("/matomo.php", {"requests": [hit], "token_auth": "wrong"})
    assert answer.json["invalid_indices"] == [0]
    believed, refused = collector.stored()
    assert (believed.ts, believed.ip, believed.ua) == (old * 1000, "203.0.113.0", CHROME)
    assert believed.visitor.startswith("log-")
    assert (refused.reason, refused.site) == ("bad_time", "open")
    assert "203.0.113.9" not in refused.raw
    assert "wrong" not in refused.raw


async def test_without_the_key_what_looks_like_a_browser_is_one(collector):
    """An image from an old browser has neither Origin nor Sec-Fetch: it must not slip past the consent of a page."""
    await collector.send("/matomo.php?idsite=wk&rec=1&_id=v", method="GET", headers={"User-Agent": CHROME})
    await collector.send("/matomo.php?idsite=wk&rec=1&_id=v", method="GET")
    looks, server = collector.stored()
    assert isinstance(looks, Suppressed)
    assert isinstance(server, Event)


async def test_a_full_disk_is_told_so_that_import_logs_can_read_it(start):
    collector = await start(spool_max_bytes=1)
    assert (await collector.send("/matomo.php?idsite=open&rec=1&uid=u")).status in (200, 503)
    answer = await collector.send("/matomo.php", {"requests": ["?idsite=open&rec=1&uid=u"]})
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) >= 5
    assert (answer.json["status"], answer.json["tracked"]) == ("error", 0)
    assert answer.json["message"]


@pytest.mark.parametrize("path", ["/", "//", "/index.php"])
async def test_what_import_logs_asks_first(collector, path):
    asked = {
        "module": "API",
        "format": "json",
        "method": "SitesManager.getSiteFromId",
        "token_auth": "wk",
        "idSite": "shop",
    }
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await collector.send(path, urlencode(asked).encode(), headers=form)
    assert answer.status == 200
    assert answer.json == {"idsite": "shop", "name": "shop", "main_url": "https://shop.example", "timezone": "UTC"}
    for wrong in ({"token_auth": "no"}, {"idSite": "open"}, {"method": "UsersManager.getUsers"}):
        answer = await collector.send(path, urlencode(asked | wrong).encode(), headers=form)
        assert (answer.status, answer.json["result"]) == (200, "error")
        assert "shop.example" not in answer.body.decode()


async def test_which_site_an_address_belongs_to(collector):
    asked = {
        "module": "API",
        "method": "SitesManager.getSitesIdFromSiteUrl",
        "token_auth": "wk",
        "url": "www.shop.example",
    }
    assert (await collector.send("/?" + urlencode(asked), method="GET")).json == [{"idsite": "wk"}]
    assert (await collector.send("/?" + urlencode(asked | {"url": "http://x.test"}), method="GET")).json == []


async def test_the_root_is_nothing_else(collector):
    assert (await collector.send("/", method="GET")).status == 404
    put_sites(collector.data, OPEN)
    assert (await collector.send("/?module=CoreHome", method="GET")).status == 404


async def test_large_requests_are_taken_whole(collector):
    """Parsed in a thread, and taken apart a few hits at a time."""
    assert (await tp2(collector, *(page(uid=f"u{n}", pad="x" * 200) for n in range(500)))).status == 200
    hits = [{"idsite": "open", "rec": 1, "uid": f"m{n}", "url": "https://x/" + "y" * 100} for n in range(1000)]
    answer = await collector.send("/matomo.php", {"requests": hits})
    assert (answer.status, answer.json["tracked"]) == (200, 1000)
    assert [event.user for event in collector.stored()] == [f"u{n}" for n in range(500)] + [
        f"m{n}" for n in range(1000)
    ]
