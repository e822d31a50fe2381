"""What the machine around us does: its clock jumps, and the network to ClickHouse goes away without a word."""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from chaos_oracle import HOUR, Oracle
from chaos_table import FULL, Proof
from chaos_verdict import enter, judge
from clickhouse import ClickHouse
from running import Role, tracker, until

AWAY = 60.0  # seconds
JUMPS = ("+24h", "-24h", "+1h", "-1h", "+0")
FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not FULL, reason="in full length only: make chaos"),
]


def test_clock_jumps_change_no_event_and_lose_none(tmp_path: Path, proof: Callable[[str], Proof]) -> None:
    """A collector lives through jumps, and is killed and started again behind each. What the loader makes of a clock
    that was set back is tried in tests/unit/test_loader_clock.py: libfaketime and its waiting threads do not agree.
    """
    row = proof("clock jumps")
    if not FAKETIME:
        row.not_run("no libfaketime")
        return
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    fake = {
        "LD_PRELOAD": str(FAKETIME[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "TRACKER_SEGMENT_SECONDS": "0.2",
    }
    clickhouse = ClickHouse(tmp_path / "clickhouse").start()
    try:
        with tracker(tmp_path / "tracker", clickhouse_url=clickhouse.url()) as it:
            # Three days old at the youngest: a collector that is a day behind must not call them future.
            oracle = Oracle(secrets.token_hex(4), it.port, it.site("shop"), spool=it.spool, past=72 * HOUR)
            collector, loader, api = it.collector(), it.role("loader"), it.role("api")
            collector.start(env=fake)
            loader.start()
            api.start()
            it.ready()
            oracle.start()
            for jump in JUMPS:
                clock.with_suffix(".new").write_text(f"{jump}\n")
                clock.with_suffix(".new").replace(clock)
                _acknowledge(oracle, 300, it.tails)
                collector.kill()
                collector.start(env=fake)
                _acknowledge(oracle, 300, it.tails)
            oracle.finish()
            verdict = judge(it, oracle, "shop")
            [[(days,)]] = it.sql("select toInt64(dateDiff('day', min(received), max(received))) from events")
    finally:
        clickhouse.kill()
    assert days >= 1, "the clock never jumped"
    enter(row, verdict, oracle, f"{', '.join(JUMPS)} under load, kill -9 of the collector behind each")


def _acknowledge(oracle: Oracle, more: int, say: Callable[[], str]) -> None:
    before = len(oracle.acked)
    until(lambda: len(oracle.acked) >= before + more, 120, say)


@pytest.mark.server
def test_a_network_that_goes_away_silently_holds_up_nobody(tmp_path: Path, proof: Callable[[str], Proof]) -> None:
    row = proof(f"network partition {AWAY:.0f} s")
    try:
        with island() as (host, enter_it, cut):
            _partitioned(tmp_path, row, host, enter_it, cut)
    except NotPossible as error:
        row.not_run(str(error))


def _partitioned(tmp_path: Path, row: Proof, host: str, enter_it: list[str], cut: Callable[[bool], None]) -> None:
    clickhouse = ClickHouse(tmp_path / "clickhouse", host=host, wrap=enter_it).start()
    try:
        with tracker(tmp_path / "tracker", clickhouse_url=clickhouse.url()) as it, clickhouse.revived() as deaths:
            oracle = Oracle(secrets.token_hex(4), it.port, it.site("shop"))
            collector, loader, api = it.collector(), it.role("loader"), it.role("api")
            for role in (collector, loader, api):
                role.start()
            it.ready()
            oracle.start()
            _acknowledge(oracle, 300, it.tails)
            files = _open_files(loader)
            before = oracle.outcomes["2xx"]
            cut(True)
            time.sleep(AWAY)
            during = oracle.outcomes["2xx"] - before
            cut(False)
            _acknowledge(oracle, 300, it.tails)
            oracle.finish()
            verdict = judge(it, oracle, "shop")
            grown = _open_files(loader) - files
            assert collector.alive and loader.alive and api.alive, it.tails()
    finally:
        clickhouse.kill()
    note = f"network namespace cut off without a reset; {during:,} requests acknowledged meanwhile; "
    note += f"{len(deaths)} deaths of the server, {grown:+} open files of the loader"
    enter(row, verdict, oracle, note)
    assert during > 0 and set(oracle.outcomes) == {"2xx"}
    assert grown <= 10, "connections that are never closed"


def _open_files(role: Role) -> int:
    return len(os.listdir(f"/proc/{role.pid}/fd"))  # noqa: PTH208


class NotPossible(Exception):
    """This machine cannot, or may not, do that."""


@contextmanager
def island() -> Iterator[tuple[str, list[str], Callable[[bool], None]]]:
    """A network of its own with one line to it: its address, the words that start a process there, and the knife.

    The line is cut at its far end, so nobody here is told: packets vanish, connections stay half open.
    """
    holder = subprocess.Popen(["unshare", "-n", "sleep", "3600"], stderr=subprocess.DEVNULL)
    near, far = f"tc{holder.pid}a", f"tc{holder.pid}b"
    inside = ["nsenter", "-t", str(holder.pid), "-n"]
    net = f"10.{200 + holder.pid % 50}.{holder.pid // 50 % 250}"

    def run(*words: str) -> None:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotPossible(f"{' '.join(words[-6:])}: {done.stderr.strip() or done.returncode}")

    try:
        time.sleep(0.3)
        if holder.poll() is not None:
            raise NotPossible("no right to make a network namespace")
        try:
            run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", str(holder.pid))
            run("ip", "addr", "add", f"{net}.1/24", "dev", near)
            run("ip", "link", "set", near, "up")
            run(*inside, "ip", "addr", "add", f"{net}.2/24", "dev", far)
            run(*inside, "ip", "link", "set", far, "up")
            run(*inside, "ip", "link", "set", "lo", "up")
        except FileNotFoundError as error:
            raise NotPossible(f"no {error.filename}") from None
        yield f"{net}.2", inside, lambda away: run(*inside, "ip", "link", "set", far, "down" if away else "up")
    finally:
        holder.kill()  # the namespace ends with it, and the line with the namespace
        holder.wait()
