"""Every export says by which rule it was made: in the API, beside a file that lies alone, in a zip, in a folder."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import msgspec
from api_client import ADMIN, Api, serve
from small_history import put
from test_network_exports import RULE, Shop, exported, made

from tracker.api import answers_exports
from tracker.store.engine import Engine


async def told(api: Api, export: str) -> dict[str, Any]:
    status, manifest = await api.ask("GET", f"/api/v1/exports/{export}/manifest")
    assert status == 200, manifest
    msgspec.convert(manifest, answers_exports.Manifest, strict=True)
    return dict(manifest)


async def test_one_file_tells_its_rule_by_header_and_manifest(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        Shop(data, embedded).come(1, 2, 3)
        audience = await made(api)
        _, shown = await api.ask("GET", f"/api/v1/audiences/{audience}")
        export = await exported(api, audience, "csv", "full")
        said = {name: export[name] for name in ("version", "rule_version", "rule_sha256")}
        assert said["version"] == "1.2.3" and said["rule_version"] == shown["updated"]
        manifest = await told(api, export["id"])
        assert {name: manifest[name] for name in said} == said
        assert (manifest["files"], manifest["counts"]) == (export["files"], export["counts"])

        url, headers = f"{api.url}/api/v1/exports/{export['id']}/file", {"Authorization": f"Bearer {ADMIN}"}
        async with api.session.get(url, headers=headers) as answer:
            blob = await answer.read()
            assert answer.headers["Tracker-Export"] == export["id"]
            assert answer.headers["Tracker-Version"] == "1.2.3"
            assert answer.headers["Tracker-Rule-Version"] == said["rule_version"]
            assert answer.headers["Tracker-Rule-Sha256"] == said["rule_sha256"]
            assert answer.headers["Tracker-Sha256"] == hashlib.sha256(blob).hexdigest()
            link = str(answer.links["describedby"]["url"])
        assert link == f"{api.url}/api/v1/exports/{export['id']}/manifest"


async def test_the_hash_is_that_of_the_rule_and_the_version_that_of_the_audience(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        Shop(data, embedded).come(1, 2, 3)
        inner = await made(api, name="inner")
        outer = await made(api, name="outer", rule={"all": [{"in": inner}, RULE]})
        first = await exported(api, outer, "csv", "full")
        await api.ask("PUT", f"/api/v1/audiences/{outer}", {"name": "renamed"})
        second = await exported(api, outer, "csv", "full")
        assert second["rule_sha256"] == first["rule_sha256"] and second["rule_version"] > first["rule_version"]
        changed = {"rule": {"any": [RULE, {"did": {"event": "purchase"}}]}}
        await api.ask("PUT", f"/api/v1/audiences/{inner}", changed)
        third = await exported(api, outer, "csv", "full")
        assert third["rule_sha256"] != second["rule_sha256"], "what the audience is made of is part of its rule"
        assert third["rule_version"] == second["rule_version"]


async def test_a_zip_and_a_folder_hold_what_the_api_tells(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 12))
        audience = await made(api)
        await exported(api, audience, "criteo")
        shop.come(12)
        shop.say(1, 1, ads=0)
        export = await exported(api, audience, "criteo")
        assert len(export["files"]) == 2
        status, blob = await api.ask("GET", f"/api/v1/exports/{export['id']}/file")
        assert json.loads(zipfile.ZipFile(io.BytesIO(blob)).read("manifest.json")) == await told(api, export["id"])

        where = {"site": "shop", "name": "here", "kind": "folder", "options": {"path": "there"}}
        status, destination = await api.ask("POST", "/api/v1/destinations", where)
        assert status == 201, destination
        sent = await exported(api, audience, "criteo", destination=destination["id"])
        [file] = (data / "deliveries" / "there").glob("*.manifest.json")
        assert json.loads(file.read_text()) == await told(api, sent["id"])
        assert (sent["rule_sha256"], sent["version"]) == (export["rule_sha256"], "1.2.3")


async def test_what_failed_has_no_manifest_and_judged_nobody(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        Shop(data, embedded)
        audience = await made(api)
        export = await exported(api, audience, "csv", "full")
        assert (export["state"], export["rule_version"], export["rule_sha256"]) == ("failed", None, None)
        status, refused = await api.ask("GET", f"/api/v1/exports/{export['id']}/manifest")
        assert (status, refused["error"]["code"]) == (409, "no_file")


async def test_a_list_for_people_tells_its_rule_too(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        api.catalog.sites.create("shop", consent="opt-out")
        asked = {"event": "callback_requested", "visitor": "v1", "ts": api.services.now_ms() - 1000}
        put(embedded, [asked])
        audience = await made(api, rule={"did": {"event": "callback_requested"}})
        _, started = await api.ask("POST", f"/api/v1/audiences/{audience}/outreach", {"list": "calls"})
        export = await api.exported(started["id"])
        assert (export["state"], export["counts"]["written"]) == ("done", 1), export
        assert (await told(api, export["id"]))["rule_sha256"] == export["rule_sha256"] is not None
