"""Notes on days through the API."""

from __future__ import annotations

import pytest
from api_client import serve

NOTE = {"site": "shop", "date": "2026-11-27", "text": " Sale <b>began</b> "}


@pytest.fixture
async def api(embedded, data):
    async with serve(embedded, data) as running:
        running.catalog.sites.create("shop")
        running.catalog.sites.create("other")
        yield running


async def test_notes_are_kept_by_day_and_deleted(api):
    status, first = await api.ask("POST", "/api/v1/annotations", NOTE)
    assert (status, first["text"]) == (201, "Sale <b>began</b>")
    _, second = await api.ask("POST", "/api/v1/annotations", {**NOTE, "date": "2026-11-02"})
    await api.ask("POST", "/api/v1/annotations", {**NOTE, "site": "other"})
    _, said = await api.ask("GET", "/api/v1/annotations?site=shop")
    assert [one["id"] for one in said["annotations"]] == [second["id"], first["id"]]
    _, said = await api.ask("GET", "/api/v1/annotations?site=shop&first=2026-11-27&last=2026-11-27")
    assert said["annotations"] == [first]
    status, _ = await api.ask("DELETE", f"/api/v1/annotations/{first['id']}")
    assert status == 200
    status, _ = await api.ask("DELETE", f"/api/v1/annotations/{first['id']}")
    assert status == 404


@pytest.mark.parametrize(
    ("more", "status", "field"),
    [({"date": "27.11."}, 400, "date"), ({"text": "  "}, 400, "text"), ({"site": "none"}, 404, "site")],
)
async def test_what_is_no_note(api, more, status, field):
    said, error = await api.ask("POST", "/api/v1/annotations", {**NOTE, **more})
    assert (said, error["error"].get("field")) == (status, field)


async def test_a_token_of_another_site_writes_and_deletes_nothing(api):
    _, note = await api.ask("POST", "/api/v1/annotations", NOTE)
    token = api.catalog.tokens.create("analyst", "other")
    for method, path, body in (
        ("GET", "/api/v1/annotations?site=shop", None),
        ("POST", "/api/v1/annotations", NOTE),
        ("DELETE", f"/api/v1/annotations/{note['id']}", None),
    ):
        status, _ = await api.ask(method, path, body, token=token)
        assert status == 403
