"""From "they left" to "they came back, and we can prove it": the whole loop, with an effect and without one."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from pathlib import Path
from typing import Any

import pytest
from api_client import Api, serve
from loading import T0, event
from test_network_exports import Shop, address, exported

from tracker.core.identity import user_key
from tracker.core.period import rfc3339
from tracker.store.engine import Engine, Query
from tracker.wiring.segments import Segments

HOUR = 3_600_000
PEOPLE = 600
STEPS = [{"event": "view_item"}, {"event": "add_to_cart"}, {"event": "purchase"}]


class _Never:
    def is_set(self) -> bool:
        return False


async def report(api: Api, audience: str, network: str, span: dict[str, str]) -> dict[str, Any]:
    body = {"site": "shop", "audience": audience, "network": network, **span}
    status, answer = await api.ask("POST", "/api/v1/reports/lift", body)
    assert status == 200, answer
    return dict(answer)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("effect", [0.25, 0.0])
async def test_the_whole_loop(engine: Engine, data: Path, effect: float) -> None:
    dice = random.Random(3)
    async with serve(engine, data) as api:
        shop = Shop(data, engine)
        # visits: everybody looks and fills a cart, a third buys, and all of them leave an address
        shop.come(*range(PEOPLE))
        visits, early = [], {n for n in range(PEOPLE) if n % 3 == 0}
        for n in range(PEOPLE):
            for at, step in enumerate(STEPS[: 3 if n in early else 2]):
                visits.append(event(10_000 + n * 3 + at, visitor=f"v{n}", name=step["event"], ts=T0 - HOUR + at * 1000))
        shop.load(visits)
        # drop-off in the funnel -> audience
        funnel = {"steps": STEPS, "window": "7d"}
        span = {"from": rfc3339(T0 - 24 * HOUR), "to": rfc3339(T0 + 24 * HOUR)}
        status, left = await api.ask(
            "POST",
            "/api/v1/reports/funnel/people",
            {"funnel": {"site": "shop", **span, **funnel}, "step": 2, "state": "dropped", "limit": 1},
        )
        assert (status, left["total"]) == (200, PEOPLE - len(early))
        rule = {"dropped": {"funnel": funnel, "after_step": 2, "within": "3d"}}
        body = {"site": "shop", "name": "left the cart", "rule": rule, "holdout": 0.4, "refresh": "1m"}
        audience = str((await api.ask("POST", "/api/v1/audiences", body))[1]["id"])
        chore = Segments(engine, shop.catalog, data, stop=_Never())  # type: ignore[arg-type]
        assert chore.round() == 1
        rows = engine.ask(
            Query(text="select person, arm from members final where audience = {a:String}", params={"a": audience})
        )
        keys = {user_key(f"u{n}"): n for n in range(PEOPLE)}
        arms = {keys[int(person)]: str(arm) for person, arm in rows.rows}
        assert set(arms) == set(range(PEOPLE)) - early
        shown = {n for n, arm in arms.items() if arm == "exposed"}
        # Meta and Google get whom they may, and nobody of the hold-out
        for network in ("meta", "google"):
            export = await exported(api, audience, network, mode="full")
            assert (export["state"], export["counts"]["written"]) == ("done", len(shown))
            assert export["counts"]["withheld"]["holdout"] == len(arms) - len(shown) > 0
            lines = "\n".join(shop.lines(api.services.exports, export)["add"])
            inside = {n for n in arms if hashlib.sha256(address(n).encode()).hexdigest() in lines}
            assert inside == shown
        # some come back by themselves, more of those who were shown something, with the networks' click ids
        await asyncio.sleep(0.01)
        now = time.time_ns() // 1_000_000
        back, number, returning = [], 50_000, set[int]()
        for arm, rate in (
            ("exposed", 0.2 + effect),
            ("holdout", 0.2),
        ):  # exactly so many: who is shown is chance enough
            whole = sorted(n for n in arms if arms[n] == arm)
            returning |= set(dice.sample(whole, round(rate * len(whole))))
        for n, arm in sorted(arms.items()):
            if n in returning:
                click = f"?fbclid=f{n}" if n % 2 else f"?gclid=g{n}"
                url = f"https://shop.example/cart{click if arm == 'exposed' else ''}"
                visitor = f"phone{n}" if n % 5 == 0 else f"v{n}"  # on another device, where they say who they are
                for at, name in enumerate(("page_view", "purchase")):
                    more = {"value": 30.0, "currency": "EUR"} if at else {}
                    back.append(event(number, visitor=visitor, user=f"u{n}", name=name, url=url, ts=now + at, **more))
                    number += 1
        shop.load(back)
        text = "select user, click_id_kind, click_id, channel from events where click_id != '' and event = 'purchase'"
        clicks = {
            (str(user), str(kind), str(click), str(channel))
            for user, kind, click, channel in engine.ask(Query(text=text)).rows
        }
        bought = {keys[user_key(one.user)] for one in back}
        assert clicks == {
            (f"u{n}", "fbclid", f"f{n}", "Organic Social") if n % 2 else (f"u{n}", "gclid", f"g{n}", "Paid Search")
            for n in bought & shown
        }
        # and the report says what was planted
        span["to"] = rfc3339(now + HOUR)
        for network in ("meta", "google"):
            found = await report(api, audience, network, span)
            for arm in ("exposed", "holdout"):
                size, sold = (sum(one == arm for one in arms.values()), sum(arms[n] == arm for n in bought))
                assert (found[arm]["persons"], found[arm]["converted"]) == (size, sold)
                assert found[arm]["revenue"] == pytest.approx(30.0 * sold)
            conversion, revenue = found["conversion"], found["revenue"]
            assert abs(conversion["difference"] - effect) < 0.01  # it was planted exactly, but for whole persons
            assert conversion["low"] < effect < conversion["high"]
            assert revenue["low"] < 30.0 * effect < revenue["high"]
            assert (conversion["p"] < 0.001) == (revenue["p"] < 0.001) == bool(effect)
            assert (conversion["low"] > 0) == bool(effect)
        # who bought is no longer one of those who left the cart
        chore._rest_until.clear()
        assert chore.round() == 1
        state = shop.catalog.memberships.get(audience)
        assert state is not None and state.members == len(arms) - len(bought)
