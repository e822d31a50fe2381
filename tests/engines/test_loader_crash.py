"""kill -9, cut connections, frozen and dead servers: nothing acknowledged is lost, nothing counts twice."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clickhouse import ClickHouse
from flaky import Flaky
from loading import Road, event

from tracker.core.errors import TryLater
from tracker.store.embedded import Embedded
from tracker.store.engine import Engine
from tracker.store.migrate import migrate
from tracker.store.server import Server

CHILD = Path(__file__).resolve().parent.parent / "loader_child.py"
KILLS = 6
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


def start(data: Path, url: str | None) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(CHILD), str(data), *([url] if url else [])]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=(data / "child.log").open("ab"))
    assert child.stdout and child.stdout.readline() == b"ready\n", (data / "child.log").read_text()[-3000:]
    return child


def drain(road: Road, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while road.ledger(None)["waiting"] and time.monotonic() < until:
        try:
            road.loader.run_once()
        except TryLater:
            time.sleep(0.1)


def settle(road: Road, seconds: float = 30) -> None:
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


def write_segments(road: Road, stop: threading.Event) -> Callable[[], int]:
    """Write segments in the background; stop and get the number of events with the returned function."""
    sent = [0]

    def write() -> None:
        while not stop.is_set():
            road.write([event(n, seq=n, user="u1" if n % 9 == 0 else "") for n in range(sent[0], sent[0] + A_SEGMENT)])
            sent[0] += A_SEGMENT
            stop.wait(0.06)

    thread = threading.Thread(target=write)
    thread.start()

    def end() -> int:
        stop.set()
        thread.join()
        return sent[0]

    return end


@pytest.fixture
def own(tmp_path: Path) -> Iterator[ClickHouse]:
    """A server of one's own."""
    server = ClickHouse(tmp_path / "own").start()
    yield server
    server.kill()


def killed_again_and_again(data: Path, url: str | None, *, seed: int, life: float) -> int:
    """Segments are written while loaders live for a moment each; gives the number of events written."""
    chance = random.Random(seed)
    writing = Road(data, engine=None)  # type: ignore[arg-type]  # only its spool is used
    end = write_segments(writing, threading.Event())
    try:
        for kill in range(KILLS):
            child = start(data, url)
            until = time.monotonic() + 60  # the first one lives until it has loaded something, however slow the machine
            while not kill and not writing.catalog.ledger.totals("shop")["stored"] and time.monotonic() < until:
                time.sleep(0.02)
            time.sleep(chance.uniform(0.02, life))
            child.kill()
            child.wait()
    finally:
        sent = end()
        writing.catalog.close()
    assert sent > 1000
    return sent


@pytest.mark.usefixtures("no_store")
def test_a_loader_killed_again_and_again_loses_and_doubles_nothing_embedded(data: Path) -> None:
    sent = killed_again_and_again(data, None, seed=3, life=0.6)
    with fresh(Embedded(data / "clickhouse")) as engine:
        road = Road(data, engine, patience=0.0)
        assert road.ledger("shop")["stored"] > 0
        drain(road)
        verdict(road, sent)


@pytest.mark.server
def test_a_loader_killed_again_and_again_loses_and_doubles_nothing_server(own: ClickHouse, data: Path) -> None:
    with own.revived() as deaths:
        sent = killed_again_and_again(data, own.url(), seed=4, life=1.5)
        with fresh(Server(own.url())) as engine:
            road = Road(data, engine, patience=1.0)
            drain(road)
            verdict(road, sent)
    print(f"the server itself died {len(deaths)} times")


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


@pytest.mark.server
def test_the_loader_outlives_a_server_that_is_frozen_killed_and_started_again(own: ClickHouse, data: Path) -> None:
    with fresh(Server(own.url(), timeout=1.0, connect_timeout=1.0)) as engine, own.revived():
        road = Road(data, engine, batch_bytes=300_000, idle=0.02, patience=1.0)
        stop = threading.Event()
        loading = threading.Thread(target=road.loader.run, args=(stop,))
        loading.start()
        end = write_segments(road, threading.Event())
        time.sleep(1.0)
        own.freeze()
        time.sleep(2.5)
        own.thaw()
        time.sleep(1.0)
        own.kill()
        time.sleep(1.0)
        own.start()
        time.sleep(1.0)
        sent = end()
        until = time.monotonic() + 60
        while road.ledger("shop")["waiting"] and time.monotonic() < until:
            time.sleep(0.1)
        stop.set()
        loading.join()
        verdict(road, sent)
