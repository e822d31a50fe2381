"""Endpoints for sites that move here from GA4, RudderStack, PostHog, Plausible and Umami by changing one address.

Each answers with exactly what the client it is made for waits for; docs/protocols.md has them side by side.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit
from uuid import uuid4

from aiohttp import hdrs, web

from tracker.collector.endpoints import Handler, answering, body_of, parsed, respond
from tracker.collector.parsed import Batch
from tracker.collector.protocols import native, plausible, posthog, umami
from tracker.collector.protocols.ga4 import check, gtag, mp
from tracker.collector.ready import Words
from tracker.collector.service import Service

_NOTHING = Words(204)
_POSTHOG = Words(200, b'{"status":1}', "application/json")
_OK = Words(202, b"ok", "text/plain")
_BEEP = Words(200, b'{"beep":"boop"}', "application/json")


@answering("ga4")
async def collect(request: web.Request, service: Service) -> web.StreamResponse:
    """`GET` and `POST /g/collect`."""
    body = await body_of(request, service, service.settings.limits.body)
    query, most = request.rel_url.raw_query_string, service.settings.limits.event
    batch = await parsed(service, body, lambda: gtag.parse(query, body, max_event=most))
    if (
        service.sites.get(batch.write_key) is None
    ):  # gtag.js must have Google's id there: then the page says whose it is
        page = request.headers.get(hdrs.ORIGIN) or request.query.get("dl") or ""
        batch.write_key = _key_of_page(service, page) or batch.write_key
    return respond(request, service, _NOTHING, await service.store(request, batch, "ga4"))


@answering("ga4")
async def measure(request: web.Request, service: Service) -> web.StreamResponse:
    """`POST /mp/collect`: the write key is `api_secret` or `measurement_id`."""
    body = await body_of(request, service, service.settings.limits.body)
    keys = [request.query.get(name, "") for name in ("api_secret", "measurement_id", "firebase_app_id")]
    key = next((key for key in keys if service.sites.get(key) is not None), keys[0])
    batch = await parsed(service, body, lambda: mp.parse(body, key, max_event=service.settings.limits.event))
    return respond(request, service, _NOTHING, await service.store(request, batch, "ga4"))


@answering("ga4")
async def measure_debug(request: web.Request, service: Service) -> web.StreamResponse:
    """`POST /debug/mp/collect`: what is wrong with it; nothing is stored, and the key is not looked at."""
    body = await body_of(request, service, service.settings.limits.body)
    return _json(request, service, {"validationMessages": check.check(body)})


@answering("posthog")
async def capture(request: web.Request, service: Service) -> web.StreamResponse:
    """`POST /batch/` and its relatives. `/e/` was the pixel's `/e` with a slash too many, too."""
    limits = service.settings.limits
    body = await body_of(request, service, limits.body)
    query = dict(request.query)
    batch = await parsed(service, body, lambda: posthog.parse(body, query, max_event=limits.event))
    if not batch.write_key and request.path.strip("/") == "e":
        pixels = await parsed(service, body, lambda: native.parse(body, max_event=limits.event))
        return respond(request, service, _NOTHING, await service.store(request, pixels, "native"))
    return respond(request, service, _POSTHOG, await service.store(request, batch, "posthog"))


@answering("posthog")
async def flags(request: web.Request, service: Service) -> web.StreamResponse:
    """`POST /flags/` (and `/decide/` before it): there are no flags here, and no recordings."""
    await body_of(request, service, service.settings.limits.body)
    nothing = {"flags": {}, "featureFlags": {}, "featureFlagPayloads": {}, "errorsWhileComputingFlags": False}
    return _json(request, service, {**nothing, "quotaLimited": [], **_posthog_config(""), "requestId": str(uuid4())})


@answering("posthog")
async def posthog_config(request: web.Request, service: Service) -> web.StreamResponse:
    """`GET /array/<key>/config` and `config.js`: what posthog-js asks for before anything else."""
    key = request.match_info["key"]
    service.site_of(key, request.headers.get(hdrs.ORIGIN))
    config = _posthog_config(key)
    if not request.path.endswith(".js"):
        return _json(request, service, config)
    said = json.dumps({"config": config, "siteApps": []}).replace("<", "\\u003c")
    named = json.dumps(key).replace("<", "\\u003c")
    script = f"(window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{{}})[{named}]={said};"
    return respond(request, service, Words(200, script.encode(), "text/javascript"), [])


def _posthog_config(key: str) -> dict[str, object]:
    return {
        "token": key,
        "supportedCompression": ["gzip", "gzip-js"],
        "hasFeatureFlags": False,
        "captureDeadClicks": False,
        "capturePerformance": False,
        "autocapture_opt_out": False,
        "autocaptureExceptions": False,
        "analytics": {"endpoint": "/e/"},
        "elementsChainAsString": True,
        "sessionRecording": False,
        "heatmaps": False,
        "surveys": False,
        "conversations": False,
        "productTours": False,
        "logs": {"captureConsoleLogs": False},
        "errorTracking": {"autocaptureExceptions": False, "suppressionRules": []},
        "defaultIdentifiedOnly": True,
        "siteApps": [],
        "isAuthenticated": False,
        "toolbarParams": {},
        "config": {"enable_collect_everything": True},
    }


@answering("plausible")
async def plausible_event(request: web.Request, service: Service) -> web.StreamResponse:
    """`POST /api/event`: 202 "ok", and `x-plausible-dropped` where the event was not kept."""
    limits = service.settings.limits
    body = await body_of(request, service, limits.body)
    batch = await parsed(service, body, lambda: plausible.parse(body, max_event=limits.event))
    for domain in batch.domains:
        key = domain if service.sites.get(domain) is not None else service.sites.key_of_domain(domain)
        if key is not None:
            batch.write_key = key
            break
    headers = await service.store(request, batch, "plausible")
    if not batch.kept:
        headers = [*headers, ("X-Plausible-Dropped", "1")]
    return respond(request, service, _OK, headers)


@answering("umami")
async def umami_send(request: web.Request, service: Service) -> web.StreamResponse:
    """`POST /api/send`: what the page shall say again next time; machines hear "beep boop"."""
    batch, headers = await _umami(request, service)
    if umami.BOT.search(request.headers.get(hdrs.USER_AGENT, "")):
        return respond(request, service, _BEEP, headers)
    answer = {"cache": umami.cache_of(batch.visitor), "sessionId": batch.visitor, "visitId": batch.visitor}
    return _json(request, service, answer, headers)


@answering("umami")
async def umami_batch(request: web.Request, service: Service) -> web.StreamResponse:
    """`POST /api/batch`: an array."""
    batch, headers = await _umami(request, service)
    size = len(batch.texts)
    cache = umami.cache_of(batch.visitor)
    answer = {"size": size, "processed": batch.kept, "errors": size - batch.kept, "details": [], "cache": cache}
    return _json(request, service, answer, headers)


async def _umami(request: web.Request, service: Service) -> tuple[Batch, list[tuple[str, str]]]:
    limits = service.settings.limits
    body = await body_of(request, service, limits.body)
    cache = request.headers.get("X-Umami-Cache", "")
    batch = await parsed(service, body, lambda: umami.parse(body, cache, max_event=limits.event))
    return batch, await service.store(request, batch, "umami")


@answering("rudderstack")
async def source_config(request: web.Request, service: Service) -> web.StreamResponse:
    """`GET /sourceConfig/`: what RudderStack's browser library asks for first: no destination but this one."""
    key = request.query.get("writeKey", "")
    service.site_of(key, request.headers.get(hdrs.ORIGIN))
    off = {"enabled": False}
    source = {
        "id": key,
        "name": "site",
        "writeKey": key,
        "enabled": True,
        "workspaceId": key,
        "config": {"statsCollection": {"errors": off, "metrics": off}},
        "connections": [],
        "destinations": [],
        "dataplanes": {},
    }
    return _json(request, service, {"source": source, "updatedAt": "2026-01-01T00:00:00.000Z"})


def _key_of_page(service: Service, address: str) -> str | None:
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return None
    while host:
        key = service.sites.key_of_domain(host)
        if key is not None:
            return key
        host = host.partition(".")[2]
    return None


def _json(
    request: web.Request, service: Service, answer: object, headers: list[tuple[str, str]] | None = None
) -> web.StreamResponse:
    """Never shared and never kept: an answer with a key or an id in it is nobody else's."""
    words = Words(200, json.dumps(answer).encode(), "application/json")
    return respond(request, service, words, [*(headers or []), ("Cache-Control", "no-store")])


GETS: dict[str, Handler] = {
    "/g/collect": collect,
    "/sourceConfig": source_config,
}
KEYED_GETS: dict[str, Handler] = {
    "/array/{key}/config": posthog_config,
    "/array/{key}/config.js": posthog_config,
}
POSTS: dict[str, Handler] = {
    "/g/collect": collect,
    "/mp/collect": measure,
    "/debug/mp/collect": measure_debug,
    **{f"/{path}": capture for path in posthog.PATHS if path != "e"},
    "/flags": flags,
    "/decide": flags,
    "/api/event": plausible_event,
    "/api/send": umami_send,
    "/api/batch": umami_batch,
}
WITH_SLASH: dict[str, Handler] = {"/e/": capture}  # PostHog's; without the slash it is the pixel's
