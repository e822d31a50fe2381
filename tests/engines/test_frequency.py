"""How often a person may be contacted, over all audiences and channels, and which audience wins."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from api_client import Api, serve
from loading import event
from small_history import put_members
from test_network_exports import Shop, exported
from test_outreach import AGREED, agrees, listed

from tracker.catalog import Catalog
from tracker.catalog.contacts import Contact, Frequency
from tracker.core.identity import user_key
from tracker.store.engine import Engine

DAY = 86_400_000
PATH = "/api/v1/sites/shop/frequency"


async def audience(api: Api, name: str, event_name: str = "click") -> str:
    body = {"site": "shop", "name": name, "rule": {"did": {"event": event_name}}}
    return str((await api.ask("POST", "/api/v1/audiences", body))[1]["id"])


async def capped(api: Api, which: str, **more: Any) -> tuple[int, int]:
    """(written, capped)."""
    done = await exported(api, which, **{"network": "csv", "mode": "full", **more})
    assert done["state"] == "done", done
    return done["counts"]["written"], done["counts"]["withheld"].get("capped", 0)


async def test_a_cap_counts_audiences_and_channels(engine: Engine, data: Path) -> None:
    now = [int(time.time() * 1000)]
    async with serve(engine, data, now_ms=lambda: now[0]) as api:
        shop = Shop(data, engine)
        shop.come(1, 2, 3)
        shop.load([event(90_000 + n, name="buy", visitor=f"v{n}", user=f"u{n}") for n in (2, 3)])
        shop.load([event(91_000, name="buy", visitor="v4", user="u4"), agrees(1, 1), agrees(4, 4)])
        clicks, buys = await audience(api, "clicks"), await audience(api, "buys", "buy")
        assert await capped(api, buys) == (3, 0)  # without a cap nothing is counted
        status, shown = await api.ask("PUT", PATH, {"most": 1, "days": 7})
        assert (status, shown) == (200, {"most": 1, "days": 7, "priority": []})
        assert await capped(api, clicks) == (3, 0)
        assert await capped(api, clicks) == (3, 0)  # said again, it is the same contact
        assert await capped(api, buys) == (3, 0)  # those who are there already stay
        new = await audience(api, "buys again", "buy")
        assert await capped(api, new) == (1, 2)
        listed_, rows = await listed(api, await audience(api, "all"), "calls", permission=AGREED)
        assert (rows, listed_["counts"]["withheld"]["capped"]) == ([], 1)
        now[0] += 8 * DAY
        assert await capped(api, new) == (3, 0)
        assert (await api.ask("PUT", PATH, {"most": 0}))[1]["most"] == 0
        assert await capped(api, await audience(api, "third", "buy")) == (3, 0)
        status, refused = await api.ask("PUT", PATH, {"most": 1, "priority": ["aud_none"]})
        assert (status, refused["error"]["field"]) == (400, "priority[0]")


async def test_the_audience_that_comes_first_has_its_contact_kept(engine: Engine, data: Path) -> None:
    async with serve(engine, data) as api:
        shop = Shop(data, engine)
        shop.come(1, 2, 3)
        first, second = await audience(api, "first", "buy"), await audience(api, "second")
        put_members(engine, "shop", {first: [user_key("u1")]})
        await api.ask("PUT", PATH, {"most": 1, "days": 7, "priority": [first, second]})
        assert await capped(api, second, network="jsonl") == (3, 0)  # nothing is kept for what nobody delivers
        api.catalog.contacts.set_frequency("shop", None)
        await api.ask("PUT", PATH, {"most": 1, "days": 7, "priority": [first, second]})
        folder = {"site": "shop", "name": "f", "kind": "folder", "options": {"path": "f"}, "secrets": {}}
        where = (await api.ask("POST", "/api/v1/destinations", folder))[1]["id"]
        plan = {"destination": where, "network": "csv", "every": "1d"}
        assert (await api.ask("POST", f"/api/v1/audiences/{first}/deliveries", plan))[0] == 201
        assert await capped(api, second) == (2, 1)
        shop.load([event(95_000, name="buy", visitor="v1", user="u1")])
        assert await capped(api, first, destination=where) == (1, 0)


def test_a_cap_is_exact_under_many_hands(data: Path) -> None:
    url, people = f"sqlite:///{data}/catalog.sqlite", list(range(1, 101))
    with Catalog(url, data / "sites.json") as catalog:
        catalog.sites.create("shop")
        allowed: list[set[int]] = []

        def hand(n: int) -> None:
            with Catalog(url, data / "sites.json") as own:
                contact = Contact(site="shop", audience=f"aud_{n}", channel="csv", export=f"e{n}", at=1_000 * DAY)
                allowed.append(own.contacts.claim(contact, Frequency(2, 7), people, {1: [500]}, {2: 1}))

        hands = [threading.Thread(target=hand, args=(n,)) for n in range(5)]
        for one in hands:
            one.start()
        for one in hands:
            one.join()
        times = {person: sum(person in some for some in allowed) for person in people}
        assert {person for person, n in times.items() if n != 2} == {2}
        assert times[2] == 1  # one of its two is kept for another
        contact = Contact(site="shop", audience="aud_9", channel="csv", export="e9", at=1_000 * DAY)
        assert catalog.contacts.claim(contact, Frequency(2, 7), [777], {777: [1]}, {}) == set()  # who was 1 before
        catalog.contacts.undo("e0")
        assert len(catalog.contacts.claim(contact, Frequency(2, 7), people, {}, {})) >= 1
