"""Exports that are killed: a process of its own, because every export is a fork that dies by kill -9.

`python deliveries_child.py FOLDER PLACE.json ROUNDS SEED`. The store is not asked: who is a member is drawn anew each
time (some leave, some refuse), everything behind that question is the product's own code. After each death the next
start is played: what was left running is cleaned up, what is undecided is settled by asking the destination. Prints
what must be there now, and how often it was killed and where.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog

from tracker.audiences import changes, deliver, export, known
from tracker.audiences.definition import Definition
from tracker.audiences.delivery import Senders
from tracker.audiences.desk import Desk, Job, begin, carry_out
from tracker.catalog import Catalog
from tracker.catalog.deliveries import Line
from tracker.core.errors import TrackerError
from tracker.core.identifiers import keys_of
from tracker.networks import Member
from tracker.outbound import Door, Limits, Reach

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
EVERYBODY = range(1, 121)


def hashed(person: int) -> str:
    return f"{person:064x}"


class World:
    """Who is a member, and who may leave the house."""

    def __init__(self) -> None:
        self.members: set[int] = set()
        self.refused: set[int] = set()

    def judge(self, *_: Any) -> Iterator[tuple[int, str, bool]]:
        for one in sorted(self.members):
            yield one, "opted_out" if one in self.refused else "exportable", True

    def gate(self, _engine: Any, _site: Any, _definition: Any, people: Any) -> dict[int, tuple[str, bool]]:
        return {one: ("opted_out" if one in self.refused else "exportable", True) for one in people}

    @staticmethod
    def known_members(_e: Any, _c: Any, _s: Any, _n: Any, people: Any) -> Iterator[tuple[int, Member | None, str]]:
        for one in people:
            yield one, Member({"email.e1": hashed(one)}), "US"


def main(folder: Path, place: dict[str, Any], rounds: int, seed: int) -> None:
    dice, world = random.Random(seed), World()
    export.judge, export.gate, changes.gate = world.judge, world.gate, world.gate
    known.members, known.now = world.known_members, lambda _e, _s, people: {one: one for one in people}
    patience = Limits(first_pause=0.01, tries=3, total=10.0)
    senders = Senders(Door(Reach.of(["127.0.0.1"]), patience), folder / "deliveries")

    def opened() -> Catalog:
        return Catalog(f"sqlite:///{folder}/catalog.sqlite", folder / "sites.json")

    def desk(catalog: Catalog) -> Desk:
        return Desk(
            engine=None,  # type: ignore[arg-type]
            catalog=catalog,
            folder=folder / "exports",
            senders=senders,
            now_ms=lambda: time.time_ns() // 1_000_000,
            version="1",
        )

    with opened() as catalog:
        site = catalog.sites.create("shop", consent="opt-out")
        rule = {"did": {"event": "x"}}
        audience = catalog.audiences.create("shop", "a", rule, duration="30d", holdout=0.0, refresh="5m")
        destination = catalog.destinations.create(
            keys_of("shop", site.write_key, site.identifier_key), "d", place["kind"], place["options"], place["secrets"]
        )
    shape = "api" if place["kind"] == "network" else "file"
    export.stored = None  # type: ignore[attr-defined]
    import tracker.audiences.desk as desk_module

    desk_module.stored = lambda *_: Definition(site="shop", rule=("did",), holdout=0.0, id=audience.id)  # type: ignore[assignment,arg-type,return-value]

    def one_export(mode: str) -> str:
        with opened() as catalog:
            job = Job(
                audience=audience, network="criteo", mode=mode, shape=shape, destination=destination.id,
                actor="t", min_size=1,
            )  # fmt: skip
            return carry_out(desk(catalog), job, begin(catalog, job)).state

    def killed_after(steps: int) -> None:
        """At the n-th call of a function in this thread: any point of the export's Python."""
        left = steps

        def count(_frame: Any, event: str, _arg: Any) -> None:
            nonlocal left
            if event in ("call", "c_call"):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(count)

    def calls_of_one() -> tuple[int, float]:
        """How long an export is, in calls and seconds, measured on one that is not killed."""
        read, write = os.pipe()
        child = os.fork()
        if not child:
            n, began = 0, time.monotonic()

            def count(_frame: Any, event: str, _arg: Any) -> None:
                nonlocal n
                n += event in ("call", "c_call")

            sys.setprofile(count)
            state = one_export("delta")
            sys.setprofile(None)
            os.write(write, json.dumps([n, time.monotonic() - began, state]).encode())
            os._exit(0)
        os.waitpid(child, 0)
        n, seconds, state = json.loads(os.read(read, 1000))
        assert state == "done", state
        return n, seconds

    world.members = set(EVERYBODY[:60])
    calls, seconds = calls_of_one()
    kills = survived = undecided = 0
    for number in range(rounds):
        free = [one for one in EVERYBODY if one not in world.members and one not in world.refused]
        world.members |= set(dice.sample(free, min(9, len(free))))
        world.members -= set(dice.sample(sorted(world.members), 6))
        world.refused |= set(dice.sample(sorted(world.members), 1)) if len(world.refused) < 40 else set()
        mode = "full" if dice.random() < 0.1 else "delta"
        child = os.fork()
        if not child:
            if number % 2:
                wait = dice.uniform(0, seconds)
                threading.Timer(wait, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
            else:
                killed_after(dice.randint(1, calls))
            one_export(mode)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        kills, survived = kills + (status != 0), survived + (status == 0)
        with opened() as catalog:
            export.clean_up(catalog, folder / "exports")
            undecided += len(catalog.deliveries.undecided())
            for _ in range(5):
                try:
                    if not deliver.settle_before(catalog, senders):
                        break
                except TrackerError:
                    time.sleep(0.05)
            assert catalog.deliveries.undecided() == []
            assert {one.state for one in catalog.exports.list(limit=10_000)} <= {"done", "failed"}
            assert not list((folder / "exports").glob("*")), "something was left behind"
    assert one_export("delta") == "done"
    with opened() as catalog:
        _, delivered = catalog.deliveries.now(Line("shop", audience.id, "criteo", destination.id))
        done = [one.id for one in catalog.exports.list(limit=10_000) if one.state == "done"]
    print(
        json.dumps(
            {
                "expected": sorted(hashed(one) for one in world.members - world.refused),
                "ledger": sorted(hashed(one) for one in delivered),
                "done": done[::-1],
                "killed": kills,
                "survived": survived,
                "undecided": undecided,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), int(sys.argv[3]), int(sys.argv[4]))
