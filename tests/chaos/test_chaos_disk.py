"""Disks that fill up, fail or tear: what was acknowledged stays, and the rest is said not to be stored."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from chaos_oracle import Oracle
from chaos_verdict import judge, table
from running import answers, tracker, until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(180)]

NEVER = {"TRACKER_SEGMENT_SECONDS": "3600"}  # nothing is sealed by age
TAILS = {
    "half a record": lambda last: last[: len(last) // 2],
    "zeros, as delayed allocation leaves them": lambda last: b"\0" * 4096,
    "noise": lambda last: secrets.token_bytes(700).replace(b"\n", b"."),
}


def test_a_torn_tail_costs_only_what_was_never_acknowledged(tmp_path: Path) -> None:
    with tracker(tmp_path, env=NEVER) as it:
        oracle = Oracle(secrets.token_hex(4), it.port, it.site("shop")).start()
        collector, engine = it.collector(), it.role("engine")
        for tail in TAILS.values():
            collector.start()
            before = len(oracle.acked)
            until(lambda before=before: len(oracle.acked) > before + 50, 30, it.tails)
            collector.kill()
            [torn] = it.spool.glob("c0/*.open")
            last = torn.read_bytes().splitlines(keepends=True)[-1]
            with torn.open("ab") as file:
                file.write(tail(last))
        collector.start()
        engine.start()
        it.ready()
        oracle.finish()
        collector.stop()  # seals what is open
        assert judge(it, oracle, "shop", stop=("engine",)).faultless


@pytest.mark.parametrize(
    "megabytes",
    [3] if subprocess.run(["unshare", "-rm", "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0 else [],
)
def test_a_full_disk_is_said_and_forgotten_once_it_has_room(
    tmp_path: Path, megabytes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.monotonic()
    with tracker(tmp_path) as it:
        key = it.site("shop")
        it.spool.mkdir(exist_ok=True)
        with small_disk(it.spool, megabytes) as (enter, seen_from_here):
            ballast = seen_from_here / "ballast"
            ballast.write_bytes(b"\0" * (megabytes * 1_000_000 - 400_000))
            collector, engine = it.collector().start(wrap=enter), it.role("engine")
            it.ready(api=False)
            oracle = Oracle(secrets.token_hex(4), it.port, key).start()
            until(lambda: oracle.outcomes["503"] >= 100, 60, lambda: str(oracle.outcomes))
            full = len(oracle.acked)
            assert collector.alive and answers(it.port, "/healthz")
            ballast.unlink()
            room = time.monotonic()
            until(lambda: len(oracle.acked) > full + 20, 5, lambda: str(oracle.outcomes))
            again = time.monotonic() - room
            engine.start(wrap=enter)
            it.ready()
            oracle.finish()
            verdict = judge(it, oracle, "shop", stop=("engine",))
            facts = {"answered 503": oracle.outcomes["503"], "accepting again after (s)": f"{again:.2f}"}
            with capsys.disabled():
                print(table("Chaos, full disk", facts | vars(verdict), started))
            assert verdict.faultless


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[tuple[list[str], Path]]:
    """A tmpfs on `folder`, for those processes only that are started behind the given words; and where we see it."""
    script = f'mount -t tmpfs -o size={megabytes * 1_000_000} tmpfs "$0" && echo mounted && exec sleep 600'
    holder = subprocess.Popen(["unshare", "-rm", "sh", "-c", script, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "mounted\n"
        enter = ["nsenter", "-t", str(holder.pid), "-U", "-m", "--preserve-credentials", f"--wd={Path.cwd()}"]
        yield enter, Path(f"/proc/{holder.pid}/root{folder}")
    finally:
        holder.kill()
        holder.wait()


@pytest.mark.parametrize("tracer", [["strace"]] if shutil.which("strace") else [])
def test_a_failing_sync_refuses_its_group_and_nothing_else(
    tmp_path: Path, tracer: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.monotonic()
    with tracker(tmp_path) as it:
        oracle = Oracle(secrets.token_hex(4), it.port, it.site("shop"))
        collector, engine = it.collector(), it.role("engine").start()
        collector.start(wrap=failing_syncs(tracer, "20+15"))  # the 20th, 35th, 50th ... of each thread
        it.ready()
        oracle.start()
        until(lambda: oracle.outcomes["503"] >= 10, 60, lambda: f"{oracle.outcomes}\n{it.tails()}")
        single = oracle.outcomes["503"]
        assert len(oracle.acked) > 100 and answers(it.port, "/healthz")
        collector.stop()
        collector.start(wrap=failing_syncs(tracer, "60+"))  # from the 60th on for ever
        it.ready(api=False)
        until(lambda: oracle.outcomes["503"] >= single + 60, 60, lambda: f"{oracle.outcomes}\n{it.tails()}")
        broken = oracle.outcomes["2xx"]
        time.sleep(0.5)
        assert oracle.outcomes["2xx"] == broken, "acknowledged although every sync fails"
        assert answers(it.port, "/healthz")
        collector.kill()
        collector.start()
        it.ready()
        oracle.finish()
        verdict = judge(it, oracle, "shop", stop=("engine",))
        facts = {"refused while single syncs failed": single, "refused in all": oracle.outcomes["503"]}
        with capsys.disabled():
            print(table("Chaos, failing fdatasync", facts | vars(verdict), started))
        assert verdict.faultless
        assert engine.process is not None


def failing_syncs(tracer: list[str], when: str) -> list[str]:
    """Words that make the syncs of a process fail with EIO at the given moments (see strace(1))."""
    return [
        *tracer,
        "-f",
        "-qq",
        "-o",
        os.devnull,
        "-e",
        "trace=fdatasync,pwritev2",
        "-e",
        f"inject=fdatasync,pwritev2:error=EIO:when={when}",
    ]
