"""A site with the pixel: real pages, the real collector behind a front that can fail, and what ended up on disk."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import ClientSession, DummyCookieJar, web

from tracker.collector.app import make_app
from tracker.collector.settings import CollectorSettings
from tracker.core.event import Event, Record
from tracker.core.pixel import PixelSettings
from tracker.core.privacy import PLAIN, PrivacySettings
from tracker.core.site import Site, SitesFile
from tracker.spool.reader import Spool

# One looks like an event in the queue, as random keys may.
KEYS = {"opt-in": "wk_in_e1_0123456789abc", "opt-out": "wk_out_0123456789abcde"}
# What lies on the device, by key; and whether all is delivered: an event on its way has the page's address as it was.
KEPT = "Object.keys(localStorage).concat(Object.keys(sessionStorage)).sort()"
DELIVERED = "!Object.keys(localStorage).some(key => /^jt_.*_e[0-9]{13}/.test(key))"
HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<script>window.jt=window.jt||function(){{(jt.q=jt.q||[]).push(arguments)}}</script>
<script async src="{front}/p.js?site={key}" data-consent="{policy}"></script></head><body>{body}</body></html>"""


@dataclass
class Front:
    """Stands before the collector. `fail` decides per request: None forwards, a status answers, 0 cuts the line."""

    collector: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    packed: int = 0
    times: list[float] = field(default_factory=list)
    fail: Callable[[], int | None] = lambda: None
    headers: dict[str, str] = field(default_factory=dict)
    hold: asyncio.Event | None = None
    session: ClientSession | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.path in ("/e", "/e.gif"):
            self.paths.append(request.path)
        if request.path == "/e":
            self.packed += body.startswith(b"\x1f\x8b")
            self.bodies.append(json.loads(gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body))
            self.times.append(asyncio.get_running_loop().time())
            if self.hold is not None:
                await self.hold.wait()
            status = self.fail()
            if status == 0:
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            if status is not None:
                origin = request.headers.get("Origin", "")
                cors = {
                    "Access-Control-Allow-Origin": origin,
                    "Access-Control-Allow-Credentials": "true",
                    "Access-Control-Expose-Headers": "Retry-After",
                }
                return web.Response(status=status, headers=cors | self.headers)
        assert self.session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        async with self.session.request(
            request.method, self.collector + request.path_qs, data=body, headers=headers
        ) as got:
            kept = {
                name: value
                for name, value in got.headers.items()
                if name.lower() not in {"transfer-encoding", "content-length", "content-encoding"}
            }
            return web.Response(status=got.status, body=await got.read(), headers=kept)

    async def heard(self, count: int) -> None:
        """Waits for that many requests."""
        async with asyncio.timeout(30):
            while len(self.bodies) < count:  # noqa: ASYNC110 - a test's clock is good enough
                await asyncio.sleep(0.02)

    @property
    def ids(self) -> list[str]:
        """Ids of all events that were sent, in order, repeats too."""
        return [event["id"] for body in self.bodies for event in body["events"]]


@dataclass
class PixelSite:
    """`pages` maps a path to its HTML; what is not in it is an ordinary page of the policy that its host names."""

    data: Path
    front: Front
    front_url: str
    port: int
    pages: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    page_headers: dict[str, str] = field(default_factory=dict)

    def url(self, path: str = "/", *, policy: str = "opt-out", host: str = "127.0.0.1") -> str:
        glue = "&" if "?" in path else "?"
        return f"http://{host}:{self.port}{path}{glue}policy={policy}"

    def html(self, *, policy: str = "opt-out", title: str = "A page", body: str = "") -> str:
        return HEAD.format(front=self.front_url, key=KEYS[policy], policy=policy, title=title, body=body)

    async def serve(self, request: web.Request) -> web.Response:
        text = self.pages.get(request.path)
        if text is None:
            text = self.html(policy=request.query.get("policy", "opt-out"))
        status = self.statuses.get(request.path, 200)
        return web.Response(status=status, text=text, content_type="text/html", headers=self.page_headers)

    def ask_for(self, privacy: PrivacySettings = PLAIN, **wanted: Any) -> None:
        """Give both sites these settings of the pixel, and what they declare."""
        write_sites(self.data, msgspec.convert(wanted, PixelSettings), privacy)

    def records(self) -> list[Record]:
        """All records that are on disk, in order of acceptance."""
        spool = Spool(self.data / "spool")
        found: list[Record] = []
        for ref in spool.sealed():
            found += [msgspec.json.decode(body, type=Record) for body in spool.read(ref).bodies]
        return sorted(found, key=lambda record: record.arrival)

    def events(self, name: str | None = None) -> list[Event]:
        """Events as the loader takes them: the first of each id."""
        found = {record.id: record for record in reversed(self.records()) if isinstance(record, Event)}
        found_in_order = sorted(found.values(), key=lambda event: event.arrival)
        return [event for event in found_in_order if name is None or event.name == name]

    async def wait(self, name: str, count: int = 1, *, seconds: float = 60) -> list[Event]:
        """The events of that name once there are `count` of them on disk in sealed segments."""
        for _ in range(int(seconds / 0.1)):
            if len(found := self.events(name)) >= count:
                return found
            await asyncio.sleep(0.1)
        raise AssertionError(f"{count} x {name} wanted, found {[event.name for event in self.records()]}")  # type: ignore[union-attr]


def write_sites(folder: Path, pixel: PixelSettings, privacy: PrivacySettings = PLAIN) -> None:
    """As the catalog does it: by rename."""
    sites = tuple(
        Site(name=policy, write_key=key, consent=policy, identifier_key="ab" * 32, pixel=pixel, privacy=privacy)
        for policy, key in KEYS.items()
    )
    new = folder / "sites.new"
    new.write_bytes(msgspec.json.encode(SitesFile(sites=sites)))
    new.rename(folder / "sites.json")


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[PixelSite]:
    """In an existing folder: collector, front and page server on free ports of the loopback."""
    write_sites(folder, PixelSettings())
    async with (
        _listening(make_app(CollectorSettings(data=folder, segment_age=0.1))) as collector,
        ClientSession(cookie_jar=DummyCookieJar(), auto_decompress=True) as session,
    ):
        front = Front(collector=f"http://127.0.0.1:{collector}", session=session)
        async with _listening(_any(front.handle)) as front_port:
            site = PixelSite(folder, front, f"http://127.0.0.1:{front_port}", 0)
            async with _listening(_any(site.serve)) as site.port:
                yield site


def _any(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.Application:
    app = web.Application(client_max_size=10_000_000)
    app.router.add_route("*", "/{rest:.*}", handler)
    return app


@asynccontextmanager
async def _listening(app: web.Application) -> AsyncIterator[int]:
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
