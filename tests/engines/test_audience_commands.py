"""`tracker audience`: audiences made, read, changed and removed from the shell, through a real API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from api_client import serve
from command_line import CommandLine
from small_history import put

from tracker.audiences.definition import define
from tracker.audiences.refresh import Refresher
from tracker.catalog.memberships import Membership
from tracker.store.engine import Engine

DAY = 86_400_000


async def test_the_command_line_keeps_audiences(engine: Engine, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(engine, data) as api:
        now = api.services.now_ms()
        site = api.catalog.sites.create("shell", consent="opt-out", min_size=1)
        put(engine, [{"event": "view", "visitor": f"v{n}", "ts": now - n * DAY} for n in range(1, 6)], site="shell")
        tracker = CommandLine(api, data, monkeypatch, "audience")
        spec = data / "viewers.json"

        def say(**more: object) -> str:
            rule = {"did": {"event": "view", "within": "4d"}}
            spec.write_text(json.dumps({"name": "Viewers", "rule": rule, "duration": "30d", "holdout": 0.0} | more))
            return str(spec)

        code, made = await tracker("add", say(site="shell"))
        assert (code, made["name"], made["membership"]) == (0, "Viewers", None)
        id = made["id"]
        assert [one["id"] for one in (await tracker("list"))[1]["audiences"]] == [id]
        assert [one["id"] for one in (await tracker("list", "--site", "shell"))[1]["audiences"]] == [id]
        assert (await tracker("list", "--site", "nowhere"))[0] == 1

        members, cursor = [], []
        while not members or cursor:
            code, found = await tracker("members", id, "--limit", "2", *(["--cursor", cursor] if cursor else []))
            assert code == 0, found
            members += [one["visitor"] for one in found["members"]]
            cursor = found["cursor"]
        assert sorted(members) == ["v1", "v2", "v3"]

        _, other = await tracker("add", say(site="shell", name="The same"))
        for one in (made, other):
            definition = define("shell", one["rule"], lookup=lambda _id: {}, id=one["id"])
            blank = Membership(audience=one["id"], site="shell")
            api.catalog.memberships.save([Refresher(engine).whole(site, definition, blank, now, None).state])
        code, overlap = await tracker("overlap", "--site", "shell")
        assert (code, [row[n] for n, row in enumerate(overlap["overlap"])]) == (0, [4, 4])  # as of a moment before
        code, history = await tracker("history", id)
        assert (code, [one["entered"] for one in history["sizes"]]) == (0, [4])

        code, changed = await tracker("change", id, say(name="Lookers"))
        assert (code, changed["name"], changed["id"]) == (0, "Lookers", id)
        assert (await tracker("remove", id))[0] == 0
        code, refused = await tracker("show", id)
        assert (code, "no such audience" in str(refused)) == (1, True)
        assert (await tracker("add", say(site="nobody's")))[0] == 1


async def test_a_service_is_asked_only_with_a_token_that_it_may_know(
    embedded: Engine, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve(embedded, data) as api:
        tracker = CommandLine(api, data, monkeypatch, "audience")
        token = data / "admin-token"
        token.write_text("jt_of_another_service_0123456789")
        code, refused = await tracker("list")
        assert (code, "set TRACKER_ADMIN_TOKEN" in str(refused)) == (1, True)
        token.unlink()
        code, missing = await tracker("list")
        assert (code, "set TRACKER_ADMIN_TOKEN" in str(missing)) == (1, True)
        assert not token.exists()
