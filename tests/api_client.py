"""The API on a real port, over a real store, and a client for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tracker.api.app import make_app
from tracker.api.services import Services
from tracker.audiences.delivery import Senders
from tracker.catalog import Catalog, token_hash
from tracker.outbound import Door, Limits, Reach
from tracker.store.engine import Engine

ADMIN = "admin-token-for-these-tests"
LEDGER = {
    "received": 3,
    "stored": 2,
    "duplicates": 0,
    "rejected": {"bad_time": 1},
    "suppressed": 0,
    "waiting": 0,
    "unexplained": 0,
}


@dataclass
class Api:
    """A client; `replayed` is what reached the replay service."""

    session: aiohttp.ClientSession
    url: str
    catalog: Catalog
    services: Services
    replayed: list[Any] = field(default_factory=list)

    async def ask(self, method: str, path: str, json: Any = None, token: str = ADMIN, **more: Any) -> tuple[int, Any]:
        """Status and decoded answer (bytes where it is not JSON)."""
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        async with self.session.request(method, self.url + path, json=json, headers=headers, **more) as answer:
            kind = answer.content_type
            return answer.status, await (answer.json() if kind == "application/json" else answer.read())

    async def exported(self, export_id: str) -> dict[str, Any]:
        """The export, once it has ended."""
        for _ in range(1200):
            _, export = await self.ask("GET", f"/api/v1/exports/{export_id}")
            if export["state"] != "running":
                return export
            await asyncio.sleep(0.05)
        raise AssertionError("the export did not end")

    async def emptied(self) -> None:
        """Wait until no file of an export lies here: those sent away go a moment after their export is done."""
        for _ in range(1200):
            if not (left := list(self.services.exports.iterdir())):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"they are still here: {left}")


@asynccontextmanager
async def serve(engine: Engine, data: Path, **more: Any) -> AsyncIterator[Api]:
    """Run the API until the block ends."""
    replayed: list[Any] = []

    def replay(site: str, ids: Any) -> dict[str, int]:
        replayed.append((site, ids))
        return {"replayed": 1}

    with Catalog(f"sqlite:///{data}/catalog.sqlite", data / "sites.json") as catalog:
        erase = more.pop("erase", None) or catalog.erasures.ask
        limits = Limits(first_pause=0.01, tries=2, total=10.0)
        senders = more.pop("senders", None) or Senders(Door(Reach.of(["127.0.0.1"]), limits), data / "deliveries")
        services = Services(
            senders=senders,
            engine=engine,
            catalog=catalog,
            ledger=lambda _site: LEDGER,
            replay=replay,
            erase=erase,
            admin_token_hash=token_hash(ADMIN),
            exports=data / "exports",
            version="1.2.3",
            collector_url="https://t.example",
            **more,
        )
        runner = web.AppRunner(make_app(services), handler_cancellation=True)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with aiohttp.ClientSession() as session:
                yield Api(session, url, catalog, services, replayed)
        finally:
            await runner.cleanup()
