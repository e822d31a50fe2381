"""Matomo's tracking routes, and the two questions that its log importer asks before it sends anything."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from hmac import compare_digest
from typing import Any

import msgspec
from aiohttp import hdrs, web

from tracker.collector.endpoints import Handler, _answer, _body, answering, parsed
from tracker.collector.loose import pairs_of
from tracker.collector.parsed import Batch
from tracker.collector.protocols import gif, matomo
from tracker.collector.ready import Words
from tracker.collector.service import Service
from tracker.collector.several import few, name_at_random, name_for, settle
from tracker.collector.sites import allows
from tracker.collector.standing import may_be_browser
from tracker.core.errors import NotFound, TooLarge

_SILENCE = Words(204)
_IMAGE = Words(200, gif.PIXEL, "image/gif")
_NOBODY = "this needs token_auth=WRITE_KEY and idSite=WRITE_KEY (or the site's name); `tracker site list` shows them"


@answering("matomo")
async def track(request: web.Request, service: Service) -> web.StreamResponse:
    """`GET` and `POST /matomo.php`: one hit in the query string or a form, or a bulk as JSON."""
    limits = service.settings.limits
    body = b"" if request.method == "GET" else await _body(request, service, limits.import_body)
    asked = await parsed(service, body, partial(matomo.split, request.rel_url.raw_query_string, body))
    if asked.size > limits.import_events:
        raise TooLarge(f"more than {limits.import_events} hits in one request")
    while asked.waiting:
        asked.some()
        if asked.waiting:  # a large bulk must not keep everybody else waiting
            await asyncio.sleep(0)
    few(len(asked.hits))
    batches = [_batch(request, service, hits) for hits in asked.hits]
    if any(len(batch.texts) > limits.events for batch, trusted in batches if not trusted):
        raise TooLarge(
            f"more than {limits.events} events for one site; with token_auth {limits.import_events} are fine"
        )
    settle(request, service, [batch for batch, _ in batches])
    headers: list[tuple[str, str]] = []
    turned: set[int] = set()
    for (batch, trusted), hits in zip(batches, asked.hits, strict=True):
        headers = await service.store(request, batch, "matomo", history=trusted) or headers
        turned |= {hits.at[index] for index in batch.turned}
    if asked.bulk:
        headers.append(("Cache-Control", "no-store"))
        return _answer(request, service, _tally({number for hits in asked.hits for number in hits.at}, turned), headers)
    return _answer(request, service, _SILENCE if asked.silent else _IMAGE, [*headers, ("Cache-Control", "no-store")])


def _batch(request: web.Request, service: Service, hits: matomo.Hits) -> tuple[Batch, bool]:
    """A batch, and whether it came with the site's own key as token: then it is a server's, and may be history."""
    known = service.sites.named(hits.site)
    trusted = (
        known is not None and bool(hits.token) and compare_digest(hits.token.encode(), known.site.write_key.encode())
    )
    read = matomo.reader(trusted=trusted, now=time.time_ns() // 1_000_000, max_event=service.settings.limits.event)
    batch = Batch(write_key=hits.site, texts=hits.texts, read=read)
    if known is not None and trusted and not _browser(request, trusted):
        name_for(request, service, known, batch)
    elif known is not None and not _browser(request, trusted):
        name_at_random(batch)
    return batch, trusted


def _browser(request: web.Request, trusted: bool) -> bool:
    headers = request.headers
    return hdrs.ORIGIN in headers or "Sec-Fetch-Site" in headers or (not trusted and may_be_browser(headers))


def _tally(hits: set[int], turned: set[int]) -> Words:
    """What Matomo's bulk says. `invalid_indices` are counted from 0."""
    body = {
        "status": "success",
        "tracked": len(hits - turned),
        "invalid": len(turned),
        "invalid_indices": sorted(turned),
    }
    return Words(200, msgspec.json.encode(body), "application/json")


@answering("matomo_api")
async def api(request: web.Request, service: Service) -> web.StreamResponse:
    """`/?module=API&method=...`: what `import_logs.py` needs of Matomo's API. Errors are 200 there too."""
    body = b"" if request.method == "GET" else await _body(request, service, service.settings.limits.event)
    asked = pairs_of(request.rel_url.raw_query_string) | pairs_of(body)
    if asked.get("module") != "API":
        raise NotFound("no such path")
    return web.json_response(_reply(service, asked))


def _reply(service: Service, asked: dict[str, str]) -> Any:
    token = asked.get("token_auth", "")
    known = service.sites.get(token)
    if known is None:
        return {"result": "error", "message": _NOBODY}
    site = known.site
    host = site.domains[0] if site.domains else "localhost"
    method = asked.get("method", "")
    if method == "SitesManager.getSiteFromId":
        wanted = asked.get("idSite", asked.get("idsite", ""))
        if wanted not in (site.name, site.write_key):
            return {"result": "error", "message": _NOBODY}
        return {"idsite": wanted, "name": site.name, "main_url": f"https://{host}", "timezone": site.timezone}
    if method == "SitesManager.getSitesIdFromSiteUrl":
        url = asked.get("url", "")
        url = url if "://" in url else f"https://{url}"
        return [{"idsite": site.write_key}] if allows(site.domains, url) else []
    return {"result": "error", "message": "only what import_logs.py needs is answered here"}


GETS: dict[str, Handler] = {"/matomo.php": track, "/piwik.php": track, "/": api, "/index.php": api}
POSTS: dict[str, Handler] = dict(GETS)
