"""Lists for people over a real store: whom they hold, in which order, with what; coupons under many hands."""

from __future__ import annotations

import asyncio
import csv
import dataclasses
import io
import os
import threading
import time
from pathlib import Path
from typing import Any

from api_client import Api, serve
from loading import event
from outside import outside
from test_destinations import SECRET, connected
from test_network_exports import Shop, made

from tracker.api.exports import desk_of
from tracker.audiences.outreach.lists import LISTS, safe
from tracker.audiences.plans import deliver_due
from tracker.catalog import Catalog
from tracker.core.identifiers import Identifier, seal_message
from tracker.core.identity import user_key
from tracker.loader.erasing import Eraser
from tracker.networks import Terms
from tracker.outbound.signing import verify
from tracker.store.engine import Engine

HOUR = 3_600_000
DAY = 24 * HOUR
NOW = int(time.time() * 1000)
AGREED = {"property": {"property": "traits.newsletter", "op": "eq", "value": True}}


def did(n: int, who: int, name: str, ago: int, **more: Any) -> Any:
    return event(50_000 + n, name=name, ts=NOW - ago, visitor=f"v{who}", user=f"u{who}", **more)


def agrees(n: int, who: int) -> Any:
    return did(n, who, "identify", DAY, type="identify", traits={"newsletter": True})


def message(shop: Shop, who: int, **said: str) -> str:
    fields = {"form": "callback", "text": "", "email": "", "at": str(NOW - HOUR), "marked": "", **said}
    return seal_message(shop.keys, Identifier("message", fields), os.urandom(12))


async def listed(api: Api, audience: str, name: str, **more: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
    status, started = await api.ask("POST", f"/api/v1/audiences/{audience}/outreach", {"list": name, **more})
    assert status == 202, started
    done = await api.exported(started["id"])
    assert done["state"] == "done", done
    if more.get("destination"):
        return done, []
    status, blob = await api.ask("GET", f"/api/v1/exports/{done['id']}/file")
    assert status == 200
    return done, list(csv.DictReader(io.StringIO(blob.decode())))


async def test_who_asked_is_called_first_and_nobody_else(engine: Engine, data: Path) -> None:
    async with serve(engine, data) as api:
        shop = Shop(data, engine)
        shop.come(*range(1, 6))
        audience = await made(api)
        slot = {"slot": "evening", "date": "2026-12-01", "timezone": "Europe/Berlin"}
        shop.load([
            did(1, 1, "callback_requested", 2 * HOUR, props=slot,
                vault=message(shop, 1, phone="+4930901820", email="=a@b.example")),
            did(2, 2, "callback_requested", 3 * HOUR, vault=message(shop, 2, phone="+4930901821")),
            did(3, 2, "begin_checkout", HOUR, value=500.0, currency="EUR"),
            did(4, 3, "begin_checkout", HOUR, value=900.0, currency="EUR"),
            did(5, 4, "callback_requested", HOUR),
            did(6, 5, "callback_requested", 40 * DAY),
        ])  # fmt: skip
        shop.say(60, 4, 0)
        done, rows = await listed(api, audience, "calls")
        assert [row["user"] for row in rows] == ["u2", "u1"]
        assert [row["rank"] for row in rows] == ["1", "2"]
        assert float(rows[0]["score"]) > float(rows[1]["score"]) > 0
        assert rows[0]["value"] == "500.00 EUR"
        assert rows[1]["reason"].startswith("asked for a call on ")
        assert rows[1]["best_time"] == "as asked: 2026-12-01 evening Europe/Berlin"
        assert rows[1]["phone"] == "+4930901820"
        assert rows[1]["email"] == "'=a@b.example"
        assert rows[1]["contact"] == "given in a form"
        held = done["counts"]["withheld"]
        assert (held["opted_out"], held["no_permission"], done["counts"]["written"]) == (1, 2, 2)


async def test_a_list_says_why_and_when_and_where_the_number_is(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(1, 2)
        audience = await made(api)
        monday = (NOW // DAY - (NOW // DAY + 3) % 7) * DAY - 7 * DAY  # 1970-01-01 was a Thursday
        rows = [
            event(70_000 + n, name="page_view", ts=monday + 18 * HOUR + n, visitor="v1", user="u1") for n in range(9)
        ]
        shop.load([
            *rows, agrees(1, 1), agrees(2, 2),
            did(3, 1, "view_item", HOUR, items=[{"item_id": "1", "item_name": "=cmd()", "price": 1.0}]),
            did(4, 2, "add_to_cart", 2 * HOUR, value=20.0, currency="EUR"),
            did(5, 2, "purchase", HOUR, value=25.0, currency="EUR"),
        ])  # fmt: skip
        _, found = await listed(api, audience, "calls", permission=AGREED)
        by = {row["user"]: row for row in found}
        assert by["u1"]["best_time"] == "18:00-19:00, mostly Monday (UTC)"
        assert by["u1"]["reason"] == "looked at products 1 times in 7 days, last =cmd()"
        assert by["u1"]["contact"] == "in your CRM, by user"
        assert by["u1"]["phone"] == ""
        assert by["u2"]["reason"].startswith("bought 1 times")  # a cart that was bought is no reason
        assert by["u2"]["value"] == "25.00 EUR"


async def test_a_coupon_is_one_person_s_for_ever(engine: Engine, data: Path) -> None:
    async with serve(engine, data) as api:
        shop = Shop(data, engine)
        shop.come(*range(1, 6))
        audience = await made(api)
        shop.load([agrees(n, n) for n in range(1, 6)])
        body = {"site": "shop", "pool": "spring", "codes": ["A1", "A2", "A3", "A2"]}
        assert (await api.ask("POST", "/api/v1/coupons", body))[1] == {"pool": "spring", "added": 3}
        assert (await api.ask("POST", "/api/v1/coupons", body))[1]["added"] == 0
        wanted = {"permission": AGREED, "coupons": "spring"}
        first, rows = await listed(api, audience, "winback", **wanted)
        assert (first["counts"]["written"], first["counts"]["withheld"]["no_coupon"]) == (3, 2)
        given = {row["user"]: row["coupon"] for row in rows}
        assert sorted(given.values()) == ["A1", "A2", "A3"]
        await api.ask("POST", "/api/v1/coupons", {"site": "shop", "pool": "spring", "codes": ["A4"]})
        _, rows = await listed(api, audience, "winback", **wanted)
        again = {row["user"]: row["coupon"] for row in rows}
        assert given.items() <= again.items()
        assert sorted(again.values()) == ["A1", "A2", "A3", "A4"]
        [pool] = (await api.ask("GET", "/api/v1/coupons?site=shop"))[1]["pools"]
        assert pool == {"pool": "spring", "codes": 4, "given": 4, "free": 0}
        new, rows = await listed(api, audience, "winback", **wanted, mode="new")
        assert (rows, new["counts"]["unchanged"], new["counts"]["withheld"]["no_coupon"]) == ([], 4, 1)
        # two visitors turn out to be one person: the code that was given first stays theirs, neither is given again
        one, other, *_ = again
        shop.load([event(80_000, type="alias", name="alias", user=one, previous=other)])
        _, rows = await listed(api, audience, "winback", **wanted)
        left = [row["coupon"] for row in rows]
        assert len(left) == len(set(left)) == 3 and set(left) <= set(again.values())


def test_coupons_are_exact_under_many_hands(data: Path) -> None:
    url, people = f"sqlite:///{data}/catalog.sqlite", list(range(1, 61))
    with Catalog(url, data / "sites.json") as catalog:
        catalog.sites.create("shop")
        catalog.coupons.add("shop", "p", [f"C{n}" for n in range(50)])
        found: list[dict[int, str]] = []

        def hand(start: int) -> None:
            with Catalog(url, data / "sites.json") as own:
                for turn in range(3):
                    mine = people[start + turn :: 4]
                    found.append(own.coupons.give("shop", "p", mine, {}, f"e{start}"))

        hands = [threading.Thread(target=hand, args=(start,)) for start in range(4)]
        for one in hands:
            one.start()
        for one in hands:
            one.join()
        whose: dict[int, set[str]] = {}
        for some in found:
            for person, code in some.items():
                whose.setdefault(person, set()).add(code)
        assert all(len(codes) == 1 for codes in whose.values())
        codes = [code for (code,) in whose.values()]
        assert len(codes) == len(set(codes)) == 50
        assert catalog.coupons.pools("shop") == [{"pool": "p", "codes": 50, "given": 50, "free": 0}]
        catalog.contacts.erase("shop", [next(iter(whose))])  # whoever is erased: nobody gets the code again
        assert catalog.coupons.give("shop", "p", [999], {}, "e") == {}


async def test_a_crm_gets_its_columns_by_webhook(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(1)
        audience = await made(api)
        shop.load([agrees(1, 1), did(2, 1, "begin_checkout", HOUR, value=5.0, currency="EUR")])
        heads = {
            "hubspot": "Email,Phone Number,External ID,Retargeting Score,Retargeting Note",
            "salesforce": "Last Name,Company,Email,Phone,Lead Source,Rating,Description,External ID",
            "bitrix24": "Lead Name,Work Phone,Work E-mail,Source,Opportunity,Currency,Comment,External ID",
        }
        for name, head in heads.items():
            _, [row] = await listed(api, audience, name, permission=AGREED)
            assert ",".join(row) == head
            assert row["External ID"] == "u1"
        assert row["Opportunity"] == "5.00"
        with outside() as hook:
            where = await connected(api, "webhook", {"url": hook.url}, {"secret": SECRET})
            done, _ = await listed(api, audience, "salesforce", permission=AGREED, destination=where)
            assert (done["counts"]["written"], done["destination"]) == (1, where)
            file, manifest = hook.heard
            assert verify(SECRET, file.body, file.headers["tracker-signature"], int(time.time()))
            assert b"Hot" in file.body and manifest.headers["tracker-event"] == "delivery.complete"
        assert not list((data / "exports").glob(f"*{done['id']}*"))
        mail = await connected(api, "network", {"network": "meta", "ids": {"AUDIENCE_ID": "1"}}, {"access_token": "t"})
        for body, field in (
            ({"list": "winback", "permission": AGREED, "coupons": "none"}, "coupons"),
            ({"list": "hubspot"}, "permission"),
            ({"list": "calls", "permission": {"did": {}}}, "permission.did.event"),
            ({"list": "calls", "destination": mail}, "destination"),
        ):
            status, refused = await api.ask("POST", f"/api/v1/audiences/{audience}/outreach", body)
            assert status == 400 and refused["error"]["field"].startswith(field), refused


def test_the_columns_in_the_docs_are_those_of_the_lists() -> None:
    page = (Path(__file__).parents[2] / "docs" / "outreach.md").read_text()
    for one in LISTS.values():
        assert f"| `{one.name}` | {', '.join(one.cells)} |" in page


async def test_an_erased_person_is_in_no_file_and_orders_no_removal(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.loader._eraser = Eraser(embedded, shop.catalog, data)
        shop.come(1, 2)
        audience = await made(api)
        shop.load([agrees(1, 1), agrees(2, 2)])
        await api.ask("POST", "/api/v1/coupons", {"site": "shop", "pool": "p", "codes": ["A", "B", "C"]})
        wanted = {"permission": AGREED, "coupons": "p"}
        done, rows = await listed(api, audience, "winback", **wanted)
        assert len(rows) == 2
        status, _ = await api.ask("DELETE", "/api/v1/people/u1?site=shop")
        assert status in (200, 202)
        assert shop.loader.erase_due() == 1
        assert shop.catalog.erasures.waiting() == []
        assert not list((data / "exports").glob(f"*{done['id']}*"))
        assert shop.catalog.erasures.removals(site="shop") == []
        _, rows = await listed(api, audience, "winback", **wanted)
        assert [row["user"] for row in rows] == ["u2"]
        assert shop.catalog.coupons.holders("shop", "p") == [user_key("u2")]
        [pool] = shop.catalog.coupons.pools("shop")
        assert (pool["given"], pool["free"]) == (2, 1)


def test_no_cell_is_a_formula_and_a_number_stays_one() -> None:
    for bad in ("=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r\n=1", "+49 30 90"):
        assert safe(bad).startswith("'"), bad
    assert safe("+4930901820") == "+4930901820"
    assert safe("a\nb\x00c") == "a b c"
    for one in LISTS.values():
        assert one.network.head(Terms(days=1, now_ms=0, audience="a", site="shop")).decode().rstrip().split(
            ","
        ) == list(one.cells)


async def test_a_list_by_plan_goes_out_in_its_turn_to_whom_it_did_not_hold_yet(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(1, 2, 3)
        audience = await made(api)
        shop.load([agrees(1, 1), agrees(2, 2)])
        folder = await connected(api, "folder", {"path": "calls"}, {})
        body = {"list": "calls", "permission": AGREED, "limit": 10, "destination": folder, "every": "1h"}
        path = f"/api/v1/audiences/{audience}/outreach/plans"
        for wrong, field in (({"destination": "download"}, "destination"), ({"every": "5s"}, "every"),
                             ({"list": "hubspot", "permission": None}, "permission")):  # fmt: skip
            status, refused = await api.ask("POST", path, body | wrong)
            assert (status, refused["error"]["field"]) == (400, field), refused
        status, plan = await api.ask("POST", path, body)
        assert (status, plan["network"], plan["mode"], plan["every"]) == (201, "list.calls", "new", "1h")
        desk = desk_of(api.services)
        assert await asyncio.to_thread(deliver_due, desk) == 1
        assert await asyncio.to_thread(deliver_due, desk) == 0  # its turn has not come
        shop.load([agrees(3, 3)])
        later = dataclasses.replace(desk, now_ms=lambda: int(time.time() * 1000) + 2 * HOUR)
        assert await asyncio.to_thread(deliver_due, later) == 1
        _, found = await api.ask("GET", f"/api/v1/audiences/{audience}/deliveries")
        [shown] = found["deliveries"]
        counts = shown["last"]["counts"]
        assert (shown["last"]["state"], counts["written"], counts["unchanged"], shown["failures"]) == ("done", 1, 2, 0)
        files = (api.services.senders.folder / "calls").glob("*.csv")
        users = [row["user"] for one in files for row in csv.DictReader(io.StringIO(one.read_text()))]
        assert sorted(users) == ["u1", "u2", "u3"]
        assert (await api.ask("DELETE", f"/api/v1/audiences/{audience}"))[0] == 200
        assert api.catalog.plans.list() == []
