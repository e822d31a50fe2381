"""Deliveries that are repeated, and removals: made in their turn, tried again, tracked until they were taken."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from api_client import Api, serve
from outside import Heard, outside
from stores_outside import folder_place
from test_destinations import SECRET, arrived, connected, sent
from test_network_exports import Shop, hashes, made

from tracker.api.exports import desk_of
from tracker.audiences.plans import deliver_due
from tracker.catalog.plans import LONGEST_PAUSE_MS
from tracker.core.identifiers import keys_of
from tracker.loader.erasing import Eraser, leave_alone
from tracker.store.engine import Engine
from tracker.store.erase import Names

MINUTE = 60_000


async def deliver(api: Api) -> int:
    return await asyncio.to_thread(deliver_due, desk_of(api.services))


async def test_a_delivery_is_made_in_its_turn_and_tried_again_when_it_failed(embedded: Engine, data: Path) -> None:
    now = [time.time_ns() // 1_000_000]  # whoever was not heard of for long is no member any more
    async with serve(embedded, data, now_ms=lambda: now[0]) as api:
        shop = Shop(data, embedded)
        api.catalog.sites.update("shop", min_size=5)
        shop.come(*range(1, 11))
        audience = await made(api)
        with outside() as hook:
            destination = await connected(api, "webhook", {"url": hook.url}, {"secret": SECRET})
            address = f"/api/v1/audiences/{audience}/deliveries"
            wanted = {"destination": destination, "network": "criteo", "every": "15m"}
            for wrong, field in (
                ({"destination": "download"}, "destination"),
                ({"every": "10s"}, "every"),
                ({"network": "friends"}, "network"),
                ({"network": "liveramp", "shape": "api"}, "shape"),
            ):
                status, refused = await api.ask("POST", address, {**wanted, **wrong})
                assert (status, refused["error"]["field"]) == (400, field)
            status, plan = await api.ask("POST", address, wanted)
            assert (status, plan["mode"], plan["last"]) == (201, "delta", None)
            assert await deliver(api) == 1
            assert await deliver(api) == 0
            [shown] = (await api.ask("GET", address))[1]["deliveries"]
            assert (shown["last"]["state"], shown["last"]["counts"]["written"], shown["failures"]) == ("done", 10, 0)
            status, refused = await api.ask("DELETE", f"/api/v1/destinations/{destination}")
            assert (status, refused["error"]["code"]) == (409, "in_use")

            now[0] += 15 * MINUTE
            hook.say = lambda _: (400, {}, b"")
            pauses = []
            for _ in range(9):
                assert await deliver(api) == 1
                [shown] = (await api.ask("GET", address))[1]["deliveries"]
                [kept] = api.catalog.plans.list()
                pauses.append((kept.due_at - now[0]) // MINUTE)
                now[0] = kept.due_at
            assert pauses == [1, 2, 4, 8, 15, 15, 15, 15, 15] and LONGEST_PAUSE_MS == 60 * MINUTE
            assert (shown["failures"], shown["last"]["error"]["code"]) == (9, "webhook_refused")
            hook.say = lambda _: (200, {}, b"")
            shop.say(50, 1, 0)
            hook.heard.clear()
            assert await deliver(api) == 1
            [shown] = (await api.ask("GET", address))[1]["deliveries"]
            assert (shown["failures"], shown["last"]["counts"]["removed"]) == (0, 1)
            files = {one.headers["tracker-file"]: one.body for one in hook.heard}
            assert arrived(files, shown["last"]["id"]) == {"remove": hashes(1)}
        assert (await api.ask("DELETE", f"/api/v1/deliveries/{plan['id']}"))[0] == 200
        assert (await api.ask("DELETE", f"/api/v1/destinations/{destination}"))[0] == 200
        now[0] += 60 * MINUTE
        assert await deliver(api) == 0


async def test_a_person_who_withdraws_is_in_no_later_file_and_in_every_removal(engine: Engine, data: Path) -> None:
    """Withdrawn, suppressed, erased: three ways out, two destinations and a download; and the orders are closed."""
    async with serve(engine, data) as api:
        shop = Shop(data, engine)
        shop.loader._eraser = Eraser(engine, shop.catalog, data)
        shop.come(*range(1, 13))
        audience = await made(api)
        place = folder_place(data)
        heard: dict[str, bytes] = {}

        def take(one: Heard) -> tuple[int, dict[str, str], bytes]:
            heard[one.headers["tracker-file"]] = one.body
            return 200, {}, b""

        with outside(take) as hook:
            folder = await connected(api, "folder", place.options, {})
            webhook = await connected(api, "webhook", {"url": hook.url}, {"secret": SECRET})
            for where in (folder, webhook, "download"):
                assert (await sent(api, audience, where))["state"] == "done"

            shop.say(50, 1, 0)
            await api.ask("POST", "/api/v1/suppressions", {"site": "shop", "user": "u2"})
            site = shop.catalog.sites.get("shop")
            names = Names(("v3",), ("u3",))
            leave_alone(shop.catalog, "shop", keys_of("shop", site.write_key, site.identifier_key), names)
            asked = shop.catalog.erasures.ask("shop", names.visitors, names.users, "test")
            shop.loader.erase_due()
            assert shop.catalog.erasures.get(asked.id).state == "done"
            orders = shop.catalog.erasures.removals(site="shop")
            assert len(orders) == 3 and all(one.sealed for one in orders)

            closed = []
            for where in (folder, webhook, "download"):
                removal = await sent(api, audience, where)
                assert (removal["state"], removal["counts"]["removed"]) == ("done", 3)
                closed.append(len(shop.catalog.erasures.removals(site="shop")))
                if where != "download":
                    files = place.read() if where == folder else heard
                    assert arrived(files, removal["id"]) == {"remove": hashes(1, 2, 3)}
            assert closed == [2, 1, 0]
            for mode in ("full", "delta", "full"):
                for where, files in ((folder, place.read), (webhook, lambda: heard)):
                    later = await sent(api, audience, where, mode=mode)
                    found = arrived(files(), later["id"])
                    assert "remove" not in found and not found["add"] & hashes(1, 2, 3)


async def test_a_removal_is_open_until_the_destination_has_taken_it(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 11))
        audience = await made(api)
        with outside() as hook:
            destination = await connected(api, "webhook", {"url": hook.url}, {"secret": SECRET})
            first = await sent(api, audience, destination)
            asked = shop.catalog.erasures.ask("shop", ("v1",), ("u1",), "test")
            order = {"audience": audience, "network": "criteo", "certain": True, "sealed": ["sealed"]}
            shop.catalog.erasures.order_removal(asked, export=first["id"], **order)
            await api.ask("POST", "/api/v1/suppressions", {"site": "shop", "user": "u1", "reason": "erased"})
            hook.say = lambda _: (400, {}, b"")
            assert (await sent(api, audience, destination))["state"] == "failed"
            assert len(shop.catalog.erasures.removals()) == 1
            hook.say = lambda _: (200, {}, b"")
            done = await sent(api, audience, destination)
            assert (done["state"], done["counts"]["removed"]) == ("done", 1)
            assert shop.catalog.erasures.removals() == []
