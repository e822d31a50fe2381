"""kill -9 of every process, at random moments under load: nothing acknowledged is missing, nothing counts twice."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from chaos_kills import Killer, Kills
from chaos_oracle import Oracle
from chaos_table import FULL, Proof
from chaos_verdict import Verdict, enter, judge
from clickhouse import ClickHouse
from running import tracker

COLLECTOR_KILLS = 50 if FULL else 3  # of each of two
ENGINE_KILLS = 50 if FULL else 3
SERVER_KILLS = 50 if FULL else 3
QUICK = {"TRACKER_SEGMENT_SECONDS": "0.1"}  # many small segments: every kill finds some on their way

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(3600 if FULL else 240)]


def test_collectors_and_engine_die_under_load(tmp_path: Path, proof: Callable[[str], Proof]) -> None:
    row = proof(f"kill -9 of the collector x{2 * COLLECTOR_KILLS}")
    seed = secrets.token_hex(4)
    with tracker(tmp_path, env=QUICK) as it:
        oracle = Oracle(seed, it.port, it.site("chaos"), spool=it.spool)
        workers, engine = [it.collector(0), it.collector(1)], it.role("engine")
        for role in (*workers, engine):
            role.start()
        it.ready()
        oracle.start()
        killer = Killer(it.spool, oracle, seed)
        with ThreadPoolExecutor(3) as pool:
            jobs = [pool.submit(killer.worker, role, COLLECTOR_KILLS) for role in workers]
            jobs.append(pool.submit(killer.loader, engine, ENGINE_KILLS))
        kills = [job.result() for job in jobs]
        oracle.finish()
        verdict = judge(it, oracle, "chaos", stop=("engine",))
    enter(row, verdict, oracle, _said(kills, "embedded store"))
    _check(kills, oracle)


@pytest.mark.server
def test_loader_and_clickhouse_die_under_load(tmp_path: Path, proof: Callable[[str], Proof]) -> None:
    row = proof(f"kill -9 of the ClickHouse server x{SERVER_KILLS} during inserts")
    seed = secrets.token_hex(4)
    clickhouse = ClickHouse(tmp_path / "clickhouse").start()
    try:
        with (
            clickhouse.revived(),  # a loader killed in the middle of an insert ends this server, unlike a real one
            tracker(tmp_path / "tracker", clickhouse_url=clickhouse.url(), env=QUICK) as it,
        ):
            oracle = Oracle(seed, it.port, it.site("chaos"), spool=it.spool)
            collector, loader, api = it.collector(0), it.role("loader"), it.role("api")
            for role in (collector, loader, api):
                role.start()
            it.ready()
            oracle.start()
            killer = Killer(it.spool, oracle, seed)
            with ThreadPoolExecutor(2) as pool:
                jobs = [
                    pool.submit(killer.loader, loader, ENGINE_KILLS),
                    pool.submit(killer.server, clickhouse, SERVER_KILLS),
                ]
            kills = [job.result() for job in jobs]
            oracle.finish()
            verdict = judge(it, oracle, "chaos")
            assert collector.alive and api.alive, it.tails()
    finally:
        clickhouse.kill()
    enter(row, verdict, oracle, _said(kills, "server"))
    assert set(oracle.outcomes) == {"2xx"}, "the collector must not notice"
    _check(kills, oracle)
    _replayed(verdict)


def _said(kills: Sequence[Kills], where: str) -> str:
    return f"{where}; " + ", ".join(f"{one.name} {one.done} times, {one.under_load} under load" for one in kills)


def _check(kills: Sequence[Kills], oracle: Oracle) -> None:
    """Against an empty proof: the kills hit work, and what must be told apart did occur."""
    assert all(one.under_load >= one.done / 2 for one in kills), kills
    assert sum(n > 1 for n in oracle.acknowledged().values()) >= (20 if FULL else 5)


def _replayed(verdict: Verdict) -> None:
    assert verdict.replays > 0 or not FULL, "nothing was ever inserted again: no kill hit the loader at work"
