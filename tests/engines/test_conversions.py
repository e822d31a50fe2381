"""Conversions over a real store and a real server: what is told, to whom it may be told, and each event once."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from api_client import Api, serve
from consent_reference import tc_string
from loading import T0, event
from outside import Heard, Outside, Say, outside
from test_destinations import connected
from test_network_exports import Shop, address
from test_network_sending import ACCOUNT, TOKEN

from tracker.api.exports import desk_of
from tracker.audiences.plans import deliver_due
from tracker.networks.conversions import CONVERSIONS
from tracker.store.engine import Engine

DAY = 86_400_000
NOW = int(time.time() * 1000)


def yes(heard: Heard) -> tuple[int, dict[str, str], bytes]:
    if "urlencoded" in heard.headers.get("content-type", ""):
        return 200, {}, json.dumps({"access_token": TOKEN}).encode()
    return 200, {}, json.dumps({"code": 0, "events_received": 1}).encode()


IDS = {
    "google_conversions": {"CUSTOMER_ID": "123"},
    "meta_conversions": {"PIXEL_ID": "456", "TEST_EVENT_CODE": "TEST1"},
    "tiktok_conversions": {"PIXEL_CODE": "CABC", "TEST_EVENT_CODE": "TEST1"},
    "linkedin_conversions": {"AD_ACCOUNT_ID": "789"},
}


async def told(api: Api, other: Outside, network: str = "meta_conversions", **more: Any) -> str:
    secrets = {"service_account_key": ACCOUNT} if network.startswith("google") else {"access_token": TOKEN}
    options = {"network": network, "ids": IDS[network], "base_url": other.url}
    destination = await connected(api, "network", options, secrets)
    name = "77" if CONVERSIONS[network].ids else "Purchase"
    body = {
        "site": "shop",
        "name": "Purchases",
        "destination": destination,
        "events": [{"event": "purchase", "send_as": name}],
        "start": "2020-01-01T00:00:00Z",
        "every": None,
        **more,
    }
    status, made = await api.ask("POST", "/api/v1/conversions", body)
    assert status == 201, made
    return str(made["id"])


async def run(api: Api, conversion: str, mode: str = "live") -> dict[str, Any]:
    status, started = await api.ask("POST", f"/api/v1/conversions/{conversion}/run", {"mode": mode})
    assert status == 202, started
    return await api.exported(started["id"])


def bought(n: int, who: int, at: int = NOW - 3_600_000, **more: Any) -> Any:
    fields = {"name": "purchase", "value": 10.0 + n, "currency": "EUR", "props": {"transaction_id": f"A-{n}"}, **more}
    return event(100_000 + n, ts=at, visitor=f"v{who}", user=f"u{who}", **fields)


def names(other: Outside) -> list[str]:
    """The event ids that Meta was told, in order."""
    posts = [one.json() for one in other.heard if one.method == "POST" and one.path.endswith("/events")]
    return [each["custom_data"]["order_id"] for post in posts for each in post["data"]]


@pytest.mark.parametrize("network", list(CONVERSIONS))
async def test_every_network_is_told_once(embedded: Engine, data: Path, network: str) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(1, 2)
        shop.load([bought(1, 1), bought(2, 2)])
        with outside(yes) as other:
            conversion = await told(api, other, network)
            [shown] = (await api.ask("GET", "/api/v1/conversions"))[1]["conversions"]
            status, checked = await api.ask("POST", f"/api/v1/destinations/{shown['destination']}/check")
            assert status == 200, checked
            other.heard.clear()
            done = await run(api, conversion)
            assert (done["state"], done["counts"]["written"], done["mode"]) == ("done", 2, "live"), done
            calls = [one for one in other.heard if "urlencoded" not in one.headers.get("content-type", "")]
            assert len(calls) == 1 and b"_ID}" not in calls[0].body and TOKEN.encode() not in calls[0].body
            for n in (1, 2):
                assert hashlib.sha256(address(n).encode()).hexdigest().encode() in calls[0].body
            other.heard.clear()
            again = await run(api, conversion)
            assert (again["state"], again["counts"]["written"], again["counts"]["unchanged"]) == ("done", 0, 2), again
            assert [one for one in other.heard if "urlencoded" not in one.headers.get("content-type", "")] == []
            shop.load([bought(3, 1)])
            assert (await run(api, conversion))["counts"]["written"] == 1
        await api.emptied()


async def test_only_what_may_be_told_is_told(engine: Engine, data: Path) -> None:
    async with serve(engine, data) as api:
        shop = Shop(data, engine)
        shop.come(*range(1, 6))
        shop.come(6, known=False)
        shop.load([
            event(90_001, visitor="v6", user="u6", url="https://shop.example/?fbclid=IwAR77", ts=NOW - 2 * DAY),
            event(90_002, visitor="v6", user="u6", url="https://shop.example/?fbclid=IwAR99", ts=NOW - 60_000),
            bought(1, 1),
            bought(2, 2),
            bought(3, 3),
            bought(4, 4, at=NOW - 8 * DAY),
            bought(5, 5, value=None),
            bought(6, 6),
            bought(7, 1, name="refund"),
            event(100_008, name="purchase", ts=NOW - 1000, visitor="v77", value=1.0, currency="EUR"),
            bought(9, 1, props={}, items=[{"item_id": "x", "item_name": "X", "price": 2.5, "quantity": 2.0}]),
        ])  # fmt: skip
        shop.say(50, 2, 0)
        await api.ask("POST", "/api/v1/suppressions", {"site": "shop", "user": "u3", "reason": "optout"})
        with outside(yes) as other:
            conversion = await told(api, other)
            done = await run(api, conversion)
        withheld = {reason: n for reason, n in done["counts"]["withheld"].items() if n}
        assert (done["state"], done["counts"]["written"]) == ("done", 3), done
        assert withheld == {"opted_out": 1, "suppressed": 1, "too_old": 1, "no_value": 1, "no_identifier": 1}
        [post] = [one.json() for one in other.heard]
        by_order = {one["custom_data"].get("order_id", ""): one for one in post["data"]}
        assert set(by_order) == {"A-1", "A-6", ""}
        assert by_order["A-6"]["user_data"]["fbc"] == f"fb.1.{NOW - 2 * DAY}.IwAR77"
        assert "em" not in by_order["A-6"]["user_data"]
        assert by_order["A-1"]["custom_data"] == {"value": 11.0, "currency": "EUR", "order_id": "A-1"}
        assert by_order[""]["custom_data"]["contents"] == [{"id": "x", "quantity": 2, "item_price": 2.5}]
        assert all(one["event_name"] == "Purchase" for one in post["data"])


async def test_a_tc_string_must_allow_measuring(embedded: Engine, data: Path) -> None:
    """Purposes 1, 3 and 4 let a person into an audience; what they did is told only with 7 as well (P-14)."""
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(1, 2)
        for n, purposes in ((1, [1, 3, 4]), (2, [1, 3, 4, 7])):
            text = tc_string(purposes, [], NOW)
            shop.load([
                event(7000 + n, type="consent", name="consent", visitor=f"v{n}", user=f"u{n}", ts=T0 + 9000,
                      analytics=1, ads=1, mode="M4", consent=hashlib.sha256(text.encode()).hexdigest()[:32],
                      consent_text=text),
                bought(n, n),
            ])  # fmt: skip
        with outside(yes) as other:
            done = await run(api, await told(api, other))
        assert (done["counts"]["written"], done["counts"]["withheld"]["no_measurement"]) == (1, 1), done
        assert names(other) == ["A-2"]


async def test_a_try_and_a_file_note_nothing(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(1)
        shop.load([bought(1, 1)])
        with outside(yes) as other:
            conversion = await told(api, other)
            dry = await run(api, conversion, "dry")
            assert (dry["state"], dry["counts"]["written"], other.heard) == ("done", 1, [])
            status, blob = await api.ask("GET", f"/api/v1/exports/{dry['id']}/file")
            assert status == 200 and json.loads(blob)["body"]["data"][0]["event_name"] == "Purchase"
            tried = await run(api, conversion, "test")
            assert (tried["state"], tried["counts"]["written"]) == ("done", 1)
            assert other.heard[0].json()["test_event_code"] == "TEST1"
            live = await run(api, conversion)
            assert (live["counts"]["written"], live["counts"]["unchanged"]) == (1, 0)
            assert "test_event_code" not in other.heard[1].json()
            linkedin = await told(api, other, "linkedin_conversions")
            status, refused = await api.ask("POST", f"/api/v1/conversions/{linkedin}/run", {"mode": "test"})
            assert (status, refused["error"]["field"]) == (400, "mode")


async def test_what_was_taken_before_a_failure_is_not_told_again(
    embedded: Engine, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONVERSIONS, "meta_conversions", dataclasses.replace(CONVERSIONS["meta_conversions"], batch=2))
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(1)
        shop.load([bought(n, 1, at=NOW - DAY + n) for n in range(1, 6)])
        with outside() as other:
            other.say = lambda heard: (500, {}, b"") if len(other.heard) >= 2 else yes(heard)
            conversion = await told(api, other)
            failed = await run(api, conversion)
            assert (failed["state"], failed["counts"]["written"]) == ("failed", 0), failed
            assert names(other)[:2] == ["A-1", "A-2"]
            other.heard.clear()
            other.say = yes
            done = await run(api, conversion)
            assert (done["counts"]["written"], done["counts"]["unchanged"]) == (3, 2)
            assert names(other) == ["A-3", "A-4", "A-5"]


async def test_a_plan_tells_what_is_new_and_ends_with_its_conversion(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(1)
        shop.load([bought(1, 1)])
        with outside(yes) as other:
            conversion = await told(api, other, every="1m")
            desk = desk_of(api.services)
            assert await asyncio.to_thread(deliver_due, desk) == 1
            shop.load([bought(2, 1)])
            assert await asyncio.to_thread(deliver_due, desk) == 0  # its turn has not come
            _, shown = await api.ask("GET", f"/api/v1/conversions/{conversion}")
            assert (shown["last"]["state"], shown["last"]["counts"]["written"], shown["failures"]) == ("done", 1, 0)
            status, shown = await api.ask("PUT", f"/api/v1/conversions/{conversion}", {"every": None})
            assert (status, shown["every"], api.catalog.plans.list()) == (200, None, [])
            status, refused = await api.ask("PUT", f"/api/v1/conversions/{conversion}", {"every": "5s"})
            assert (status, refused["error"]["field"]) == (400, "every")
            status, shown = await api.ask("PUT", f"/api/v1/conversions/{conversion}", {"every": "1h"})
            assert (status, shown["every"], len(api.catalog.plans.list())) == (200, "1h", 1)
            status, _ = await api.ask("DELETE", f"/api/v1/destinations/{shown['destination']}")
            assert status == 409
            assert (await api.ask("DELETE", f"/api/v1/conversions/{conversion}"))[0] == 200
            assert (await api.ask("GET", f"/api/v1/conversions/{conversion}"))[0] == 404
            assert api.catalog.plans.list() == []
            assert names(other) == ["A-1"]


def picky(network: str, order: str) -> Say:
    """Refuses whatever has this order's number in it, each network in its own words."""

    def say(heard: Heard) -> tuple[int, dict[str, str], bytes]:
        if heard.method != "POST" or order.encode() not in heard.body:
            if network == "linkedin_conversions" and heard.path.endswith("conversionEvents"):
                return 200, {}, json.dumps({"elements": [{"status": 201} for _ in heard.json()["elements"]]}).encode()
            return yes(heard)
        if network == "linkedin_conversions":
            statuses = [{"status": 400 if order in json.dumps(one) else 201} for one in heard.json()["elements"]]
            return 200, {}, json.dumps({"elements": statuses}).encode()
        if network == "google_conversions":
            at = next(n for n, one in enumerate(heard.json()["events"]) if one["transactionId"] == order)
            wrong = {"field": f"events.events[{at}].currency", "reason": "INVALID_CURRENCY_CODE", "description": order}
            return 400, {}, json.dumps({"error": {"code": 400, "details": [{"fieldViolations": [wrong]}]}}).encode()
        if network == "tiktok_conversions":
            return 200, {}, json.dumps({"code": 40002, "message": order}).encode()
        return 400, {}, json.dumps({"error": {"code": 100, "error_subcode": 2804050, "message": order}}).encode()

    return say


WHY = {
    "google_conversions": "the network refuses currency: INVALID_CURRENCY_CODE",
    "meta_conversions": "the network refuses: code 100, subcode 2804050",
    "tiktok_conversions": "the network refuses: code 40002",
    "linkedin_conversions": "the network answers 400 for it",
}


@pytest.mark.parametrize("network", list(CONVERSIONS))
async def test_one_event_that_is_refused_does_not_cost_the_others_anything(
    embedded: Engine, data: Path, network: str
) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(1)
        shop.load([bought(n, 1, at=NOW - DAY + n, message_id=f"m-{n}") for n in range(1, 8)])
        with outside(picky(network, "m-4" if network == "linkedin_conversions" else "A-4")) as other:
            conversion = await told(api, other, network)
            if CONVERSIONS[network].tests:
                tried = await run(api, conversion, "test")
                assert (tried["state"], tried["counts"]["refused_for"]) == ("done", {WHY[network]: 1}), tried
            done = await run(api, conversion)
            counts = done["counts"]
            assert (done["state"], counts["written"], counts["refused"]) == ("done", 7, 1), done
            assert counts["refused_for"] == {WHY[network]: 1} and "A-4" not in json.dumps(done)
            other.heard.clear()
            again = await run(api, conversion)
            assert (again["counts"]["written"], again["counts"]["unchanged"], len(other.heard)) == (0, 7, 0), again
            other.say = picky(network, "m-8" if network == "linkedin_conversions" else "A-8")
            shop.load([bought(8, 1, message_id="m-8")])
            alone = await run(api, conversion)  # nothing was taken: that may be a wrong setting, so it is tried again
            assert (alone["state"], alone["error"]["message"]) == ("failed", WHY[network]), alone
            shop.load([bought(9, 1, message_id="m-9")])
            both = await run(api, conversion)
            assert (both["state"], both["counts"]["written"], both["counts"]["refused"]) == ("done", 2, 1), both
