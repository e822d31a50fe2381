"""One function a route: bytes in -> dialect -> the common way -> answer."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, TypeVar

from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST

from tracker.collector import cors
from tracker.collector.body import body_now, read_body
from tracker.collector.protocols import gif, native, segment
from tracker.collector.quiet import quiet
from tracker.collector.ready import TAKEN, Ready, Words, built, ready, stays
from tracker.collector.service import LARGE, Service, unexpected
from tracker.core.errors import BadRequest, Forbidden, NotFound, TrackerError

SERVICE: web.AppKey[Service] = web.AppKey("service", Service)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_HOST = re.compile(r"[A-Za-z0-9._\-]+(:\d{1,5})?|\[[0-9a-fA-F:]+\](:\d{1,5})?")


def answering(
    source: str, *, limited: bool = True
) -> Callable[[Callable[[web.Request, Service], Awaitable[web.StreamResponse]]], Handler]:
    """Turn an endpoint into a handler: errors become answers in one shape, every answer is counted.

    `limited`: one of too many requests of its sender is turned away before it is looked at.
    """

    def wrap(endpoint: Callable[[web.Request, Service], Awaitable[web.StreamResponse]]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            service = request.app[SERVICE]
            service.in_flight += 1
            try:
                if limited and service.address_rate is not None:
                    service.admit(request)
                response = await endpoint(request, service)
            except TrackerError as failure:
                response = service.failure(request, failure, source)
            except (web.HTTPException, ConnectionError):
                raise
            except Exception:  # nothing of it may reach the client
                quiet("collector.failed", trace=True, source=source)
                response = service.failure(request, unexpected(), source)
            finally:
                service.in_flight -= 1
            if service.leaving and type(response) is not Ready:
                response.force_close()
            service.metrics.answers[source, response.status] += 1
            return response

        return handle

    return wrap


async def _body(request: web.Request, service: Service, limit: int) -> bytes:
    settings = service.settings
    return await read_body(
        request, limit=limit, patience=settings.read_timeout, budget=service.arriving, rate=settings.body_rate
    )


Parsed = TypeVar("Parsed")


async def parsed(service: Service, body: bytes, parse: Callable[[], Parsed]) -> Parsed:
    """A large body is parsed in a thread, one at a time: somebody may have made it to keep everybody else waiting."""
    if len(body) <= LARGE:
        return parse()
    return await asyncio.get_running_loop().run_in_executor(service.parser, parse)


@answering("native")
async def post_native(request: web.Request, service: Service) -> web.StreamResponse:
    """`POST /e`."""
    settings = service.settings
    body = body_now(request, settings.limits.body)
    if body is None:
        body = await _body(request, service, settings.limits.body)
    most = settings.limits.event
    if len(body) > LARGE:
        batch = await parsed(service, body, lambda: native.parse(body, max_event=most))
    else:
        batch = native.parse(body, max_event=most)
    return _answer(request, service, TAKEN, await service.store(request, batch, "native"))


@answering("gif", limited=False)
async def get_gif(request: web.Request, service: Service) -> web.StreamResponse:
    """`GET /e.gif`: always an image, whatever happened; an image cannot try again."""
    headers: list[tuple[str, str]] = []
    try:
        service.admit(request)
        batch = gif.parse(request.query.items(), max_event=service.settings.limits.event)
        headers = await service.store(request, batch, "gif")
    except TrackerError as failure:
        service.metrics.answers["gif_failed", failure.status] += 1
        if isinstance(failure, Forbidden):  # the image, but not for this page's scripts
            return web.Response(
                body=gif.PIXEL, content_type="image/gif", headers={"Cache-Control": "no-store, private"}
            )
    headers.append(("Cache-Control", "no-store, private"))
    return _answer(request, service, _IMAGE, headers)


@answering("segment")
async def post_segment(request: web.Request, service: Service) -> web.StreamResponse:
    """`POST /v1/track` and its relatives."""
    call = request.path.rstrip("/").rpartition("/")[2]
    if call not in segment.PATHS:
        raise NotFound("no such call; see the documentation of the Segment HTTP API")
    history = call == "import"
    settings = service.settings
    limits = settings.limits
    limit = limits.import_body if history else limits.body
    body = await _body(request, service, limit)
    key = _key_of(request.headers.get("Authorization", "")) or request.query.get("writeKey", "")
    if not key:  # Jitsu's libraries put a secret behind the key here, and asterisks behind the one in the body
        key = request.headers.get("X-Write-Key", "").partition(":")[0]
    batch = await parsed(service, body, lambda: segment.parse(body, segment.PATHS[call], key, max_event=limits.event))
    headers = await service.store(request, batch, "import" if history else "segment", history=history)
    return _answer(request, service, _SUCCESS, headers)


@lru_cache(maxsize=1024)
def _key_of(authorization: str) -> str:
    """The user name of Basic authorization: the write key. Anything else is no key."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode().partition(":")[0]
    except ValueError:  # no Base64, no ASCII, no UTF-8
        return ""


_SUCCESS = Words(200, b'{"success":true}', "application/json")
_IMAGE = Words(200, gif.PIXEL, "image/gif")


def _answer(request: web.Request, service: Service, words: Words, headers: list[tuple[str, str]]) -> web.StreamResponse:
    origin = request.headers.get(hdrs.ORIGIN)
    if not headers and not service.leaving and stays(request):
        common = ready(words, origin, int(time.time()))
        if common is not None:
            return common
    return built(words, origin, headers)


@answering("preflight")
async def preflight(request: web.Request, service: Service) -> web.Response:
    """OPTIONS: which site is meant is not known yet, so any site's origin may ask."""
    origin = request.headers.get(hdrs.ORIGIN, "")
    if not origin or not service.sites.any_allows(origin):
        return web.Response(status=403)
    return web.Response(status=204, headers=cors.preflight_headers(origin))


@answering("settings")
async def segment_settings(request: web.Request, service: Service) -> web.Response:
    """What analytics.js 2.0 asks for before it sends anything: our own endpoint as its only destination."""
    key = request.match_info["key"]
    service.site_of(key, request.headers.get(hdrs.ORIGIN))
    destination: dict[str, Any] = {"apiKey": key, "addBundledMetadata": False, "unbundledIntegrations": []}
    if is_host(request.host):
        destination |= {"apiHost": f"{request.host}/v1", "protocol": service.scheme_of(request)}
    response = web.json_response(
        {
            "integrations": {"Segment.io": destination},
            "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
            "edgeFunction": {},
            "analyticsNextEnabled": True,
            "middlewareSettings": {},
            "enabledMiddleware": {},
            "metrics": {"sampleRate": 0},
            "legacyVideoPluginsEnabled": False,
            "remotePlugins": [],
        },
        headers={"Cache-Control": "private, max-age=60"},
    )
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is not None:
        response.headers.update(cors.answer_headers(origin))
    return response


@answering("health", limited=False)
async def healthz(request: web.Request, service: Service) -> web.Response:
    """The process is alive."""
    return web.json_response({"status": "alive"})


@answering("health", limited=False)
async def readyz(request: web.Request, service: Service) -> web.Response:
    """Sites are known and the spool takes records."""
    ready = service.sites.readable and service.spool.waiting_bytes < service.settings.pending_max_bytes
    return web.json_response({"status": "ready" if ready else "not ready"}, status=200 if ready else 503)


@answering("metrics", limited=False)
async def get_metrics(request: web.Request, service: Service) -> web.Response:
    """Prometheus text."""
    service.metrics.waiting_bytes = service.spool.waiting_bytes
    return web.Response(body=service.metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def is_host(text: str) -> bool:
    """Whether a Host header is one that may stand in an address of ours."""
    return _HOST.fullmatch(text) is not None


def refusal(allowed: set[str]) -> Handler:
    """The answer to everything else: 405 where another method leads somewhere, 404 elsewhere."""

    @answering("unknown")
    async def refuse(request: web.Request, service: Service) -> web.StreamResponse:
        if request.content_length and request.content_length > service.settings.limits.import_body:
            raise BadRequest("no such path or method, and far too much sent to it")
        if not allowed:
            raise NotFound("no such path")
        words = {"code": "method_not_allowed", "message": "this address does not take this method"}
        headers = {hdrs.ALLOW: ", ".join(sorted(allowed))}
        return web.json_response({"error": words}, status=405, headers=headers)

    return refuse


body_of, respond = _body, _answer  # for the endpoints in other files
