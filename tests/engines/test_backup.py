"""Backup and restore with real processes: all of it comes back, the ledger is exact, and a half backup is none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import Tracker, request, tracker, until

from tracker.core.errors import BadRequest
from tracker.wiring.backup_files import MANIFEST, partial
from tracker.wiring.backup_files import read as read_manifest


def command(running: Tracker, *words: str, code: int = 0) -> str:
    """One command; what it prints, or where it fails its complaint."""
    done = subprocess.run(
        [sys.executable, "-m", "tracker", *words],
        env=os.environ | running.env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == code, (done.returncode, done.stderr[-2000:])
    return done.stdout if code == 0 else done.stderr


def send(running: Tracker, key: str, first: int, count: int) -> None:
    """Acknowledged events, ten to a request, of a hundred visitors."""
    for start in range(first, first + count, 10):
        events = [
            {
                "id": f"00000000-0000-4000-8000-{number:012d}",
                "type": "track",
                "name": "tick",
                "visitor": f"v{number % 100}",
            }
            for number in range(start, min(start + 10, first + count))
        ]
        status, _ = request(running.port, "POST", "/e", json.dumps({"site": key, "events": events}).encode())
        assert status == 204


def known(running: Tracker) -> tuple[int, int]:
    """Events and people of all time, as the overview says."""
    now = int(time.time())
    span = {"from": time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(now - 86_400)), "to": "2099-01-01T00:00:00Z"}
    span["to"] = time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(now + 2 * 86_400))
    totals = running.api("POST", "/api/v1/reports/overview", {"site": "shop", **span})["totals"]
    return totals["events"], totals["people"]


def start(running: Tracker) -> None:
    running.collector().start()
    running.role("engine").start()
    running.ready()


def moved(running: Tracker, folder: Path) -> Tracker:
    """The same tracker on another data folder, named as people do: from where they are."""
    running.close()
    running.roles.clear()
    running.data = folder
    running.env["TRACKER_DATA"] = os.path.relpath(folder)
    return running


def test_events_backup_more_events_kill_restore(tmp_path):
    backup, second = tmp_path / "backups" / "one", tmp_path / "second"
    with tracker(tmp_path / "run") as running:
        key = running.site("shop")
        start(running)
        send(running, key, 0, 200)
        running.drained("shop")
        send(running, key, 200, 50)  # some of these wait in the spool, others do not
        said = json.loads(command(running, "backup", str(backup)))
        assert said["backup"] == str(backup)
        send(running, key, 250, 100)
        running.drained("shop")
        # somebody asks to be erased after the backup
        assert running.api("DELETE", "/api/v1/people/v7?site=shop&kind=visitor")["state"] == "done"
        erased = tmp_path / "erased.jsonl"
        command(running, "erasures", str(erased))
        assert "v7" not in erased.read_text()
        assert "runs on" in command(running, "restore", str(backup), code=1)
        moved(running, second)
        done = json.loads(command(running, "restore", str(backup), "--erasures", str(erased)))
        assert done["erased_again"] == 1
        start(running)
        ledger = running.drained("shop")
        # an erased person's events keep their place in the ledger
        assert (ledger["received"], ledger["unexplained"]) == (250, 0)
        gone = len([number for number in range(250) if number % 100 == 7])
        until(lambda: known(running) == (250 - gone, 99), 60, lambda: f"{known(running)} {running.tails()}")
        # it goes on: new events and those that were lost come in, what is known is a duplicate
        send(running, key, 240, 110)
        ledger = running.drained("shop")
        assert (ledger["received"], ledger["duplicates"], ledger["unexplained"]) == (360, 10, 0)
        assert known(running)[1] == 99


def test_the_same_without_anything_running_and_nobody_erased(tmp_path):
    with tracker(tmp_path / "run") as running:
        moved(running, running.data)
        key = running.site("shop")
        start(running)
        send(running, key, 0, 60)
        running.drained("shop")
        send(running, key, 60, 30)
        running.close()  # kill -9: open segments stay as they are
        running.roles.clear()
        command(running, "backup", str(tmp_path / "one"))
        first = running.data
        moved(running, tmp_path / "second")
        assert "restored" in command(running, "restore", str(tmp_path / "one"))
        assert "not empty" in command(running, "restore", str(tmp_path / "one"), code=1)
        start(running)
        ledger = running.drained("shop")
        assert (ledger["received"], ledger["stored"], ledger["unexplained"]) == (90, 90, 0)
        moved(running, first)
        assert "restored" in command(running, "restore", str(tmp_path / "one"), "--force")
        assert [path for path in first.iterdir() if path.name.startswith("before-restore-")]
        start(running)
        assert running.drained("shop")["stored"] == 90


def test_a_backup_that_was_killed_or_damaged_is_none(tmp_path):
    whole, half = tmp_path / "whole", tmp_path / "half"
    with tracker(tmp_path / "run") as running:
        key = running.site("shop")
        start(running)
        send(running, key, 0, 100)
        running.drained("shop")
        begun = time.monotonic()
        command(running, "backup", str(whole))
        took = time.monotonic() - begun
        engine = next(role for role in running.roles if role.name == "engine")
        for share in (0.1, 0.3, 0.5, 0.7):
            running.api("POST", "/api/v1/backup", {"folder": str(half)})
            time.sleep(took * share * 0.2)
            engine.kill()
            if half.exists():
                read_manifest(half)  # it was quick enough to be whole
                shutil.rmtree(half)
            else:
                for folder in (partial(half), half):
                    with pytest.raises(BadRequest, match="no backup"):
                        read_manifest(folder)
            engine.start()
            running.ready(collector=False)
        assert "no backup" in command(moved_env(running, tmp_path / "empty"), "restore", str(partial(half)), code=1)
        # what was cut off is in nobody's way, at its worst moment either: ClickHouse's count of freezes is empty then
        (running.data / "clickhouse" / "shadow" / "increment.txt").write_bytes(b"")
        command(running, "backup", str(half))
        assert not partial(half).exists()
        assert not list((running.data / "clickhouse" / "shadow").glob("backup*"))
        assert running.drained("shop")["unexplained"] == 0

    victim = max((whole / "data").rglob("*.bin"), key=lambda path: path.stat().st_size)
    blob = bytearray(victim.read_bytes())
    blob[len(blob) // 2] ^= 1
    victim.write_bytes(blob)
    empty = moved_env(running, tmp_path / "untouched")
    assert "damaged" in command(empty, "restore", str(whole), code=1)
    assert [path for path in (tmp_path / "untouched").iterdir() if path.suffix != ".lock"] == []
    (whole / MANIFEST).unlink()
    with pytest.raises(BadRequest):
        read_manifest(whole)


def moved_env(running: Tracker, folder: Path) -> Tracker:
    """Another tracker on another folder, for commands alone."""
    other = Tracker(folder.parent / f"{folder.name}-run")
    other.data = folder
    other.env["TRACKER_DATA"] = str(folder)
    return other
