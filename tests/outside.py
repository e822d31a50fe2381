"""Somebody outside: real servers on real ports that record what they are sent and answer as they are told: one that
speaks HTTP, and one that takes mail.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web
from aiosmtpd.controller import Controller


@dataclass(frozen=True)
class Heard:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


Say = Callable[[Heard], "tuple[int, dict[str, str], bytes]"]


def ok(_heard: Heard) -> tuple[int, dict[str, str], bytes]:
    return 200, {}, b"{}"


@dataclass
class Outside:
    """`heard` in the order of arrival; `say` may be changed at any time."""

    say: Say = ok
    heard: list[Heard] = field(default_factory=list)
    url: str = ""
    port: int = 0

    @property
    def host(self) -> str:
        """As the setting `outbound_hosts` names it."""
        return f"127.0.0.1:{self.port}"


@contextmanager
def outside(say: Say = ok) -> Iterator[Outside]:
    """Serve in a thread of its own until the block ends."""
    one, started, loop = Outside(say), threading.Event(), asyncio.new_event_loop()

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        heard = Heard(
            request.method, request.path, request.query, {k.lower(): v for k, v in request.headers.items()}, body
        )
        one.heard.append(heard)
        status, headers, content = await asyncio.to_thread(one.say, heard)
        if status == 0:  # hang up
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=status or 200, headers=headers, body=content)

    async def serve() -> None:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{rest:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        one.port = runner.addresses[0][1]
        one.url = f"http://127.0.0.1:{one.port}"
        started.set()
        while not stop.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.02)
        await runner.cleanup()

    stop = threading.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert started.wait(60)
    try:
        yield one
    finally:
        stop.set()
        thread.join(60)
        loop.close()


@dataclass
class Mailbox:
    """A mail server's hands: `got` are envelopes; `code` is what it answers to each mail."""

    got: list[Any] = field(default_factory=list)
    code: str = "250 OK"
    port: int = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.code.startswith("2"):
            self.got.append(envelope)
        return self.code


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """Take mail until the block ends."""
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        box.port = free.getsockname()[1]
    server = Controller(box, "127.0.0.1", box.port)
    server.start()
    try:
        yield box
    finally:
        server.stop()
