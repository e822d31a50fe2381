"""A deleted audience: everybody is taken back from where it was delivered, and that is tracked until it is done."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from api_client import Api, serve
from outside import outside
from stores_outside import folder_place
from test_destinations import arrived, connected, sent
from test_network_exports import Shop, hashes, made
from test_network_sending import account_of, theirs

from tracker.api.exports import desk_of
from tracker.audiences.plans import deliver_due
from tracker.store.engine import Engine


async def deliver(api: Api) -> int:
    return await asyncio.to_thread(deliver_due, desk_of(api.services))


async def test_a_deleted_audience_is_taken_back_until_the_other_side_says_yes(embedded: Engine, data: Path) -> None:
    now = [time.time_ns() // 1_000_000]
    async with serve(embedded, data, now_ms=lambda: now[0]) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 9))
        audience, place = await made(api), folder_place(data)
        with outside(theirs) as other:
            network = await connected(api, "network", *account_of("criteo", other))
            folder = await connected(api, place.kind, place.options, place.secrets)
            await sent(api, audience, network, shape="api")
            await sent(api, audience, folder)
            wanted = {"destination": folder, "network": "criteo", "every": "15m"}
            await api.ask("POST", f"/api/v1/audiences/{audience}/deliveries", wanted)
            await api.ask("POST", "/api/v1/suppressions", {"site": "shop", "user": "u1", "reason": "erased"})
            assert (await api.ask("DELETE", f"/api/v1/audiences/{audience}"))[0] == 200
            waiting = (await api.ask("GET", "/api/v1/recalls?site=shop"))[1]["recalls"]
            assert {(one["destination"], one["waiting"]) for one in waiting} == {(network, 8), (folder, 8)}
            for one in (network, folder):
                assert (await api.ask("DELETE", f"/api/v1/destinations/{one}"))[0] == 409  # not before it is done
            other.heard.clear()
            other.say = lambda heard: (400, {}, b"{}") if heard.method == "PATCH" else theirs(heard)
            assert await deliver(api) == 2
            [left] = (await api.ask("GET", "/api/v1/recalls"))[1]["recalls"]
            assert (left["destination"], left["waiting"], left["failures"]) == (network, 8, 1)
            other.heard.clear()
            other.say = theirs
            now[0] += 60_000
            assert await deliver(api) == 1
            [patch] = [one.json()["data"]["attributes"] for one in other.heard if one.method == "PATCH"]
            assert (patch["operation"], set(patch["identifiers"])) == ("remove", hashes(*range(1, 9)))
            assert (await api.ask("GET", "/api/v1/recalls"))[1] == {"recalls": []}
            assert await deliver(api) == 0
        exports = (await api.ask("GET", "/api/v1/exports?site=shop"))[1]["exports"]
        recalled = next(one for one in exports if one["mode"] == "recall" and one["destination"] == folder)
        assert arrived(place.read(), recalled["id"])["remove"] == hashes(*range(1, 9))
        assert api.catalog.deliveries.lines("shop", audience) == []
        for one in (network, folder):
            assert (await api.ask("DELETE", f"/api/v1/destinations/{one}"))[0] == 200


async def test_a_list_that_is_replaced_is_replaced_by_nobody(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(1, 2)
        audience = await made(api)
        with outside(theirs) as other:
            where = await connected(api, "network", *account_of("ttd", other))
            await sent(api, audience, where, network="ttd", shape="api")
            other.heard.clear()
            await api.ask("DELETE", f"/api/v1/audiences/{audience}")
            assert await deliver(api) == 1
            puts = [one.body for one in other.heard if one.method == "PUT"]
            assert puts == [b""]
            assert (await api.ask("GET", "/api/v1/recalls"))[1] == {"recalls": []}
