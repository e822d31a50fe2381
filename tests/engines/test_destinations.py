"""Exports that go somewhere: what arrives, what is noted, what a failure costs, and what never leaves."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from api_client import Api, serve
from outside import Heard, mailbox, outside
from stores_outside import Place, folder_place, s3_server, sftp_server
from test_network_exports import Shop, hashes, made

from tracker.api.exports import desk_of
from tracker.audiences.plans import deliver_due
from tracker.outbound.signing import verify
from tracker.store.engine import Engine

KINDS = ("folder", "s3", "sftp")
SECRET = "a-secret-of-a-webhook"


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, data: Path, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        if request.param == "s3":
            yield stack.enter_context(s3_server())
        elif request.param == "sftp":
            yield stack.enter_context(sftp_server(tmp_path / "sftp"))
        else:
            yield folder_place(data)


async def connected(api: Api, kind: str, options: dict[str, Any], secrets: dict[str, str]) -> str:
    body = {"site": "shop", "name": kind, "kind": kind, "options": options, "secrets": secrets}
    status, made = await api.ask("POST", "/api/v1/destinations", body)
    assert status == 201, made
    return str(made["id"])


async def sent(api: Api, audience: str, destination: str, mode: str = "delta", **more: Any) -> dict[str, Any]:
    body = {"network": "criteo", "mode": mode, "min_size": 1, "destination": destination, **more}
    status, started = await api.ask("POST", f"/api/v1/audiences/{audience}/export", body)
    assert status == 202, started
    return await api.exported(started["id"])


def arrived(files: dict[str, bytes], export: str) -> dict[str, set[str]]:
    """action -> the cells of what one export brought; its manifest holds."""
    [manifest] = [json.loads(blob) for name, blob in files.items() if export in name and name.endswith("manifest.json")]
    found = {}
    for one in manifest["files"]:
        blob = files[one["name"]]
        assert (len(blob), hashlib.sha256(blob).hexdigest()) == (one["bytes"], one["sha256"])
        found["remove" if "-remove" in one["name"] else "add"] = set(blob.decode().split()[1:])
    assert {name for name in files if export in name} == {one["name"] for one in manifest["files"]} | {
        name for name in files if name.endswith(f"{export}-criteo.manifest.json")
    }
    return found


async def test_files_arrive_whole_and_a_withdrawal_is_taken_back(embedded: Engine, data: Path, place: Place) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 11))
        audience = await made(api)
        destination = await connected(api, place.kind, place.options, place.secrets)
        status, checked = await api.ask("POST", f"/api/v1/destinations/{destination}/check")
        assert (status, checked) == (200, {"id": destination, "ok": True, "notes": []})
        assert place.read() == {}
        first = await sent(api, audience, destination)
        assert (first["state"], first["counts"]["written"], first["destination"]) == ("done", 10, destination)
        assert arrived(place.read(), first["id"]) == {"add": hashes(*range(1, 11))}
        await api.emptied()
        assert (await api.ask("GET", f"/api/v1/exports/{first['id']}/file"))[0] == 404

        shop.come(11, 12)
        shop.say(50, 1, 0)
        second = await sent(api, audience, destination)
        assert arrived(place.read(), second["id"]) == {"remove": hashes(1), "add": hashes(11, 12)}
        again = await sent(api, audience, destination)
        assert arrived(place.read(), again["id"]) == {"add": set()}
        shop.say(70, 2, 0)
        full = await sent(api, audience, destination, mode="full")
        assert arrived(place.read(), full["id"]) == {"remove": hashes(2), "add": hashes(*range(3, 13))}
        _, shown = await api.ask("GET", "/api/v1/destinations?site=shop")
        assert shown["destinations"][0]["waiting"] == 0


async def test_wrong_credentials_fail_and_say_nothing(embedded: Engine, data: Path, place: Place) -> None:
    if place.kind == "s3":
        pytest.skip("moto does not check signatures")
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 11))
        options = {**place.options}
        if place.kind == "folder":
            (data / "deliveries").mkdir()
            (data / "deliveries" / "shop").write_text("a file where a folder should be")
        secrets = dict.fromkeys(place.secrets, "another-password")
        destination = await connected(api, place.kind, options, secrets)
        status, refused = await api.ask("POST", f"/api/v1/destinations/{destination}/check")
        assert status == 409 and refused["error"]["code"] in ("sftp_refused", "folder_refused")
        failed = await sent(api, await made(api), destination)
        assert failed["state"] == "failed" and "another-password" not in json.dumps(failed)
        assert failed["counts"]["written"] == 0


async def test_another_host_key_than_the_pinned_one_is_refused(embedded: Engine, data: Path, tmp_path: Path) -> None:
    import asyncssh

    async with serve(embedded, data) as api:
        Shop(data, embedded)
        with sftp_server(tmp_path / "sftp") as place:
            other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
            destination = await connected(api, "sftp", {**place.options, "host_key": other}, place.secrets)
            _, refused = await api.ask("POST", f"/api/v1/destinations/{destination}/check")
            assert refused["error"]["code"] == "host_key"


async def test_a_webhook_gets_signed_files_and_then_the_manifest(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 11))
        audience = await made(api)
        with outside() as hook:
            destination = await connected(api, "webhook", {"url": hook.url + "/in?x=1"}, {"secret": SECRET})
            assert (await api.ask("POST", f"/api/v1/destinations/{destination}/check"))[0] == 200
            first = await sent(api, audience, destination)
            shop.say(50, 1, 0)
            second = await sent(api, audience, destination)
        ping, *rest = hook.heard
        assert (ping.headers["tracker-event"], ping.json()) == ("ping", {})
        for one in hook.heard:
            stamp = int(one.headers["tracker-signature"].split(",")[0][2:])
            assert verify(SECRET, one.body, one.headers["tracker-signature"], stamp)
        said = [(one.headers["tracker-event"].split(".")[1], one.headers["tracker-delivery"]) for one in rest]
        assert said == [(what, one["id"]) for one in (first, second) for what in ("file", "complete")]
        files = {one.headers["tracker-file"]: one.body for one in rest}
        assert all(hashlib.sha256(one.body).hexdigest() == one.headers["tracker-sha256"] for one in rest)
        assert arrived(files, second["id"]) == {"remove": hashes(1)}


async def test_what_did_not_arrive_is_said_again_and_a_removal_is_not_lost(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 11))
        audience = await made(api)

        def not_the_manifest(heard: Heard) -> tuple[int, dict[str, str], bytes]:
            return (500 if heard.headers["tracker-event"] == "delivery.complete" else 200), {}, b""

        with outside() as hook:
            destination = await connected(api, "webhook", {"url": hook.url}, {"secret": SECRET})
            assert (await sent(api, audience, destination))["state"] == "done"
            shop.come(*range(11, 21))
            shop.say(50, 1, 0)
            hook.say = not_the_manifest
            failed = await sent(api, audience, destination)
            assert (failed["state"], failed["error"]["code"]) == ("failed", "not_sent")
            # the receiver may have it: nothing is sent until it has said so, or that it has not
            _, shown = await api.ask("GET", "/api/v1/destinations?site=shop")
            assert shown["destinations"][0]["waiting"] == 11
            blocked = await sent(api, audience, destination)
            assert blocked["error"]["code"] == "undecided"
            shop.say(70, 12, 0)
            hook.say = lambda _: (200, {}, b"")
            hook.heard.clear()
            then = await sent(api, audience, destination)
            assert then["state"] == "done"
            assert (await api.ask("GET", f"/api/v1/exports/{failed['id']}"))[1]["state"] == "done"
            completed, *rest = hook.heard
            assert completed.headers["tracker-delivery"] == failed["id"]
            files = {one.headers["tracker-file"]: one.body for one in rest}
            assert arrived(files, then["id"]) == {"remove": hashes(12)}

            hook.say = lambda _: (422, {}, b"")
            shop.come(*range(21, 31))
            shop.say(80, 2, 0)
            refused = await sent(api, audience, destination)
            assert refused["error"]["code"] == "webhook_refused"
            hook.say = lambda _: (200, {}, b"")
            hook.heard.clear()
            last = await sent(api, audience, destination)
            files = {one.headers["tracker-file"]: one.body for one in hook.heard}
            assert arrived(files, last["id"]) == {"remove": hashes(2), "add": hashes(*range(21, 31))}


async def test_a_notice_by_mail_names_nobody_and_the_file_stays_here(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 11))
        with mailbox() as box:
            options = {"host": "127.0.0.1", "port": box.port, "security": "none", "sender": "t@shop.example"}
            options |= {"to": ["a@shop.example"], "link": "https://t.shop.example/exports/{export}"}
            destination = await connected(api, "email", options, {})
            done = await sent(api, await made(api), destination)
            for _ in range(1200):  # the notice goes out after the export is called done
                if box.got:
                    break
                await asyncio.sleep(0.05)
        [mail] = box.got
        assert f"https://t.shop.example/exports/{done['id']}".encode() in mail.content
        assert not any(one.encode() in mail.content for one in hashes(*range(1, 11)))
        assert (await api.ask("GET", f"/api/v1/exports/{done['id']}/file"))[0] == 200
        again = await sent(api, (await api.ask("GET", "/api/v1/audiences"))[1]["audiences"][0]["id"], destination)
        for _ in range(1200):
            if len(again["warnings"]) > 0 and "nobody was told" in again["warnings"][-1]:
                break
            await asyncio.sleep(0.05)
            _, again = await api.ask("GET", f"/api/v1/exports/{again['id']}")
        assert again["counts"]["unchanged"] == 10 and "nobody was told" in again["warnings"][-1]


async def test_a_site_s_destinations_are_its_own_and_secrets_stay_sealed(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        Shop(data, embedded)
        await api.ask("POST", "/api/v1/sites", {"name": "other", "domains": []})
        with outside() as hook, outside() as thief:
            destination = await connected(api, "webhook", {"url": hook.url}, {"secret": SECRET})
            _, shown = await api.ask("GET", "/api/v1/destinations")
            assert SECRET not in json.dumps(shown) and shown["destinations"][0]["secrets"] == ["secret"]
            kept = await asyncio.to_thread(lambda: [path.read_bytes() for path in data.glob("catalog.sqlite*")])
            assert kept and not any(SECRET.encode() in blob for blob in kept)
            address = f"/api/v1/destinations/{destination}"
            status, refused = await api.ask("PUT", address, {"options": {"url": thief.url}})
            assert (status, refused["error"]["code"]) == (400, "secrets_needed")
            status, renamed = await api.ask("PUT", address, {"name": "new"})
            assert (status, renamed["name"], renamed["options"]) == (200, "new", {"url": hook.url})
            assert (await api.ask("POST", f"{address}/check"))[0] == 200 and len(thief.heard) == 0
            moved = {"options": {"url": thief.url}, "secrets": {"secret": "x" * 20}}
            assert (await api.ask("PUT", address, moved))[0] == 200
        _, token = await api.ask("POST", "/api/v1/tokens", {"role": "export", "site": "other"})
        assert (await api.ask("GET", "/api/v1/destinations?site=shop", token=token["token"]))[0] == 403
        _, own = await api.ask("GET", "/api/v1/destinations", token=token["token"])
        assert own == {"destinations": []}
        assert (await api.ask("POST", "/api/v1/destinations", {}, token=token["token"]))[0] == 403
        _, foreign = await api.ask(
            "POST", "/api/v1/audiences", {"site": "other", "name": "a", "rule": {"did": {"event": "x"}}}
        )
        export = {"network": "criteo", "destination": destination}
        assert (await api.ask("POST", f"/api/v1/audiences/{foreign['id']}/export", export))[0] == 404
        assert (await api.ask("DELETE", address))[0] == 200
        assert (await api.ask("POST", f"{address}/check"))[0] == 404
        _, log = await api.ask("GET", "/api/v1/audit?site=shop")
        assert SECRET not in json.dumps(log)


BAD = [
    ("folder", {"path": "../../etc"}, {}, "options.path"),
    ("folder", {"path": "/etc"}, {}, "options.path"),
    ("folder", {"path": "."}, {}, "options.path"),
    ("webhook", {"url": "https://u:p@shop.example/"}, {"secret": SECRET}, "options.url"),
    ("webhook", {"url": "https://shop.example/"}, {"secret": "short"}, "secrets.secret"),
    ("webhook", {"url": "https://shop.example/"}, {}, "secrets"),
    ("webhook", {"url": "https://shop.example/", "x": 1}, {"secret": SECRET}, "options"),
    ("s3", {"bucket": "b"}, {"access_key_id": "a", "secret_access_key": "b"}, "options.region"),
    (
        "s3",
        {"bucket": "b", "region": "r", "endpoint": "http://minio.example"},
        {"access_key_id": "a", "secret_access_key": "b"},
        "endpoint",
    ),
    ("gcs", {"bucket": "b"}, {"service_account_key": '{"gcs_base_url": "http://10.0.0.1"}'}, "options"),
    ("sftp", {"host": "h", "user": "u", "host_key": "k", "port": "22"}, {"password": "p"}, "options.port"),
    ("email", {"host": "h", "sender": "t@x.example", "to": ["not an address"]}, {}, "options.to"),
    ("network", {"network": "liveramp", "ids": {"A": "1"}}, {"access_token": "t"}, "options.network"),
    ("network", {"network": "meta", "ids": {"AUDIENCE_ID": "1/../2"}}, {"access_token": "t"}, "options.ids"),
    ("network", {"network": "meta", "ids": {}}, {"access_token": "t"}, "options.ids"),
    ("fax", {}, {}, "kind"),
]


async def test_what_cannot_be_used_is_refused_with_its_field(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        Shop(data, embedded)
        for kind, options, secrets, field in BAD:
            body = {"site": "shop", "name": "n", "kind": kind, "options": options, "secrets": secrets}
            status, refused = await api.ask("POST", "/api/v1/destinations", body)
            assert status == 400 and refused["error"]["field"].startswith(field), (kind, options, refused)


async def test_liveramp_gets_a_compressed_file_with_the_delimiter_that_was_chosen(
    embedded: Engine, data: Path, tmp_path: Path
) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 25))
        audience = await made(api)
        with sftp_server(tmp_path / "sftp") as place:
            destination = await connected(api, place.kind, place.options, place.secrets)
            done = await sent(api, audience, destination, network="liveramp", options={"delimiter": "|"})
            [file] = done["files"]
            assert done["state"] == "done" and file["name"].endswith("-add.csv.gz")
            assert "LiveRamp cannot use a list of fewer than 25; this one has 24" in done["warnings"]
            blob = place.read()[file["name"]]
            assert (hashlib.sha256(blob).hexdigest(), len(blob)) == (file["sha256"], file["bytes"])
            lines = gzip.decompress(blob).decode().splitlines()
            assert lines[0] == '"audience_key"|"email"|"phone_number"'
            assert {line.split("|")[1].strip('"') for line in lines[1:]} == hashes(*range(1, 25))
            assert all(line.endswith('|""') and len(line.split("|")) == 3 for line in lines[1:])
            shop.come(25)
            plain = {"delimiter": ";", "compression": "none"}
            body = {"network": "liveramp", "destination": destination, "every": "1h", "options": plain}
            status, plan = await api.ask("POST", f"/api/v1/audiences/{audience}/deliveries", body)
            assert (status, plan["options"]) == (201, plain)
            await asyncio.to_thread(deliver_due, desk_of(api.services))
            _, shown = await api.ask("GET", f"/api/v1/audiences/{audience}/deliveries")
            last = shown["deliveries"][0]["last"]
            assert last["state"] == "failed" and last["error"]["code"] == "too_small", "the site's own minimum holds"
            assert (await api.ask("PUT", "/api/v1/sites/shop", {"min_size": 1}))[0] == 200
            shop.catalog.plans.ended(plan["id"], last["id"], good=True, every_ms=0, at=0)
            await asyncio.to_thread(deliver_due, desk_of(api.services))
            _, shown = await api.ask("GET", f"/api/v1/audiences/{audience}/deliveries")
            [file] = shown["deliveries"][0]["last"]["files"]
            assert place.read()[file["name"]].decode().splitlines()[0] == '"audience_key";"email";"phone_number"'
            refused = {"network": "criteo", "options": {"delimiter": ";"}}
            status, wrong = await api.ask("POST", f"/api/v1/audiences/{audience}/export", refused)
            assert (status, wrong["error"]["field"]) == (400, "options.delimiter")
            shop.say(50, 1, 0)
            assert (await api.ask("DELETE", f"/api/v1/audiences/{audience}"))[0] == 200
            await asyncio.to_thread(deliver_due, desk_of(api.services))
            [removal] = [blob for name, blob in place.read().items() if "-remove" in name]
            assert len(removal.decode().splitlines()) == 1 + 25, "as the last file was: not compressed"
            assert removal.startswith(b'"audience_key";')
