"""Every system call between accepting an event and deleting its segment: killed there, or failed there, one by one."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from chaos_sweep import SYNCS, TRACER, Lives
from chaos_table import FULL, Proof, noted
from clickhouse import ClickHouse
from loading import T0, Road, event
from running import until

from tracker.core.errors import TryLater
from tracker.core.event import Record, Rejected
from tracker.store.embedded import Embedded
from tracker.store.engine import Query
from tracker.store.migrate import migrate
from tracker.store.server import Server

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800 if FULL else 240)]

JOBS = ("opener", "writer")


class Lineages:
    """A spool for each life of a writer, all beginning with the same dead segment, and one notebook for all."""

    def __init__(self, folder: Path, lives: Lives) -> None:
        self.notes = folder / "acknowledged"
        self._folder = folder
        self._lives = lives
        self._count = 0
        self._life = 0
        self._begin = folder / "begin"
        lives.run("writer", self._begin, self._next(), self.notes, "die")

    def _next(self) -> int:
        self._life += 1
        return self._life

    def fresh(self) -> tuple[Path, int, Path]:
        """The words of a life: a folder of its own, its number, the notebook."""
        self._count += 1
        root = self._folder / f"root{self._count}"
        if self._count == 1:  # its acknowledged events are owed once, so one folder only begins with them
            shutil.copytree(self._begin, root)
        else:
            self._lives.run("writer", root, self._next(), self.notes, "die")
        return root, self._next(), self.notes

    def gathered(self, road: Road) -> None:
        """One more life on each folder, as after any crash; then everything sealed goes to the loader's spool."""
        for number in range(1, self._count + 1):
            root = self._folder / f"root{number}"
            self._lives.run("writer", root, self._next(), self.notes)
            shutil.copytree(root / "c0", road.data / "spool" / f"c{number}", ignore=shutil.ignore_patterns("lock"))

    @property
    def highest(self) -> int:
        return (self._life + 1) * 1000


def judged(row: Proof, road: Road, notes: Path, note: str, *, replays: int = 0) -> None:
    """Load everything, then hold the store against the notebook."""
    acked, refused = noted(notes)
    road.loader.run_once()
    held: dict[int, int] = {}
    for (seq,) in road.rows("seq"):
        held[int(seq)] = held.get(int(seq), 0) + 1
    ledger = road.ledger(None)
    assert not refused & held.keys(), "called refused, and stored all the same"
    assert ledger["stored"] == len(held) and ledger["waiting"] == 0, ledger
    row.found(
        acked=len(acked),
        stored=len(acked & held.keys()),
        missing=len(acked - held.keys()),
        double=sum(n > 1 for n in held.values()),
        unexplained=ledger["unexplained"],
        replays=replays,
        note=note,
    )


def test_every_call_of_a_collector_s_disk_work_is_a_safe_place_to_die(
    tmp_path: Path, data: Path, embedded: Embedded, proof: Callable[[str], Proof]
) -> None:
    row = proof("crash sweep: group commit, seal, adopt")
    if TRACER is None:
        row.not_run("no strace")
        return
    died = 0
    names: list[str] = []
    with Lives(tmp_path) as lives:
        lineages = Lineages(tmp_path, lives)
        for job in JOBS:
            for point in lives.points(job, *lineages.fresh()):
                died += lives.killed(point, job, *lineages.fresh())
                names.append(point.call)
        road = Road(data, embedded)
        lineages.gathered(road)
    judged(row, road, lineages.notes, f"killed at each of {died} calls ({len(set(names))} kinds), then started again")
    assert died == len(names), "a call was never reached: the runs are not the same"


def test_a_call_that_fails_once_refuses_its_group_and_nothing_else(
    tmp_path: Path, data: Path, embedded: Embedded, proof: Callable[[str], Proof]
) -> None:
    row = proof("EIO at each sync and write")
    if TRACER is None:
        row.not_run("no strace")
        return
    failed = 0
    with Lives(tmp_path) as lives:
        lineages = Lineages(tmp_path, lives)
        for job in JOBS:
            points = [point for point in lives.points(job, *lineages.fresh()) if point.call in SYNCS]
            for point in points:
                failed += lives.failed(point, "EIO", job, *lineages.fresh())
        road = Road(data, embedded)
        lineages.gathered(road)
    _, refused = noted(lineages.notes)
    judged(row, road, lineages.notes, f"{failed} calls failed once; {len(refused)} events refused, none of them stored")
    assert failed > 0 and refused


def owed(turn: int, earlier: Iterable[int]) -> tuple[list[Record], set[int]]:
    """Records of one segment: events in two months, of known people, duplicates, a rejected and a refused one."""
    first = turn * 1000
    numbers = set(range(first, first + 3))
    records: list[Record] = [event(n, seq=n, user="u1" if n % 3 == 0 else "") for n in sorted(numbers)]
    records += [event(n, seq=n, ts=T0 - 40 * 86_400_000) for n in (first + 100,)]
    records += [event(n, seq=n, arrival=event(first + 200 + at).arrival) for at, n in enumerate(earlier)]
    records.append(event(first + 300, id=f"no uuid {turn}"))
    records.append(
        Rejected(
            site="shop", arrival=event(first + 301).arrival, received=T0, reason="no_name", message="no name", raw="{}"
        )
    )
    return records, numbers | {first + 100}


@pytest.mark.server
def test_every_call_of_a_loader_is_a_safe_place_to_die(
    tmp_path: Path, data: Path, proof: Callable[[str], Proof]
) -> None:
    row = proof("crash sweep: insert, ledger, forget")
    if TRACER is None:
        row.not_run("no strace")
        return
    own = ClickHouse(tmp_path / "own").start()
    issued: set[int] = set()
    turns = died = 0
    notes = tmp_path / "acknowledged"
    engine = Server(own.url(), timeout=20)

    def more() -> tuple[Path, str]:
        """One more segment, its events noted once the writer has acknowledged them."""
        nonlocal turns
        turns += 1
        until(answers, 60)
        records, numbers = owed(turns, sorted(issued)[-2:])
        road.write(records)
        with notes.open("a") as file:
            file.writelines(f"ack {n}\n" for n in sorted(numbers))
        issued.update(numbers)
        return data, own.url()

    def answers() -> bool:
        try:
            return bool(engine.ask(Query(text="select 1")).rows)
        except TryLater:
            return False

    def loaded() -> None:
        """What a loader does that is started after the crash."""
        after = Road(data, engine, patience=0.5)

        def empty() -> bool:
            with contextlib.suppress(TryLater):
                after.loader.run_once()
            return not after.ledger(None)["waiting"]

        until(empty, 120)
        after.catalog.close()

    try:
        with own.revived() as deaths, Lives(tmp_path) as lives:
            migrate(engine)
            road = Road(data, engine, patience=0.5)
            lives.run("loader", *more())
            points = lives.points("loader", *more())
            points = points if FULL else points[::16]
            for point in points:
                died += lives.killed(point, "loader", *more())
                loaded()

            def judge() -> bool:
                with contextlib.suppress(TryLater):  # the last death of the server may still be to come
                    doubts = engine.ask(Query(text="select uniqExactIf(version, open = 1) from doubts")).rows
                    note = f"killed at {died} of {len(points)} calls; the server ended {len(deaths)} times with it"
                    judged(row, road, notes, note, replays=int(doubts[0][0]))
                    return True
                return False

            until(judge, 60)
            assert died >= len(points) - max(1, len(points) // 10)  # a call more or less is made from run to run
    finally:
        engine.close()
        own.kill()
