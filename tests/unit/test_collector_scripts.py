"""The pixel's files as the collector serves them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from tracker.collector.app import make_app
from tracker.collector.settings import CollectorSettings
from tracker.core.pixel import Partner, PixelSettings
from tracker.core.site import Site, SitesFile
from tracker.pixel import bundle

ALL = PixelSettings(
    autocapture=("outbound",),
    engagement=True,
    vitals=True,
    datalayer="dataLayer",
    cmp=("tcf",),
    link_domains=("b.example",),
    hash=True,
    partners=(),
)


def write(data: Path, pixel: PixelSettings) -> Site:
    site = Site(name="shop", write_key="wk_1", identifier_key="ab" * 32, pixel=pixel)
    (data / "sites.json").write_bytes(msgspec.json.encode(SitesFile(sites=(site,))))
    return site


@pytest.fixture
async def client(tmp_path):
    write(tmp_path, ALL)
    server = TestServer(make_app(CollectorSettings(data=tmp_path)))
    async with TestClient(server) as client:
        yield client


def told(text: str) -> dict:
    """The settings that a script begins with; what is asked of the browser is left out."""
    line = text.splitlines()[1]
    found = re.search(r'\.jt=(\{.*?),"now":', line)
    assert found is not None
    return json.loads(found[1] + "}")


async def test_a_site_gets_its_settings_and_nothing_secret(client):
    text = await (await client.get("/p.js?site=wk_1")).text()
    said = told(text)
    assert said["consent"] == "opt-in"
    assert [path.partition(".")[0] for path, _ in said["modules"]] == [
        "m/autocapture",
        "m/datalayer",
        "m/engagement",
        "m/vitals",
    ]
    assert "ab" * 32 not in text
    assert "shop" not in said.values()
    for name in ("hash", "linker", "cmp"):  # these travel along, in the line before the core
        assert f'"{name}"' in text.splitlines()[1]
    assert len(text.splitlines()) == 3


async def test_an_unknown_key_gets_the_core_alone(client):
    text = await (await client.get("/p.js?site=nobody")).text()
    assert text == "//# allFunctionsCalledOnLoad\n\n" + (bundle.BUILT / "p.js").read_text()


async def test_modules_are_what_their_hashes_say_and_never_change(client):
    for path, integrity in told(await (await client.get("/p.js?site=wk_1")).text())["modules"]:
        answer = await client.get(f"/{path}")
        body = await answer.read()
        assert answer.status == 200
        assert integrity == "sha384-" + base64.b64encode(hashlib.sha384(body).digest()).decode()
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.content_type == "text/javascript"
        source = await client.get("/m/" + answer.headers["SourceMap"])
        assert (await source.json(content_type=None))["version"] == 3
        again = await client.get(f"/{path}", headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status == 304


async def test_a_pinned_script_outlives_new_settings_and_new_versions(client, tmp_path, monkeypatch):
    path, file = bundle.pinned(bundle.load_built(), write(tmp_path, ALL))
    first = await (await client.get(f"/{path}")).read()
    assert first == file.text
    write(tmp_path, PixelSettings())
    other = tmp_path / "built"
    shutil.copytree(bundle.BUILT, other)
    (other / "p.js").write_text("let newer = 1;")
    monkeypatch.setattr(bundle, "FILES", bundle.Built(other))
    assert await (await client.get("/p.js?site=wk_1")).read() != first
    assert await (await client.get(f"/{path}")).read() == first


async def test_a_full_disk_keeps_no_page_from_its_script(client, tmp_path):
    (tmp_path / "pixel").write_text("a file where the folder should be")
    path, file = bundle.pinned(bundle.load_built(), write(tmp_path, ALL))
    assert await (await client.get(f"/{path}")).read() == file.text


@pytest.mark.parametrize(
    "path",
    [
        "/p.0123456789abcdef.js",
        "/m/engagement.0123456789abcdef.js",
        "/m/nothing.0123456789abcdef.js",
        "/m/x.js.map",
        "/p.x.js",
    ],
)
async def test_what_is_not_there(client, path):
    assert (await client.get(path)).status == 404


def test_settings_that_could_end_a_line_do_not():
    partner = Partner(name="a\u2028b", url="https://x.example/")
    site = Site(name="s", write_key="wk_1", pixel=PixelSettings(partners=(partner,)))
    assert len(bundle.compose(bundle.load_built(), site).decode().splitlines()) == 3


def test_the_link_key_is_the_sites_own_and_not_its_secret():
    one = bundle.link_key(Site(name="s", write_key="wk_1", identifier_key="ab" * 32))
    assert one not in ("ab" * 32, bundle.link_key(Site(name="s", write_key="wk_1", identifier_key="cd" * 32)))


def test_built_files_are_read_again_only_when_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    whole = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (read.append(path.name), whole(path))[1])
    (tmp_path / "p.js").write_text("one")
    files = bundle.Built(tmp_path)
    assert files.load() == files.load() == {"p.js": b"one"}
    assert read == ["p.js"]
    (tmp_path / "new.js").write_text("more")
    assert set(files.load()) == {"p.js", "new.js"}
