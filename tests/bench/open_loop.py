"""Requests sent when they are due, whether or not earlier ones were answered: what a crowd of strangers does.

A sender that waits for answers sends less while the server is slow, and so hides just the delays that it should show.
Here every delay counts from the moment a request was due. Times between requests are exponential, as those of
independent visitors are. As browsers do, a connection sends nothing while its answer is out: where all are busy, a
request waits here, and that counts too. The sender must not be what is slow: it is one loop over plain sockets that
goes before everybody else where it may (root), sleeps until something is due, and says how far it was behind its plan.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import select
import socket
import time
import uuid
from collections import deque
from collections.abc import Iterator

import msgspec

_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)", re.IGNORECASE)


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


class _Link:
    """One connection. `due`: when the request that waits for its answer should have been sent."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self._rest = b""

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self.socket.sendall(request)

    def answered(self) -> bool | None:
        """Whether the answer that came is a good one; None where it is not all here."""
        self._rest += self.socket.recv(65_536)
        head, end, body = self._rest.partition(b"\r\n\r\n")
        if not end:
            return None
        length = _LENGTH.search(head)
        if length and len(body) < int(length[1]):
            return None
        self._rest = b""
        return head.startswith(b"HTTP/1.1 2")


@contextlib.contextmanager
def going_first() -> Iterator[None]:
    """Run before all usual processes; needs root, and is left out elsewhere. It sleeps nearly all the time."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except (OSError, AttributeError):
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def run(port: int, made: list[bytes], rate: float, chance: random.Random, links: int = 256) -> dict[str, float]:
    """Send all of them at `rate` a second; delays in ms, the rate reached, answers missing or no 2xx.

    The first second is apart: all connections are opened at once then, and every path is walked for the first time.
    `behind_ms`, `behind_p99_ms`: by how much the sender itself was late, after that second; delays have it in them.
    """
    with going_first():
        return _run(port, made, rate, chance, links)


def _run(port: int, made: list[bytes], rate: float, chance: random.Random, links: int) -> dict[str, float]:
    pool = [_Link(port) for _ in range(links)]
    by_file = {link.socket.fileno(): link for link in pool}
    readable = select.epoll()
    for file in by_file:
        readable.register(file, select.EPOLLIN)
    idle, queued, delays = deque(pool), deque[tuple[bytes, float]](), list[float]()
    failed, answered = 0, 0

    def look() -> None:
        nonlocal failed, answered
        for file, _ in readable.poll(0):
            link = by_file[file]
            good = link.answered()
            if good is None:
                continue
            delays.append(time.perf_counter() - link.due)
            failed += not good
            answered += 1
            if queued:
                link.send(*queued.popleft())
            else:
                idle.append(link)

    began = time.perf_counter()
    due, settled, behind = began, 0, list[float]()
    for n, request in enumerate(made):
        due += chance.expovariate(rate)
        while (wait := due - time.perf_counter()) > 0:
            if select.select((readable,), (), (), wait)[0]:
                look()
        if settled:
            behind.append(-wait)
        if idle:
            idle.popleft().send(request, due)
        else:
            queued.append((request, due))
        if n % 8 == 0:  # where there is never a wait
            look()
        if not settled and due - began > 1.0:
            settled = len(delays)
    took = time.perf_counter() - began
    until = time.perf_counter() + 10
    while answered < len(made) and time.perf_counter() < until:
        select.select((readable,), (), (), 0.1)
        look()
    for link in pool:
        link.socket.close()
    ordered, behind = sorted(delays[settled:]) or [0.0], sorted(behind) or [0.0]
    return {
        "per_second": len(made) / took,
        "answered": float(answered),
        "p50_ms": ordered[len(ordered) // 2] * 1000,
        "p99_ms": ordered[int(len(ordered) * 0.99)] * 1000,
        "longest_ms": ordered[-1] * 1000,
        "longest_first_ms": max(delays[:settled], default=0.0) * 1000,
        "behind_ms": behind[-1] * 1000,
        "behind_p99_ms": behind[int(len(behind) * 0.99)] * 1000,
        "began": began + 1.0,
        "ended": began + took,
        "failed": float(len(made) - answered + failed),
    }
