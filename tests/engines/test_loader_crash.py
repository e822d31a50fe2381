"""Connections that are cut in the middle of inserts: nothing is lost, nothing counts twice.

Loaders and servers that are killed, frozen or cut off are in tests/chaos.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clickhouse import ClickHouse
from flaky import Flaky
from loading import Road, event

from tracker.core.errors import TryLater
from tracker.store.engine import Engine
from tracker.store.migrate import migrate
from tracker.store.server import Server

A_SEGMENT = 400


@contextmanager
def fresh(engine: Engine) -> Iterator[Engine]:
    until = time.monotonic() + 30
    while True:
        try:
            migrate(engine)
            break
        except TryLater:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
    try:
        yield engine
    finally:
        engine.close()


def drain(road: Road, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while road.ledger(None)["waiting"] and time.monotonic() < until:
        try:
            road.loader.run_once()
        except TryLater:
            time.sleep(0.1)


def settle(road: Road, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while road.loader.doubts.settle() and time.monotonic() < until:
        time.sleep(0.2)


def verdict(road: Road, sent: int) -> None:
    """Every event once in reports, before and after the doubts are settled, and in the ledger."""
    ledger = road.ledger("shop")
    print(f"sent {sent}, rows {road.physical()}, ledger {ledger}")
    for _ in range(2):
        assert [row[0] for row in road.rows("seq")] == list(range(sent))
        settle(road)
    assert road.physical() == sent
    assert (ledger["received"], ledger["stored"], ledger["duplicates"]) == (sent, sent, 0)
    assert (ledger["waiting"], ledger["unexplained"]) == (0, 0)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[ClickHouse]:
    """A server of one's own."""
    server = ClickHouse(tmp_path / "own").start()
    yield server
    server.kill()


@pytest.mark.server
def test_inserts_that_are_cut_off_are_repeated_and_counted_once(own: ClickHouse, data: Path) -> None:
    with own.revived(), fresh(Server(own.url())):
        proxy = Flaky(own.port, most=150_000, seed=5)
        cut = Server(f"clickhouse://127.0.0.1:{proxy.port}/tracker", timeout=3, connect_timeout=3)
        road = Road(data, cut, batch_bytes=100_000, patience=2.0)
        sent = 20 * A_SEGMENT
        for at in range(0, sent, A_SEGMENT):
            road.write([event(n, seq=n, user="u1" if n % 9 == 0 else "") for n in range(at, at + A_SEGMENT)])
        drain(road, seconds=8)
        proxy.cutting = False
        print(f"{proxy.cuts} connections cut")
        assert proxy.cuts >= 3
        drain(road)
        verdict(road, sent)
        cut.close()
        proxy.close()
