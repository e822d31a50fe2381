"""Whoever refuses is taken back at a network's API, though nobody delivers there any more (P-45)."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

from api_client import serve
from outside import Heard, outside
from test_destinations import connected, sent
from test_network_exports import Shop, exported, hashes, made
from test_network_sending import account_of, theirs

from tracker.audiences.plans import deliver_due
from tracker.store.engine import Engine
from tracker.wiring.withdrawals import TakeBack

MINUTE = 60_000


async def test_who_refuses_is_taken_back_where_nobody_delivers(embedded: Engine, data: Path) -> None:
    now = [int(time.time() * 1000)]
    async with serve(embedded, data, now_ms=lambda: now[0]) as api:
        shop, chore = Shop(data, embedded), TakeBack(api.services, threading.Event())
        shop.come(*range(1, 9))
        audience, other_one = await made(api), await made(api, name="other")
        refusing = [0]

        def say(heard: Heard) -> tuple[int, dict[str, str], bytes]:
            return (403, {}, b"{}") if refusing[0] and heard.method == "PATCH" else theirs(heard)

        async def look() -> tuple[int, list[tuple[str, set[str]]]]:
            """How many deliveries were made, and what the network was told."""
            other.heard.clear()
            number = await asyncio.to_thread(chore.round)
            calls = [one.json()["data"]["attributes"] for one in other.heard if one.method == "PATCH"]
            return number, [(one["operation"], set(one["identifiers"])) for one in calls]

        with outside(say) as other:
            assert await look() == (0, []), "nothing is connected"
            to = await connected(api, "network", *account_of("criteo", other))
            folder = await connected(api, "folder", {"path": "f"}, {})
            await sent(api, audience, to, shape="api")
            await sent(api, audience, folder)
            await exported(api, audience)
            assert await look() == (0, []), "all may be there"

            shop.say(50, 1, 0)
            await api.ask("POST", "/api/v1/suppressions", {"site": "shop", "user": "u2", "reason": "optout"})
            shop.come(9, 10, 11, 12, 13, 14)
            now[0] += MINUTE
            assert await look() == (1, [("remove", hashes(1, 2))]), "nobody new comes with them"
            assert await look() == (0, []), "once; and files wait for the next file"
            left = {one.network: one for one in api.catalog.deliveries.lines("shop", audience)}
            assert set(left) == {"criteo"}

            shop.say(51, 3, 0)
            refusing[0] = 1
            now[0] += MINUTE
            assert (await look())[0] == 1
            assert (await look())[0] == 0, "tried again, but not at once"
            refusing[0] = 0
            now[0] += 3 * MINUTE
            assert await look() == (1, [("remove", hashes(3))])

            plan = {"destination": to, "network": "criteo", "shape": "api", "every": "15m"}
            status, _ = await api.ask("POST", f"/api/v1/audiences/{other_one}/deliveries", plan)
            assert status == 201
            shop.come(*range(20, 130))
            await asyncio.to_thread(deliver_due, chore._withdrawals._desk)
            shop.say(52, 20, 0)
            now[0] += MINUTE
            assert await look() == (0, []), "a delivery every 15 minutes sees to it"
