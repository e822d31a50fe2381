"""Tracked links and opened mails: `GET /r/TOKEN`, `GET /o/TOKEN.gif`. Whoever follows a link comes first."""

from __future__ import annotations

import time

from aiohttp import hdrs, web

from tracker.collector.endpoints import answering
from tracker.collector.parsed import Batch
from tracker.collector.protocols import gif
from tracker.collector.service import Service
from tracker.core import links
from tracker.core.errors import TrackerError
from tracker.core.event import RawEvent

_NAMES = {"click": "click", "open": "email_open"}


@answering("link", limited=False)
async def get_link(request: web.Request, service: Service) -> web.StreamResponse:
    """`GET /r/TOKEN`: to the target that was signed, and nowhere else; 404 for any other token."""
    link = _read(request, service, "click")
    headers = await _count(request, service, link)
    response = web.Response(status=302, headers={"Location": link.url, "Cache-Control": "no-store, private"})
    for name, value in headers:
        response.headers.add(name, value)
    return response


@answering("open", limited=False)
async def get_open(request: web.Request, service: Service) -> web.StreamResponse:
    """`GET /o/TOKEN.gif`: always an image; one of a wrong token counts nothing."""
    try:
        await _count(request, service, _read(request, service, "open"))
    except TrackerError as failure:
        service.metrics.answers["open_failed", failure.status] += 1
    return web.Response(body=gif.PIXEL, content_type="image/gif", headers={"Cache-Control": "no-store, private"})


def _read(request: web.Request, service: Service, kind: str) -> links.Link:
    def secret_of(key: str) -> str | None:
        known = service.sites.get(key)
        return known.site.identifier_key if known is not None else None

    return links.read(request.match_info["token"], secret_of, time.time_ns() // 1_000_000, kind)


async def _count(request: web.Request, service: Service, link: links.Link) -> list[tuple[str, str]]:
    """Store the event; headers for the answer. A full disk or a flood must not keep anybody from where they go."""
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    if request.method != hdrs.METH_GET or "prefetch" in purpose:
        return []
    event = RawEvent(
        type="track",
        name=_NAMES[link.kind],
        user=link.user or None,
        visitor=link.visitor or None,
        url=link.url or None,
        props=link.props,
        consent=link.consent,
        library="link",
    )
    batch = Batch(write_key=link.key, texts=[b""], read=lambda _: event)
    try:
        service.admit(request)
        return await service.store(request, batch, "link" if link.kind == "click" else "open")
    except TrackerError as failure:
        service.metrics.answers[f"{link.kind}_failed", failure.status] += 1
        return []
