"""What another process packs is what this one would, whatever becomes of that process."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterable
from contextlib import closing
from pathlib import Path

import pytest

from tracker.audiences import known
from tracker.audiences.helper import Helper
from tracker.audiences.packing import Packed, Packer, Plan, Sealed, Showing, chosen
from tracker.core.errors import Broken
from tracker.core.identifiers import Identifier, email_forms, keys_of, name_forms, phone_forms, place_forms, seal
from tracker.networks import NETWORKS, Member, Terms

SECRET = "5e" * 32
KEYS = keys_of("shop", "w", SECRET)
TERMS = Terms(days=30, now_ms=1_700_000_000_000, audience="all", site="shop.example")


def plan_of(network: str, shape: str = "file") -> Plan:
    return Plan(keys=KEYS, network=network, options={}, shape=shape, terms=TERMS)


def piece_of(plan: Plan, dice: random.Random, count: int = 60) -> Sealed:
    """Some who have nothing, some with several spellings, some whom the ledger has."""
    columns = Showing(KEYS, NETWORKS[plan.network].forms(), matched=False).columns
    people = sorted({dice.getrandbits(64) for _ in range(count)})
    records, cells = [], []
    for n in people:
        given: Iterable[Identifier | None] = (
            email_forms(f"n.{n}+x@gmail.com"),
            phone_forms(f"+1415555{n % 10_000:04d}", ""),
            name_forms("first_name", "Zoë"),
            place_forms("country", "de"),
        )
        kept = [one for one in given if one is not None and dice.random() < 0.6]
        records.append([(1, seal(KEYS, kept, dice.randbytes(12)))] if kept else [])
        cells.append([1_700_000_000_000 + n % 1000 if name == "last_seen" else f"{name}{n}" for name in columns])
    before = {one: known.sealed_forms(KEYS, Member({"email.e1": f"{one:064x}"})) for one in people[::7]}
    return Sealed(people, [one % 2 == 0 for one in people], records, cells, before, ["holdout"])


def without_chance(packed: Packed) -> Packed:
    """What is for the ledger opened: it is sealed with another nonce each time."""
    opened = [(one[:16], [known.opened_forms(KEYS, some.decode()) for some in one[16:].split()]) for one in packed.told]
    return packed._replace(told=opened)  # type: ignore[arg-type]


def given(pieces: Iterable[Sealed]) -> Generator[Sealed, None, None]:
    yield from pieces


@pytest.mark.parametrize(
    ("network", "shape"), [("google", "file"), ("tiktok", "file"), ("parquet", "file"), ("meta", "api")]
)
def test_another_process_packs_the_same(network: str, shape: str) -> None:
    plan, dice = plan_of(network, shape), random.Random(7)
    pieces = [piece_of(plan, dice) for _ in range(4)]
    with Helper(plan) as helper, closing(helper.packed(given(pieces))) as packed:
        found = list(packed)
    assert [piece.people for piece, _ in found] == [piece.people for piece in pieces]
    here = [Packer(plan).sealed(piece) for piece in pieces]
    assert [without_chance(one) for _, one in found] == [without_chance(one) for one in here]
    assert any(one.people for one in here)
    assert [len(one.lines or one.rows) for one in here] == [sum(one.sizes) for one in here]


def test_it_may_die_and_its_work_is_done_here() -> None:
    plan, dice = plan_of("google"), random.Random(8)
    pieces = [piece_of(plan, dice) for _ in range(6)]
    with Helper(plan) as helper, closing(helper.packed(given(pieces))) as packed:
        found = [next(packed)[1]]
        assert helper.pid is not None
        os.kill(helper.pid, signal.SIGKILL)
        found += [one for _, one in packed]
    assert [without_chance(one) for one in found] == [without_chance(Packer(plan).sealed(one)) for one in pieces]


def test_it_may_not_start_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, dice = plan_of("google"), random.Random(9)
    piece = piece_of(plan, dice)
    for program in ("/nowhere/python", "/bin/false"):
        monkeypatch.setattr(sys, "executable", program)
        with Helper(plan) as helper, closing(helper.packed(given([piece, piece]))) as packed:
            assert [without_chance(one) for _, one in packed] == [without_chance(Packer(plan).sealed(piece))] * 2


def test_what_does_not_open_is_said_and_whoever_stops_early_waits_for_nobody() -> None:
    plan, dice = plan_of("google"), random.Random(10)
    other = keys_of("other", "w", "6f" * 32)
    good = piece_of(plan, dice)
    bad = good._replace(records=[[(1, seal(other, [Identifier("email", {"e1": "a"})], bytes(12)))]] * len(good.people))
    with Helper(plan) as helper, closing(helper.packed(given([good, bad, good]))) as packed:
        assert next(packed)[1].people
        with pytest.raises(Broken, match="do not open"):
            next(packed)
    with Helper(plan) as helper, closing(helper.packed(given(good for _ in range(10_000)))) as packed:
        assert next(packed)[1].people
        pid = helper.pid
    assert pid is not None
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_tells_nobody_the_key_and_ends_with_whoever_started_it() -> None:
    program = (
        "import sys, time, test_helper as t\n"
        "plan = t.plan_of('google')\n"
        "with t.Helper(plan) as helper:\n"
        "    packed = helper.packed(t.given(t.piece_of(plan, t.random.Random(1)) for _ in range(2)))\n"
        "    next(packed)\n"
        "    print(helper.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent), "TRACKER_SECRET_OF_SOMETHING": SECRET},
    ) as parent:
        assert parent.stdout is not None
        there = Path(f"/proc/{int(parent.stdout.readline())}")
        if os.geteuid() == 0:  # to others it cannot be looked into at all
            for name in ("cmdline", "environ"):
                told = (there / name).read_bytes()
                assert SECRET.encode() not in told
                assert KEYS.seal is not None
                assert KEYS.seal not in told
        [core] = [line for line in (there / "limits").read_text().splitlines() if "core file" in line]
        assert core.split()[4:6] == ["0", "0"]
        assert there.stat().st_uid == 0, "it leaves no core dump behind, and is not to be traced"
        parent.kill()
        parent.wait()
        until = time.monotonic() + 20
        while there.exists() and time.monotonic() < until:
            time.sleep(0.01)
        assert not there.exists()


def test_only_some_of_those_who_were_packed() -> None:
    plan, dice = plan_of("tiktok"), random.Random(11)  # an address with a suffix is two rows
    piece = piece_of(plan, dice)
    everybody = Packer(plan).sealed(piece)
    some = set(everybody.people[::2])
    kept = [one in some for one in piece.people]
    alone = piece._replace(
        people=[one for one, keep in zip(piece.people, kept, strict=True) if keep],
        granted=[one for one, keep in zip(piece.granted, kept, strict=True) if keep],
        records=[one for one, keep in zip(piece.records, kept, strict=True) if keep],
        cells=[one for one, keep in zip(piece.cells, kept, strict=True) if keep],
    )
    assert max(everybody.sizes) == 2
    found = without_chance(chosen(everybody, some))
    assert found == without_chance(Packer(plan).sealed(alone))._replace(unrecognised=everybody.unrecognised)
