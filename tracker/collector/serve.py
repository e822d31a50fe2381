"""One worker process: bind, serve, and on SIGTERM stop taking requests, answer those in flight, seal."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import time
from ipaddress import ip_network
from typing import Any

import structlog
from aiohttp import web

from tracker.collector.app import make_app
from tracker.collector.door import HEADERS, Runner
from tracker.collector.endpoints import SERVICE
from tracker.collector.prompt import answer_at_once
from tracker.collector.service import Service
from tracker.collector.settings import CollectorSettings

resource: Any = None
with contextlib.suppress(ImportError):  # not on every platform
    import resource
uvloop: Any = None
with contextlib.suppress(ImportError):  # none for this platform: asyncio's own loop does
    import uvloop

log = structlog.get_logger()

_QUIET = 0.25  # seconds
_OTHER_FILES = 100  # descriptors for the spool, databases, logs


def run(settings: CollectorSettings) -> None:
    """Serve until SIGTERM or SIGINT; blocks. Several workers share one port through SO_REUSEPORT."""
    # Events are short-lived and hold no cycles: look for cycles seldom, and never among what was there at the start.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    priority = answer_at_once(realtime=settings.realtime)
    log.info("collector.priority", granted=priority or "usual", worker=settings.worker)
    (uvloop or asyncio).run(_to_the_end(settings))


async def _to_the_end(settings: CollectorSettings) -> None:
    try:
        await serve(settings)
    finally:  # all is sealed: a second signal, while Python takes itself apart, is no failure
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)


async def serve(settings: CollectorSettings) -> None:
    """`run` for a caller that has a loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = make_app(settings)
    runner = runner_of(app, settings)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port, reuse_port=True, backlog=1024)
        await site.start()
        log.info("collector.listening", host=settings.host, port=settings.port, worker=settings.worker)
        await stop.wait()
        log.info("collector.stopping", worker=settings.worker)
        await _leave(site, app[SERVICE], settings.grace)
    finally:
        await runner.cleanup()


def runner_of(app: web.Application, settings: CollectorSettings) -> Runner:
    """What serves the collector, with every bound of its settings."""
    return Runner(
        app,
        most=connections_for(settings.connections),
        patience=settings.head_timeout,
        per_block=settings.connections_per_address,
        proxies=tuple(ip_network(text, strict=False) for text in settings.trusted_proxies),
        max_headers=HEADERS,
        access_log=None,  # an access log would hold addresses
        max_line_size=settings.limits.event,  # some dialects write a whole order into the query string
        auto_decompress=False,  # bodies are sniffed and inflated under a bound of our own
        keepalive_timeout=settings.keepalive,
        shutdown_timeout=settings.grace,
        lingering_time=3.0,  # for a client that still sends to read why it was refused
        handle_signals=False,
    )


def connections_for(wanted: int) -> int:
    """As many connections as wanted, or as there are file descriptors for; raises the soft limit to the hard one."""
    if resource is None:
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = max(soft, wanted + _OTHER_FILES)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            soft = hard
    return max(min(wanted, int(soft) - _OTHER_FILES), 16)


async def _leave(site: web.TCPSite, service: Service, grace: float) -> None:
    """Let every request that was begun end, before aiohttp drops what still comes in on open connections.

    Answers say `Connection: close` from now on, so a client in the middle of its requests goes elsewhere by itself; one
    that is idle for `_QUIET` is hung up on.
    """
    service.leaving = True
    await site.stop()
    deadline = time.monotonic() + grace
    quiet = time.monotonic() + min(_QUIET, grace)
    while time.monotonic() < (deadline if service.in_flight else quiet):  # noqa: ASYNC110 - changed by handlers
        await asyncio.sleep(0.01)
