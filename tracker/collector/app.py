"""Which path leads where."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

from aiohttp import hdrs, web
from yarl import URL

from tracker.collector import (
    cookie_sync,
    endpoints,
    endpoints_matomo,
    endpoints_snowplow,
    forms,
    links,
    matching,
    newcomers,
    scripts,
    segments,
)
from tracker.collector.endpoints import SERVICE, Handler
from tracker.collector.protocols import segment
from tracker.collector.service import Service
from tracker.collector.settings import CollectorSettings
from tracker.core.identifiers import warm_up

_REST = "/{rest}"
_MANY_SLASHES = re.compile(r"//+")
_GETS: dict[str, Handler] = {
    "/p.js": scripts.get_script,
    "/p.js.map": scripts.get_map,
    "/e.gif": endpoints.get_gif,
    "/healthz": endpoints.healthz,
    "/readyz": endpoints.readyz,
    "/metrics": endpoints.get_metrics,
    "/v1/segments": segments.get_segments,
    **endpoints_snowplow.GETS,
    **endpoints_matomo.GETS,
    **newcomers.GETS,
}
# Asking for the head of it must record nothing.
_RECORDING = frozenset(("/e.gif", "/i", "/ice.png", "/matomo.php", "/piwik.php", "/g/collect"))
_POSTS: dict[str, Handler] = {
    "/e": endpoints.post_native,
    "/beacon/v1/batch": endpoints.post_segment,
    "/cookie_sync": cookie_sync.post_cookie_sync,
    **{f"/v1/{call}": endpoints.post_segment for call in segment.PATHS},
    **{f"/api/s/{call}": endpoints.post_segment for call in segment.CALLS},
    **endpoints_snowplow.POSTS,
    **endpoints_matomo.POSTS,
    **newcomers.POSTS,
}


def make_app(settings: CollectorSettings) -> web.Application:
    """The collector as an aiohttp application; it opens the spool when it starts and seals it when it stops."""
    app = web.Application(client_max_size=settings.limits.import_body)
    app[segments.SEGMENTS] = segments.Segments(settings.data)
    for path, handler in _GETS.items():
        app.router.add_get(path, handler, allow_head=path not in _RECORDING)
    for path in newcomers.GETS:
        if path not in _POSTS:
            app.router.add_route("OPTIONS", path, endpoints.preflight)
    for path, handler in _POSTS.items():
        app.router.add_post(path, handler)
        app.router.add_route("OPTIONS", path, endpoints.preflight)
    app.router.add_get(r"/p.{version:[0-9a-f]{16}}.js", scripts.get_pinned)
    app.router.add_get(r"/m/{name:[a-z-]+\.[0-9a-f]{16}\.js}", scripts.get_pinned)
    app.router.add_get(r"/m/{name:[a-z-]+\.js\.map}", scripts.get_map)
    for path, handler in newcomers.KEYED_GETS.items():
        app.router.add_get(path, handler)
        app.router.add_route("OPTIONS", path, endpoints.preflight)
    for path, handler in newcomers.WITH_SLASH.items():
        app.router.add_post(path, handler)
        app.router.add_route("OPTIONS", path, endpoints.preflight)
    app.router.add_get(r"/r/{token:[A-Za-z0-9_.-]+}", links.get_link)
    app.router.add_get(r"/o/{token:[A-Za-z0-9_.-]+}.gif", links.get_open)
    app.router.add_post(r"/f/{form:[A-Za-z0-9_-]{1,40}}", forms.post_form)
    app.router.add_route("OPTIONS", r"/f/{form:[A-Za-z0-9_-]{1,40}}", endpoints.preflight)
    app.router.add_get("/sync", matching.get_sync, allow_head=False)
    app.router.add_get("/setuid", matching.get_setuid, allow_head=False)
    forms.prepare(app)
    app.router.add_get("/v1/projects/{key}/settings", endpoints.segment_settings)
    app.router.add_route("*", _REST[:-1] + ":.*}", _otherwise)
    app.on_response_prepare.append(_say_little)
    app.cleanup_ctx.append(lambda app: _service(app, settings))
    return app


async def _service(app: web.Application, settings: CollectorSettings) -> AsyncIterator[None]:
    app[SERVICE] = service = Service(settings)
    loop = asyncio.get_running_loop()
    warm = loop.run_in_executor(None, warm_up)
    yield
    await warm
    await loop.run_in_executor(None, service.close)


async def _say_little(_request: web.Request, response: web.StreamResponse) -> None:
    """On every answer that is not ready-made: what runs here is nobody's business."""
    response.headers[hdrs.SERVER] = "tracker"


async def _otherwise(request: web.Request) -> web.StreamResponse:
    """Paths with doubled or trailing slashes go where they were meant to go; the rest is not found."""
    path = _MANY_SLASHES.sub("/", request.path)
    path = path.rstrip("/") or "/"
    handler = {"GET": _GETS, "POST": _POSTS}.get(request.method, {}).get(path)
    if handler is None and request.method == "OPTIONS" and (path in _POSTS or path in newcomers.GETS):
        handler = endpoints.preflight
    if handler is None:
        handler = endpoints.refusal(await _methods(request.clone(rel_url=URL.build(path=path))))
    return await handler(request)


async def _methods(request: web.Request) -> set[str]:
    """The methods that the path takes, as the table of routes says."""
    found: set[str] = set()
    for resource in request.app.router.resources():
        if resource.canonical != _REST:
            found |= (await resource.resolve(request))[1]
    return found
