"""Erasing orders a removal wherever the person is or may be, as the ledger knows, and nowhere else."""

from __future__ import annotations

from pathlib import Path

from api_client import serve
from loading import event
from test_network_exports import Shop, exported, made

from tracker.catalog.deliveries import Added, Delivery
from tracker.catalog.exports import ExportFile
from tracker.core.identifiers import keys_of
from tracker.core.identity import user_key
from tracker.loader.erasing import Eraser, leave_alone
from tracker.store.engine import Engine
from tracker.store.erase import Names


class Erasing(Shop):
    """A shop whose loader erases."""

    def __init__(self, data: Path, engine: Engine) -> None:
        super().__init__(data, engine)
        self.loader._eraser = Eraser(engine, self.catalog, data)

    def erase(self, visitor: str, user: str = "") -> list[tuple[str, str, bool]]:
        """(audience, export, certain) of the orders that this erasure gave."""
        site, names = self.catalog.sites.get("shop"), Names((visitor,), (user,) if user else ())
        leave_alone(self.catalog, "shop", keys_of("shop", site.write_key, site.identifier_key), names)
        asked = self.catalog.erasures.ask("shop", names.visitors, names.users, "test")
        self.loader.erase_due()
        assert self.catalog.erasures.get(asked.id).state == "done"
        found = [one for one in self.catalog.erasures.removals(site="shop") if one.erasure == asked.id]
        assert self.catalog.erasures.get(asked.id).details["removals"] == len(found)
        return [(one.audience, one.export, one.certain) for one in found]


def files(data: Path) -> set[str]:
    return {path.name for path in (data / "exports").iterdir()}


async def test_an_id_that_nobody_has_orders_nothing_and_deletes_no_file(engine: Engine, data: Path) -> None:
    async with serve(engine, data) as api:
        shop = Erasing(data, engine)
        shop.come(*range(1, 11))
        audience = await made(api)
        for network in ("criteo", "meta", "csv"):
            assert (await exported(api, audience, network, "full"))["state"] == "done"
        before = files(data)
        assert shop.erase("nobody") == [] and files(data) == before and len(before) == 3
        assert len(shop.erase("v1", "u1")) == 3 and files(data) == set()  # files of hashes cannot be searched


async def test_only_the_places_that_have_the_person_are_told(engine: Engine, data: Path) -> None:
    async with serve(engine, data) as api:
        shop = Erasing(data, engine)
        shop.come(1, 2, 3)
        early = await made(api, name="early")
        first = await exported(api, early, "criteo")
        shop.come(4)
        late = await made(api, name="late")
        second = await exported(api, late, "criteo")
        for name in files(data):
            (data / "exports" / name).unlink()  # after a week; what was in them the ledger knows
        assert shop.erase("v4", "u4") == [(late, second["id"], True)]
        assert shop.erase("v1", "u1") == [(late, second["id"], True), (early, first["id"], True)]
        again = await exported(api, late, "criteo")
        assert again["counts"]["removed"] == 2
        assert [one.audience for one in shop.catalog.erasures.removals(site="shop")] == [early]
        async with api.session.get(api.url + "/metrics") as answer:
            text = await answer.text()
        assert "\ntracker_removals_waiting 1.0\n" in text
        assert float(text.partition("\ntracker_removals_oldest_seconds ")[2].split()[0]) > 0
        assert shop.erase("v1", "u1") == [(early, first["id"], True)], "still there, still to be told"
        await exported(api, early, "criteo")
        assert shop.catalog.erasures.removals(site="shop") == []
        assert shop.erase("v1", "u1") == [], "taken back everywhere"
        async with api.session.get(api.url + "/metrics") as answer:
            assert "\ntracker_removals_waiting 0.0\n" in (text := await answer.text())
        assert "\ntracker_removals_oldest_seconds 0.0\n" in text


async def test_whoever_was_taken_back_before_is_not_taken_back_again(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Erasing(data, embedded)
        shop.come(1, 2, 3)
        audience = await made(api)
        await exported(api, audience, "criteo")
        shop.say(1, 1, ads=0)
        assert (await exported(api, audience, "criteo"))["counts"]["removed"] == 1
        assert shop.erase("v1", "u1") == []
        assert shop.catalog.deliveries.holding("shop", [user_key("u1")]) == {}


async def test_an_order_is_given_where_a_delivery_may_have_arrived(embedded: Engine, data: Path) -> None:
    """It failed halfway, and left no file: the person may be there all the same."""
    async with serve(embedded, data) as api:
        shop = Erasing(data, embedded)
        shop.come(*range(1, 6))
        audience = await made(api)
        export = api.catalog.exports.create("shop", audience, network="meta", mode="full", actor="t", min_size=1)
        goes = Delivery(
            line=export.line, generation=0, at=1, added=[Added(user_key("u1"), ""), Added(user_key("u2"), "")]
        )
        api.catalog.exports.send(export.id, counts={}, files=(), details={}, delivery=goes)
        api.catalog.exports.settle(export.id, arrived=False)
        assert api.catalog.exports.get(export.id).state == "failed"
        assert shop.erase("v1", "u1") == [(audience, export.id, False)], "nobody knows what was taken"
        assert shop.erase("v3", "u3") == []


async def test_a_person_is_found_under_every_id_they_were_delivered_under(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Erasing(data, embedded)
        shop.come(1, 2)
        audience = await made(api)
        first = await exported(api, audience, "criteo")
        shop.load([event(9000, visitor="v1", user="new", previous="u1", type="alias", name="alias")])
        assert shop.erase("v1", "new") == [(audience, first["id"], True)]


async def test_without_a_ledger_the_file_tells_or_nobody_can_know(embedded: Engine, data: Path) -> None:
    """As exports of the first versions are in a catalog."""
    async with serve(embedded, data) as api:
        shop = Erasing(data, embedded)
        shop.come(1, 2)
        audience = await made(api)
        found = []
        for name, network, body in (("a", "csv", "p,v1,u1"), ("b", "csv", "p,v2,u2"), ("c", "meta", "ab" * 32)):
            export = api.catalog.exports.create("shop", audience, network=network, mode="full", actor="t", min_size=1)
            (data / "exports").mkdir(exist_ok=True)
            (data / "exports" / f"{name}.csv").write_text(f"person,visitor,user\r\n{body}\r\n")
            file = ExportFile(name=f"{name}.csv", rows=1, sha256="", bytes=1)
            api.catalog.exports.finish(export.id, counts={"written": 1}, files=(file,))
            found.append(export.id)
        assert shop.erase("nobody") == [] and files(data) == {"a.csv", "b.csv", "c.csv"}
        orders = {export: certain for _, export, certain in shop.erase("v1", "u1")}
        assert orders == {found[0]: True, found[2]: False} and files(data) == {"b.csv"}
