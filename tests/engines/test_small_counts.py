"""Counts of a few members over the API: hidden from who may only look, and from whoever asks for that."""

from __future__ import annotations

from pathlib import Path

from api_client import ADMIN, serve
from test_network_exports import RULE, Shop, made

from tracker.store.engine import Engine
from tracker.wiring.segments import Segments


class _Never:
    def is_set(self) -> bool:
        return False


async def test_small_counts_are_for_who_may_do_more_than_look(embedded: Engine, data: Path) -> None:
    async with serve(embedded, data) as api:
        shop = Shop(data, embedded)
        shop.come(*range(1, 31))
        for n in (1, 2, 3):
            shop.say(50 + n, n, 0)
        audience = await made(api, refresh="1m")
        chore = Segments(embedded, shop.catalog, data, stop=_Never())  # type: ignore[arg-type]
        assert chore.round() == 1
        viewer, body = api.catalog.tokens.create("viewer"), {"site": "shop", "rule": RULE}
        exact = {"size": 30, "exportable": 27}
        withheld = {"no_consent": 0, "opted_out": 3, "suppressed": 0, "holdout": 0}
        hidden = {"size": 30, "exportable": None, "withheld": withheld | {"opted_out": None}}
        for token, asked, expected in (
            (ADMIN, body, exact | {"withheld": withheld}),
            (ADMIN, body | {"hide_small": True}, hidden),
            (viewer, body, hidden),
        ):
            status, found = await api.ask("POST", "/api/v1/audiences/preview", asked, token=token)
            assert (status, found) == (200, expected)
        shop.come(31, 32)
        chore._rest_until.clear()
        assert chore.round() == 1
        for token, query, entered in ((ADMIN, "", 2), (ADMIN, "?hide_small=true", None), (viewer, "", None)):
            _, found = await api.ask("GET", f"/api/v1/audiences/{audience}/history{query}", token=token)
            first, last = found["sizes"]
            assert (first["members"], first["entered"], first["gone"]) == (30, 30, 0)
            assert (last["members"], last["entered"]) == (32, entered)
