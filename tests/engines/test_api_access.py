"""Who may do what, and what errors look like, on a real server over a real store."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest
import yarl
from api_client import ADMIN, serve

from tracker.api.routes import ROUTES
from tracker.api.site_pages import PUBLIC
from tracker.catalog import ROLES


@pytest.fixture
async def api(embedded, data):
    async with serve(embedded, data) as running:
        running.catalog.sites.create("shop")
        running.catalog.sites.create("other")
        yield running


def address(path: str) -> str:
    return re.sub(r"\{\w+\}", "x", path)


def is_error(body) -> bool:
    return set(body) == {"error"} and {"code", "message"} <= set(body["error"]) <= {"code", "message", "field"}


async def test_nobody_gets_in_without_a_token(api):
    for route in ROUTES:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
            async with api.session.request(route.method, api.url + address(route.path), headers=headers) as answer:
                assert answer.status == 401, route
                assert answer.headers["WWW-Authenticate"] == "Bearer"
                assert is_error(await answer.json())


async def test_every_smaller_role_is_refused_on_every_route(api):
    tokens = {role: api.catalog.tokens.create(role) for role in ROLES}
    for route in ROUTES:
        for role in ROLES[: ROLES.index(route.role)]:
            status, body = await api.ask(route.method, address(route.path), token=tokens[role])
            assert (status, is_error(body)) == (403, True), (route.path, role)
        status, _ = await api.ask(route.method, address(route.path), token=tokens[route.role])
        assert status not in (401, 403), (route.path, route.role)


async def test_public_pages_need_no_token_and_hold_no_secret(api):
    key = api.catalog.sites.get("shop").write_key
    for path in PUBLIC:
        async with api.session.get(api.url + path) as answer:
            assert answer.status == 200
            text = await answer.text()
            assert key not in text and "shop" not in text.replace('"examples":["shop"]', "").replace(
                "&quot;shop&quot;", ""
            )


async def test_a_token_of_one_site_sees_no_other(api):
    token = api.catalog.tokens.create("admin", "shop")
    status, body = await api.ask("GET", "/api/v1/sites", token=token)
    assert [site["site"] for site in body["sites"]] == ["shop"]
    await api.ask("POST", "/api/v1/audiences", {"site": "other", "name": "o", "rule": {"did": {"event": "a"}}})
    audience = api.catalog.audiences.list("other")[0].id
    body = {"site": "other", "name": "x", "rule": {"did": {"event": "a"}}}
    funnel = {"site": "other", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
    funnel["steps"] = [{"event": "a"}, {"event": "b"}]
    for method, path, sent in [
        ("GET", "/api/v1/sites/other", None),
        ("GET", "/api/v1/sites/other/install", None),
        ("PUT", "/api/v1/sites/other", {"consent": "opt-out"}),
        ("DELETE", "/api/v1/sites/other", None),
        ("POST", "/api/v1/sites", {"name": "third"}),
        ("GET", "/api/v1/ledger?site=other", None),
        ("GET", "/api/v1/rejected?site=other", None),
        ("POST", "/api/v1/rejected/replay", {"site": "other"}),
        ("GET", "/api/v1/audit?site=other", None),
        ("GET", "/api/v1/audiences?site=other", None),
        ("GET", f"/api/v1/audiences/{audience}", None),
        ("GET", f"/api/v1/audiences/{audience}/members", None),
        ("POST", f"/api/v1/audiences/{audience}/export", {"network": "csv"}),
        ("POST", "/api/v1/audiences", body),
        ("POST", "/api/v1/audiences/preview", body),
        ("POST", "/api/v1/funnels", {"name": "f", "funnel": funnel}),
        ("POST", "/api/v1/reports/funnel", funnel),
        ("POST", "/api/v1/reports/funnel/people", {"funnel": funnel, "step": 1, "state": "dropped"}),
        ("GET", "/api/v1/segments?site=other&visitor=v", None),
        ("GET", "/api/v1/people?site=other", None),
        ("GET", "/api/v1/people/1/timeline?site=other", None),
        ("GET", "/api/v1/events/names?site=other", None),
        ("GET", "/api/v1/properties?site=other", None),
        ("GET", "/api/v1/exports?site=other", None),
        ("POST", "/api/v1/tokens", {"role": "viewer", "site": "other"}),
        ("POST", "/api/v1/tokens", {"role": "admin"}),
    ]:
        status, answer = await api.ask(method, path, sent, token=token)
        assert (status, is_error(answer)) == (403, True), (path, answer)
    status, body = await api.ask("GET", "/api/v1/audiences", token=token)
    assert body == {"audiences": []}
    assert api.catalog.sites.get("other").consent == "opt-in"


async def test_a_query_may_leave_out_the_only_site_it_can_mean(api):
    _, made = await api.ask("POST", "/api/v1/tokens", {"role": "viewer", "site": "shop"})
    status, _ = await api.ask("GET", "/api/v1/people", params={"q": "u1"}, token=made["token"])
    assert status == 200
    status, refused = await api.ask("GET", "/api/v1/people", params={"q": "u1"})
    assert (status, refused["error"]["field"]) == (400, "site")
    for site in api.catalog.sites.list()[1:]:
        api.catalog.sites.delete(site.name)
    status, _ = await api.ask("GET", "/api/v1/people", params={"q": "u1"})
    assert status == 200


async def test_a_revoked_token_opens_nothing(api):
    _, made = await api.ask("POST", "/api/v1/tokens", {"role": "viewer", "site": "shop"})
    _, listed = await api.ask("GET", "/api/v1/tokens")
    assert made["token"] not in str(listed)
    status, _ = await api.ask("GET", "/api/v1/sites", token=made["token"])
    assert status == 200
    status, _ = await api.ask("DELETE", f"/api/v1/tokens/{listed['tokens'][0]['id']}")
    assert status == 200
    status, _ = await api.ask("GET", "/api/v1/sites", token=made["token"])
    assert status == 401


async def test_head_is_answered_as_get_without_the_body(api):
    """Who looks at the headers alone has read nothing of anybody: the audit log has no entry of it."""
    headers, statuses = {"Authorization": f"Bearer {ADMIN}"}, {}
    for route in (one for one in ROUTES if one.method == "GET"):
        url = api.url + route.path.replace("{name}", "shop").replace("{id}", "x")
        query = {"site": "shop"} if "site" in getattr(route.query, "__struct_fields__", ()) else {}
        async with api.session.head(url, params=query, headers=headers) as answer:
            assert await answer.read() == b""
            statuses[route.path] = answer.status
    assert set(statuses.values()) == {200, 400, 404}, statuses
    assert {path for path, status in statuses.items() if status == 400} == {"/api/v1/segments"}  # lacks a visitor
    assert api.catalog.audit.list() == []

    for path in ("/api/v1/sites", "/api/v1/messages?site=shop", "/api/v1/networks"):
        async with api.session.get(api.url + path, headers=headers) as got:
            length = len(await got.read())
        async with api.session.head(api.url + path, headers=headers) as head:
            assert (head.headers["Content-Length"], head.content_type) == (str(length), got.content_type)
    assert [one["action"] for one in api.catalog.audit.list()] == ["messages.read"]
    async with api.session.head(api.url + "/api/v1/reports/funnel", headers=headers) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    async with api.session.head(api.url + "/api/v1/sites") as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    ("method", "path", "sent", "expected"),
    [
        ("GET", "/nowhere", None, (404, "not_found")),
        ("DELETE", "/api/v1/ledger", None, (405, "method_not_allowed")),
        ("GET", "/api/v1/sites/nowhere", None, (404, "no_such_site")),
        ("GET", "/api/v1/audiences/aud_x", None, (404, "no_such_audience")),
        ("GET", "/api/v1/exports/exp_x", None, (404, "no_such_export")),
        ("GET", "/api/v1/funnels/fun_x", None, (404, "no_such_funnel")),
        ("GET", "/api/v1/ledger?sit=shop", None, (400, "bad_field")),
        ("GET", "/api/v1/rejected?limit=0", None, (400, "bad_field")),
        ("POST", "/api/v1/sites", b"{", (400, "bad_json")),
        ("POST", "/api/v1/sites", b"", (400, "bad_json")),
        ("POST", "/api/v1/sites", b'{"name":"shop"}', (409, "site_exists")),
        ("POST", "/api/v1/reports/funnel", b"[]", (400, "bad_field")),
        ("POST", "/api/v1/reports/funnel", b"{}", (400, "bad_field")),
        ("POST", "/api/v1/sites", b" " * 1_000_001, (413, "too_large")),
    ],
)
async def test_every_error_has_one_shape(api, method, path, sent, expected):
    headers = {"Authorization": f"Bearer {ADMIN}"}
    async with api.session.request(method, api.url + path, data=sent, headers=headers) as answer:
        body = await answer.json()
        assert (answer.status, body["error"]["code"]) == expected
        assert is_error(body)
        assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-Id"])
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_failure_inside_shows_nothing_of_the_inside(api, monkeypatch):
    def broken(*_given, **_more):
        raise RuntimeError("secret: /etc/passwd")

    monkeypatch.setattr(api.catalog.sites, "list", broken)
    status, body = await api.ask("GET", "/api/v1/sites", headers={"X-Request-Id": "mine-1"})
    assert (status, body["error"]["code"], is_error(body)) == (500, "error", True)
    assert "secret" not in str(body)


async def test_a_request_keeps_the_id_it_came_with(api):
    async with api.session.get(api.url + "/healthz", headers={"X-Request-Id": "mine-1"}) as answer:
        assert answer.headers["X-Request-Id"] == "mine-1"
    async with api.session.get(api.url + "/healthz", headers={"X-Request-Id": "bad id\t"}) as answer:
        assert answer.headers["X-Request-Id"] != "bad id"


async def test_reports_beyond_the_limit_are_asked_to_come_back(embedded, data):
    """The reports wait inside their services until the last one was refused."""
    async with serve(embedded, data, report_threads=1) as api:
        api.catalog.sites.create("shop")
        gate = asyncio.Event()
        loop = asyncio.get_running_loop()

        def slow(_site, _ids):
            asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(60)
            return {"replayed": 0}

        object.__setattr__(api.services, "replay", slow)
        asks = [asyncio.ensure_future(api.ask("POST", "/api/v1/rejected/replay", {"site": "shop"})) for _ in range(5)]
        done, _ = await asyncio.wait(asks, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        status, _ = await api.ask("GET", "/api/v1/sites")
        assert status == 200  # quick calls do not wait behind reports
        gate.set()
        statuses = sorted([status for status, _ in await asyncio.gather(*asks)])
        assert statuses == [200, 200, 503, 503, 503]
        assert done


async def test_a_hung_up_report_does_not_begin(embedded, data):
    async with serve(embedded, data, report_threads=1) as api:
        api.catalog.sites.create("shop")
        gate, running, begun = asyncio.Event(), asyncio.Event(), []
        loop = asyncio.get_running_loop()

        def slow(_site, ids):
            begun.append(ids)
            loop.call_soon_threadsafe(running.set)
            asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(60)
            return {"replayed": 0}

        object.__setattr__(api.services, "replay", slow)
        first = asyncio.ensure_future(api.ask("POST", "/api/v1/rejected/replay", {"site": "shop", "ids": ["first"]}))
        await running.wait()
        with pytest.raises(asyncio.TimeoutError):
            await api.ask(
                "POST",
                "/api/v1/rejected/replay",
                {"site": "shop", "ids": ["gone"]},
                timeout=aiohttp.ClientTimeout(total=0.3),
            )
        await asyncio.sleep(0.3)
        gate.set()
        await first
        status, _ = await api.ask("POST", "/api/v1/rejected/replay", {"site": "shop", "ids": ["last"]})
        assert status == 200
        assert begun == [["first"], ["last"]]


NASTY = (
    "\x00",
    "x" * 5000,
    "\u202e",
    "'; drop table sites; --",
    "../../etc/passwd",
    "{x:String}",
    "/*events*/",
    "%ff",
    "\\",
)


async def test_strange_texts_are_answered_like_any_other(api):
    """Nothing of 500 and up, whatever stands in a name, a query string or a rule."""
    filters = [{"property": "props.x", "op": "eq", "value": "?"}]
    for text in NASTY:
        rule = {"did": {"event": text, "where": [{**filters[0], "property": f"props.{text}", "value": text}]}}
        for method, path, sent, query in [
            ("GET", "/api/v1/ledger", None, {"site": text}),
            ("GET", "/api/v1/people", None, {"site": "shop", "q": text}),
            ("GET", "/api/v1/segments", None, {"site": "shop", "visitor": text}),
            ("GET", "/api/v1/properties", None, {"site": "shop", "event": text}),
            ("POST", "/api/v1/sites", {"name": text}, {}),
            ("POST", "/api/v1/tokens", {"role": "viewer", "site": text}, {}),
            ("POST", "/api/v1/audiences", {"site": "shop", "name": text, "rule": rule}, {}),
            ("POST", "/api/v1/audiences/preview", {"site": "shop", "rule": rule}, {}),
            ("POST", "/api/v1/audiences/preview", {"site": "shop", "rule": {"in": text}}, {}),
        ]:
            status, body = await api.ask(method, path, sent, params=query)
            assert status < 500, (path, text, body)
    for raw in (b"%ff", b"%00", b"%ED%A0%80", b"%2F..%2F", b"a" * 3000):
        url = yarl.URL(f"{api.url}/api/v1/people/{raw.decode()}/timeline?site=shop", encoded=True)
        async with api.session.get(url, headers={"Authorization": f"Bearer {ADMIN}"}) as answer:
            assert answer.status < 500, raw


async def test_headers_that_are_no_text_are_refused_politely(api):
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"GET /api/v1/sites HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\nConnection: close\r\n\r\n"
    )
    answer = await reader.read()
    writer.close()
    assert answer.split(b" ")[1] in (b"400", b"401")


async def test_metrics_count_requests_by_route_and_events_by_ending(api):
    await api.ask("GET", "/api/v1/sites/shop")
    await api.ask("GET", "/api/v1/sites/secret-name")
    async with api.session.get(api.url + "/metrics") as answer:
        text = await answer.text()
    assert 'tracker_api_requests_total{method="GET",route="/api/v1/sites/{name}",status="200"} 1.0' in text
    assert 'tracker_api_requests_total{method="GET",route="/api/v1/sites/{name}",status="404"} 1.0' in text
    assert 'tracker_events{ending="rejected",reason="bad_time"} 1.0' in text
    assert "secret-name" not in text
