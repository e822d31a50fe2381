"""The power goes at any moment: what was acknowledged is there, once, and no number of a segment comes twice."""

from __future__ import annotations

import random
import secrets
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from chaos_power import Op, RecordingDisk, after_the_cut
from chaos_table import FULL, Proof

from tracker.spool.reader import Spool
from tracker.spool.writer import SpoolWriter

LIVES, CUTS = (25, 20) if FULL else (6, 10)

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900 if FULL else 180)]


def body(n: int) -> bytes:
    return msgspec.json.encode({"k": "e", "site": "s", "n": n, "pad": "x" * (n % 70)})


def numbers(spool: Spool, loaded: set[str]) -> list[int]:
    """What a loader finds in the segments that it did not load before."""
    found = [spool.read(ref) for ref in spool.sealed() if ref.name not in loaded]
    return [msgspec.json.decode(one)["n"] for segment in found for one in segment.bodies]


def live(root: Path, dice: random.Random, *, one_call: bool) -> list[Op]:
    """A life of a collector and a loader beside it, as the disk saw it. `acked` and `loaded` stand between."""
    disk = RecordingDisk(one_call=one_call)
    writer = SpoolWriter(root, "c0", segment_bytes=500, disk=disk)
    spool = Spool(root, disk)
    first = 0
    for _ in range(dice.randint(10, 30)):
        group = range(first, first + dice.randint(1, 4))
        writer.append_now([body(n) for n in group])
        disk.note("acked", list(group))
        first = group.stop
        if dice.random() < 0.1:
            writer.close()
            writer = SpoolWriter(root, "c0", segment_bytes=500, disk=disk)
        if dice.random() < 0.2:
            for ref in spool.sealed()[: dice.randint(1, 3)]:
                found = [msgspec.json.decode(one)["n"] for one in spool.read(ref).bodies]
                disk.note("loaded", ref.name, found)  # the ledger is on the device before the segment goes
                spool.forget(ref)
    writer.close()
    return disk.log


def test_power_cuts(tmp_path: Path, proof: Callable[[str], Proof]) -> None:
    """Each life is cut at moments of its own; then a collector starts on what is left, and takes another event."""
    row = proof(f"power cut x{LIVES * CUTS} (model of the disk)")
    seed = secrets.token_hex(4)
    dice = random.Random(seed)
    acked = stored = missing = double = came_back = 0
    for number in range(LIVES):
        root = tmp_path / f"life{number}"
        log = live(root / "spool", dice, one_call=number % 2 == 0)
        for cut in sorted(dice.sample(range(1, len(log)), CUTS)):
            left = tmp_path / "left"
            after_the_cut(log[:cut], root, left, dice)
            promised = {n for op in log[:cut] if op[0] == "acked" for n in _numbers(op[1])}
            loaded = {str(op[1]): _numbers(op[2]) for op in log[:cut] if op[0] == "loaded"}
            spool = Spool(left / "spool")
            came_back += sum(ref.name in loaded for ref in spool.sealed())
            writer = SpoolWriter(left / "spool", "c0")
            writer.append_now([body(10_000)])
            writer.close()
            held = Counter([n for found in loaded.values() for n in found] + numbers(spool, set(loaded)))
            assert held[10_000] == 1, f"seed {seed}, life {number}, cut {cut}: a number of a segment came again"
            acked += len(promised)
            stored += len(promised & held.keys())
            missing += len(promised - held.keys())
            double += sum(n > 1 for n in held.values())
            assert promised <= held.keys(), f"seed {seed}, life {number}, cut {cut}: {sorted(promised - held.keys())}"
            shutil.rmtree(left)
        shutil.rmtree(root)
    note = f"{LIVES} lives, {came_back} times a segment that was loaded and removed was there again"
    row.found(acked=acked, stored=stored, missing=missing, double=double, unexplained=0, replays=came_back, note=note)


def _numbers(given: object) -> list[int]:
    assert isinstance(given, list)
    return given


def test_the_model_finds_what_was_not_synced(tmp_path: Path) -> None:
    """A disk that forgets to sync loses events in it: else it would prove nothing."""

    class Careless(RecordingDisk):
        def sync_folder(self, folder: Path) -> None:
            """Not done."""

    dice = random.Random(4)
    lost = 0
    for number in range(12):
        disk = Careless(one_call=True)
        root = tmp_path / str(number)
        writer = SpoolWriter(root / "spool", "c0", disk=disk)
        writer.append_now([body(1)])
        writer.close()
        left = tmp_path / f"left{number}"
        after_the_cut(disk.log, root, left, dice)
        lost += numbers(Spool(left / "spool"), set()) != [1]
    assert lost
