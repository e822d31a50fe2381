"""Why somebody is in an audience, and why they are not exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api_client import serve
from small_history import put, put_members

from tracker.audiences.definition import define
from tracker.audiences.refresh import Refresher
from tracker.catalog.memberships import Membership
from tracker.core.period import rfc3339
from tracker.store.engine import Engine

DAY = 86_400_000


async def test_every_condition_speaks_for_itself(engine: Engine, data: Path) -> None:
    async with serve(engine, data) as api:
        now = api.services.now_ms() // 1000 * 1000
        site = api.catalog.sites.create("explained", consent="opt-out", min_size=2)
        put(
            engine,
            [
                {"event": "view", "visitor": "v1", "ts": now - 5 * DAY, "country": "DE"},
                {"event": "view", "visitor": "v1", "ts": now - 2 * DAY, "country": "FR"},
                {"event": "login", "visitor": "v1", "user": "ann", "ts": now - DAY},
                {"event": "view", "visitor": "v2", "ts": now - DAY, "gpc": 1, "ads": 0},
                {"event": "view", "visitor": "v3", "ts": now - 20 * DAY},
            ],
            site="explained",
        )
        rule: dict[str, Any] = {
            "all": [
                {"did": {"event": "view", "within": "7d"}},
                {"not": {"did": {"event": "purchase"}}},
                {"property": {"property": "country", "op": "ne", "value": "US"}},
            ]
        }
        more = {"duration": "30d", "holdout": 0.0, "refresh": "5m"}
        viewers = api.catalog.audiences.create("explained", "a viewers", rule, **more).id
        api.catalog.audiences.create("explained", "b buyers", {"did": {"event": "purchase"}}, **more)
        definition = define("explained", rule, lookup=lambda _id: {}, id=viewers)
        blank = Membership(audience=viewers, site="explained")
        done = Refresher(engine).whole(site, definition, blank, now, None)
        api.catalog.memberships.save([done.state])

        async def ask(person: str) -> list[dict[str, Any]]:
            status, answer = await api.ask("GET", f"/api/v1/people/{person}/audiences?site=explained")
            assert status == 200, answer
            return list(answer["audiences"])

        inside, outside = await ask("ann")
        assert (inside["inside"], inside["exported"], inside["withheld"]) == (True, False, "too_small")
        assert inside["minimum"] == {"exportable": 1, "min_size": 2}
        view, bought, country = inside["conditions"]
        assert view == {
            "path": "rule.all[0]",
            "holds": True,
            "count": 2,
            "first": rfc3339(now - 5 * DAY),
            "last": rfc3339(now - 2 * DAY),
            "value": None,
        }
        assert (bought["path"], bought["holds"], bought["count"]) == ("rule.all[1].not", False, 0)
        assert (country["holds"], country["value"]) == (True, "FR")
        assert inside["changes"] == rfc3339(now + 5 * DAY + 1)  # the later of two views leaves the seven days
        assert inside["stay"] == {
            "entered": rfc3339(now),
            "entered_by": "definition",
            "left": None,
            "left_by": None,
            "arm": "exposed",
        }
        assert (outside["inside"], outside["exported"], outside["stay"]) == (False, False, None)
        assert [one["withheld"] for one in await ask("v2")] == ["opted_out", None]
        [late, _] = await ask("v3")
        assert (late["inside"], late["conditions"][0]["holds"], late["conditions"][0]["count"]) == (False, False, 0)
        api.catalog.sites.update("explained", min_size=1)
        assert (await ask("v1"))[0]["exported"]
        status, _ = await api.ask("GET", "/api/v1/people/nobody/audiences?site=explained")
        assert status == 404
        status, matrix = await api.ask("GET", "/api/v1/audiences/overlap?site=explained")
        assert (status, matrix["overlap"], matrix["audiences"][0]["members"]) == (200, [[2]], 2)
        status, grown = await api.ask("GET", f"/api/v1/audiences/{viewers}/history")
        assert (status, [one["members"] for one in grown["sizes"]]) == (200, [2])
        status, shown = await api.ask("GET", f"/api/v1/audiences/{viewers}")
        assert (shown["membership"]["state"], shown["membership"]["exportable"]) == ("ready", 1)


async def test_a_few_persons_in_two_audiences_are_hidden(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        api.catalog.sites.create("few")
        rule = {"did": {"event": "x"}}
        one, two, three = (
            api.catalog.audiences.create("few", name, rule, duration="30d", holdout=0.0, refresh="5m") for name in "abc"
        )
        people = {one.id: range(1, 31), two.id: range(22, 41), three.id: range(1, 11)}
        put_members(embedded, "few", people)
        api.catalog.memberships.save(Membership(audience=audience, site="few") for audience in people)
        _, matrix = await api.ask("GET", "/api/v1/audiences/overlap?site=few")
        assert matrix["overlap"] == [[30, None, 10], [None, 19, 0], [10, 0, 10]]
