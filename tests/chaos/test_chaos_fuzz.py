"""Broken requests against a real collector while good ones go on: 0 crashes, 0 unexpected 5xx, nothing lost.

Short in every test run; `make fuzz` takes ten minutes and prints the figures that docs/security.md repeats.
"""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from collections import Counter

import msgspec
import pytest
from chaos_fuzz import as_bytes, as_json, requests, seeds
from good_load import Load, faults
from raw_http import statuses, worker

from tracker.collector.parsed import Unreadable
from tracker.collector.protocols import gif, native, segment
from tracker.collector.road import Context, to_body, turn_away
from tracker.core.errors import BadRequest
from tracker.core.event import Event, Record, Rejected, Suppressed
from tracker.core.identifiers import keys_of
from tracker.core.site import Site

SECONDS = float(os.environ.get("TRACKER_FUZZ", "8"))
SEED = int(os.environ.get("TRACKER_FUZZ_SEED", "1"))
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(SECONDS * 3 + 240)]


def test_any_bytes_become_records_or_a_refusal():
    """Every dialect and the whole road, without a socket between: many more of them in the same time."""
    chance = random.Random(SEED)
    arrivals = itertools.count(1)
    context = Context(
        site=Site(name="shop", write_key="wk", consent="opt-in"),
        keys=keys_of("shop", "wk", "11" * 32),
        source="fuzz",
        received=1_795_321_800_000,
        arrival=lambda: next(arrivals),
        browser=True,
        makes_visitors=True,
    )
    bodies = [said.body for said in seeds() if said.body]
    dialects = (
        native.parse,
        lambda body: segment.parse(body, None, "wk"),
        lambda body: segment.parse(body, "track", "wk"),
        lambda body: gif.parse([("event", body.decode("utf-8", "replace")), ("site", "wk")]),
    )
    ended: Counter[str] = Counter()
    until = time.monotonic() + SECONDS / 4
    while time.monotonic() < until or ended.total() < 2_000:
        body = chance.choice(bodies)
        body = as_json(chance, body) if chance.random() < 0.6 else as_bytes(chance, body)
        try:
            batch = chance.choice(dialects)(body)
        except BadRequest:
            ended["refused"] += 1
            continue
        for text in batch.texts[:50]:
            raw = batch.read(text)
            if isinstance(raw, Unreadable):
                record = turn_away(raw.reason, raw.message, context, text)
                blob = msgspec.json.encode(record)
            else:
                record, blob = to_body(raw, context, text)
            assert type(msgspec.json.decode(blob, type=Record)) is type(record)
            ended[type(record).__name__] += 1
    print(f"\ndialects, seed {SEED}: {dict(ended)}")
    assert min(ended["refused"], ended[Event.__name__], ended[Rejected.__name__]) > 20
    assert Suppressed.__name__ in ended  # a consent object that says no, or is no consent


LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def listen(connection) -> bytes:
    """What is answered, until the last request or a refusal was, or for a second: it may be taken for a body."""
    heard = b""
    connection.settimeout(1.0)
    try:
        while not (b'"alive"' in heard or b'"too_slow"' in heard):
            piece = connection.recv(65536)
            if not piece:
                break
            heard += piece
    except TimeoutError:
        pass
    return heard


class Fuzzer(threading.Thread):
    """One stream of broken requests."""

    def __init__(self, collector, seed: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.collector, self.seed, self.stop = collector, seed, stop
        self.sent = 0
        self.answers: Counter[int] = Counter()
        self.silent = 0
        self.bad: list[tuple[int, bytes]] = []

    def run(self) -> None:
        chance = random.Random(self.seed)
        stream = requests(self.seed)
        while not self.stop.is_set():
            said = b"".join(next(stream) for _ in range(chance.choice((1, 1, 1, 3))))
            heard = b""
            try:
                with self.collector.connect(5) as connection:
                    if chance.random() < 0.1:
                        cut = chance.randrange(len(said) + 1)
                        connection.sendall(said[:cut])
                        time.sleep(0.01)
                        said_now = said[cut:]
                    else:
                        said_now = said
                    connection.sendall(said_now + LAST)
                    heard = listen(connection)
            except (ConnectionError, TimeoutError):
                pass
            self.sent += 1
            found = statuses(heard)
            self.answers.update(found)
            self.silent += not found
            if any(status >= 500 and status != 503 for status in found) or b"Traceback" in heard:
                self.bad.append((self.sent, said[:2000]))


def test_broken_requests_over_sockets(tmp_path):
    stop = threading.Event()
    with worker(tmp_path, read_timeout=0.5, head_timeout=0.5, keepalive=5.0) as collector:
        load = Load(collector.connect, stop)
        fuzzers = [Fuzzer(collector, SEED * 1000 + lane, stop) for lane in range(8)]
        for thread in (load, *fuzzers):
            thread.start()
        until = time.monotonic() + SECONDS
        while collector.alive and (
            time.monotonic() < until or sum(one.sent for one in fuzzers) < 300 or len(load.acknowledged) <= 50
        ):  # a starved machine takes longer to prove as much
            time.sleep(0.1)
        stop.set()
        for thread in (load, *fuzzers):
            thread.join(60)
        assert collector.alive, collector.log.read_text()[-3000:]
        assert collector.stop() == 0
        log = collector.log.read_text()
        answers = sum((one.answers for one in fuzzers), Counter())
        waits = sorted(load.waits)
        print(
            f"\n{sum(one.sent for one in fuzzers):,} broken requests in {SECONDS:g} s, seed {SEED}: "
            f"{dict(sorted(answers.items()))}, {sum(one.silent for one in fuzzers)} without an answer\n"
            f"{len(load.acknowledged):,} good events beside them, all stored, {len(load.unanswered)} more given up; "
            f"slowest {waits[-1] * 1000:.0f} ms, 99 of 100 under {waits[len(waits) * 99 // 100] * 1000:.0f} ms\n"
            f"longest time the loop was busy: {collector.longest_stall() * 1000:.0f} ms of processor; "
            f"{len(log.splitlines())} lines of log"
        )
        assert [bad for one in fuzzers for bad in one.bad] == []
        assert "collector.failed" not in log, log[-3000:]
        stored = [record["session"] for record in collector.stored() if record.get("name") == "good"]
        assert faults(load, stored) == []
        assert len(load.acknowledged) > 50 and len(load.unanswered) < len(load.acknowledged) / 20
        assert min(answers[200] + answers[204], answers[400], answers[404]) > 5
