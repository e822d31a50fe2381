"""What is about a special category stays in the house until somebody declares the ground; removals go all the same."""

from __future__ import annotations

from pathlib import Path

from api_client import serve
from outside import outside
from test_conversions import run, told, yes
from test_network_exports import Shop, exported, hashes, made

from tracker.store.engine import Engine

GROUND = {"ground": "explicit consent, form F-12 of 2026"}


async def test_a_special_category_stays_until_a_ground_is_declared(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 9))
        audience = await made(api, name="interested in diabetes care")
        other = await made(api, name="made of it", rule={"all": [{"in": audience}, {"did": {"event": "click"}}]})
        for one in (audience, other):
            refused = await exported(api, one)
            assert (refused["state"], refused["error"]["code"]) == ("failed", "sensitive")
        status, answer = await api.ask("POST", f"/api/v1/audiences/{audience}/outreach", {"list": "calls"})
        assert (status, answer["error"]["code"]) == (409, "sensitive")
        listed = (await api.ask("GET", "/api/v1/sensitive?site=shop"))[1]["sensitive"]
        assert {(one["id"], *one["categories"], one["ground"]) for one in listed} == {
            (audience, "health", None), (other, "health", None),
        }  # fmt: skip
        path = f"/api/v1/sensitive/{audience}"
        analyst = api.catalog.tokens.create("analyst")
        assert (await api.ask("PUT", path, GROUND, token=analyst))[0] == 403
        status, shown = await api.ask("PUT", path, GROUND)
        assert (status, shown["ground"]) == (200, GROUND["ground"])
        assert (await exported(api, audience))["counts"]["written"] == 8
        await api.ask("DELETE", path)
        shop.say(50, 1, 0)
        shop.come(9)
        removal = await exported(api, audience)
        assert (removal["state"], removal["counts"]["written"], removal["counts"]["removed"]) == ("done", 0, 1)
        assert removal["counts"]["withheld"]["sensitive"] == 1
        assert set(shop.lines(data / "exports", removal)["remove"]) == hashes(1)
        with outside(yes) as there:
            conversion = await told(api, there, name="Churches", events=[{"event": "church_visit", "send_as": "Lead"}])
            done = await run(api, conversion, "dry")
            assert (done["state"], done["error"]["code"]) == ("failed", "sensitive")
            assert (await api.ask("PUT", f"/api/v1/sensitive/{conversion}", GROUND))[0] == 200
            assert (await run(api, conversion, "dry"))["state"] == "done"
