"""Dry runs of exports: asking for one, and comparing what it says with what is sent."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any
from urllib.parse import urlsplit

from api_client import Api
from outside import Heard

Call = tuple[str, str, Any]
TIME = re.compile(r'"(effective_at|expires_at)": "[^"]*"')


async def dry(api: Api, audience: str, destination: str, **more: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The export, and the requests in its files, those that take back first."""
    body = {"mode": "delta", "min_size": 1, "destination": destination, "shape": "api", "dry_run": True, **more}
    status, started = await api.ask("POST", f"/api/v1/audiences/{audience}/export", body)
    assert status == 202, started
    done = await api.exported(started["id"])
    assert (done["state"], done["dry_run"], done["destination"]) == ("done", True, destination), done
    status, blob = await api.ask("GET", f"/api/v1/exports/{done['id']}/file")
    assert status == 200
    _, manifest = await api.ask("GET", f"/api/v1/exports/{done['id']}/manifest")
    assert manifest["dry_run"] is True
    if len(done["files"]) > 1:
        box = zipfile.ZipFile(io.BytesIO(blob))
        assert json.loads(box.read("manifest.json")) == manifest
        blob = b"".join(box.read(one["name"]) for one in done["files"])
    return done, [json.loads(line) for line in blob.splitlines()]


def filled(requests: list[dict[str, Any]], ids: dict[str, str]) -> list[Call]:
    """As the account's ids make them; those that it cannot be sent without are not sent."""
    text = json.dumps(requests)
    for name, value in ids.items():
        text = text.replace(f"{{{name}}}", value)
    made = [(one["method"], urlsplit(one["url"]).path or one["url"], one["body"]) for one in json.loads(text)]
    return [one for one in made if "_ID}" not in str(one)]


def heard_of(heard: list[Heard]) -> list[Call]:
    """What came, but for tokens that were fetched."""
    return [
        (one.method, one.path, one.json() if one.headers["content-type"] == "application/json" else one.body.decode())
        for one in heard
        if "urlencoded" not in one.headers["content-type"]
    ]


def same(dry_calls: list[Call], calls: list[Call]) -> None:
    assert len(dry_calls) == len(calls) > 0
    for (method, path, body), (really, there, what) in zip(dry_calls, calls, strict=True):
        assert method == really
        assert path in (there, "{Url}", f"{{Url}}{path}")
        if isinstance(body, dict) and set(body) == {"file"}:  # a form's part
            assert f"\r\n\r\n{body['file']}\r\n--" in what
        else:
            assert TIME.sub("", json.dumps(body)) == TIME.sub("", json.dumps(what))
