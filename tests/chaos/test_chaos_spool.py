"""What lies in the spool is damaged bit by bit, or cannot be stored: each costs itself and nothing else."""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from chaos_table import FULL, Proof, noted
from loading import T0, Road, event

from tracker.loader.staging import Staged
from tracker.spool.writer import SpoolWriter
from tracker.store.embedded import Embedded
from tracker.store.engine import Query

FLIPS = 1000 if FULL else 30
BATCHES = 20 if FULL else 2
A_BATCH = 1000

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900 if FULL else 180)]


def append(writer: SpoolWriter, numbers: Sequence[int], notes: Path, **fields: Any) -> None:
    """Append events, and note them once they are acknowledged."""
    made = [event(n, seq=n, ts=T0, **({"arrival": writer.next_arrival()} | fields)) for n in numbers]
    writer.append_now([msgspec.json.encode(record) for record in made])
    with notes.open("a") as file:
        file.writelines(f"ack {n}\n" for n in numbers)


def test_a_flipped_bit_costs_at_most_one_record_and_is_reported(
    tmp_path: Path, data: Path, embedded: Embedded, proof: Callable[[str], Proof]
) -> None:
    """Every lineage has a sealed segment, one that its writer left open when it died, and its state; one bit is bad."""
    row = proof(f"spool bit flips x{FLIPS}")
    seed = secrets.token_hex(4)
    dice = random.Random(seed)
    notes = tmp_path / "acknowledged"
    road = Road(data, embedded)
    spool = data / "spool"
    kinds: Counter[str] = Counter()
    for lineage in range(FLIPS):
        _two_segments(spool, lineage, notes)
        if lineage == FLIPS // 3:  # the loader came before the damage: numbers that were used must not come back
            road.loader.run_once()
    for lineage in range(FLIPS):
        kinds[_flip(spool / f"c{lineage}", dice)] += 1
        writer = SpoolWriter(spool, f"c{lineage}", segment_age=3600)
        append(writer, range(lineage * 100 + 10, lineage * 100 + 12), notes)
        writer.close()
    road.loader.run_once()
    acked, _ = noted(notes)
    held = Counter(int(seq) for (seq,) in road.rows("seq"))
    ledger = road.ledger(None)
    lost = acked - held.keys()
    reported = ledger["rejected"].get("unreadable", 0)
    assert all(n <= 1 for n in Counter(n // 100 for n in lost).values()), f"seed {seed}: {sorted(lost)}"
    row.found(
        acked=len(acked),
        stored=len(acked & held.keys()),
        missing=max(0, len(lost) - reported),
        double=sum(n > 1 for n in held.values()) + len(held.keys() - acked),
        unexplained=ledger["unexplained"],
        note=f"{len(lost)} records damaged, {reported} reported; flips in {_said(kinds)}",
    )
    assert lost, "no flip hit a record"


def _said(kinds: Counter[str]) -> str:
    return ", ".join(f"{n} .{kind}" for kind, n in sorted(kinds.items()))


def _two_segments(spool: Path, lineage: int, notes: Path) -> None:
    """One sealed, one left open as by a kill."""
    folder, first = spool / f"c{lineage}", lineage * 100
    writer = SpoolWriter(spool, folder.name, segment_age=3600)
    append(writer, range(first, first + 6), notes)
    writer.close()
    state = (folder / "state.json").read_bytes()
    writer = SpoolWriter(spool, folder.name, segment_age=3600)
    append(writer, range(first + 6, first + 10), notes)
    [left_open] = folder.glob("*.open")
    as_it_was = left_open.read_bytes()
    writer.close()
    left_open.with_suffix(".seg").unlink()
    left_open.write_bytes(as_it_was)
    (folder / "state.json").write_bytes(state)


def _flip(folder: Path, dice: random.Random) -> str:
    """Flip one bit of one file, the larger the likelier; its kind."""
    files = [path for path in sorted(folder.iterdir()) if path.stat().st_size]
    [path] = dice.choices(files, [path.stat().st_size for path in files])
    blob = bytearray(path.read_bytes())
    blob[dice.randrange(len(blob))] ^= 1 << dice.randrange(8)
    path.write_bytes(blob)
    return path.suffix[1:]


def test_one_poison_event_in_a_thousand_is_kept_apart(
    tmp_path: Path, data: Path, embedded: Embedded, proof: Callable[[str], Proof], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = proof("1 poison event in 1,000")
    dice = random.Random(secrets.token_hex(4))
    notes = tmp_path / "acknowledged"
    road = Road(data, embedded)
    inserts, most, poison = 0, 0, set()
    honest = Staged.insert

    def counted(staged: Staged, **named: Any) -> None:
        nonlocal inserts
        inserts += 1
        honest(staged, **named)

    monkeypatch.setattr(Staged, "insert", counted)
    embedded.command(Query(text="alter table events add constraint no_poison check event != 'poison'"))
    for batch in range(BATCHES):
        bad = batch * A_BATCH + dice.randrange(A_BATCH)
        poison.add(bad)
        writer = SpoolWriter(data / "spool", "c0")
        append(writer, range(batch * A_BATCH, bad), notes)
        # By turns what the loader sees by itself, and what the store refuses for a reason of its own.
        append(writer, [bad], notes, **({"id": f"no uuid {bad}"} if batch % 2 else {"name": "poison"}))
        append(writer, range(bad + 1, (batch + 1) * A_BATCH), notes)
        writer.close()
        inserts = 0
        road.loader.run_once()
        most = max(most, inserts)
    embedded.command(Query(text="alter table events drop constraint no_poison"))
    acked, _ = noted(notes)
    held = Counter(int(seq) for (seq,) in road.rows("seq"))
    kept = embedded.ask(Query(text="select raw from rejected final where reason = 'store_refused'")).rows
    apart = {int(msgspec.json.decode(raw)["seq"]) for (raw,) in kept}
    ledger = road.ledger(None)
    assert apart == poison and ledger["rejected"] == {"store_refused": BATCHES}
    row.found(
        acked=len(acked),
        stored=len(acked & held.keys()),
        missing=len(acked - held.keys() - apart),
        double=sum(n > 1 for n in held.values()),
        unexplained=ledger["unexplained"],
        note=f"{len(apart)} kept as rejected with their reason; at most {most} inserts a batch",
    )
    assert most <= 21  # 1 + 2 log2(1000)
