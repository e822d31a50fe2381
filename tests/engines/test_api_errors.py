"""Whatever is wrong with a request, the answer has the contract's shape, names the field and shows nothing of ours."""

from __future__ import annotations

import json
import random
import re
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from api_client import ADMIN, Api, serve
from broken_bodies import Bodies, Broken
from depth import DEEP
from test_api_round_trip import FUNNEL, RULE, SCHEDULE, Things
from test_report_segments import BODIES

from tracker.api import openapi
from tracker.api.routes import ROUTES
from tracker.api.routing import Route
from tracker.store.engine import Engine

SPAN = {"site": "shop", "from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z"}
DOCUMENT = openapi.document("1")
INSIDE = re.compile(
    r"[`<>]|\\[AZ]|msgspec|Traceback|Expected|Struct|tracker\.|\bNone\b|\bdict\b|\bstr\b|\bDB::|select ", re.I
)
NEEDS_MORE = {"/api/v1/backup": 404, "/api/v1/reports/ltv/predicted": 400, "/api/v1/reports/ltv/people": 400}
"""What a right body is answered where there are too few buyers, and no folder for backups."""


@pytest.fixture
async def api(embedded: Engine, data: Path) -> AsyncIterator[Api]:
    async with serve(embedded, data) as running:
        running.catalog.sites.create("shop")
        running.catalog.sites.create("other")
        yield running


class Right:
    """Right requests: for every endpoint an address, and a body where it takes one."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.ids: dict[str, str] = {}
        self.bodies: dict[tuple[str, str], dict[str, Any]] = {}

    async def prepare(self) -> Right:
        things, catalog = await Things(self._api).all(), self._api.catalog
        hook, meta = sorted(catalog.destinations.list("shop"), key=lambda one: one.kind != "webhook")
        audience = catalog.audiences.list("shop")[0].id
        self.ids = {path.split("/")[3]: address.split("/")[4] for path, (address, *_) in things.items()}
        self.ids |= {"people": "v1"}
        for route in ROUTES:
            if route.method == "PUT":
                shown = things[route.path][1]
                self.bodies["PUT", route.path] = {k: v for k, v in shown.items() if k not in route.read_only}
        for path, body in self._posts(audience, hook.id, meta.id):
            self.bodies["POST", path] = body
        made = {"annotations": "/api/v1/annotations", "deliveries": "/api/v1/audiences/{id}/deliveries"}
        for name, path in {**made, "exports": "/api/v1/audiences/{id}/export"}.items():
            _, answer = await self._api.ask("POST", self.address(path), self.bodies["POST", path])
            self.ids[name] = answer["id"]
        await self._api.exported(self.ids["exports"])
        await self._api.ask("POST", "/api/v1/tokens", {"role": "viewer", "site": "shop"})
        self.ids["tokens"] = catalog.tokens.list()[0]["id"]
        return self

    def address(self, path: str) -> str:
        return re.sub(r"\{\w+\}", lambda _match: self.ids[path.split("/")[3]], path)

    @staticmethod
    def _posts(audience: str, hook: str, meta: str) -> Iterator[tuple[str, dict[str, Any]]]:
        named = {"site": "shop", "name": "x"}
        alert = {"event": {"event": "purchase"}, "when": {"below": 1}}
        web = {"options": {"url": "https://h.example/"}, "secrets": {"secret": "sixteen letters!"}}
        day = {"date": "2026-11-01", "currency": "USD"}
        yield "/api/v1/sites", {"name": "new"}
        yield "/api/v1/tokens", {"role": "viewer"}
        yield "/api/v1/links", {"site": "shop", "url": "https://shop.example/"}
        yield "/api/v1/rejected/replay", {"site": "shop"}
        yield "/api/v1/costs", {"site": "shop", "rows": [{**day, "channel": "Email", "cost": 1}]}
        yield "/api/v1/rates", {"site": "shop", "base": "EUR", "rows": [{**day, "rate": 1.1}]}
        yield "/api/v1/backup", {"folder": "/nowhere/at/all"}
        yield "/api/v1/funnels", {**named, "funnel": FUNNEL}
        yield "/api/v1/annotations", {"site": "shop", "date": "2026-11-27", "text": "Sale"}
        yield "/api/v1/alerts", {**named, "alert": alert, "destination": hook}
        yield "/api/v1/audiences", {**named, "rule": RULE}
        yield "/api/v1/audiences/preview", {"site": "shop", "rule": RULE}
        yield "/api/v1/audiences/{id}/export", {"network": "csv"}
        yield "/api/v1/destinations", {**named, "kind": "webhook", **web}
        yield "/api/v1/audiences/{id}/deliveries", {"destination": hook, "network": "criteo", "every": "1h"}
        yield "/api/v1/suppressions", {"site": "shop", "visitor": "v1"}
        yield "/api/v1/suppressions/import", {"site": "shop", "kind": "visitor", "values": ["v1"]}
        yield "/api/v1/conversions", {**named, "destination": meta, "events": [{"event": "purchase"}]}
        yield "/api/v1/conversions/{id}/run", {}
        yield "/api/v1/audiences/{id}/outreach", {"list": "calls"}
        yield "/api/v1/audiences/{id}/outreach/plans", {"list": "calls", "destination": hook}
        yield "/api/v1/coupons", {"site": "shop", "pool": "p", "codes": ["A1"]}
        yield "/api/v1/schedules", {**SCHEDULE, "to": [{"destination": hook}]}
        yield "/api/v1/reports/lift", {**SPAN, "audience": audience}
        for name, body in BODIES.items():
            whole = {"funnel": {**body["funnel"], "site": "shop"}} if "funnel" in body else SPAN
            yield f"/api/v1/reports/{name}", {**body, **({"site": "shop"} if name == "live" else whole)}


@pytest.fixture
async def right(api: Api) -> Right:
    return await Right(api).prepare()


def schema_of(route: Route) -> dict[str, Any]:
    body = DOCUMENT["paths"][route.path][route.method.lower()]["requestBody"]
    return dict(body["content"]["application/json"]["schema"])


def some(chance: random.Random, all_of_them: list[Broken], number: int) -> list[Broken]:
    return all_of_them if DEEP else chance.sample(all_of_them, min(number, len(all_of_them)))


async def refused(api: Api, method: str, path: str, **sent: Any) -> tuple[int, dict[str, Any]]:
    """Status and error of an answer, after a look at its shape and its words."""
    headers = {"Authorization": f"Bearer {sent.pop('token', ADMIN)}", **sent.pop("headers", {})}
    async with api.session.request(method, api.url + path, headers=headers, **sent) as answer:
        text = await answer.text()
        assert 400 <= answer.status < 500, (method, path, sent, answer.status, text[:300])
        assert answer.content_type == "application/json", (method, path, sent)
        said = json.loads(text)
        assert set(said) == {"error"} and {"code", "message"} <= set(said["error"]) <= {"code", "message", "field"}
        assert all(isinstance(one, str) and one for one in said["error"].values()), (method, path, said)
        assert not INSIDE.search(said["error"]["message"]), (method, path, said)
        return answer.status, said["error"]


async def test_a_body_with_one_thing_wrong_is_refused_and_the_field_named(api: Api, right: Right) -> None:
    """From the OpenAPI document, for every endpoint that takes a body; the body is right but for that one thing."""
    bodies = Bodies(DOCUMENT)
    taking = [route for route in ROUTES if route.body is not None]
    assert {(route.method, route.path) for route in taking} == set(right.bodies)
    asked = 0
    for route in taking:
        body, address, schema = right.bodies[route.method, route.path], right.address(route.path), schema_of(route)
        if DEEP or not route.report:  # other tests ask all of these
            status, said = await api.ask(route.method, address, body)
            assert status == NEEDS_MORE.get(route.path, route.status), (route.path, said)
        chance = random.Random(route.path)  # of its own: a new endpoint changes no other's
        broken = [*some(chance, list(bodies.as_a_whole(body)), 3), *bodies.missing(body, schema)]
        for field in bodies.fields(body, schema, nulls=not route.open_body):
            broken += some(chance, field, 1)
        for one in broken:
            status, error = await refused(api, route.method, address, data=one.raw)
            if status != 413:  # too many rows are too many bytes first
                assert error.get("field", "").startswith(one.field), (route.path, one.what, error)
            asked += 1
    assert asked > 400


async def test_another_way_of_asking_is_refused_in_the_same_shape(api: Api, right: Right) -> None:
    """Methods, content types and encodings: what is no JSON is refused, whatever it calls itself."""
    for path in {route.path for route in ROUTES}:
        at = right.address(path)
        taken = {one.method for one in ROUTES if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one.path), at)}
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - taken:
            status, error = await refused(api, method, at)
            assert (status, error["code"]) == (405, "method_not_allowed"), (method, path)
    told = right.bodies["POST", "/api/v1/audiences"]
    packed = zlib.compress(json.dumps(told).encode())
    for data, headers in [
        (b"site=shop&name=x", {"Content-Type": "application/x-www-form-urlencoded"}),
        (b"<site>shop</site>", {"Content-Type": "application/xml"}),
        (b'--x\r\n\r\n{"site":"shop"}\r\n--x--', {"Content-Type": "multipart/form-data; boundary=x"}),
        (json.dumps(told).encode("utf-16"), {"Content-Type": "application/json; charset=utf-16"}),
        (packed, {}),
        (packed, {"Content-Encoding": "gzip"}),
        (packed, {"Content-Encoding": "no-such-coding"}),
    ]:
        status, error = await refused(api, "POST", "/api/v1/audiences", data=data, headers=headers)
        assert (status, error["code"]) in ((400, "bad_json"), (400, "bad_encoding")), (headers, status, error)


async def test_every_query_says_what_is_wrong_with_it(api: Api, right: Right) -> None:
    for route in (one for one in ROUTES if one.query is not None):
        address = right.address(route.path)
        names = {one["name"]: one for one in DOCUMENT["paths"][route.path][route.method.lower()]["parameters"]}
        whole = {"site": "shop", "visitor": "v1"}
        fine = {name: text for name, text in whole.items() if name in names}
        _, error = await refused(api, route.method, address, params={**fine, "nobody_reads_this": "1"})
        assert error["field"] == "nobody_reads_this"
        if "limit" in names:
            for text in ("0", "x", "1e9", "-1", "9" * 30, ""):
                _, error = await refused(api, route.method, address, params={**fine, "limit": text})
                assert error["field"] == "limit", (route.path, text)
        if "site" in names:
            status, error = await refused(api, route.method, address, params={**fine, "site": "nowhere"})
            assert (status, error["code"]) == (404, "no_such_site")


async def test_nobody_reaches_what_is_another_sites(api: Api, right: Right) -> None:
    """With the id at hand, on every address that has one, and with that site's things in a body of one's own."""
    stranger = api.catalog.tokens.create("admin", "other")
    for route in (one for one in ROUTES if one.parameters and not one.path.startswith("/api/v1/people")):
        body = right.bodies.get((route.method, route.path))
        status, error = await refused(api, route.method, right.address(route.path), json=body, token=stranger)
        assert status in (403, 404), (route.path, error)
        status, error = await refused(api, route.method, re.sub(r"\{\w+\}", "no_such_id", route.path), json=body)
        assert status == 404 and error["code"].startswith("no"), (route.path, status, error)
    for route in (one for one in ROUTES if "site" in getattr(one.query, "__struct_fields__", ())):
        query = {"site": "shop", **({"visitor": "v1"} if route.path == "/api/v1/segments" else {})}
        status, _ = await refused(api, route.method, right.address(route.path), params=query, token=stranger)
        assert status == 403, route.path
    for (method, path), body in right.bodies.items():
        if "site" in body or "funnel" in body:
            status, _ = await refused(api, method, right.address(path), json=body, token=stranger)
            assert status == 403, path
        if body.get("destination") and method == "POST" and "site" in body:
            status, error = await refused(
                api, method, right.address(path), json={**body, "site": "other"}, token=stranger
            )
            assert status in (400, 404) and error.get("field", "").startswith("destination"), (path, error)


async def test_a_token_that_was_taken_back_opens_nothing_anywhere(api: Api, right: Right) -> None:
    token = api.catalog.tokens.create("admin", "shop")
    [mine] = [one["id"] for one in api.catalog.tokens.list() if one["role"] == "admin"]
    api.catalog.tokens.revoke(mine)
    for route in ROUTES:
        body = right.bodies.get((route.method, route.path))
        status, error = await refused(api, route.method, right.address(route.path), json=body, token=token)
        assert (status, error["code"]) == (401, "unauthorized")


async def test_a_scheduled_question_lists_what_a_schedule_leaves_to_it(api: Api, right: Right) -> None:
    body = right.bodies["POST", "/api/v1/schedules"]
    sent = {**body, "question": {**body["question"], "nobody_reads_this": 1}}
    _, error = await refused(api, "POST", "/api/v1/schedules", json=sent)
    assert error["field"] == "question.nobody_reads_this"
    listed = set(error["message"].partition("allowed here: ")[2].split(", "))
    assert {"steps", "window", "segment", "compare"} <= listed
    assert not {"site", "from", "to", "timezone"} & listed


async def test_a_comparison_that_nobody_makes_is_refused(api: Api) -> None:
    """It was passed over in silence: only funnels compare with a segment."""
    for name in ("overview", "rfm", "funnel/trend"):
        body = {**SPAN, **BODIES[name], "compare": {"segment": RULE}}
        _, error = await refused(api, "POST", f"/api/v1/reports/{name}", json=body)
        assert error["field"] == "compare"
