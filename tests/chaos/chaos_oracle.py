"""A shop that nobody kills: it sends deterministic events and knows what must be in the store afterwards.

An id becomes an obligation only when a 2xx was read to its end. What was not acknowledged is sent again, half of the
time as the same bytes and half of the time regrouped with other events; some acknowledged events come again later in
other batches, as clients do that crashed before they could note the answer.

Four events make a journey of one visitor. The pattern of journey j is j % 4, so every report has one right answer.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import select
import tempfile
import threading
import time
import uuid
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

PATTERNS = (
    ("view_item", "ping", "purchase", "ping"),  # reaches the purchase
    ("purchase", "ping", "view_item", "ping"),  # the wrong way round
    ("view_item", "ping", "ping", "ping"),
    ("ping", "ping", "ping", "ping"),
)
SIZES = (1, 1, 1, 3, 8, 30)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
AGAIN = 0.08  # share of acknowledged events that are sent once more
BACKLOG = 40  # segments
HOUR = 3_600_000


@dataclass(frozen=True)
class Sent:
    """One event, the same whenever and however it is sent."""

    number: int
    key: str  # the id as the sender spells it: a UUID, or a text of its own
    visitor: str
    name: str
    ts: int
    value: int
    segment: bool  # by the Segment HTTP API; else as the pixel does


class Oracle:
    """`seed` decides everything but the timing. `threads` connections send about `rate` requests a second together.

    `spool`: hold back while more than `BACKLOG` segments wait there. Somebody who is killed all the time cannot keep up
    with a slow machine, and a backlog that grows would only make the test longer. `past`: how long ago the newest event
    happened, in ms. Every 2xx is written to a file of the oracle's own before anything else is done; `acknowledged`
    reads it again.
    """

    def __init__(
        self,
        seed: str,
        port: int,
        write_key: str,
        *,
        threads: int = 4,
        rate: float = 120.0,
        spool: Path | None = None,
        past: int = 2 * HOUR,
    ) -> None:
        self.seed = seed
        self._port = port
        self._key = write_key
        self._spool = spool
        self._start = int(time.time() * 1000) - past
        self._pause = threads / rate
        self.issued: dict[str, Sent] = {}
        self.acked: Counter[str] = Counter()  # how many 2xx cover an id
        self.outcomes: Counter[str] = Counter()
        self.strange: list[str] = []  # answers that no collector may give here
        self.bad_sent = 0
        self.bad_acked = 0
        self._ack_times: deque[float] = deque(maxlen=2000)
        self._lock = threading.Lock()
        self._notes = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed with the oracle
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(n, threads), daemon=True) for n in range(threads)]

    def start(self) -> Oracle:
        for thread in self._threads:
            thread.start()
        return self

    def finish(self, seconds: float = 60.0) -> None:
        """Send nothing new, and repeat until everything is acknowledged. Fails if that does not happen in time."""
        self._stopping.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            assert not thread.is_alive(), f"unacknowledged after {seconds} s: {self.outcomes}"
        assert not self.strange, self.strange[:5]
        assert self.issued.keys() == self.acked.keys()

    def acknowledged(self) -> Counter[str]:
        """What the file of acknowledgements says: how many 2xx cover each id."""
        with self._lock:
            self._notes.seek(0)
            return Counter(self._notes.read().split("\n")[:-1])

    def busy(self, within: float = 0.5) -> bool:
        """True if an answer was read in the last moments: the kill that follows hits load."""
        return bool(self._ack_times) and time.monotonic() - self._ack_times[-1] < within

    @property
    def requests(self) -> int:
        return sum(self.outcomes.values())

    def funnel(self, *steps: str) -> list[int]:
        """Persons by step for an ordered funnel, counted the slow way from what was sent."""
        reached = [0] * len(steps)
        journeys: dict[str, list[Sent]] = {}
        for event in self.issued.values():
            journeys.setdefault(event.visitor, []).append(event)
        for events in journeys.values():
            at = 0
            for event in sorted(events, key=lambda one: one.ts):
                if at < len(steps) and event.name == steps[at]:
                    reached[at] += 1
                    at += 1
        return reached

    def revenue(self) -> int:
        return sum(event.value for event in self.issued.values())

    def _event(self, number: int) -> Sent:
        journey, step = divmod(number, 4)
        digest = hashlib.blake2b(f"{self.seed}/{number}".encode(), digest_size=16).digest()
        segment = journey % 2 == 1
        own = segment and number % 8 == 7
        name = PATTERNS[(journey // 2) % 4][step]
        return Sent(
            number=number,
            key=f"own-{self.seed}-{number}" if own else str(uuid.UUID(bytes=digest, version=4)),
            visitor=f"{self.seed}-{journey}",
            name=name,
            ts=self._start - (journey * 7919 % 600) * HOUR + step * 60_000,  # over 25 days: two partitions or more
            value=1 + number % 50 if name == "purchase" else 0,
            segment=segment,
        )

    def _work(self, thread: int, threads: int) -> None:
        dice = random.Random(f"{self.seed}/{thread}")
        line = _Line(self._port)
        journey, fresh = thread, deque[Sent]()
        waiting: list[Sent] = []  # not acknowledged, or to be sent once more
        while True:
            time.sleep(dice.expovariate(1 / self._pause))
            while self._spool and not self._stopping.is_set() and len(list(self._spool.glob("*/*.seg"))) > BACKLOG:
                time.sleep(0.1)
            batch: list[Sent] = []
            if waiting and (self._stopping.is_set() or dice.random() < 0.5):
                dice.shuffle(waiting)
                take = dice.choice(SIZES) if not self._stopping.is_set() else 60
                batch, waiting = waiting[:take], waiting[take:]
            if not self._stopping.is_set():
                for _ in range(dice.choice(SIZES)):
                    if not fresh:
                        fresh.extend(self._event(journey * 4 + step) for step in range(4))
                        journey += threads
                    batch.append(fresh.popleft())
            elif not batch:
                line.close()
                return
            for segment in (False, True):
                part = [event for event in batch if event.segment is segment]
                if part:
                    waiting += self._send(line, part, dice)

    def _send(self, line: _Line, part: list[Sent], dice: random.Random) -> list[Sent]:
        """Send until acknowledged or given up for regrouping; the events that have to be sent (again) later."""
        bad = len(part) > 1 and dice.random() < 0.05
        path, body, headers = self._request(part, bad=bad, zipped=dice.random() < 0.1)
        with self._lock:
            self.issued.update((event.key, event) for event in part)
        while True:
            if dice.random() < 0.1:  # a new connection may meet another worker
                line.close()
            outcome = line.post(path, body, headers)
            with self._lock:
                self.bad_sent += bad
                self.outcomes[outcome] += 1
                if outcome == "2xx":
                    self._notes.writelines(f"{event.key}\n" for event in part)
                    self._notes.flush()
                    self.bad_acked += bad
                    self.acked.update(event.key for event in part)
                    self._ack_times.append(time.monotonic())
                elif outcome not in EXPECTED:
                    self.strange.append(outcome)
            if outcome == "2xx":
                return [event for event in part if dice.random() < AGAIN and not self._stopping.is_set()]
            time.sleep(dice.uniform(0.02, 0.1))
            if dice.random() < 0.5:
                return part

    def _request(self, part: list[Sent], *, bad: bool, zipped: bool) -> tuple[str, bytes, dict[str, str]]:
        headers = {"Content-Type": "application/json", "User-Agent": BROWSER}
        if part[0].segment:
            calls = [_segment_call(event) for event in part]
            calls += [{"type": "track", "messageId": f"bad-{uuid.uuid4()}", "anonymousId": "x"}] * bad
            alone = len(calls) == 1
            path = "/v1/track" if alone else "/v1/batch"
            body: dict[str, Any] = ({**calls[0]} if alone else {"batch": calls}) | {"writeKey": self._key}
        else:
            events = [_native(event) for event in part]
            events += [{"id": str(uuid.uuid4()), "type": "track", "visitor": "x"}] * bad
            path, body = "/e", {"site": self._key, "events": events}
        blob = json.dumps(body).encode()
        if zipped:
            return path, gzip.compress(blob, 1), headers | {"Content-Encoding": "gzip"}
        return path, blob, headers


EXPECTED = {"2xx", "503", "refused", "reset"}


class _Line:
    """A kept connection. One that the server has closed while it was idle is replaced first, as real clients do."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: HTTPConnection | None = None

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> str:
        """What came of it, in a word. An answer counts only when it was read to its end."""
        if self._connection is not None and not self._usable(self._connection):
            self.close()
        try:
            if self._connection is None:
                self._connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
                self._connection.connect()
        except OSError:
            self.close()
            return "refused"
        try:
            self._connection.request("POST", path, body, headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except TimeoutError:
            self.close()
            return "timeout"
        except (OSError, HTTPException):
            self.close()
            return "reset"
        if answer.status == 503:
            return "503" if answer.getheader("Retry-After") else "503 without Retry-After"
        if 200 <= answer.status < 300:
            return "2xx"
        return f"{answer.status} {text[:200].decode(errors='replace')}"

    @staticmethod
    def _usable(connection: HTTPConnection) -> bool:
        if connection.sock is None:
            return False
        ready = select.poll()  # select() itself takes no descriptor above 1,023, and a long run has such
        ready.register(connection.sock, select.POLLIN)
        return not ready.poll(0)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _native(event: Sent) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": event.key,
        "type": "track",
        "name": event.name,
        "ts": event.ts,
        "visitor": event.visitor,
        "props": {"number": event.number},
    }
    if event.value:
        made |= {"value": event.value, "currency": "EUR"}
    return made


def _segment_call(event: Sent) -> dict[str, Any]:
    properties: dict[str, Any] = {"number": event.number}
    if event.value:
        properties |= {"revenue": event.value, "currency": "EUR"}
    return {
        "type": "track",
        "event": event.name,
        "messageId": event.key,
        "anonymousId": event.visitor,
        "timestamp": datetime.fromtimestamp(event.ts / 1000, UTC).isoformat(timespec="milliseconds"),
        "properties": properties,
        "context": {"userAgent": BROWSER},
    }
