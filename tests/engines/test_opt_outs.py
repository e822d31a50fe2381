"""Opt-outs of UID2 on a site where nobody exports any more: whoever opted out is taken back all the same."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest
from api_client import serve
from outside import outside
from test_advertising_ids import Desk, asked_for, delivered, hash_of, with_desk, with_operator
from test_network_exports import Shop, exported, made
from uid2_operator import DAY, UidOperator

from tracker.store.engine import Engine
from tracker.wiring.opt_outs import OptOuts

HOUR = 3_600_000


async def test_who_opts_out_is_taken_back_without_an_export(
    embedded: Engine, data: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    operator, desk, now = UidOperator(), Desk(), [time.time_ns() // 1_000_000]
    async with serve(embedded, data, now_ms=lambda: now[0]) as api:
        shop = Shop(data, embedded)
        chore = OptOuts(api.services, threading.Event())

        async def look() -> int:
            return await asyncio.to_thread(chore.round)

        shop.come(*range(1, 9))
        audience, other = await made(api, duration="180d"), await made(api, name="other", duration="180d")
        with outside(operator) as theirs, outside(desk) as ttd:
            assert await look() == 0, "no operator is connected"
            await with_operator(api, theirs, operator)
            to = await with_desk(api, ttd)
            assert (await look(), operator.asked) == (0, []), "nobody is anywhere"
            await delivered(api, audience, to)
            await exported(api, other, network="openrtb", mode="full")  # a download: nobody else can take it back
            assert len(desk.take()) == 8

            operator.asked.clear()
            operator.out = {hash_of(1), hash_of(2)}
            shop.come(9, 10)
            shop.say(50, 3, 0)
            now[0] += 11 * HOUR
            assert (await look(), operator.asked, desk.items) == (0, [], []), "it is not due"
            now[0] += 2 * HOUR
            desk_away = desk.refuse = 1
            assert (await look(), desk.take()) == (desk_away, {})
            assert {path for path, _ in operator.asked} == {"/v2/optout/status"}
            raws = {one for _, body in operator.asked for one in body["advertising_ids"]}
            assert raws == {operator.raw(hash_of(n)) for n in (1, 2, 4, 5, 6, 7, 8)}, "not of who refused meanwhile"

            operator.asked.clear()
            desk.refuse = 0
            assert await look() == 1
            gone = {operator.raw(hash_of(n)): 0 for n in (1, 2, 3)}
            assert desk.take() == gone, "who opted out, and who refused; nobody new comes with them"
            assert (await look(), desk.take(), operator.asked) == (0, {}, []), "once"

            now[0] += 31 * DAY
            operator.clock = 31 * DAY
            operator.out |= {hash_of(4)}
            assert await look() == 1, "ids that are due are asked for again, and so it is learnt, too"
            assert asked_for(operator) == sorted(map(hash_of, (4, 5, 6, 7, 8)))
            assert desk.take() == {operator.raw(hash_of(4)): 0}

            operator.asked.clear()
            operator.busy = [500] * 20
            now[0] += 13 * HOUR
            assert (await look(), desk.take()) == (0, {}), "an operator that is away stops nothing"
            operator.busy = []
            status, listed = await api.ask("GET", "/api/v1/exports?site=shop")
            mine = listed["exports"][:-2]  # all but the first two, which were asked for
            assert (status, [one["state"] for one in mine]) == (200, ["done", "done", "failed"])
            assert [one["counts"].get("removed") for one in mine[:2]] == [1, 3]
            assert {one["counts"]["written"] for one in mine} == {0}
            assert not any(one["counts"]["withheld"].get("nobody_to_take_back") for one in mine)
            await delivered(api, audience, to)
            assert set(desk.take()) == {operator.raw(hash_of(n)) for n in (9, 10)}, "the next export brings who came"
        assert operator.problems == []
        out, err = capfd.readouterr()
        for secret in (operator.key, hash_of(1), operator.raw(hash_of(1))):
            assert secret not in out + err + caplog.text
