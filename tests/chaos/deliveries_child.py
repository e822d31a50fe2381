"""Exports that are killed: a process of its own, because every export is a fork that dies by kill -9.

`python deliveries_child.py FOLDER PLACE.json ROUNDS SEED`. The store is not asked: who is a member is drawn anew each
time (some leave, some refuse), everything behind that question is the product's own code. Each life begins as the
service does after a death: what was left running is cleaned up, what is undecided is settled by asking the destination;
then it exports, and is killed, some of them already while they settle. Prints what must be there now, and how often it
was killed and where.

Only lives talk to the destination, never the process that forks them: threads do not come along into a fork, so a
library with threads of its own (obstore's runtime) would wait there for ever for an answer that nobody fetches.
"""

from __future__ import annotations

import faulthandler
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

import tracker.audiences.desk as desk_module
from tracker.audiences import changes, deliver, export, known, leftovers
from tracker.audiences.definition import Definition
from tracker.audiences.delivery import Senders
from tracker.audiences.desk import Desk, Job, begin, carry_out
from tracker.audiences.packing import Judged
from tracker.audiences.reader import Found
from tracker.catalog import Catalog
from tracker.catalog.audiences import StoredAudience
from tracker.catalog.deliveries import Line
from tracker.catalog.vault import VaultEntry
from tracker.core.errors import TrackerError
from tracker.core.identifiers import Identifier, keys_of, seal
from tracker.networks import Member
from tracker.outbound import Door, Limits, Reach

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
PRODUCT = str(Path(export.__file__).parents[1])
EVERYBODY = range(1, 121)
LONGEST = 180  # seconds of a life; one that takes longer hangs, says where, and fails the run


def hashed(person: int) -> str:
    return f"{person:064x}"


def _forms(person: int) -> dict[str, str]:
    return dict.fromkeys(("e1", "e2"), hashed(person))


class World:
    """Who is a member, and who may leave the house."""

    def __init__(self) -> None:
        self.members: set[int] = set()
        self.refused: set[int] = set()

    def judge(self, *_: Any, **_more: Any) -> Iterator[tuple[int, str, bool]]:
        for one in sorted(self.members):
            yield one, "opted_out" if one in self.refused else "exportable", True

    def gate(
        self, _engine: Any, _site: Any, _definition: Any, people: Any, _vendor: Any
    ) -> dict[int, tuple[str, bool]]:
        return {one: ("opted_out" if one in self.refused else "exportable", True) for one in people}

    def reader(self, *_: Any, **_more: Any) -> World:
        return self

    matched = False

    def judged(self, people: Any, before: Callable[[list[int]], dict[int, str]]) -> Iterator[Judged]:
        """As the product reads them for another process."""
        for found in self.read(people):
            mine = [one.person for one in found if one.member is not None]
            owners = [[f"v:{one}"] for one in mine]
            withheld = [one.verdict for one in found if one.member is None]
            yield Judged(mine, [True] * len(mine), owners, [[] for _ in mine], before(mine), withheld)

    def read(self, people: Any) -> Iterator[list[Found]]:
        for start in range(0, len(people), 50):
            yield [
                Found(one, "opted_out")
                if one in self.refused
                else Found(one, "exportable", Member({"email.e1": hashed(one)}))
                for one in people[start : start + 50].tolist()
            ]


@dataclass
class House:
    """One installation and its only destination, as each life finds them."""

    folder: Path
    place: dict[str, Any]
    audience: StoredAudience = field(init=False)
    destination: str = field(init=False)
    senders: Senders = field(init=False)

    def __post_init__(self) -> None:
        patience = Limits(first_pause=0.01, tries=3, total=10.0)
        self.senders = Senders(Door(Reach.of(["127.0.0.1"]), patience), self.folder / "deliveries")
        with self.opened() as catalog:
            site = catalog.sites.create("shop", consent="opt-out")
            rule = {"did": {"event": "x"}}
            self.audience = catalog.audiences.create("shop", "a", rule, duration="30d", holdout=0.0, refresh="5m")
            keys = keys_of("shop", site.write_key, site.identifier_key)
            said = (self.place["kind"], self.place["options"], self.place["secrets"])
            self.destination = catalog.destinations.create(keys, "d", *said).id
            catalog.vault.upsert_many(
                VaultEntry("shop", "", str(one), seal(keys, [Identifier("email", _forms(one))], os.urandom(12)))
                for one in EVERYBODY
            )

    def opened(self) -> Catalog:
        return Catalog(f"sqlite:///{self.folder}/catalog.sqlite", self.folder / "sites.json")

    def begin(self) -> int:
        """What a start does after a death, and what must be true then; gives how many exports had been on their way."""
        with self.opened() as catalog:
            leftovers.clean_up(catalog, self.folder / "exports")
            found = len(catalog.deliveries.undecided())
            for _ in range(5):
                try:
                    if not deliver.settle_before(catalog, self.senders):
                        break
                except TrackerError:
                    time.sleep(0.05)
            assert catalog.deliveries.undecided() == []
            assert {one.state for one in catalog.exports.list(limit=10_000)} <= {"done", "failed"}
            assert not list((self.folder / "exports").glob("*")), "something was left behind"
        return found

    def export(self, mode: str) -> str:
        """How one export ended."""
        with self.opened() as catalog:
            desk = Desk(
                engine=None,  # type: ignore[arg-type]
                catalog=catalog,
                folder=self.folder / "exports",
                senders=self.senders,
                now_ms=lambda: time.time_ns() // 1_000_000,
                version="1",
            )
            job = Job(
                audience=self.audience,
                network="criteo",
                mode=mode,
                shape="api" if self.place["kind"] == "network" else "file",
                destination=self.destination,
                actor="t",
                min_size=1,
            )
            return carry_out(desk, job, begin(catalog, job)).state

    def told(self) -> dict[str, Any]:
        """Whom the ledger says to be there, and the exports that arrived, in their order."""
        with self.opened() as catalog:
            _, delivered = catalog.deliveries.now(Line("shop", self.audience.id, "criteo", self.destination))
            done = [one.id for one in catalog.exports.list(limit=10_000) if one.state == "done"]
        return {"ledger": sorted(hashed(one) for one in delivered), "done": done[::-1]}


def lived(life: Callable[[Callable[[Any], None]], None]) -> tuple[int, list[Any]]:
    """A fork that does `life` and ends: its wait status, and what it has said by then."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        faulthandler.dump_traceback_later(LONGEST, exit=True)
        life(lambda said: (os.write(write, json.dumps(said).encode() + b"\n"), None)[1])
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as said:
        heard = [json.loads(line) for line in said]
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), f"a life ended by itself, with status {status}"
    return status, heard


def counted(at: int = 0) -> list[int]:
    """Counts calls in this thread of and by the product's own functions; at number `at` it is killed."""
    calls = [0]

    def count(frame: Any, event: str, _arg: Any) -> None:
        if event in ("call", "c_call") and frame.f_code.co_filename.startswith(PRODUCT):
            calls[0] += 1
            if calls[0] == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
    return calls


def main(folder: Path, place: dict[str, Any], rounds: int, seed: int) -> None:
    dice, world = random.Random(seed), World()
    export.judge, export.Reader, changes.gate = world.judge, world.reader, world.gate
    known.moved = lambda *_: {}
    house = House(folder, place)
    of_audience = Definition(site="shop", rule=("did",), holdout=0.0, id=house.audience.id)
    desk_module.stored = lambda *_: of_audience  # type: ignore[assignment,arg-type,return-value]

    def measured(say: Callable[[Any], None]) -> None:
        """When an export sends and ends, in calls and seconds."""
        say(house.begin())
        export.FROM = 1 if helped else 10**9
        began, calls, sends = time.monotonic(), counted(), []
        send = export.ship

        def ship(*given: Any) -> None:
            sends.extend((calls[0], time.monotonic() - began))
            send(*given)

        export.ship = ship
        assert house.export("delta") == "done"
        say([*sends, calls[0], time.monotonic() - began])

    def killed(say: Callable[[Any], None]) -> None:
        if not early:
            say(house.begin())
        if by_clock:
            threading.Timer(after, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
        else:
            counted(at)
        if early:
            say(house.begin())
        export.FROM = 1 if helped else 10**9
        house.export(mode)

    def last(say: Callable[[Any], None]) -> None:
        say(house.begin())
        assert house.export("delta") == "done"

    world.members = set(EVERYBODY[:60])
    lived(last)
    kills = undecided = number = 0
    helped = False  # by another process
    of_both: dict[bool, list[Any]] = {}
    while kills < rounds and number < 4 * rounds:
        free = [one for one in EVERYBODY if one not in world.members and one not in world.refused]
        world.members |= set(dice.sample(free, min(9, len(free))))
        world.members -= set(dice.sample(sorted(world.members), 6))
        world.refused |= set(dice.sample(sorted(world.members), 1)) if len(world.refused) < 40 else set()
        if number % 20 == 0:
            for helped in (True, False):
                _, [found, of_both[helped]] = lived(measured)
                undecided += found
        mode = "full" if dice.random() < 0.1 else "delta"
        by_clock, sending, early = (bool(number & bit) for bit in (1, 2, 4))
        early = early and not sending
        helped = number % 3 == 1
        lengths = of_both[helped]
        at = dice.randint(lengths[0] if sending else 1, lengths[2])
        after = dice.uniform(lengths[1] if sending else 0, lengths[3])
        status, heard = lived(killed)
        number, kills, undecided = number + 1, kills + (status != 0), undecided + sum(heard)
    _, [found] = lived(last)
    expected = sorted(hashed(one) for one in world.members - world.refused)
    print(
        json.dumps(
            {"expected": expected, "killed": kills, "undecided": undecided + found, "exports": number, **house.told()}
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), int(sys.argv[3]), int(sys.argv[4]))
