"""Processes that are asked to stop, and a ClickHouse server that does not answer any more."""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from chaos_oracle import Oracle
from chaos_table import FULL, Proof
from chaos_verdict import enter, judge
from clickhouse import ClickHouse
from running import tracker, until

FROZEN = 120.0 if FULL else 3.0  # seconds; the full form is longer than any timeout of ours
ROUNDS = 15 if FULL else 3

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900 if FULL else 180)]


def test_sigterm_under_load_loses_nothing(tmp_path: Path, proof: Callable[[str], Proof]) -> None:
    row = proof(f"SIGTERM x{ROUNDS} under load")
    with tracker(tmp_path) as it:
        oracle = Oracle(secrets.token_hex(4), it.port, it.site("shop"))
        workers, engine = [it.collector(0), it.collector(1)], it.role("engine")
        for role in (*workers, engine):
            role.start()
        it.ready()
        oracle.start()
        slowest = 0.0
        for turn in range(ROUNDS):
            role = (*workers, engine)[turn % 3]
            until(oracle.busy, 60)
            time.sleep(0.5)
            asked = time.monotonic()
            assert role.stop() == 0, it.tails()
            slowest = max(slowest, time.monotonic() - asked)
            lives = role.says().count("listen")
            role.start()
            until(lambda role=role, lives=lives: role.says().count("listen") > lives, 30, it.tails)
        oracle.finish()
        verdict = judge(it, oracle, "shop", stop=("engine",))
        enter(row, verdict, oracle, f"collectors and engine in turn, slowest stop {slowest:.1f} s")


def test_requests_in_flight_at_sigterm_are_answered(tmp_path: Path) -> None:
    """Their heads are read and half of their bodies; the other half comes after the signal."""
    with tracker(tmp_path) as it:
        key = it.site("shop")
        collector, engine = it.collector().start(), it.role("engine")
        it.ready(api=False)
        ids = [str(uuid.uuid4()) for _ in range(20)]
        lines = []
        for one in ids:
            event = {"id": one, "type": "track", "name": "ping", "ts": int(time.time() * 1000), "visitor": "v"}
            body = json.dumps({"site": key, "events": [event]}).encode()
            head = (
                f"POST /e HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            line = socket.create_connection(("127.0.0.1", it.port), 10)
            line.sendall(head.encode() + body[:40])
            lines.append((line, body[40:]))
        time.sleep(1.0)  # until they are read, on a busy machine too
        os.kill(collector.pid, 15)
        time.sleep(0.3)
        for line, rest in lines:
            line.sendall(rest)
        answered = [line.recv(4096)[:12] for line, _ in lines]
        assert set(answered) <= {b"HTTP/1.1 200", b"HTTP/1.1 204"}, answered
        assert collector.stop() == 0, it.tails()
        for line, _ in lines:
            line.close()
        engine.start()
        it.ready(collector=False)
        it.drained("shop")
        assert engine.stop() == 0
        [stored] = it.sql("select toString(id) from events where site = 'shop'")
        assert sorted(row[0] for row in stored) == sorted(ids)


@pytest.mark.server
def test_a_frozen_clickhouse_holds_up_nobody(tmp_path: Path, proof: Callable[[str], Proof]) -> None:
    row = proof(f"ClickHouse server frozen {FROZEN:.0f} s under load")
    clickhouse = ClickHouse(tmp_path / "clickhouse").start()
    try:
        with tracker(tmp_path / "tracker", clickhouse_url=clickhouse.url()) as it:
            oracle = Oracle(secrets.token_hex(4), it.port, it.site("shop"))
            for role in (it.collector(), it.role("loader"), it.role("api")):
                role.start()
            it.ready()
            oracle.start()
            until(lambda: len(oracle.acked) > 200, 30, it.tails)
            clickhouse.freeze()
            before = oracle.outcomes["2xx"]
            time.sleep(FROZEN)
            during = oracle.outcomes["2xx"] - before
            clickhouse.thaw()
            oracle.finish()
            verdict = judge(it, oracle, "shop")
            enter(row, verdict, oracle, f"SIGSTOP; {during:,} requests acknowledged meanwhile")
            assert during > 0
            assert set(oracle.outcomes) == {"2xx"}, oracle.outcomes
    finally:
        clickhouse.thaw()
        clickhouse.kill()
