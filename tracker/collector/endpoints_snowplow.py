"""Snowplow's two routes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from aiohttp import hdrs, web

from tracker.collector.endpoints import Handler, _answer, _body, answering, parsed
from tracker.collector.parsed import Batch
from tracker.collector.protocols import gif, snowplow
from tracker.collector.ready import Words
from tracker.collector.service import Service
from tracker.collector.several import name_at_random, settle
from tracker.collector.standing import may_be_browser

_OK = Words(200, b"ok", "text/plain")
_IMAGE = Words(200, gif.PIXEL, "image/gif")


@answering("snowplow")
async def post_events(request: web.Request, service: Service) -> web.StreamResponse:
    """`POST /com.snowplowanalytics.snowplow/tp2`."""
    limits = service.settings.limits
    body = await _body(request, service, limits.body)
    parse = partial(snowplow.parse, body, max_event=limits.event, most=limits.events)
    batches = await parsed(service, body, parse)
    return _answer(request, service, _OK, await _store(request, service, batches))


@answering("snowplow")
async def get_event(request: web.Request, service: Service) -> web.StreamResponse:
    """`GET /i`: trackers look at the status and send again, so a failure is told as one."""
    query = request.rel_url.raw_query_string
    batches = snowplow.parse_query(query, max_event=service.settings.limits.event)
    headers = await _store(request, service, batches)
    return _answer(request, service, _IMAGE, [*headers, ("Cache-Control", "no-store, private")])


async def _store(request: web.Request, service: Service, batches: Sequence[Batch]) -> list[tuple[str, str]]:
    settle(request, service, batches)
    anonymous = "SP-Anonymous" in request.headers
    if anonymous:  # the tracker was told to leave nothing that could be recognised: no cookie is read or set
        bare = request.headers.copy()
        bare.popall(hdrs.COOKIE, None)
        request = request.clone(headers=bare)
    if not (hdrs.ORIGIN in request.headers or "Sec-Fetch-Site" in request.headers or may_be_browser(request.headers)):
        for batch in batches:
            name_at_random(batch)
    headers: list[tuple[str, str]] = []
    for batch in batches:
        headers = await service.store(request, batch, "snowplow") or headers
    return [] if anonymous else headers


GETS: dict[str, Handler] = {"/i": get_event, "/ice.png": get_event}
POSTS: dict[str, Handler] = {"/com.snowplowanalytics.snowplow/tp2": post_events}
