"""Exports that go by the ids of a partner: of each person the newest match that still counts, and of nobody else."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from api_client import Api, serve
from loading import T0, event
from outside import outside
from test_destinations import connected, sent
from test_network_exports import Shop, exported, hashes, made
from test_network_sending import SECRETS, theirs

from tracker.store.engine import Engine

DAY = 86_400_000


def match(n: int, visitor: str, uid: str, at: int, partner: str = "dsp") -> Any:
    props = {"partner": partner, "partner_uid": uid}
    return event(n, visitor=visitor, type="track", name="id_match", ts=at, props=props)


def shop_with_matches(data: Path, engine: Engine) -> Shop:
    shop = Shop(data, engine)
    shop.come(*range(1, 8))
    shop.load(
        [
            match(7001, "v1", "old-1", T0 - 2 * DAY),
            match(7002, "v1", "dsp-1", T0 - DAY),
            match(7003, "v2", "dsp-2", T0 - DAY),
            match(7004, "v2", "", T0),  # ended
            match(7005, "v3", "dsp-3", T0 - 31 * DAY),  # counts no more
            match(7006, "v4", "another", T0, partner="other"),
            match(7007, "v5", "dsp-5", T0),
        ]
    )
    return shop


async def named(api: Api, *networks: str, partner: str = "dsp") -> int:
    gate = {"partners": [{"name": partner, "vendor": 91, "days": 30, "exports": list(networks)}, {"name": "other"}]}
    return (await api.ask("PUT", "/api/v1/sites/shop", {"gate": gate}))[0]


async def test_an_export_carries_the_ids_of_its_partner(engine: Engine, data: Path) -> None:
    async with serve(engine, data) as api:
        shop = shop_with_matches(data, engine)
        audience = await made(api)

        async def ids(network: str) -> list[str]:
            done = await exported(api, audience, network=network, mode="full")
            rows = csv.DictReader((api.services.exports / done["files"][0]["name"]).read_text().splitlines())
            return sorted(one["partner_uid"] for one in rows)

        assert await ids("csv") == [""] * 7, "nobody said whose"
        assert await named(api, "google") == 400
        assert await named(api, "csv", "ttd_data") == 200
        assert await ids("csv") == [""] * 5 + ["dsp-1", "dsp-5"]
        done = await exported(api, audience, network="ttd_data", mode="full", shape="api")
        assert (done["counts"]["written"], done["counts"]["withheld"]["no_identifier"]) == (2, 5)
        [request] = (api.services.exports / done["files"][0]["name"]).read_text().splitlines()
        assert {one["TDID"] for one in json.loads(request)["body"]["Items"]} == {"dsp-1", "dsp-5"}
        shop.say(90, 5, 0)
        gone = await exported(api, audience, network="ttd_data", shape="api")
        [request] = (api.services.exports / gone["files"][0]["name"]).read_text().splitlines()
        [item] = json.loads(request)["body"]["Items"]
        assert (item["TDID"], item["Data"][0]["TTLInMinutes"]) == ("dsp-5", 0)


async def test_criteo_is_told_under_which_account_its_ids_were_matched(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop_with_matches(data, embedded)
        assert await named(api, "criteo") == 200
        audience = await made(api)
        with outside(theirs) as other:
            secrets = {name: SECRETS[name] for name in ("client_id", "client_secret")}
            for ids, kinds in (({}, {"email"}), ({"GUM_CALLER_ID": "77"}, {"email", "gum"})):
                options = {"network": "criteo", "ids": {"SEGMENT_ID": "1", **ids}, "base_url": other.url}
                to = await connected(api, "network", options, secrets)
                other.heard.clear()
                done = await sent(api, audience, to, shape="api")
                told = [one.json()["data"]["attributes"] for one in other.heard if one.method == "PATCH"]
                assert {one["identifierType"] for one in told} == kinds
                assert ("GUM_CALLER_ID is not set: what is for it was left out" in done["warnings"]) == (not ids)
                found = {one["identifierType"]: (one.get("gumCallerId"), set(one["identifiers"])) for one in told}
                assert found["email"] == (None, hashes(*range(1, 8)))
                assert found.get("gum") in (None, ("77", {"dsp-1", "dsp-5"}))


async def test_openrtb_names_the_buyers_own_id(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop_with_matches(data, embedded)
        assert await named(api, "openrtb") == 200
        done = await exported(api, await made(api), network="openrtb", mode="full")
        lines = (api.services.exports / done["files"][0]["name"]).read_text().splitlines()
        users = {one["user"]["eids"][0]["uids"][0]["id"]: one["user"]["buyeruid"] for one in map(json.loads, lines)}
        assert {json.loads(one)["user"]["eids"][0]["source"] for one in lines} == {"shop"}, "it has no domain"
        assert (await api.ask("PUT", "/api/v1/sites/shop", {"domains": ["shop.example"]}))[0] == 200
        named_so = await exported(api, await made(api), network="openrtb", mode="full")
        text = (api.services.exports / named_so["files"][0]["name"]).read_text()
        assert json.loads(text.splitlines()[0])["user"]["data"][0]["name"] == "shop.example"
        assert users == {"v1": "dsp-1", "v2": "v2", "v3": "v3", "v4": "v4", "v5": "dsp-5", "v6": "v6", "v7": "v7"}
