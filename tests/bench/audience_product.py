"""The running product under load: single events followed into look-ups, and who asks and sends meanwhile."""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import random
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import crowd
import open_loop
from audience_store import peak
from bench_freshness import batch
from running import Tracker, answers, request, until

LONGEST = 60.0  # seconds until an event counts as lost


@dataclass(frozen=True)
class Watching:
    """Whose single events are followed into which audience."""

    key: str
    audience: str
    spares: Callable[[str], bool]

    def visitor(self) -> str:
        """Nobody yet, and not of the hold-out."""
        return next(name for _ in range(1000) if self.spares(name := f"probe-{random.random()}"))


def follow(it: Tracker, watching: Watching, stop: threading.Event, delays: list[float]) -> None:
    """Seconds from the acknowledgement of an event until the collector says that its visitor is in the audience."""
    while True:
        visitor = watching.visitor()
        event_of = {"id": str(uuid.uuid4()), "type": "track", "name": "login", "visitor": visitor}
        body = json.dumps({"site": watching.key, "events": [event_of]}).encode()
        assert request(it.port, "POST", "/e", body)[0] == 204
        began = time.perf_counter()
        path = f"/v1/segments?site={watching.key}&visitor={visitor}"
        while (waited := time.perf_counter() - began) < LONGEST:
            if watching.audience.encode() in request(it.port, "GET", path)[1]:
                break
            time.sleep(0.05)
        delays.append(waited)
        if stop.wait(random.random()):
            break


def lookups(path: bytes, head: bytes, rate: int, asked: argparse.Namespace, chance: random.Random) -> list[bytes]:
    """Questions about visitors all over the site."""
    return [
        b"GET %b&visitor=v%d HTTP/1.1\r\nHost: 127.0.0.1\r\n%b\r\n" % (path, chance.randrange(asked.persons), head)
        for _ in range(int(rate * (asked.seconds + 1)))
    ]


class Crowd:
    """Senders, each a process of its own (threads of this one would make them late), as urgent as they may be."""

    def __init__(self, it: Tracker, key: str, asked: argparse.Namespace) -> None:
        self._it, self._key, self._asked = it, key, asked
        self._pool = ProcessPoolExecutor(3, multiprocessing.get_context("spawn"), initializer=gc.freeze)
        self._sent: dict[str, Future[dict[str, float]]] = {}

    def ask_collector(self) -> None:
        """Look-ups at the collector's address."""
        self._ask("collector", self._it.port, self._asked.lookups, f"/v1/segments?site={self._key}", "")

    def ask_api(self) -> None:
        """Fewer of them at the API's, which asks the store."""
        token = f"Authorization: Bearer {self._it.env['TRACKER_ADMIN_TOKEN']}\r\n"
        self._ask("API", self._it.api_port, self._asked.api_lookups, f"/api/v1/segments?site={crowd.SITE}", token)

    def _ask(self, what: str, port: int, rate: int, path: str, head: str) -> None:
        if rate:
            made = lookups(path.encode(), head.encode(), rate, self._asked, random.Random(1))
            self._send(f"look-ups/s of the {what}", port, made, rate)

    def send_events(self) -> None:
        """`--rate` events a second, `--batch` in a request, of 5,000 visitors."""
        rate = self._asked.rate / self._asked.batch
        made = []
        for _ in range(int(rate * (self._asked.seconds + 1))):
            body = batch(self._key, ["view_item"] * self._asked.batch)
            head = b"POST /e HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
            made.append(head % len(body) + body)
        self._send(f"requests/s of {self._asked.batch} events", self._it.port, made, rate)

    def _send(self, what: str, port: int, made: list[bytes], rate: float) -> None:
        self._sent[what] = self._pool.submit(open_loop.run, port, made, rate, random.Random(2), links=32)

    def wait(self) -> None:
        """Until all is sent; says how it went."""
        for what, sent in self._sent.items():
            result = sent.result()
            print(
                f"{result['per_second']:.0f} {what}: {result['answered']:.0f} answers, p50 {result['p50_ms']:.2f} ms,"
                f" p99 {result['p99_ms']:.2f} ms, longest {result['longest_ms']:.1f} ms, failed {result['failed']:.0f};"
                f" in it the sender's own lateness, p99 {result['behind_p99_ms']:.2f} ms,"
                f" longest {result['behind_ms']:.2f} ms",
                flush=True,
            )
        self._pool.shutdown()


def collector_alone(it: Tracker, key: str, asked: argparse.Namespace) -> None:
    """Look-ups in the files that are there, beside ingestion; nobody loads."""
    role = it.collector().start()
    until(lambda: answers(it.port, "/readyz"), 30, it.tails)
    senders = Crowd(it, key, asked)
    senders.ask_collector()
    senders.send_events()
    senders.wait()
    print(f"  {peak(role.pid):.2f} GB")
    role.stop()


def product(it: Tracker, watching: Watching, asked: argparse.Namespace) -> None:
    """The running product, first with nothing else to do, then beside ingestion and look-ups."""
    up = it.role("up", "--no-dashboard").start()
    it.ready()
    key, path = watching.key, f"/api/v1/audiences/{watching.audience}"
    while (it.api("GET", path)["membership"] or {}).get("state") != "ready":
        time.sleep(1.0)
    started = threading.Event()
    started.set()
    follow(it, watching, started, delays := list[float]())
    print(f"the first event after the start: {delays[0]:.2f} s", flush=True)
    for label, busy in (("at rest", False), (f"beside {asked.rate} events/s and {asked.lookups} look-ups/s", True)):
        stop, found = threading.Event(), list[float]()
        threads = [
            threading.Thread(target=follow, args=(it, watching, stop, found))
            for _ in range(asked.probes if busy else 1)
        ]
        senders = Crowd(it, key, asked)
        if busy:
            senders.ask_collector()
            senders.ask_api()
            senders.send_events()
        for thread in threads:
            thread.start()
        if busy:
            senders.wait()
        else:
            time.sleep(asked.rest)
        stop.set()
        for thread in threads:
            thread.join()
        found.sort()
        print(
            f"event to look-up {label}: {len(found)} probes, p50 {found[len(found) // 2]:.2f} s,"
            f" p90 {found[int(len(found) * 0.9)]:.2f} s, longest {found[-1]:.2f} s",
            flush=True,
        )
    shown = it.api("GET", path)["membership"]
    print(f"  the last refresh took {shown['took_ms']} ms; most memory of the processes: {_family(up.pid)}")
    up.stop()


def _family(parent: int) -> str:
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text, words = status.read_text(), (status.parent / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"PPid:\t{parent}\n" in text:
            found.append(f"{words[3].decode() if len(words) > 3 else '?'} {peak(status.parent.name):.2f} GB")
    return ", ".join(sorted(found))
