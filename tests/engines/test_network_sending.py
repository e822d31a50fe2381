"""Networks' own APIs: what a real server of theirs would be sent, and what its answers do."""

from __future__ import annotations

import base64
import dataclasses
import json
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from api_client import serve
from cryptography.hazmat.primitives import hashes as algorithms
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from dry_runs import dry, filled, heard_of, same
from outside import Heard, Outside, outside
from test_destinations import connected, sent
from test_network_exports import Shop, hashes, made

from tracker.audiences.delivery.tokens import oauth1
from tracker.catalog.deliveries import Line
from tracker.networks import NETWORKS
from tracker.networks.accounts import ACCOUNTS
from tracker.store.engine import Engine

TOKEN = "token-that-nobody-sees"
SECRETS = {
    **{"access_token": TOKEN, "developer_token": "dev", "ttd_auth": "ttd", "client_id": "cid"},
    **{"client_secret": "secret-of-client", "refresh_token": "refresh"},
    **{"consumer_key": "ck", "consumer_secret": "cs", "token": "t", "token_secret": "ts"},
}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
ACCOUNT = json.dumps({"client_email": "robot@project.example", "private_key": PEM})
PLAIN = {"openrtb", "csv", "jsonl", "parquet"}


def theirs(heard: Heard) -> tuple[int, dict[str, str], bytes]:
    """A network that says yes to everything, each in its own words."""
    if heard.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return 200, {}, json.dumps({"access_token": TOKEN}).encode()
    answer: dict[str, Any] = {}
    if "segment/mapping" in heard.path:
        answer = {"code": 0}
    elif "/crmdata/segment/" in heard.path:
        answer = {"ReferenceId": "1", "Url": f"http://{heard.headers['host']}/drop/1"}
    return 200, {}, json.dumps(answer).encode()


def account_of(name: str, other: Outside) -> tuple[dict[str, Any], dict[str, str]]:
    """Options and secrets of an account there."""
    account = ACCOUNTS[name]
    ids = {one: other.url + "/in" if one == "URL" else f"{n}23" for n, one in enumerate(account.ids, 1)}
    secrets = {one: SECRETS.get(one, "") for one in account.secrets[0]}
    if "service_account_key" in secrets:
        secrets = {"service_account_key": ACCOUNT}
    options = {"network": name, "ids": ids}
    return options if name in PLAIN else {**options, "base_url": other.url}, secrets


def texts(value: Any) -> set[str]:
    """Every text in it."""
    if isinstance(value, dict):
        return {one for key in value for one in texts(value[key])}
    if isinstance(value, list):
        return {one for item in value for one in texts(item)}
    return set(str(value).replace(",", "\n").split("\n"))


@pytest.mark.parametrize(
    "name", [name for name, one in ACCOUNTS.items() if one.auth != "operator" and name != "ttd_data"]
)
async def test_every_network_is_told_whom_to_add_and_whom_to_remove(embedded: Engine, data: Path, name: str) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 9))
        audience = await made(api)
        with outside(theirs) as other:
            destination = await connected(api, "network", *account_of(name, other))
            status, checked = await api.ask("POST", f"/api/v1/destinations/{destination}/check")
            assert status == 200 and checked["ok"], checked
            other.heard.clear()
            ids, line = account_of(name, other)[0]["ids"], Line("shop", audience, name, destination)
            for take_back in (False, True):
                if take_back:
                    shop.say(50, 1, 0)
                already, ledger = len(other.heard), api.catalog.deliveries.now(line)
                tried, said = await dry(api, audience, destination, network=name)
                assert (len(other.heard), api.catalog.deliveries.now(line)) == (already, ledger), "nothing is sent"
                done = await sent(api, audience, destination, network=name, shape="api")
                assert (done["state"], done["counts"]) == ("done", tried["counts"]), done
                assert take_back or done["counts"]["written"] == 8
                same(
                    filled(said, {"LOGIN_CUSTOMER_ID": ids.get("CUSTOMER_ID", ""), **ids}),
                    heard_of(other.heard[already:]),
                )
        calls = [one for one in other.heard if "urlencoded" not in one.headers.get("content-type", "")]
        assert calls
        lines: list[list[str]] = []
        for one in calls:
            assert "{" not in one.path and "%7B" not in one.path
            assert b"_ID}" not in one.body and TOKEN.encode() not in one.body
            if name == "x":
                assert one.headers["authorization"].startswith("OAuth ")
            elif name == "tiktok":
                assert one.headers["access-token"] == TOKEN
            elif name == "ttd":
                assert one.headers.get("ttd-auth") == (None if one.method == "PUT" else "ttd")
            elif name == "yandex":
                assert one.headers["authorization"] == f"OAuth {TOKEN}"
                assert one.path == "/v1/management/segment/123/modify_data"
                assert one.query == {"modification_type": "replace", "check_size": "false"}
                form = message_from_bytes(b"Content-Type: " + one.headers["content-type"].encode() + b"\n\n" + one.body)
                [file] = form.get_payload()
                assert (file.get_param("name", header="content-disposition"), file.get_filename()) == (
                    "file", "file.csv",
                )  # fmt: skip
                lines.append(file.get_payload(decode=True).decode().splitlines())
            elif name not in PLAIN:
                assert one.headers["authorization"] == f"Bearer {TOKEN}"
        if name == "yandex":  # each file is the whole list
            assert [one[0] for one in lines] == ["phone,email,ext_id"] * 2
            assert [{line.split(",")[1] for line in one[1:]} for one in lines] == [
                hashes(*range(1, 9)),
                hashes(*range(2, 9)),
            ]
            return
        if name in PLAIN or name in ("ttd", "reddit", "dv360", "google"):
            return
        said = [texts(one.json()) for one in calls]
        known = {one: n for n in range(1, 9) for one in hashes(n)}
        found = [{known[one] for one in text if one in known} for text in said]
        assert set().union(*found[:-1]) == set(range(1, 9))
        if name != "amazon":  # whose removal names our own id
            assert found[-1] == {1}


async def test_what_was_taken_before_a_failure_is_not_said_again(
    embedded: Engine, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NETWORKS, "criteo", dataclasses.replace(NETWORKS["criteo"], batch=3))
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 11))
        audience = await made(api)

        def third_fails(heard: Heard) -> tuple[int, dict[str, str], bytes]:
            patches = [one for one in other.heard if one.method == "PATCH"]
            return (400, {}, b"{}") if len(patches) == 3 and heard.method == "PATCH" else theirs(heard)

        with outside() as other:
            other.say = third_fails
            destination = await connected(api, "network", *account_of("criteo", other))
            failed = await sent(api, audience, destination, shape="api")
            assert (failed["state"], failed["error"]["code"], failed["counts"]["written"]) == (
                "failed", "network_refused", 0
            )  # fmt: skip
            line = Line("shop", audience, "criteo", destination)
            _, people = api.catalog.deliveries.now(line)
            assert sorted(at > 0 for at in people.values()) == [False] * 4 + [True] * 6
            first = [one.json()["data"]["attributes"]["identifiers"] for one in other.heard if one.method == "PATCH"]
            other.heard.clear()
            other.say = theirs
            done = await sent(api, audience, destination, shape="api")
            assert (done["state"], done["counts"]["written"], done["counts"]["unchanged"]) == ("done", 4, 6)
            then = [one.json()["data"]["attributes"]["identifiers"] for one in other.heard if one.method == "PATCH"]
            assert {one for some in (*first[:2], *then) for one in some} == hashes(*range(1, 11))
            assert not {one for some in first[:2] for one in some} & {one for some in then for one in some}


ANSWERS = [
    ("meta", 200, {"num_received": 8, "num_invalid_entries": 2}, "done", 2),
    ("meta", 400, {"error": {"code": 190}}, "network_refused", 0),
    ("meta", 400, {"error": {"code": 80003}}, "network_busy", 0),
    ("meta", 400, {"error": {"code": 100, "error_subcode": 1713230}}, "network_refused", 0),
    ("tiktok", 200, {"code": 40100}, "network_busy", 0),
    ("tiktok", 200, {"code": 40002}, "network_refused", 0),
    ("linkedin", 200, {"elements": [{"status": 201}, {"status": 400}]}, "done", 1),
    ("linkedin", 404, {}, "network_busy", 0),
    ("snapchat", 200, {"request_status": "ERROR"}, "network_refused", 0),
    ("microsoft", 200, {"PartialErrors": [{"Index": 1, "Code": 1}, {"Index": 1, "Code": 2}]}, "done", 1),
    ("microsoft", 400, {"Errors": [{"Code": 105}]}, "network_refused", 0),
    ("x", 200, {"data": {"success_count": 6, "total_count": 8}}, "done", 2),
    ("ttd", 401, {}, "network_refused", 0),
    ("criteo", 200, {"errors": [{"code": "x"}]}, "network_refused", 0),
    ("criteo", 200, {"data": {"attributes": {"nbInvalidIdentifiers": 3}}}, "done", 3),
    ("pinterest", 200, {"status": "FAILED"}, "network_refused", 0),
    ("yandex", 400, {"errors": [{"error_type": "invalid_uploading"}], "code": 400}, "network_refused", 0),
    ("google", 403, {"error": {"status": "PERMISSION_DENIED"}}, "network_refused", 0),
    ("reddit", 429, {}, "too_many", 0),
    ("dv360", 503, {}, "not_sent", 0),
]


@pytest.mark.parametrize("shard", range(2))
async def test_answers_are_understood(embedded: Engine, data: Path, shard: int) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 9))
        for name, status, body, state, refused in ANSWERS[shard::2]:

            def say(heard: Heard, status: int = status, body: Any = body) -> tuple[int, dict[str, str], bytes]:
                if "urlencoded" in heard.headers.get("content-type", ""):
                    return theirs(heard)
                return status, {}, json.dumps(body).encode()

            with outside(say) as other:
                destination = await connected(api, "network", *account_of(name, other))
                ended = await sent(api, await made(api), destination, network=name, shape="api")
                if state == "done":
                    assert (ended["state"], ended["counts"].get("refused", 0)) == (state, refused), (name, ended)
                else:
                    assert (ended["state"], ended["error"]["code"]) == ("failed", state), (name, ended)
                assert TOKEN not in json.dumps(ended)


async def test_a_service_account_proves_itself_with_its_key(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        Shop(data, embedded)
        with outside(theirs) as other:
            options, secrets = account_of("google", other)
            options["ids"]["CUSTOMER_ID"] = "123-456-7890"  # as Google's pages show it
            destination = await connected(api, "network", options, secrets)
            assert (await api.ask("POST", f"/api/v1/destinations/{destination}/check"))[0] == 200
        token, tried = other.heard
        [assertion] = parse_qs(token.body.decode())["assertion"]
        head, claims, proof = (base64.urlsafe_b64decode(one + "==") for one in assertion.split("."))
        KEY.public_key().verify(proof, assertion.rpartition(".")[0].encode(), padding.PKCS1v15(), algorithms.SHA256())
        said = json.loads(claims)
        assert (json.loads(head)["alg"], said["iss"], said["exp"] - said["iat"]) == (
            "RS256", "robot@project.example", 3600
        )  # fmt: skip
        assert said["aud"] == "https://oauth2.googleapis.com/token" and said["scope"].endswith("/datamanager")
        assert (tried.path, tried.json()["validateOnly"]) == ("/v1/audienceMembers:remove", True)
        [place] = tried.json()["destinations"]
        assert place["operatingAccount"] == place["loginAccount"]
        assert place["operatingAccount"] == {"accountId": "1234567890", "accountType": "GOOGLE_ADS"}


async def test_no_token_no_delivery(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 9))
        with outside(lambda _: (400, {}, b'{"error": "invalid_grant"}')) as other:
            destination = await connected(api, "network", *account_of("microsoft", other))
            ended = await sent(api, await made(api), destination, network="microsoft", shape="api")
        assert (ended["state"], ended["error"]["code"], len(other.heard)) == ("failed", "network_refused", 1)


def test_an_oauth1_signature_is_that_of_the_published_example() -> None:
    """X's own documentation, "Creating a signature"; its form fields stand in the query here, they are signed alike."""
    url = "https://api.twitter.com/1/statuses/update.json?include_entities=true&status="
    url += "Hello%20Ladies%20%2B%20Gentlemen%2C%20a%20signed%20OAuth%20request%21"
    secrets = {
        "consumer_key": "xvz1evFS4wEEPTGEFPHBog",
        "consumer_secret": "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
        "token": "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
        "token_secret": "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
    }
    header = oauth1("POST", url, secrets, nonce="kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg", at=1318622958)
    assert 'oauth_signature="tnnArxj06cWHq44gCs1OSKk%2FjLY%3D"' in header
