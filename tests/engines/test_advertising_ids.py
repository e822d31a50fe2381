"""UID2s on their way to The Trade Desk and OpenRTB: asked of a real operator, kept, asked again when due, and lost."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from api_client import Api, serve
from loading import T0, event
from outside import Heard, Outside, outside
from test_destinations import connected, sent
from test_network_exports import Shop, address, exported, made
from uid2_operator import DAY, UidOperator

from tracker.catalog import advertising_ids
from tracker.core.identifiers import email_forms, seal
from tracker.loader.erasing import Eraser
from tracker.store.engine import Engine

ADVERTISER = "secret-of-the-advertiser"


def hash_of(n: int) -> str:
    return base64.b64encode(hashlib.sha256(address(n).encode()).digest()).decode()


class Desk:
    """The Trade Desk's data server: takes what is signed, and says which lines failed."""

    def __init__(self) -> None:
        self.refuse = 0
        self.items: list[dict[str, Any]] = []
        self.heard: list[Heard] = []

    def __call__(self, heard: Heard) -> tuple[int, dict[str, str], bytes]:
        signed = base64.b64encode(hmac.digest(ADVERTISER.encode(), heard.body, "sha1")).decode()
        if heard.headers.get("ttdsignature") != signed or heard.path != "/data/advertiser":
            return 401, {}, b"{}"
        if self.refuse:
            return 403, {}, b"{}"
        self.heard.append(heard)
        self.items += heard.json()["Items"]
        return 200, {}, b'{"FailedLines": []}'

    def take(self) -> dict[str, int]:
        """UID2 -> minutes, of what came since."""
        found = {one["UID2"]: one["Data"][0]["TTLInMinutes"] for one in self.items}
        self.items.clear()
        return found


async def with_operator(api: Api, other: Outside, operator: UidOperator, twin: str = "uid2") -> str:
    options = {"network": twin, "ids": {"OPERATOR_URL": other.url}}
    return await connected(api, "network", options, operator.secrets)


async def with_desk(api: Api, other: Outside) -> str:
    options = {"network": "ttd_data", "ids": {"ADVERTISER_ID": "adv1"}, "base_url": other.url}
    return await connected(api, "network", options, {"advertiser_secret": ADVERTISER})


async def delivered(api: Api, audience: str, to: str) -> dict[str, Any]:
    done = await sent(api, audience, to, network="ttd_data", shape="api")
    assert done["state"] == "done", done
    return done


async def test_ids_are_asked_once_and_again_when_due_and_lost_with_an_opt_out(
    embedded: Engine,
    data: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(advertising_ids, "AT_ONCE", 4)  # so that there are several pieces
    operator, desk, now = UidOperator(), Desk(), [time.time_ns() // 1_000_000]
    async with serve(embedded, data, now_ms=lambda: now[0]) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 11))
        shop.say(50, 10, 0)
        operator.bad, operator.out = {hash_of(8)}, {hash_of(9)}
        audience = await made(api, duration="180d")
        with outside(operator) as theirs, outside(desk) as ttd:
            asked = await with_operator(api, theirs, operator)
            status, checked = await api.ask("POST", f"/api/v1/destinations/{asked}/check")
            assert (status, checked["ok"], len(operator.asked)) == (200, True, 1)
            operator.asked.clear()
            to = await with_desk(api, ttd)
            operator.busy = [503]
            first = await delivered(api, audience, to)
            assert (first["counts"]["written"], first["counts"]["withheld"]["no_identifier"]) == (7, 2)
            assert desk.take() == {operator.raw(hash_of(n)): 180 * 1_440 for n in range(1, 8)}
            assert asked_for(operator) == sorted(map(hash_of, range(1, 10))), "nobody is asked for who refused"
            assert "DataProviderId" not in desk.heard[0].json() and desk.heard[0].json()["AdvertiserId"] == "adv1"

            operator.asked.clear()
            shop.come(*range(11, 17))
            await delivered(api, audience, to)
            assert set(desk.take()) == {operator.raw(hash_of(n)) for n in range(11, 17)}
            assert asked_for(operator) == sorted(map(hash_of, range(11, 17)))

            operator.asked.clear()
            operator.out |= {hash_of(1)}
            now[0] += 13 * 3_600_000  # the opt-outs are asked for again
            third = await delivered(api, audience, to)
            assert desk.take() == {operator.raw(hash_of(1)): 0}, "a removal order, with the id that was delivered"
            assert third["counts"]["removed"] == 1
            assert {path for path, _ in operator.asked} == {"/v2/optout/status"}
            assert sum(len(body["advertising_ids"]) for _, body in operator.asked) == 13, "each once"
            await delivered(api, audience, to)
            assert desk.take() == {}, "who opted out is not brought back, nor taken back twice"

            operator.asked.clear()
            operator.salt, operator.clock = "b", 31 * DAY
            now[0] += 31 * DAY
            shop.say(60, 2, 0)
            last = await delivered(api, audience, to)
            after = desk.take()
            assert after[operator.raw(hash_of(2), "a")] == 0, "who withdraws goes by the id that was delivered"
            assert {one for one, minutes in after.items() if minutes} == {
                operator.raw(hash_of(n)) for n in (*range(3, 8), *range(11, 17))
            }, "ids that became others are delivered anew"
            assert hash_of(2) not in str(operator.asked)
            assert last["warnings"] == first["warnings"]
            shop.say(70, 3, 0)
            await delivered(api, audience, to)
            assert desk.take() == {operator.raw(hash_of(3), salt): 0 for salt in "ab"}, "both, as both may be there"
        assert (operator.problems, operator.most_at_once) == ([], 1)
        assert len({wire[:24] for wire in operator.wire}) == len(operator.wire), "no initialisation vector twice"
        with closing(sqlite3.connect(data / "catalog.sqlite")) as catalog:
            kept = catalog.execute("select * from advertising_ids").fetchall()
            assert len(kept) == 13, "nothing is kept of who refused: 2, 3, and 10, who was never asked for"
        out, err = capfd.readouterr()
        for text in (out, err, caplog.text, json.dumps(await all_of(api)), str(kept)):
            for secret in (operator.key, operator.secrets["client_secret"], hash_of(3), operator.raw(hash_of(3))):
                assert secret not in text


def asked_for(operator: UidOperator) -> list[str]:
    """What was mapped, each as often as it was."""
    assert {path for path, _ in operator.asked} == {"/v3/identity/map"}
    return sorted(one for _, body in operator.asked for one in body["email_hash"])


async def all_of(api: Api) -> Any:
    return [await api.ask("GET", "/api/v1/exports?site=shop"), await api.ask("GET", "/api/v1/destinations?site=shop")]


async def test_beside_another_id_one_is_left_out_where_it_may_not_be_used(embedded: Engine, data: Path) -> None:
    """OpenRTB also goes by the visitor: an opt-out takes the person back under the id, and brings them without it."""
    operator, now = UidOperator(), [time.time_ns() // 1_000_000]
    async with serve(embedded, data, now_ms=lambda: now[0]) as api:
        shop = Shop(data, embedded)
        named = [{"name": "openrtb", "vendor": 91}, {"name": "uid2", "vendor": 21}]
        assert (await api.ask("PUT", "/api/v1/sites/shop", {"privacy": {"networks": named}}))[0] == 200
        shop.come(*range(1, 5))
        for n, mode in ((1, "M4:21,91"), (2, "M4:91"), (3, "M4:21,91"), (4, "M4:21,91")):
            shop.load([event(6000 + n, visitor=f"v{n}", user=f"u{n}", ts=T0 + n, mode=mode, ads=1, analytics=1)])
        audience = await made(api, duration="180d")

        async def told() -> list[tuple[str, str, int]]:
            """(visitor, UID2, segments) of what an export says, in order."""
            done = await exported(api, audience, network="openrtb", shape="api")
            assert done["state"] == "done", done
            lines = (api.services.exports / done["files"][0]["name"]).read_text().splitlines()
            users = [one["user"] for line in lines for one in json.loads(line)["body"]]
            return [(one["buyeruid"], raw_of(one, "uidapi.com"), len(one["data"][0]["segment"])) for one in users]

        with outside(operator) as theirs:
            place = await with_operator(api, theirs, operator)
            ids = {n: operator.raw(hash_of(n)) for n in range(1, 5)}
            assert sorted(await told()) == [("v1", ids[1], 1), ("v2", "", 1), ("v3", ids[3], 1), ("v4", ids[4], 1)]
            assert hash_of(2) not in str(operator.asked), "who does not allow the operator is not asked for"
            operator.out = {hash_of(3)}
            now[0] += 13 * 3_600_000
            assert await told() == [("v3", ids[3], 0)]
            assert await told() == [("v3", "", 1)]
            assert await told() == []
            shop.load([event(6100, visitor="v4", user="u4", ts=T0 + 90, mode="M4:91", ads=0, analytics=1)])
            now[0] += 13 * 3_600_000
            assert await told() == [("v4", ids[4], 0)], "who allows the operator no more"
            assert await told() == [("v4", "", 1)]
            to_operator = {"network": "uid2", "shape": "api", "destination": place}
            status, refused = await api.ask("POST", f"/api/v1/audiences/{audience}/export", to_operator)
            assert (status, refused["error"]["field"]) == (400, "destination")
        _, kept = await api.ask("GET", "/api/v1/people/u1/export?site=shop")
        assert [one["forms"]["raw"] for one in kept["advertising_ids"]] == [ids[1]]
        assert len(ids_left(data)) == 1
        assert Eraser(embedded, api.catalog, data).run(api.catalog.erasures.ask("shop", [], ["u1"], "test"))
        assert ids_left(data) == []


async def test_euid_is_the_same_at_another_place(embedded: Engine, data: Path) -> None:
    operator = UidOperator()
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 7))
        audience = await made(api)
        with outside(operator) as theirs:
            await with_operator(api, theirs, operator, "euid")
            done = await exported(api, audience, network="openrtb", mode="full")
            users = [json.loads(one)["user"] for one in (api.services.exports / done["files"][0]["name"]).read_text().splitlines()]  # fmt: skip # noqa: E501
            assert {raw_of(one, "euid.eu") for one in users} == {operator.raw(hash_of(n)) for n in range(1, 7)}
            operator.busy = [500] * 20
            again = await exported(api, audience, network="ttd_data", mode="full")
            assert again["counts"]["written"] == 6, "what is known still holds"
            vault = seal(shop.keys, [email_forms(address(1))], bytes(12))
            fields = {"type": "identify", "name": "identify", "vault": vault}
            shop.load([event(8000, visitor="v8", user="u8"), event(8001, visitor="v8", user="u8", **fields)])
            operator.busy = []
            twice = await exported(api, audience, network="ttd_data", mode="full")
            assert twice["counts"]["written"] == 7, "two persons may have one address"
            operator.busy = [500] * 20
            shop.come(7)
            fewer = await exported(api, audience, network="ttd_data", mode="full")
            assert (fewer["counts"]["written"], fewer["counts"]["withheld"]["no_identifier"]) == (7, 1)
            assert "EUID operator could not be asked" in fewer["warnings"][0]


def raw_of(user: dict[str, Any], source: str) -> str:
    return next((one["uids"][0]["id"] for one in user["eids"] if one["source"] == source), "")


def ids_left(data: Path) -> list[Any]:
    with closing(sqlite3.connect(data / "catalog.sqlite")) as catalog:
        return catalog.execute("select * from advertising_ids where state = 'mapped'").fetchall()
