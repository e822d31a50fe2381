"""Good events beside whatever a test does to a collector, and what may have become of them."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from raw_http import statuses

HELD_UP = 0.4
"""Seconds of one exchange from which a time limit of the collector may end it (they are 0.5 in these tests): somebody
was stopped meanwhile, or the machine had no time. A quicker end without a 204 is a fault."""


class Load(threading.Thread):
    """Good events, one after the other, on connections that stay open.

    Each ends in one of these: `acknowledged` (204), `refused` (408 or 503, that a time limit explains), `unanswered`
    (nobody knows: the client gave up, or was hung up on after it had been held up), `failed` (nothing explains it).
    """

    def __init__(self, connect: Callable[[], socket.socket], stop: threading.Event, patience: float = 30.0) -> None:
        super().__init__(daemon=True)
        self.connect, self.stop, self.patience = connect, stop, patience
        self.acknowledged: set[str] = set()
        self.refused: set[str] = set()
        self.unanswered: set[str] = set()
        self.failed: list[str] = []
        self.waits: list[float] = []

    def run(self) -> None:
        numbers = itertools.count()
        while not self.stop.is_set() and len(self.failed) < 10:
            try:
                with self.connect() as connection:
                    connection.settimeout(self.patience)
                    self._talk(connection, numbers)
            except ConnectionError:  # not even connected: the test sees whether the collector lives
                time.sleep(0.1)

    def _talk(self, connection: socket.socket, numbers: itertools.count[int]) -> None:
        """Until something else than a 204 comes: the next event is said on another connection."""
        heard = time.monotonic()
        while not self.stop.is_set():
            session = f"good-{next(numbers)}"
            began = time.monotonic()
            answer = _said(connection, session)
            ended = time.monotonic()
            found = statuses(answer or b"")
            if found == [204]:
                self.acknowledged.add(session)
                self.waits.append(ended - began)
                heard = ended
                time.sleep(0.005)
                continue
            held_up = answer is None or ended - heard > HELD_UP
            if found in ([408], [503]) and held_up:
                self.refused.add(session)
            elif not answer and held_up:
                self.unanswered.add(session)
            else:
                self.failed.append(f"{session}: {(answer or b'nothing')[:200]!r} after {ended - began:.3f} s")
            return


def _said(connection: socket.socket, session: str) -> bytes | None:
    """What is answered; b"" where the other side hung up, None where the client gave up waiting."""
    body = {"site": "wk", "events": [{"type": "track", "name": "good", "visitor": "v", "session": session}]}
    blob = json.dumps(body).encode()
    try:
        connection.sendall(b"POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(blob) + blob)
        return connection.recv(65536)
    except TimeoutError:
        return None
    except ConnectionError:
        return b""


def faults(load: Load, stored: Sequence[str]) -> list[str]:
    """What cannot be right about the good events, given those that are stored. [] is as it must be.

    Whatever was acknowledged is stored, once; what was refused is not. What was left without an answer may be stored or
    not, once: its client would say it again, under the same id.
    """
    count, said = Counter(stored), load.acknowledged | load.refused | load.unanswered
    return [
        *(f"failed: {one}" for one in load.failed),
        *(f"lost: {one}" for one in sorted(load.acknowledged - set(count))),
        *(f"refused, and stored: {one}" for one in sorted(load.refused & set(count))),
        *(f"stored {times} times: {one}" for one, times in sorted(count.items()) if times > 1),
        *(f"stored, and never said: {one}" for one in sorted(set(count) - said)),
    ]
