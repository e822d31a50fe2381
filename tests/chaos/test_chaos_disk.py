"""Disks that fill up, fail or tear: what was acknowledged stays, and the rest is said not to be stored."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from chaos_oracle import Oracle
from chaos_table import FULL, Proof
from chaos_verdict import enter, judge
from running import answers, tracker, until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600 if FULL else 180)]

MEGABYTES = 64 if FULL else 3
NEVER = {"TRACKER_SEGMENT_SECONDS": "3600"}  # nothing is sealed by age
TAILS = {
    "half a record": lambda last: last[: len(last) // 2],
    "zeros, as delayed allocation leaves them": lambda last: b"\0" * 4096,
    "noise": lambda last: secrets.token_bytes(700).replace(b"\n", b"."),
}


def test_a_torn_tail_costs_only_what_was_never_acknowledged(tmp_path: Path, proof: Callable[[str], Proof]) -> None:
    row = proof("torn ends of segments")
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
        enter(row, judge(it, oracle, "shop", stop=("engine",)), oracle, ", ".join(TAILS))


def test_a_full_disk_is_said_and_forgotten_once_it_has_room(tmp_path: Path, proof: Callable[[str], Proof]) -> None:
    row = proof(f"disk full ({MEGABYTES} MB tmpfs)")
    if subprocess.run(["unshare", "-rm", "true"], check=False, stderr=subprocess.DEVNULL).returncode:
        row.not_run("no right to mount")
        return
    with tracker(tmp_path) as it:
        key = it.site("shop")
        it.spool.mkdir(exist_ok=True)
        with small_disk(it.spool, MEGABYTES) as (within, seen_from_here):
            ballast = seen_from_here / "ballast"
            ballast.write_bytes(b"\0" * (MEGABYTES * 1_000_000 - 400_000))
            collector, engine = it.collector().start(wrap=within), it.role("engine")
            it.ready(api=False)
            oracle = Oracle(secrets.token_hex(4), it.port, key).start()
            until(lambda: oracle.outcomes["503"] >= 100, 60, lambda: str(oracle.outcomes))
            full = len(oracle.acked)
            assert collector.alive and answers(it.port, "/healthz")
            ballast.unlink()
            room = time.monotonic()
            until(lambda: len(oracle.acked) > full + 20, 60, lambda: str(oracle.outcomes))
            again = time.monotonic() - room
            engine.start(wrap=within)
            it.ready()
            oracle.finish()
            verdict = judge(it, oracle, "shop", stop=("engine",))
            enter(row, verdict, oracle, f"took events again {again:.1f} s after there was room, without a restart")


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


def test_a_failing_sync_refuses_its_group_and_nothing_else(tmp_path: Path, proof: Callable[[str], Proof]) -> None:
    row = proof("every 15th sync fails, then all of them")
    if shutil.which("strace") is None:
        row.not_run("no strace")
        return
    with tracker(tmp_path) as it:
        oracle = Oracle(secrets.token_hex(4), it.port, it.site("shop"))
        collector, engine = it.collector(), it.role("engine").start()
        collector.start(wrap=failing_syncs("20+15"))  # the 20th, 35th, 50th ... of each thread
        it.ready()
        oracle.start()
        until(lambda: oracle.outcomes["503"] >= 10, 60, lambda: f"{oracle.outcomes}\n{it.tails()}")
        single = oracle.outcomes["503"]
        assert len(oracle.acked) > 100 and answers(it.port, "/healthz")
        collector.stop()
        collector.start(wrap=failing_syncs("60+"))  # from the 60th on for ever
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
        enter(
            row,
            verdict,
            oracle,
            f"{single} requests refused while single syncs failed, nothing acknowledged while all did",
        )
        assert engine.process is not None


def failing_syncs(when: str) -> list[str]:
    """Words that make the syncs of a process fail with EIO at the given moments (see strace(1))."""
    return [
        "strace",
        "-f",
        "-qq",
        "-o",
        os.devnull,
        "-e",
        "trace=fdatasync,pwritev2",
        "-e",
        f"inject=fdatasync,pwritev2:error=EIO:when={when}",
    ]
