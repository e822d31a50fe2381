"""Pages that need no token, because they hold nothing of anybody: liveness, counters, the API's description."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import lru_cache

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from tracker.api import docs_page, openapi
from tracker.api.middleware import METRICS
from tracker.api.services import Services
from tracker.store.engine import Query

PUBLIC = ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs")


def public_routes(services: Services) -> Iterable[web.RouteDef]:
    """Routes of `PUBLIC`."""

    @lru_cache(maxsize=1)
    def document() -> bytes:
        return msgspec.json.encode(openapi.document(services.version))

    @lru_cache(maxsize=1)
    def page() -> str:
        return docs_page.render(openapi.document(services.version))

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def readyz(_request: web.Request) -> web.Response:
        """503 (by the middleware) while the store is away."""
        await asyncio.get_running_loop().run_in_executor(None, services.engine.ask, Query(text="select 1"))
        return web.json_response({"ready": True})

    async def metrics(request: web.Request) -> web.Response:
        ledger = await asyncio.get_running_loop().run_in_executor(None, services.ledger, None)
        canary = await asyncio.get_running_loop().run_in_executor(None, services.canary)
        backlog = services.catalog.erasures.backlog
        orders, oldest = await asyncio.get_running_loop().run_in_executor(None, backlog)
        counters = request.app[METRICS]
        counters.removals(orders, max(0, services.now_ms() - oldest) / 1000 if orders else 0)
        return web.Response(body=counters.text(ledger, canary), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def openapi_json(_request: web.Request) -> web.Response:
        return web.Response(body=document(), content_type="application/json")

    async def docs(_request: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": docs_page.policy()}
        return web.Response(text=page(), content_type="text/html", headers=headers)

    handlers = dict(zip(PUBLIC, (healthz, readyz, metrics, openapi_json, docs), strict=True))
    return [web.get(path, handler) for path, handler in handlers.items()]
