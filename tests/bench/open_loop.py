"""Requests sent when they are due, whether or not earlier ones were answered: what a crowd of strangers does.

A sender that waits for answers sends less while the server is slow, and so hides just the delays that it should show.
Here every delay counts from the moment a request was due. Times between requests are exponential, as those of
independent visitors are.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import deque
from typing import cast

import msgspec

_ANSWER = b"HTTP/1.1 "


def requests(count: int, write_key: str, chance: random.Random) -> list[bytes]:
    """POSTs of one event each, of another visitor and with another id each."""
    now = time.time_ns() // 1_000_000
    made = []
    for n in range(count):
        visitor = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        event = {
            "id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            "type": "track",
            "name": "view_item",
            "ts": now,
            "visitor": visitor,
            "session": "5c1e6a1e-77aa-4c1d",
            "seq": n % 50,
            "url": f"https://shop.example/p/{n % 500}?utm_source=news&utm_medium=email&utm_campaign=autumn",
            "referrer": "https://www.google.com/",
            "title": "A product of the shop",
            "props": {"category": "shoes", "color": "blue", "size": 42, "in_stock": True},
            "items": [{"item_id": str(n % 500), "item_name": "Shoe", "price": 59.9, "quantity": 1}],
            "value": 59.9,
            "currency": "EUR",
            "consent": {"analytics": True, "ads": True},
        }
        body = msgspec.json.encode({"site": write_key, "sent_at": now, "events": [event]})
        made.append(
            b"POST /e HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nOrigin: https://shop.example\r\n"
            b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156\r\n"
            b"Cookie: jt_vid=%b\r\nContent-Length: %d\r\n\r\n%b" % (visitor.encode(), len(body), body)
        )
    return made


class _Link(asyncio.Protocol):
    """One connection. `due`: when each request that waits for its answer should have been sent."""

    def __init__(self, delays: list[float]) -> None:
        self.due: deque[float] = deque()
        self.failed = 0
        self._delays = delays
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        *answers, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for answer in answers:
            _, found, status = answer.rpartition(_ANSWER)  # the body of the one before comes first
            if found:
                self._delays.append(now - self.due.popleft())
                self.failed += not status.startswith(b"2")


async def run(port: int, made: list[bytes], rate: float, chance: random.Random, links: int = 256) -> dict[str, float]:
    """Send all of them at `rate` a second; delays in ms, the rate reached, answers missing or no 2xx.

    The first second is apart: all connections are opened at once then, and every path is walked for the first time.
    """
    loop = asyncio.get_running_loop()
    delays: list[float] = []
    pool = deque([(await loop.create_connection(lambda: _Link(delays), "127.0.0.1", port))[1] for _ in range(links)])
    began = time.perf_counter()
    due = began
    settled = 0
    for request in made:
        due += chance.expovariate(rate)
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        link = pool[0]
        pool.rotate(-1)
        link.due.append(due)
        link.transport.write(request)
        if not settled and due - began > 1.0:
            settled = len(delays)
    took = time.perf_counter() - began
    for _ in range(1000):
        if any(link.due for link in pool):
            await asyncio.sleep(0.01)
    unanswered = sum(len(link.due) for link in pool)
    for link in pool:
        link.transport.close()
    ordered = sorted(delays[settled:]) or [0.0]
    return {
        "per_second": len(made) / took,
        "p50_ms": ordered[len(ordered) // 2] * 1000,
        "p99_ms": ordered[int(len(ordered) * 0.99)] * 1000,
        "longest_ms": ordered[-1] * 1000,
        "longest_first_ms": max(delays[:settled], default=0.0) * 1000,
        "began": began + 1.0,
        "ended": began + took,
        "failed": float(unanswered + sum(link.failed for link in pool)),
    }
