"""Exports to networks over a real store: who is added, who is taken back, who never leaves, and what is on disk."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from api_client import Api, serve
from loading import T0, Road, event
from small_history import put

from tracker.audiences import export
from tracker.catalog.deliveries import Added, Delivery, Line
from tracker.catalog.memberships import Membership
from tracker.core.identifiers import email_forms, keys_of, place_forms, seal
from tracker.loader.choices import Choices
from tracker.networks import NETWORKS
from tracker.store.engine import Engine

RULE = {"did": {"event": "click"}}


class Shop(Road):
    """A road whose loader takes in decisions, and whose visitors left their addresses."""

    def __init__(self, data: Path, engine: Engine) -> None:
        super().__init__(data, engine)
        self.site = self.catalog.sites.create("shop", consent="opt-out")
        self.loader._vault = self.catalog.vault
        self.keys = keys_of("shop", self.site.write_key, self.site.identifier_key)
        self.loader._choices = Choices(engine, self.catalog.consents, self.catalog.suppressions, self.catalog.sites.get)

    def come(self, *numbers: int, country: str = "US", known: bool = True) -> None:
        rows = []
        for n in numbers:
            vault = seal(self.keys, [email_forms(address(n))], os.urandom(12)) if known else ""
            rows += [
                event(n, visitor=f"v{n}"),
                event(1000 + n, visitor=f"v{n}", user=f"u{n}", type="identify", name="identify", vault=vault),
            ]
        self.load(rows)

    def say(self, at: int, n: int, ads: int) -> None:
        fields = {"type": "consent", "name": "consent", "ts": T0 + at, "analytics": ads, "ads": ads}
        self.load([event(5000 + at, visitor=f"v{n}", user=f"u{n}", **fields, mode="M4" if ads else "M0")])

    def lines(self, folder: Path, export: dict[str, Any]) -> dict[str, list[str]]:
        """The lines of each file, behind the header, in order. Checks their hashes."""
        if len(export["files"]) == 1:
            blobs = {export["files"][0]["name"]: (folder / export["files"][0]["name"]).read_bytes()}
        else:
            [bundle] = folder.glob(f"*{export['id']}*.zip")
            box = zipfile.ZipFile(io.BytesIO(bundle.read_bytes()))
            blobs = {one["name"]: box.read(one["name"]) for one in export["files"]}
            manifest = json.loads(box.read("manifest.json"))
            assert (manifest["counts"], manifest["files"]) == (export["counts"], export["files"])
        assert [hashlib.sha256(blob).hexdigest() for blob in blobs.values()] == [
            one["sha256"] for one in export["files"]
        ]
        kinds = {name: "remove" if "-remove" in name else "add" for name in blobs}
        return {kinds[name]: blob.decode().splitlines()[1:] for name, blob in blobs.items()}


def address(n: int) -> str:
    return f"person{n}@example.org"


def hashes(*numbers: int) -> set[str]:
    return {hashlib.sha256(address(n).encode()).hexdigest() for n in numbers}


async def exported(
    api: Api, audience: str, network: str = "criteo", mode: str = "delta", **more: Any
) -> dict[str, Any]:
    body = {"network": network, "mode": mode, "min_size": 1, **more}
    status, started = await api.ask("POST", f"/api/v1/audiences/{audience}/export", body)
    assert status == 202, started
    return await api.exported(started["id"])


async def made(api: Api, **more: Any) -> str:
    body = {"site": "shop", "name": "all", "rule": RULE, **more}
    _, audience = await api.ask("POST", "/api/v1/audiences", body)
    return str(audience["id"])


async def test_a_delta_adds_whom_it_lacks_and_takes_back_who_refused_first(engine: Engine, data: Path) -> None:
    async with serve(engine, data) as api:
        shop, folder = Shop(data, engine), api.services.exports
        shop.come(*range(1, 11))
        shop.come(11, known=False)
        audience = await made(api)
        first = await exported(api, audience, mode="full")
        assert (first["state"], first["counts"]["written"], first["counts"]["withheld"]["no_identifier"]) == (
            "done",
            10,
            1,
        )
        assert set(shop.lines(folder, first)["add"]) == hashes(*range(1, 11))
        again = await exported(api, audience)
        assert (again["counts"]["written"], again["counts"]["removed"], again["counts"]["unchanged"]) == (0, 0, 10)
        assert shop.lines(folder, again) == {"add": []}

        shop.come(12, 13)
        shop.say(50, 1, 0)
        await api.ask("POST", "/api/v1/suppressions", {"site": "shop", "user": "u2", "reason": "erased"})
        third = await exported(api, audience)
        assert list(shop.lines(folder, third)) == ["remove", "add"]
        assert set(shop.lines(folder, third)["remove"]) == hashes(1, 2)
        assert set(shop.lines(folder, third)["add"]) == hashes(12, 13)
        assert (third["counts"]["written"], third["counts"]["removed"]) == (2, 2)
        last = await exported(api, audience)
        assert shop.lines(folder, last) == {"add": []}
        requests = await exported(api, audience, network="meta", shape="api")
        body = [json.loads(line) for line in (folder / requests["files"][0]["name"]).read_text().splitlines()]
        assert [one["method"] for one in body] == ["POST"]
        assert {row[1] for row in body[0]["body"]["payload"]["data"]} == hashes(3, *range(4, 11), 12, 13)
        assert "Meta Custom Audiences cannot use a list of fewer than 100" in requests["warnings"][0]


async def test_every_network_of_the_contract_is_written(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 7))
        audience = await made(api)
        for name, network in NETWORKS.items():
            if name == "ttd_data":  # which takes ids that nobody here has: test_advertising_ids
                continue
            for shape in ("file", "api") if network.build is not None else ("file",):
                done = await exported(api, audience, network=name, mode="full", shape=shape)
                assert (done["state"], done["counts"]["written"], done["shape"]) == ("done", 6, shape), name
                status, blob = await api.ask("GET", f"/api/v1/exports/{done['id']}/file")
                assert (status, hashlib.sha256(blob).hexdigest()) == (200, done["files"][0]["sha256"])
        _, shown = await api.ask("GET", "/api/v1/networks")
        assert {one["name"] for one in shown["networks"]} == set(NETWORKS)


async def test_a_list_that_is_too_short_is_warned_about_before_it_is_made(embedded: Engine, data: Path) -> None:
    """For the site and for the network, as far as the last refresh counted; a few are not told."""
    async with serve(embedded, data) as api:
        Shop(data, embedded)
        audience = await made(api)

        async def told(exportable: int, network: str) -> list[str]:
            if exportable >= 0:
                state = Membership(audience=audience, site="shop", basis="x", exportable=exportable)
                api.catalog.memberships.save([state])
            _, started = await api.ask("POST", f"/api/v1/audiences/{audience}/export", {"network": network})
            await api.exported(started["id"])
            return list(started["warnings"])

        assert await told(-1, "tiktok") == [], "never counted"
        assert await told(7, "csv") == ["the minimum is 100; this list has fewer than 10: nobody new is exported"]
        assert await told(250, "linkedin") == [
            "LinkedIn Matched Audiences cannot use a list of fewer than 300; this one has 250"
        ]
        assert len(await told(99, "tiktok")) == 2
        assert await told(1_000, "tiktok") == []


async def test_a_few_are_kept_back_but_never_a_removal(embedded: Engine, data: Path) -> None:
    """With the site's own minimum of 5: two more would show who they are; one who refuses is taken back at once."""
    async with serve(embedded, data) as api:
        shop, folder = Shop(data, embedded), api.services.exports
        shop.come(*range(1, 7))
        audience = await made(api)
        await exported(api, audience, mode="full", min_size=5)
        shop.come(7, 8)
        kept = await exported(api, audience, min_size=5)
        assert (kept["counts"]["written"], kept["counts"]["withheld"]["too_few"]) == (0, 2)
        for n in (1, 2, 3, 4):
            shop.say(60 + n, n, 0)
        small = await exported(api, audience, min_size=5)
        assert (small["state"], small["counts"]["removed"], small["counts"]["written"]) == ("done", 4, 0)
        assert set(shop.lines(folder, small)["remove"]) == hashes(1, 2, 3, 4)
        none = await exported(api, audience, min_size=5)
        assert (none["state"], none["error"]["code"]) == ("failed", "too_small")
        assert not list(folder.glob(f"*{none['id']}*"))


async def test_a_membership_that_will_end_is_said_again_before(embedded: Engine, data: Path) -> None:
    """After four fifths of its 30 days, where the network ends it (Google) or each member is sent with an end (X)."""
    now = [int(time.time() * 1000)]
    async with serve(embedded, data, now_ms=lambda: now[0]) as api:
        Shop(data, embedded).come(1, 2, 3)
        audience = await made(api, duration="30d")

        async def told() -> dict[str, tuple[int, int]]:
            found = {}
            for network in ("google", "x", "meta"):
                counts = (await exported(api, audience, network, shape="api"))["counts"]
                found[network] = (counts["written"], counts["unchanged"])
            return found

        assert await told() == dict.fromkeys(("google", "x", "meta"), (3, 0))
        now[0] += 23 * 86_400_000
        assert await told() == dict.fromkeys(("google", "x", "meta"), (0, 3))
        now[0] += 86_400_000 + 60_000
        assert await told() == {"google": (3, 0), "x": (3, 0), "meta": (0, 3)}
        assert await told() == dict.fromkeys(("google", "x", "meta"), (0, 3)), "it was said, and holds again"


async def test_who_cannot_be_recognised_hides_no_few(embedded: Engine, data: Path) -> None:
    """Ten more members, two of whom the network can recognise: it would see these two. They come with three more."""
    async with serve(embedded, data) as api:
        shop, folder = Shop(data, embedded), api.services.exports
        shop.come(*range(1, 8))
        audience = await made(api)
        await exported(api, audience, mode="full", min_size=5)
        shop.come(8, 9)
        shop.come(*range(20, 28), known=False)
        shop.say(60, 1, 0)
        few = await exported(api, audience, min_size=5)
        assert (few["counts"]["written"], few["counts"]["removed"], few["counts"]["unchanged"]) == (0, 1, 6)
        assert few["counts"]["withheld"]["too_few"] == 10
        assert set(shop.lines(folder, few)["remove"]) == hashes(1)
        shop.come(10, 11, 12)
        five = await exported(api, audience, min_size=5)
        assert (five["counts"]["written"], five["counts"]["withheld"].get("too_few")) == (5, None)
        assert five["counts"]["withheld"]["no_identifier"] == 8
        assert set(shop.lines(folder, five)["add"]) == hashes(*range(8, 13))


async def test_a_list_that_turns_out_too_small_is_in_no_ledger_and_the_next_goes_out(
    embedded: Engine, data: Path
) -> None:
    """Three of six can be recognised: that is known when they are written, and the ledger has been told of them."""
    async with serve(embedded, data) as api:
        shop, folder, ledger = Shop(data, embedded), api.services.exports, api.services.catalog.deliveries
        shop.come(1, 2, 3)
        shop.come(4, 5, 6, known=False)
        audience = await made(api)
        line = Line("shop", audience, "criteo")
        small = await exported(api, audience, min_size=5)
        assert (small["state"], small["error"]["code"], small["counts"]["written"]) == ("failed", "too_small", 0)
        assert (ledger.now(line), ledger.undecided(), ledger.waiting()) == ((0, {}), [], {})
        exports = api.services.catalog.exports
        killed = exports.create("shop", audience, network="criteo", mode="delta", actor="t", min_size=1)
        exports.claim(killed.id, delivery := Delivery(line=line, generation=0, at=1, added=()))
        exports.bring(killed.id, delivery, [Added(99, "sealed")])
        exports.fail(killed.id, {"code": "interrupted", "message": "the service stopped"})  # as a start does
        done = await exported(api, audience)
        assert set(shop.lines(folder, done)["add"]) == hashes(1, 2, 3)
        assert len(ledger.now(line)[1]) == 3
        shop.say(10, 1, 0)
        shop.come(7)
        again = await exported(api, audience, mode="full", min_size=5)
        assert again["state"] == "failed" and len(ledger.now(line)[1]) == 3 and min(ledger.now(line)[1].values()) > 0
        last = await exported(api, audience)
        assert (shop.lines(folder, last)["remove"], last["counts"]["written"]) == ([*hashes(1)], 1)


async def test_the_hold_out_stays_what_it_was_when_people_are_recognised(engine: Engine, data: Path) -> None:
    async with serve(engine, data) as api:
        shop = Shop(data, engine)
        visitors = range(1, 201)
        shop.load([event(n, visitor=f"v{n}") for n in visitors])
        audience = await made(api, holdout=0.5)

        async def held() -> set[str]:
            _, page = await api.ask("GET", f"/api/v1/audiences/{audience}/members?limit=1000")
            return {one["visitor"] for one in page["members"] if one["withheld"] == "holdout"}

        before = await held()
        assert 70 <= len(before) <= 130
        shop.load([event(300 + n, visitor=f"v{n}", user=f"u{n}", ts=T0 + 900 + n) for n in visitors])
        assert await held() == before
        done = await exported(api, audience, network="jsonl", mode="full")
        assert done["counts"] == {
            "written": 200 - len(before),
            "withheld": {"no_consent": 0, "opted_out": 0, "suppressed": 0, "holdout": len(before)},
        }


async def test_who_allowed_one_network_is_in_its_files_and_in_no_other(engine: Engine, data: Path) -> None:
    """Row 11 of the decision table: M4 for n only. A string decides for the networks it names; the latest counts."""
    async with serve(engine, data) as api:
        shop, folder = Shop(data, engine), api.services.exports
        wrong = {"privacy": {"networks": [{"name": "googel", "vendor": 755}]}}
        assert (await api.ask("PUT", "/api/v1/sites/shop", wrong))[0] == 400
        networks = [{"name": "criteo", "vendor": 91}, {"name": "tiktok", "vendor": 7}]
        right = {"privacy": {"vendors": [21], "networks": networks}}
        assert (await api.ask("PUT", "/api/v1/sites/shop", right))[0] == 200
        shop.come(*range(1, 7))

        def said(at: int, n: int, mode: str, ads: int) -> None:
            shop.load([event(6000 + at, visitor=f"v{n}", user=f"u{n}", ts=T0 + at, mode=mode, ads=ads, analytics=1)])

        said(1, 1, "M4:7,21,91", 1)  # all of them
        said(2, 2, "M4:91", 0)
        said(3, 3, "M4:7", 0)
        said(4, 4, "M4:21", 1)  # all that the site had when it was asked
        said(5, 5, "M4", 1)  # the site's own banner, which names no networks
        said(6, 6, "M4:91", 0)
        said(7, 6, "M2", 0)  # then refused all
        audience = await made(api)
        found = {}
        for name in ("criteo", "tiktok", "yandex"):
            done = await exported(api, audience, network=name, mode="full")
            assert done["counts"]["written"] + sum(done["counts"]["withheld"].values()) == 6
            found[name] = hashes_in(shop.lines(folder, done)["add"])
        assert found == {"criteo": hashes(1, 2, 5), "tiktok": hashes(1, 3, 5), "yandex": hashes(1, 4, 5)}
        _, preview = await api.ask("POST", "/api/v1/audiences/preview", {"site": "shop", "rule": RULE})
        assert (preview["exportable"], preview["withheld"]["opted_out"]) == (3, 3)
        said(8, 1, "M4:7,21", 0)
        delta = await exported(api, audience)
        assert hashes_in(shop.lines(folder, delta)["remove"]) == hashes(1), "criteo is told; tiktok keeps the person"
        assert (await exported(api, audience, network="tiktok"))["counts"]["removed"] == 0


def hashes_in(lines: list[str]) -> set[str]:
    return {cell for line in lines for cell in line.strip().split(",") if len(cell) == 64}


KILLED = """
import hashlib, os, signal, sys
from pathlib import Path
from tracker.audiences.leftovers import clean_up
from tracker.audiences.parcel import Parcel, artefact
from tracker.catalog import Catalog
from tracker.catalog.deliveries import Added, Delivery, Line
from tracker.networks import NETWORKS, Terms

data = Path(sys.argv[1])
folder = data / "exports"
folder.mkdir()
open_catalog = lambda: Catalog(f"sqlite:///{data}/catalog.sqlite", data / "sites.json")
with open_catalog() as catalog:
    catalog.sites.create("shop")

def export(kill_at):
    steps = 0
    def hook(name, given):
        nonlocal steps
        if name in ("open", "os.rename", "os.remove", "os.chmod") and given and str(given[0]).startswith(str(folder)):
            steps += 1
            if steps == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
    with open_catalog() as catalog:
        one = catalog.exports.create("shop", "aud", network="criteo", mode="delta", actor="x", min_size=1)
        sys.addaudithook(hook)
        line = Line("shop", "aud", "criteo")
        generation, _ = catalog.deliveries.now(line)
        terms = Terms(days=1, now_ms=1, audience="aud", site="shop")
        with Parcel(folder, one.stem, NETWORKS["criteo"], "file", terms) as parcel:
            parcel.write("remove", [(("ab",), True)], "-remove")
            parcel.write("add", [((f"{n}",), True) for n in range(5000)], "-add")
            files = parcel.finish(one)
            new = [Added(generation * 10 + n, "sealed") for n in range(3)]
            delivery = Delivery(line=line, generation=generation, at=1, added=new)
            catalog.exports.finish(one.id, counts={}, files=files, delivery=delivery)

seen = set()
for kill_at in range(1, 60):
    child = os.fork()
    if not child:
        export(kill_at)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    with open_catalog() as catalog:
        clean_up(catalog, folder)
        exports = catalog.exports.list(site="shop", limit=1000)
        done = [one for one in exports if one.state == "done"]
        assert len(done) + sum(one.state == "failed" for one in exports) == len(exports)
        generation, delivered = catalog.deliveries.now(Line("shop", "aud", "criteo"))
        assert (generation, len(delivered)) == (len(done), 3 * len(done)), (kill_at, generation, len(delivered))
        whole = {artefact(folder, one)[0] for one in done}
        assert set(folder.iterdir()) == whole, kill_at
        seen.add("done" if status == 0 else "killed")
    if status == 0:
        break
assert seen == {"killed", "done"}, seen
print(kill_at)
"""


def test_kill_9_at_every_step_leaves_nothing_or_all_of_it(data: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(data)], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 6


@pytest.mark.parametrize("shape", ["file", "api"])
async def test_google_gets_nobody_in_europe_who_did_not_say_yes(
    embedded: Engine, data: Path, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        people = [
            ("DE", 1, ""),
            ("DE", -1, ""),
            ("US", -1, ""),
            ("CH", -1, ""),
            ("", 1, "FR"),
            ("", -1, "fr"),
            ("", -1, "US"),
        ]
        rows = [
            {"event": "click", "ts": T0 + n, "visitor": f"v{n}", "user": f"u{n}", "country": country, "ads": ads}
            for n, (country, ads, _) in enumerate(people)
        ]
        put(embedded, rows)
        for n, (_, _, home) in enumerate(people):
            left = [email_forms(address(n)), *([place_forms("country", home)] if home else [])]
            shop.catalog.vault.upsert("shop", f"u{n}", f"v{n}", seal(shop.keys, left, os.urandom(12)))
        audience = await made(api)
        for least in (10**9, 1):  # here; by a helper
            monkeypatch.setattr(export, "FROM", least)
            done = await exported(api, audience, network="google", mode="full", shape=shape)
            assert (done["counts"]["written"], done["counts"]["withheld"]["no_consent"]) == (4, 3)


@pytest.mark.parametrize(("network", "shape"), [("meta", "file"), ("tiktok", "api"), ("jsonl", "file")])
async def test_a_helper_process_changes_nothing(
    engine: Engine, data: Path, monkeypatch: pytest.MonkeyPatch, network: str, shape: str
) -> None:
    async with serve(engine, data) as api:
        shop, folder = Shop(data, engine), api.services.exports
        shop.come(*range(1, 41))
        shop.come(41, known=False)
        shop.say(50, 3, 0)
        audience = await made(api)
        found = []
        for least in (10**9, 1, 1):  # here; by a helper; by it again, of persons whom the ledger has
            monkeypatch.setattr(export, "FROM", least)
            done = await exported(api, audience, mode="full", network=network, shape=shape)
            found.append((done["state"], done["counts"], (folder / done["files"][0]["name"]).read_bytes()))
        assert found[0][0] == "done"
        assert found[0][1]["withheld"]["no_consent"] + found[0][1]["withheld"]["opted_out"] == 1
        assert found[0] == found[1] == found[2]
