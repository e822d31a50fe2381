"""kill -9 of every process, at random moments under load: nothing acknowledged is missing, nothing counts twice.

Seven times each in the ordinary run; fifty times with `TRACKER_CHAOS=full` (`make chaos`).
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from chaos_kills import Killer, Kills
from chaos_oracle import Oracle
from chaos_verdict import Verdict, judge, table
from clickhouse import ClickHouse
from running import tracker

FULL = os.environ.get("TRACKER_CHAOS") == "full"
KILLS = 50 if FULL else 7
LEAST_ACKNOWLEDGED = 10_000 if FULL else 500
QUICK = {"TRACKER_SEGMENT_SECONDS": "0.1"}  # many small segments: every kill finds some on their way

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(3600 if FULL else 240)]


def test_collectors_and_engine_die_under_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed, started = secrets.token_hex(4), time.monotonic()
    with tracker(tmp_path, env=QUICK) as it:
        oracle = Oracle(seed, it.port, it.site("chaos"), spool=it.spool)
        workers, engine = [it.collector(0), it.collector(1)], it.role("engine")
        for role in (*workers, engine):
            role.start()
        it.ready()
        oracle.start()
        killer = Killer(it.spool, oracle, KILLS, seed)
        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(killer.workers, workers), pool.submit(killer.loader, engine)]
        kills = [job.result() for job in jobs]
        oracle.finish()
        verdict = judge(it, oracle, "chaos", stop=("engine",))
    with capsys.disabled():
        facts = _facts(kills, oracle, verdict)
        print(table(f"Chaos, collectors and engine with the embedded store (seed {seed})", facts, started))
    _check(kills, oracle, verdict)


@pytest.mark.server
def test_loader_and_clickhouse_die_under_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed, started = secrets.token_hex(4), time.monotonic()
    clickhouse = ClickHouse(tmp_path / "clickhouse").start()
    try:
        with tracker(tmp_path / "tracker", clickhouse_url=clickhouse.url(), env=QUICK) as it:
            oracle = Oracle(seed, it.port, it.site("chaos"), spool=it.spool)
            collector, loader, api = it.collector(0), it.role("loader"), it.role("api")
            for role in (collector, loader, api):
                role.start()
            it.ready()
            oracle.start()
            killer = Killer(it.spool, oracle, KILLS, seed)
            with ThreadPoolExecutor(2) as pool:
                jobs = [pool.submit(killer.loader, loader), pool.submit(killer.server, clickhouse)]
            kills = [job.result() for job in jobs]
            oracle.finish()
            verdict = judge(it, oracle, "chaos")
            assert collector.alive and api.alive, it.tails()
    finally:
        clickhouse.kill()
    with capsys.disabled():
        facts = _facts(kills, oracle, verdict)
        print(table(f"Chaos, loader and ClickHouse server (seed {seed})", facts, started))
    assert set(oracle.outcomes) == {"2xx"}, "the collector must not notice"
    _check(kills, oracle, verdict)


def _facts(kills: Sequence[Kills], oracle: Oracle, verdict: Verdict) -> dict[str, object]:
    return {
        **{f"kill -9 of {one.name}": f"{one.done}, {one.under_load} of them under load" for one in kills},
        "answers": ", ".join(f"{outcome} {n}" for outcome, n in oracle.outcomes.most_common()),
        "ids acknowledged more than once": sum(n > 1 for n in oracle.acked.values()),
        **vars(verdict),
    }


def _check(kills: Sequence[Kills], oracle: Oracle, verdict: Verdict) -> None:
    assert verdict.faultless
    # Against an empty proof: enough was at stake, the kills hit work, and what must be told apart did occur.
    assert verdict.acknowledged >= LEAST_ACKNOWLEDGED
    assert all(one.done == KILLS and one.under_load >= KILLS / 2 for one in kills), kills
    assert sum(n > 1 for n in oracle.acked.values()) >= 20
    assert verdict.replays > 0 or not FULL, "nothing was ever inserted again: no kill hit the loader at work"
