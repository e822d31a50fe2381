"""The whole road for one site: settings through the API, pages of its own, and at the end the rows in the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from browser_site import HEAD
from clickhouse import free_port
from running import Tracker, tracker


class Shop:
    """A site whose pages carry the pixel, on 127.0.0.1 and on localhost: two domains of one owner."""

    def __init__(self, made: Tracker, engine: Any, port: int) -> None:
        self.made = made
        self.port = port
        self._engine = engine

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def rows(self, columns: str) -> list[list[Any]]:
        """Every event in order, once all that was acknowledged is in; nothing may have been rejected. Ends the road."""
        ledger = await asyncio.to_thread(self.made.drained, "shop")
        assert (ledger["rejected"], ledger["suppressed"], ledger["unexplained"]) == ({}, 0, 0)
        assert self._engine.stop() == 0
        [rows] = await asyncio.to_thread(self.made.sql, f"select {columns} from events final order by ts, seq")
        return rows


@asynccontextmanager
async def stored(
    folder: Path,
    pixel: dict[str, Any],
    *,
    body: str = "",
    consent: str = "opt-in",
    status: Callable[[str], int] = lambda path: 200,
) -> AsyncIterator[Shop]:
    """Real processes and the embedded ClickHouse; `body` stands in every page, `status` is by path."""
    port = free_port()
    with tracker(folder / "road") as made:
        domains = ("--domain", "127.0.0.1", "--domain", "localhost")
        key = await asyncio.to_thread(made.run, "site", "add", "shop", "--consent", consent, *domains)
        made.collector().start()
        engine = made.role("engine").start()
        await asyncio.to_thread(made.ready)
        answer = await asyncio.to_thread(made.api, "PUT", "/api/v1/sites/shop", {"pixel": pixel})
        assert answer["pixel"] == pixel

        async def page_of(request: web.Request) -> web.Response:
            front = f"http://{request.url.host}:{made.port}"
            text = HEAD.format(front=front, key=key["write_key"], policy=consent, title="Shop", body=body)
            return web.Response(status=status(request.path), text=text, content_type="text/html")

        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", page_of)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield Shop(made, engine, port)
        finally:
            await runner.cleanup()
            for role in made.roles:
                role.stop()
