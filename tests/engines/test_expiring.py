"""Times that ran out are forgotten, and a membership older than what is remembered of them is not called fresh."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from api_client import serve
from test_network_exports import Shop, made

from tracker.audiences.definition import stored as definition_of
from tracker.audiences.stored import KEPT_MS, fresh
from tracker.store.engine import Engine, Query
from tracker.wiring.segments import Segments

DAY = 86_400_000


class _Never:
    def is_set(self) -> bool:
        return False


def test_times_that_ran_out_are_forgotten_after_a_week(engine: Engine, data: Path) -> None:
    now = int(time.time() * 1000)
    ages = (-400 * DAY, -6 * DAY, -1, DAY, 500 * DAY)
    rows = ", ".join(f"('ttl', {now + age}, {n})" for n, age in enumerate(ages, 1))
    engine.command(Query(text=f"insert into expiring (site, at, person) values {rows}"))  # noqa: S608 - our own numbers
    engine.command(Query(text="optimize table expiring final"))
    left = engine.ask(Query(text="select person from expiring where site = 'ttl' order by person")).rows
    assert [int(person) for (person,) in left] == [2, 3, 4, 5]


async def test_a_membership_that_nobody_refreshed_for_a_week_is_not_fresh(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(1, 2, 3)
        audience = await made(api, refresh="1m")
        chore = Segments(embedded, shop.catalog, data, stop=_Never())  # type: ignore[arg-type]
        assert chore.round() == 1
        state, site = shop.catalog.memberships.get(audience), shop.catalog.sites.get("shop")
        assert state is not None
        definition = definition_of(shop.catalog.audiences.get(audience), lambda _id: None)
        assert fresh(embedded, site, definition, state.as_of + 1, state)
        later = state.as_of + KEPT_MS + 1
        assert not fresh(embedded, site, definition, later, state)
        assert fresh(embedded, site, definition, later, dataclasses.replace(state, as_of=later - DAY))
