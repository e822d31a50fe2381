"""A collector in a process of its own, and sockets that say to it what no HTTP library would."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from clickhouse import free_port

from tracker.core.site import Site, SitesFile
from tracker.spool.record import contents

# Beside the service runs a probe: how much processor its loop's thread took between two looks, that is, for how long
# it answered nobody else. Processor time, because other programs on the machine are not the collector's fault.
WORKER = """
import asyncio, json, sys, time
from pathlib import Path
from tracker.collector import serve
from tracker.collector.settings import CollectorSettings, Limits
from tracker.telemetry import configure

configure(level="info", form="json", role="collector-0")
given = json.loads(sys.argv[1])
settings = CollectorSettings(data=Path(given.pop("data")), **given)

async def probe(longest):
    while True:
        before = time.thread_time()
        await asyncio.sleep(0)
        await asyncio.sleep(0.005)
        longest[0] = max(longest[0], time.thread_time() - before)

async def main():
    longest = [0.0]
    task = asyncio.get_running_loop().create_task(probe(longest))
    await serve.serve(settings)
    task.cancel()
    Path(settings.data, "longest-stall").write_text(str(longest[0]))

(serve.uvloop or asyncio).run(main())
"""


class Worker:
    """One collector process."""

    def __init__(self, data: Path, **settings: Any) -> None:
        self.data = data
        self.port = free_port()
        self.log = data / "worker.log"
        sites = SitesFile(
            sites=(
                Site(name="shop", write_key="wk", consent="opt-out", identifier_key="11" * 32),
                Site(name="captured", write_key="WK_TEST", consent="opt-out", identifier_key="33" * 32),
                Site(name="strict", write_key="wk-strict", domains=("shop.example",), identifier_key="22" * 32),
            )
        )
        (data / "sites.json").write_bytes(msgspec.json.encode(sites))
        given = {"data": str(data), "port": self.port, "segment_age": 60, **settings}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", WORKER, json.dumps(given)],
                stderr=log,
                stdout=log,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )
        for _ in range(600):
            try:
                if self.say(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"the worker did not start: {self.log.read_text()[-2000:]}")

    def connect(self, timeout: float = 30.0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def say(self, *pieces: bytes, pause: float = 0.0, timeout: float = 30.0) -> bytes:
        """Send the pieces; everything that comes back until the other side hangs up."""
        with self.connect(timeout) as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(pause)
            except ConnectionError:
                pass  # it hung up before it had heard all
            return hear(connection)

    def stored(self) -> list[dict[str, Any]]:
        return [
            json.loads(body)
            for path in sorted((self.data / "spool" / "c0").glob("[0-9]*.*"))
            for body in contents(path.read_bytes()).bodies
        ]

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(30)

    def longest_stall(self) -> float:
        """Seconds; after `stop`."""
        return float((self.data / "longest-stall").read_text())


@contextmanager
def worker(data: Path, **settings: Any) -> Iterator[Worker]:
    made = Worker(data, **settings)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.wait()


def hear(connection: socket.socket) -> bytes:
    """Everything until the other side hangs up."""
    heard = b""
    try:
        while piece := connection.recv(65536):
            heard += piece
    except ConnectionError:
        pass
    return heard


def statuses(heard: bytes) -> list[int]:
    """The status of each answer in what was heard."""
    return [int(line.split()[1]) for line in heard.split(b"\r\n") if line.startswith(b"HTTP/")]


def post(body: bytes, path: bytes = b"/e", *more: bytes, close: bool = True) -> bytes:
    """A well-formed request."""
    head = [b"POST " + path + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body), *more]
    if close:
        head.append(b"Connection: close")
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def event(name: str = "x", **given: Any) -> bytes:
    """A native batch of one event."""
    return json.dumps({"site": "wk", "events": [{"type": "track", "name": name, "visitor": "v", **given}]}).encode()
