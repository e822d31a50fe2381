"""What GET gives may be sent back as it is, and changed in one place; what nobody can set must not be changed."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from api_client import Api, serve

from tracker.api.routes import ROUTES
from tracker.store.engine import Engine

RULE = {"did": {"event": "purchase"}}
STEPS = [{"event": "view_item"}, {"event": "purchase"}]
FUNNEL = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z", "steps": STEPS}
SURVEY = {"id": "nps", "kind": "nps", "on": "purchase", "question": "Would you recommend us?", "days": 30}
SITE = {
    "domains": ["shop.example"],
    "currency": "EUR",
    "min_size": 50,
    "pixel": {"autocapture": ["outbound"], "surveys": [SURVEY], "feedback": {}, "callback": {}, "banner": {}},
    "privacy": {"networks": [{"name": "google", "vendor": 755}], "honour_dnt": True},
    "gate": {
        "forms": [{"id": "contact", "kind": "callback", "country": "DE"}],
        "partners": [{"name": "dsp", "vendor": 21, "hosts": ["dsp.example"], "exports": ["openrtb"]}],
        "query_keys": ["q"],
    },
}
SCHEDULE = {
    "site": "shop", "name": "Weekly", "report": "funnel", "question": {"steps": STEPS}, "period": "last_7_days",
    "rhythm": {"every": "week", "weekday": "monday", "hour": 8}, "paused": True,
}  # fmt: skip


@pytest.fixture
async def api(embedded: Engine, data: Path) -> AsyncIterator[Api]:
    async with serve(embedded, data) as running:
        running.catalog.sites.create("shop")
        yield running


async def make(api: Api, path: str, body: dict[str, Any], status: int = 201) -> dict[str, Any]:
    code, made = await api.ask("PUT" if status == 200 else "POST", path, body)
    assert code == status, made
    return dict(made)


async def item(api: Api, path: str, name: str, key: str = "id", wanted: str = "") -> dict[str, Any]:
    """One of a list."""
    code, listed = await api.ask("GET", path)
    assert code == 200, listed
    return dict(next(one for one in listed[name] if not wanted or one[key] == wanted))


class Things:
    """One of everything, and how `GET` gives it: resource -> (PUT address, GET's answer, a field to change, fixed)."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def all(self) -> dict[str, tuple[str, dict[str, Any], dict[str, Any], tuple[str, ...]]]:
        api = self.api
        await make(api, "/api/v1/sites/shop", SITE, 200)
        audience = await make(api, "/api/v1/audiences", {"site": "shop", "name": "Cancer patients", "rule": RULE})
        at = f"/api/v1/audiences/{audience['id']}"
        funnel = await make(api, "/api/v1/funnels", {"site": "shop", "name": "f", "funnel": FUNNEL})
        hook = {"site": "shop", "name": "h", "kind": "webhook", "options": {"url": "https://h.example/"}}
        hook = await make(api, "/api/v1/destinations", hook | {"secrets": {"secret": "sixteen letters!"}})
        meta = {"network": "meta_conversions", "ids": {"PIXEL_ID": "1"}}
        meta = {"site": "shop", "name": "m", "kind": "network", "options": meta, "secrets": {"access_token": "t"}}
        meta = await make(api, "/api/v1/destinations", meta)
        told = {"site": "shop", "name": "c", "destination": meta["id"], "events": [{"event": "purchase"}]}
        told = await make(api, "/api/v1/conversions", told)
        alert = {"event": {"event": "purchase"}, "measure": "events", "interval": "day", "when": {"below": 1}}
        alert = {"site": "shop", "name": "a", "alert": alert, "destination": hook["id"]}
        alert = await make(api, "/api/v1/alerts", alert)
        plan = await make(api, "/api/v1/schedules", {**SCHEDULE, "to": [{"destination": hook["id"]}]})
        once = f"/api/v1/sensitive/{audience['id']}"
        await make(api, once, {"ground": "explicit consent, form F-12"}, 200)
        often = "/api/v1/sites/shop/frequency"
        await make(api, often, {"most": 3, "days": 7, "priority": [audience["id"]]}, 200)

        async def got(path: str) -> dict[str, Any]:
            return dict((await api.ask("GET", path))[1])

        hook_at, plan_at = f"/api/v1/destinations/{hook['id']}", f"/api/v1/schedules/{plan['id']}"
        funnel_at, told_at = f"/api/v1/funnels/{funnel['id']}", f"/api/v1/conversions/{told['id']}"
        return {
            "/api/v1/sites/{name}": ("/api/v1/sites/shop", await got("/api/v1/sites/shop"), {"min_size": 60},
                                     ("site", "write_key")),
            "/api/v1/audiences/{id}": (at, await got(at), {"holdout": 0.2}, ("id", "site", "created")),
            "/api/v1/funnels/{id}": (funnel_at, await got(funnel_at), {"name": "g"}, ("id", "site")),
            "/api/v1/destinations/{id}": (hook_at, await got(hook_at), {"name": "other"}, ("id", "site", "kind")),
            "/api/v1/conversions/{id}": (told_at, await got(told_at), {"every": "1h"}, ("id", "name", "events")),
            "/api/v1/alerts/{id}": (
                f"/api/v1/alerts/{alert['id']}", await item(api, "/api/v1/alerts?site=shop", "alerts"), {"name": "b"},
                ("id", "site"),
            ),
            "/api/v1/schedules/{id}": (plan_at, await got(plan_at), {"paused": False}, ("id", "site", "timezone")),
            "/api/v1/sensitive/{id}": (
                once, await item(api, "/api/v1/sensitive?site=shop", "sensitive"), {"ground": "another form, F-13"},
                ("id", "site", "name"),
            ),
            "/api/v1/sites/{name}/frequency": (often, await got(often), {"most": 4}, ()),
        }  # fmt: skip


async def test_what_get_gives_put_takes(api: Api) -> None:
    """For every resource that can be changed: as it is, with one change, with a change of what nobody can set."""
    things = await Things(api).all()
    assert set(things) == {route.path for route in ROUTES if route.method == "PUT"}
    for path, (address, shown, change, fixed) in things.items():
        status, same = await api.ask("PUT", address, shown)
        assert status == 200, (path, same)
        volatile = dict.fromkeys(("updated", "declared", "next", "membership"))
        assert {**same, **volatile} == {**shown, **volatile}, path
        for name in fixed:
            other = {**copy.deepcopy(shown), name: [] if name == "events" else "another"}
            status, refused = await api.ask("PUT", address, other)
            assert status in (400, 404) and name in str(refused["error"].get("field", "site")), (path, name, refused)
        status, refused = await api.ask("PUT", address, {**shown, "nonsens": 1})
        assert (status, refused["error"]["field"]) == (400, "nonsens"), (path, refused)
        assert "leave it out" in refused["error"]["message"]
        status, after = await api.ask("PUT", address, {**shown, **change})
        assert (status, {name: after[name] for name in change}) == (200, change), (path, after)


async def test_what_get_gives_makes_another(api: Api) -> None:
    """Where POST makes one: with an id, times and state of its own."""
    await Things(api).all()
    made = api.catalog.audiences.list("shop")[0].id
    hook = next(one for one in api.catalog.destinations.list("shop") if one.kind == "webhook").id
    await make(api, "/api/v1/annotations", {"site": "shop", "date": "2026-11-27", "text": "Sale"})
    delivery = {"destination": hook, "network": "criteo", "every": "1h", "options": {}}
    await make(api, f"/api/v1/audiences/{made}/deliveries", delivery)
    lists = {
        "/api/v1/audiences": "audiences",
        "/api/v1/funnels": "funnels",
        "/api/v1/annotations": "annotations",
        "/api/v1/alerts": "alerts",
        "/api/v1/schedules": "schedules",
        "/api/v1/conversions": "conversions",
        "/api/v1/audiences/{id}/deliveries": "deliveries",
    }
    assert set(lists) == {route.path for route in ROUTES if route.method == "POST" and route.round_trip}
    for path, name in lists.items():
        address = path.replace("{id}", made)
        query = "" if "{id}" in path else "?site=shop"
        shown = await item(api, f"{address}{query}", name)
        another = await make(api, address, shown)
        assert another["id"] != shown["id"]
        own = {"id", "created", "updated", "membership", "last", "next", "failures", "looked_at", "warnings"}
        assert {k: v for k, v in another.items() if k not in own} == {k: v for k, v in shown.items() if k not in own}


async def test_a_misspelt_field_is_told_how_it_is_written(api: Api) -> None:
    body = {"site": "shop", "name": "x", "rule": RULE, "refesh": "5m"}
    status, refused = await api.ask("POST", "/api/v1/audiences", body)
    assert (status, refused["error"]["field"]) == (400, "refesh")
    assert refused["error"]["message"] == "refesh: there is no such field: write refresh"


async def test_names_of_secrets_keep_them_and_nothing_else_does(api: Api) -> None:
    await Things(api).all()
    hook = next(one for one in api.catalog.destinations.list("shop") if one.kind == "webhook").id
    address = f"/api/v1/destinations/{hook}"
    _, shown = await api.ask("GET", address)
    assert shown["secrets"] == ["secret"]
    status, refused = await api.ask("PUT", address, {**shown, "secrets": []})
    assert (status, refused["error"]["field"]) == (400, "secrets")
    moved = {**shown, "options": {"url": "https://elsewhere.example/"}}
    status, refused = await api.ask("PUT", address, moved)
    assert (status, refused["error"]["code"]) == (400, "secrets_needed"), "names open nothing elsewhere"
