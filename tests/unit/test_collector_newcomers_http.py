"""GA4, RudderStack, PostHog, Plausible and Umami over HTTP: what each client is answered, and what is on disk then."""

import gzip
import json
import urllib.parse

from collector_http import OPEN, ORIGIN, Running, put_sites

from tracker.core.event import Event, Rejected, Suppressed
from tracker.core.site import Site

SHARED = {"v": "2", "tid": "G-ABC", "gtm": "45je", "_p": "1733", "cid": "111.222", "_s": "3"}
SHOP = Site(name="moved", write_key="wk-m", domains=("shop.example",), consent="opt-out", identifier_key="11" * 32)


async def moved(collector: Running) -> Running:
    put_sites(collector.data, SHOP, OPEN)
    return collector


async def test_gtag_is_answered_204_and_its_page_names_the_site(collector: Running):
    await moved(collector)
    query = urllib.parse.urlencode(SHARED | {"en": "page_view", "dl": "https://www.shop.example/tea"})
    got = await collector.send(f"/g/collect?{query}", method="POST", headers=ORIGIN)
    assert (got.status, got.headers["Access-Control-Allow-Origin"]) == (204, ORIGIN["Origin"])
    assert (await collector.send(f"/g/collect?{query}", method="GET")).status == 204
    assert (await collector.send("/g/collect?tid=wk-m&cid=1&en=a", method="GET")).status == 204
    assert (await collector.send("/g/collect?tid=G-X&cid=1&en=a", method="GET")).status == 401
    stored = collector.stored()
    assert [(event.site, event.name) for event in stored] == [("moved", "page_view")] * 2 + [("moved", "a")]
    assert stored[0].id == stored[1].id, "the same hit"
    assert stored[0].props["gtm"] == "45je"


async def test_gtags_refusal_is_one(collector: Running):
    await moved(collector)
    await collector.send("/g/collect?tid=wk-m&cid=1&en=a&gcs=G100", method="GET")
    await collector.send("/g/collect?tid=wk-m&cid=1&en=b&gcs=G101", method="GET")
    refused, kept = collector.stored()
    assert isinstance(refused, Suppressed) and refused.reason == "refused"
    assert (kept.analytics, kept.ads, kept.mode) == (1, 0, "M2")


async def test_the_measurement_protocol_and_its_validation(collector: Running):
    await moved(collector)
    good = {"client_id": "c", "events": [{"name": "tea", "params": {}}, {"params": {}}]}
    assert (await collector.send("/mp/collect?measurement_id=G-1&api_secret=wk-m", good)).status == 204
    assert (await collector.send("/mp/collect?measurement_id=wk-m&api_secret=x", good)).status == 204
    assert (await collector.send("/mp/collect?measurement_id=G-1&api_secret=x", good)).status == 401
    assert (await collector.send("/mp/collect?api_secret=wk-m", b"no")).status == 400
    answer = await collector.send("/debug/mp/collect?api_secret=x", {"client_id": "c", "events": [{"name": "tea"}]})
    assert (answer.status, answer.json) == (200, {"validationMessages": []})
    assert [type(record) for record in collector.stored()] == [Event, Rejected] * 2


async def test_posthog_is_answered_exactly_what_it_waits_for(collector: Running):
    await moved(collector)
    event = {"event": "a", "distinct_id": "u", "uuid": "01a20184-bbba-7e1f-ad2e-e598d29f1684"}
    body = {"api_key": "wk-m", "batch": [event, {"event": 7}]}
    for path in ("/batch/", "/batch", "/e/", "/e/?ip=0&_=1", "/i/v0/e/", "/capture/"):
        got = await collector.send(
            path, gzip.compress(json.dumps(body).encode()), headers={"Content-Type": "text/plain"}
        )
        assert (got.status, got.json) == (200, {"status": 1})
    assert (await collector.send("/batch/", body | {"api_key": "x"})).status == 401
    stored = collector.stored()
    assert {record.id for record in stored if isinstance(record, Event)} == {event["uuid"]}
    assert sum(isinstance(record, Rejected) for record in stored) == 6
    got = await collector.send("/flags/?v=2", {"token": "wk-m"}, headers=ORIGIN)
    assert (got.status, got.json["flags"], got.json["errorsWhileComputingFlags"]) == (200, {}, False)
    got = await collector.send("/array/wk-m/config", method="GET", headers=ORIGIN)
    assert (got.json["supportedCompression"], got.json["sessionRecording"]) == (["gzip", "gzip-js"], False)
    got = await collector.send("/array/wk-m/config.js", method="GET")
    assert got.headers["Content-Type"] == "text/javascript" and b'["wk-m"]={' in got.body
    assert (await collector.send("/array/x</script>/config.js", method="GET")).status in (401, 404)
    got = await collector.events({"type": "track", "name": "n", "visitor": "visitor-1"}, site="wk-m")
    assert got.status == 204
    native = {"site": "wk-m", "events": [{"type": "track", "name": "slash", "visitor": "visitor-1"}]}
    assert (await collector.send("/e/", native)).status == 204
    assert collector.stored()[-1].name == "slash"


async def test_plausible_is_told_202_and_whether_the_event_was_dropped(collector: Running):
    await moved(collector)
    event = {"n": "pageview", "u": "https://shop.example/", "d": "shop.example", "r": None}
    got = await collector.send("/api/event", event, headers=ORIGIN | {"Content-Type": "text/plain"})
    assert (got.status, got.body) == (202, b"ok")
    assert "X-Plausible-Dropped" not in got.headers
    assert "jt_vid=" in got.headers["Set-Cookie"], "which only a page of the same host ever brings back"
    cookie = got.headers["Set-Cookie"].partition(";")[0]
    await collector.send("/api/event", event, headers=ORIGIN | {"Cookie": cookie})
    await collector.send("/api/event", event, headers=ORIGIN)
    first, second, third = collector.stored()
    assert first.visitor == second.visitor != third.visitor, "one with the cookie, another without"
    got = await collector.send("/api/event", {"n": "", "d": "shop.example"})
    assert (got.status, got.headers["X-Plausible-Dropped"]) == (202, "1")
    assert (await collector.send("/api/event", event | {"d": "other.example"})).status == 401
    assert (await collector.send("/api/event", event | {"d": "wk-m"})).status == 202


async def test_without_consent_plausible_and_umami_get_no_cookie_and_no_cache(collector: Running):
    strict = Site(name="strict", write_key="wk-s", domains=("shop.example",))
    put_sites(collector.data, strict)
    got = await collector.send("/api/event", {"n": "pageview", "d": "shop.example"}, headers=ORIGIN)
    assert (got.status, got.headers["X-Plausible-Dropped"]) == (202, "1")
    assert "Set-Cookie" not in got.headers
    got = await collector.send("/api/send", {"type": "event", "payload": {"website": "wk-s"}}, headers=ORIGIN)
    assert got.json == {"cache": "", "sessionId": "", "visitId": ""}
    assert [type(record) for record in collector.stored()] == [Suppressed] * 2


async def test_a_domain_of_two_sites_names_neither(collector: Running):
    put_sites(collector.data, SHOP, Site(name="twin", write_key="wk-t", domains=("shop.example",)))
    assert (await collector.send("/api/event", {"n": "pageview", "d": "shop.example"})).status == 401


async def test_umami_hears_its_cache_and_machines_hear_beep(collector: Running):
    await moved(collector)
    event = {"type": "event", "payload": {"website": "wk-m", "url": "/"}}
    first = await collector.send("/api/send", event, headers=ORIGIN)
    assert first.status == 200 and first.json["cache"] and first.json["sessionId"]
    again = await collector.send("/api/send", event, headers=ORIGIN | {"X-Umami-Cache": first.json["cache"]})
    assert again.json == first.json
    robot = await collector.send("/api/send", event, headers={"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"})
    assert (robot.status, robot.json) == (200, {"beep": "boop"})
    one, two, three = collector.stored()
    assert one.visitor == two.visitor == first.json["sessionId"] != three.visitor
    named = {"type": "event", "payload": {"website": "wk-m", "id": "u-1"}}
    assert (await collector.send("/api/send", named)).json["cache"] == ""
    assert (collector.stored()[-1].user, collector.stored()[-1].visitor) == ("u-1", ""), "a server's"
    await collector.send("/api/send", named, headers=ORIGIN)
    assert collector.stored()[-1].visitor, "a browser's"
    many = await collector.send(
        "/api/batch", json.dumps([event, {"type": "x", "payload": {"website": "wk-m"}}]).encode()
    )
    assert (many.status, many.json["size"], many.json["processed"], many.json["errors"]) == (200, 2, 1, 1)


async def test_browsers_may_send_what_these_clients_send(collector: Running):
    await moved(collector)
    wanted = "anonymousid,authorization,content-type,sentat,x-umami-cache,x-retry-count,rsa-retry-attempt"
    for path in ("/sourceConfig/", "/v1/page", "/api/send", "/e/", "/flags/", "/array/wk-m/config", "/g/collect"):
        got = await collector.send(path, method="OPTIONS", headers=ORIGIN | {"Access-Control-Request-Headers": wanted})
        assert got.status == 204, path
        allowed = got.headers["Access-Control-Allow-Headers"].replace(" ", "").split(",")
        assert set(wanted.split(",")) <= set(allowed)


async def test_rudderstacks_browser_library_gets_a_source(collector: Running):
    await moved(collector)
    got = await collector.send("/sourceConfig/?p=npm&writeKey=wk-m", method="GET", headers=ORIGIN)
    source = got.json["source"]
    assert (got.status, source["enabled"], source["destinations"], source["id"]) == (200, True, [], "wk-m")
    assert (await collector.send("/sourceConfig/?writeKey=x", method="GET")).status == 401


async def test_contact_details_reach_no_disk(collector: Running):
    await moved(collector)
    mail = "jo.doe@example.org"
    await collector.send("/batch/", {"api_key": "wk-m", "batch": [
        {"event": "$identify", "distinct_id": mail, "$set": {"email": mail, "phone": "+4930123456789"}},
        {"event": "x", "distinct_id": "u", "timestamp": "never", "properties": {"email": mail}},
    ]})  # fmt: skip
    await collector.send(
        "/api/send", {"type": "identify", "payload": {"website": "wk-m", "id": mail, "data": {"email": mail}}}
    )
    await collector.send(
        "/api/event", {"n": f"Mail {mail}", "d": "shop.example", "u": f"https://s.test/?m={mail}", "p": {"email": mail}}
    )
    await collector.send(
        f"/g/collect?tid=wk-m&cid=1&en=a&uid={mail}&ep.email={mail}&up.email={mail}&dt={mail}", method="GET"
    )
    await collector.send(
        "/mp/collect?api_secret=wk-m",
        {"client_id": "c", "user_id": mail, "events": [{"name": "a", "params": {"email": mail}}]},
    )
    assert len(collector.stored()) == 6
    disk = b"".join(path.read_bytes() for path in (collector.data / "spool").rglob("*") if path.is_file())
    assert b"jo.doe" not in disk
    assert b"4930123456789" not in disk
