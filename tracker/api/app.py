"""The private HTTP API. Handlers are plain blocking functions; they run in two bounded pools, so that slow reports can
neither block the event loop nor keep the quick calls waiting.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from tracker.api import formats
from tracker.api.auth import authenticate, authorize
from tracker.api.bounded import Bounded
from tracker.api.call import Call, FileReply, Reply
from tracker.api.exports import desk_of
from tracker.api.metrics import Metrics
from tracker.api.middleware import METRICS, around
from tracker.api.reading import body_and_given, needs_site, query_of
from tracker.api.routes import ROUTES
from tracker.api.routing import Route
from tracker.api.services import Services
from tracker.api.site_pages import public_routes
from tracker.audiences.leftovers import clean_up
from tracker.audiences.plans import Deliverer
from tracker.catalog import Principal
from tracker.core.errors import TryLater

BODY_LIMIT = 1_000_000
QUICK_THREADS = 8
EXPORT_THREADS = 1

T = TypeVar("T")


class Pools:
    """Threads for blocking work. Reports are bounded: what neither runs nor fits into the queue is answered 503."""

    def __init__(self, report_threads: int) -> None:
        self.quick = ThreadPoolExecutor(QUICK_THREADS, thread_name_prefix="api")
        self.reports = ThreadPoolExecutor(report_threads, thread_name_prefix="report")
        self.exports = ThreadPoolExecutor(EXPORT_THREADS, thread_name_prefix="export")
        self._room = 2 * report_threads

    async def run(self, work: Callable[[], T], *, slow: bool) -> T:
        """Run blocking work. If the request is cancelled, work that has not begun never begins."""
        if not slow:
            return await asyncio.get_running_loop().run_in_executor(self.quick, work)
        if self._room == 0:
            raise TryLater("too many reports run at this moment; try again", code="busy")
        self._room -= 1
        submitted = self.reports.submit(work)
        future = asyncio.wrap_future(submitted)
        future.add_done_callback(self._make_room)  # when the thread is free, not when the client is gone
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            submitted.cancel()
            raise

    def _make_room(self, future: asyncio.Future[Any]) -> None:
        self._room += 1
        if not future.cancelled():
            future.exception()  # read, so that an abandoned report does not warn

    def close(self) -> None:
        """Let running work end; start nothing new."""
        for pool in (self.quick, self.reports, self.exports):
            pool.shutdown(wait=True, cancel_futures=True)


SERVICES = web.AppKey("services", Services)
POOLS = web.AppKey("pools", Pools)


def make_app(services: Services) -> web.Application:
    """The API as an aiohttp application; run it with `handler_cancellation=True` so that hang-ups are noticed."""
    app = web.Application(middlewares=[around], client_max_size=BODY_LIMIT)
    app[SERVICES] = services
    app[METRICS] = Metrics()
    app[POOLS] = Pools(services.report_threads)
    app.cleanup_ctx.append(_lifetime)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _endpoint(route))
        if route.method == "GET":  # the same answer, whose body aiohttp leaves out (RFC 9110, 9.3.2)
            app.router.add_route("HEAD", route.path, _endpoint(route))
    app.router.add_routes(public_routes(services))
    return app


async def _lifetime(app: web.Application) -> AsyncIterator[None]:
    services, pools = app[SERVICES], app[POOLS]
    await pools.run(lambda: clean_up(services.catalog, services.exports), slow=False)
    stop = threading.Event()
    if services.deliver_every_s:
        Deliverer(desk_of(services), services.deliver_every_s, stop).start()
    yield
    stop.set()
    await asyncio.get_running_loop().run_in_executor(None, pools.close)


def _endpoint(route: Route) -> Callable[[web.Request], Any]:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        services, pools = request.app[SERVICES], request.app[POOLS]
        header = request.headers.get("Authorization")
        principal = await pools.run(lambda: authenticate(services, header), slow=False)
        authorize(principal, route.role)
        wanted = formats.wanted(request.headers.get("Accept", ""), report=bool(route.report))
        engine = Bounded(services.engine, services.report_timeout_s, services.report_memory)
        given: Mapping[str, str] = request.query
        if "site" not in given and needs_site(route.query):
            only = await pools.run(lambda: _only_site(services, principal), slow=False)
            given = {**given, "site": only} if only else given
        body, told = await _body(request, route)
        call = Call(
            services=services,
            principal=principal,
            engine=engine,
            exporter=pools.exports.submit,
            path=dict(request.match_info),
            query=None if route.query is None else query_of(given, route.query),
            body=body,
            given=told,
            bodiless=request.method == "HEAD",
        )
        try:
            outcome = await pools.run(lambda: _encode(route, route.handler(call), wanted), slow=route.slow)
        except asyncio.CancelledError:
            engine.hung_up.set()
            raise
        return _response(outcome)

    return endpoint


def _only_site(services: Services, principal: Principal) -> str | None:
    """The one site that a query can mean which names none."""
    if principal.site is not None:
        return principal.site
    sites = services.catalog.sites.list()
    return sites[0].name if len(sites) == 1 else None


async def _body(request: web.Request, route: Route) -> tuple[Any, dict[str, Any]]:
    """What it asks for, and what it holds beside that nobody can set."""
    if route.body is None:
        return None, {}
    kind = dict[str, Any] if route.open_body else route.body
    return body_and_given(await request.read(), kind, route.read_only)


def _encode(route: Route, outcome: Any, wanted: formats.Format) -> web.Response | FileReply:
    """Still in the pool's thread: encoding a large answer takes time too."""
    if isinstance(outcome, FileReply):
        return outcome
    if isinstance(outcome, Reply):
        return _json(outcome.data, outcome.status)
    if route.report and wanted is not formats.Format.JSON:
        charset = "utf-8" if wanted is formats.Format.CSV else None
        table = formats.table(route.report, outcome, wanted)
        return web.Response(body=table, content_type=wanted.value, charset=charset)
    return _json(outcome, route.status)


def _json(data: Any, status: int) -> web.Response:
    return web.Response(body=msgspec.json.encode(data), status=status, content_type="application/json")


def _response(outcome: web.Response | FileReply) -> web.StreamResponse:
    if not isinstance(outcome, FileReply):
        return outcome
    return web.FileResponse(outcome.path, headers={**outcome.headers, **_download(outcome.content_type, outcome.name)})


def _download(content_type: str, name: str) -> dict[str, str]:
    return {"Content-Type": content_type, "Content-Disposition": f'attachment; filename="{name}"'}
