"""A dry run of an export sends nothing, notes nothing, and uses nothing up. That it says what is sent then is asked of
every network by `test_network_sending`.
"""

from __future__ import annotations

from pathlib import Path

from api_client import serve
from dry_runs import dry
from outside import mailbox, outside
from test_advertising_ids import Desk, delivered, with_desk, with_operator
from test_destinations import connected, sent
from test_network_exports import Shop, hashes, made
from test_network_sending import account_of, theirs
from uid2_operator import UidOperator

from tracker.audiences.leftovers import clean_up
from tracker.catalog.contacts import Frequency
from tracker.store.engine import Engine


async def test_a_dry_run_uses_nothing_up_and_is_no_delivery(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 9))
        audience, other_one = await made(api), await made(api)
        api.catalog.contacts.set_frequency("shop", Frequency(1, 7))
        with outside(theirs) as other, mailbox() as box:
            destination = await connected(api, "network", *account_of("criteo", other))
            mail = {"host": "127.0.0.1", "port": box.port, "security": "none", "sender": "a@x.org", "to": ["b@x.org"]}
            told = await connected(api, "email", mail, {})
            for where in (destination, told, "download"):
                first, said = await dry(api, audience, where, network="criteo")
                [request] = said
                assert set(request["body"]["data"]["attributes"]["identifiers"]) == hashes(*range(1, 9))
                clean_up(api.catalog, api.services.exports)
                status, _ = await api.ask("GET", f"/api/v1/exports/{first['id']}/file")
                assert status == 200, "what was written for download stays"
            assert (other.heard, box.got) == ([], [])
            lift = {"site": "shop", "audience": audience, "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
            status, why = await api.ask("POST", "/api/v1/reports/lift", {**lift, "network": "criteo"})
            assert (status, why["error"]["code"]) == (400, "never_delivered")
            really = await sent(api, other_one, destination, shape="api")
            assert really["counts"]["written"] == 8, "nobody was contacted by a dry run"
            shop.come(9)
            capped, _ = await dry(api, audience, destination, network="criteo")
            assert (capped["counts"]["written"], capped["counts"]["withheld"]["capped"]) == (1, 8)
        _, audited = await api.ask("GET", "/api/v1/audit?site=shop")
        assert sum(one.get("details", one).get("dry_run") == "true" for one in audited["audit"]) == 4


async def test_no_operator_is_asked_in_a_dry_run(embedded: Engine, data: Path) -> None:
    operator, desk = UidOperator(), Desk()
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 9))
        audience = await made(api)
        with outside(operator) as asked, outside(desk) as ttd:
            await with_operator(api, asked, operator)
            to = await with_desk(api, ttd)
            first = await sent(api, audience, to, network="ttd_data", shape="api", dry_run=True)
            assert (first["error"]["code"], operator.asked, desk.heard) == ("too_small", [], [])
            assert "the UID2 operator is not asked in a dry run" in first["error"]["message"]
            await delivered(api, audience, to)
            shop.say(50, 1, 0)
            operator.asked.clear()
            _, said = await dry(api, audience, to, network="ttd_data")
            assert operator.asked == []
            [item] = [one for request in said for one in request["body"]["Items"]]
            assert item["Data"][0]["TTLInMinutes"] == 0
            desk.take()
            await delivered(api, audience, to)
            assert desk.take() == {item["UID2"]: 0}
