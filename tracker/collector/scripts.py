"""The pixel's files: `/p.js` for a site, the same under a name that never changes its content, modules, source maps.

A page that pins a file with Subresource Integrity must get that file for ever, also after the site's settings or this
program have changed. So what was served under a pinned name is kept in the data folder.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from functools import lru_cache
from pathlib import Path

import structlog
from aiohttp import web

from tracker.collector.endpoints import answering
from tracker.collector.service import Service
from tracker.core.errors import NotFound
from tracker.pixel import bundle

log = structlog.get_logger()

_BRIEF = "public, max-age=3600, stale-while-revalidate=86400"
_FOR_EVER = "public, max-age=31536000, immutable"
_NAME = re.compile(r"[a-z-]+\.[0-9a-f]{16}\.js")


@lru_cache(maxsize=64)
def _packed(text: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return packer.compress(text) + packer.flush()


def _answer(request: web.Request, text: bytes, *, lasting: bool, source_map: str = "") -> web.Response:
    etag = f'"{bundle.file_of(text).version}"'
    headers = {
        "Cache-Control": _FOR_EVER if lasting else _BRIEF,
        "ETag": etag,
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Encoding",
    }
    if source_map:
        headers["SourceMap"] = source_map
    if etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        text = _packed(text)
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=text, content_type="text/javascript", charset="utf-8", headers=headers)


@answering("script")
async def get_script(request: web.Request, service: Service) -> web.Response:
    """`GET /p.js?site=KEY`: the core with the site's settings; without a known key, the core alone."""
    try:
        built = bundle.FILES.load()
    except OSError:
        sorry = "/* the pixel is not built on this server; nothing is measured */"
        return web.Response(
            status=503, text=sorry, content_type="text/javascript", headers={"Cache-Control": "no-store"}
        )
    known = service.sites.get(request.query.get("site", ""))
    text = bundle.compose(built, None if known is None else known.site)
    return _answer(request, text, lasting=False, source_map="p.js.map")


@answering("script")
async def get_pinned(request: web.Request, service: Service) -> web.Response:
    """`GET /p.HASH.js` and `GET /m/NAME.HASH.js`: immutable; what is served once is kept."""
    name = request.path.rpartition("/")[2]
    if _NAME.fullmatch(name) is None:
        raise NotFound("no such script")
    kept = service.settings.data / "pixel" / name
    text = await asyncio.to_thread(_read, kept) or b""
    if not text:
        text = _find(service, name)
        await asyncio.to_thread(_keep, kept, text)
    return _answer(request, text, lasting=True, source_map=f"{name.partition('.')[0]}.js.map")


@answering("script")
async def get_map(request: web.Request, service: Service) -> web.Response:
    """`GET /p.js.map` and `GET /m/NAME.js.map`: for a developer's tools."""
    found = _built().get(request.path.rpartition("/")[2])
    if found is None:
        raise NotFound("no such map")
    return _answer(request, found, lasting=False)


def _built() -> dict[str, bytes]:
    try:
        return bundle.FILES.load()
    except OSError:
        raise NotFound("the pixel is not built on this server") from None


def _find(service: Service, name: str) -> bytes:
    built = _built()
    stem, version, _ = name.split(".")
    if stem != "p":
        text = built.get(f"{stem}.js", b"")
        if bundle.file_of(text).version == version:
            return text
    else:
        for site in service.sites.all():
            _, file = bundle.pinned(built, site)
            if file.version == version:
                return file.text
    raise NotFound("no such script")


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _keep(path: Path, text: bytes) -> None:
    """Best effort: a full disk must not keep a page from its script."""
    try:
        path.parent.mkdir(exist_ok=True)
        new = path.with_suffix(f".{id(text)}.new")
        new.write_bytes(text)
        new.replace(path)
    except OSError as failure:
        log.warning("pixel.not_kept", name=path.name, error=type(failure).__name__)
