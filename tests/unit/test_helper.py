"""What another process packs is what this one would, whatever becomes of that process."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tracker.audiences import known
from tracker.audiences.helper import Helper
from tracker.audiences.packing import Judged, Packed, Packer, Plan, Showing, chosen
from tracker.catalog import Catalog
from tracker.catalog.vault import Vault, VaultEntry
from tracker.core.errors import Broken
from tracker.core.identifiers import Identifier, Keys, email_forms, keys_of, name_forms, phone_forms, place_forms, seal
from tracker.networks import NETWORKS, Member, Terms

SECRET = "5e" * 32
KEYS = keys_of("shop", "w", SECRET)
TERMS = Terms(days=30, now_ms=1_700_000_000_000, audience="all", site="shop.example")


def opened(folder: Path) -> Catalog:
    return Catalog(f"sqlite:///{folder}/catalog.sqlite", folder / "sites.json")


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    with opened(tmp_path_factory.mktemp("catalog")) as catalog:
        yield catalog.vault


def plan_of(vault: Vault, network: str, shape: str = "file") -> Plan:
    url = vault._database.url
    return Plan(keys=KEYS, network=network, options={}, shape=shape, terms=TERMS, catalog=url)


def piece_of(vault: Vault, plan: Plan, dice: random.Random, *, count: int = 60, keys: Keys = KEYS) -> Judged:
    """Some who have nothing, some with several spellings or names, some whom the ledger has."""
    columns = Showing(KEYS, NETWORKS[plan.network].forms(), matched=False).columns
    people = sorted({dice.getrandbits(64) for _ in range(count)})
    owners, entries, cells = [], [], []
    for n in people:
        given: Iterable[Identifier | None] = (
            email_forms(f"n.{n}+x@gmail.com"),
            phone_forms(f"+1415555{n % 10_000:04d}", ""),
            name_forms("first_name", "Zoë"),
            place_forms("country", "de"),
        )
        kept = [one for one in given if one is not None and dice.random() < 0.6]
        names = [VaultEntry("shop", "", f"v{n}", ""), VaultEntry("shop", f"u{n}", "", "")][: dice.randint(0, 2)]
        owners.append([one.owner for one in names])
        if kept:
            entries += [replace(one, sealed=seal(keys, kept, dice.randbytes(12))) for one in names]
        cells.append([1_700_000_000_000 + n % 1000 if name == "last_seen" else f"{name}{n}" for name in columns])
    before = {one: known.sealed_forms(KEYS, Member({"email.e1": f"{one:064x}"})) for one in people[::7]}
    vault.upsert_many(entries)
    return Judged(people, [one % 2 == 0 for one in people], owners, cells, before, ["holdout"])


def without_chance(packed: Packed) -> Packed:
    """What is for the ledger opened: it is sealed with another nonce each time."""
    opened = [[known.opened_forms(KEYS, some) for some in one.split()] for one in packed.told]
    return packed._replace(told=opened)  # type: ignore[arg-type]


def given(pieces: Iterable[Judged]) -> Generator[Judged, None, None]:
    yield from pieces


@pytest.mark.parametrize(
    ("network", "shape"), [("google", "file"), ("tiktok", "file"), ("parquet", "file"), ("meta", "api")]
)
def test_another_process_packs_the_same(vault: Vault, network: str, shape: str) -> None:
    plan, dice = plan_of(vault, network, shape), random.Random(7)
    pieces = [piece_of(vault, plan, dice) for _ in range(4)]
    with Helper(plan, vault.of_owners) as helper, closing(helper.packed(given(pieces))) as packed:
        found = list(packed)
    assert [piece.people for piece, _ in found] == [piece.people for piece in pieces]
    here = [Packer(plan, vault.of_owners).judged(piece) for piece in pieces]
    assert [without_chance(one) for _, one in found] == [without_chance(one) for one in here]
    assert any(one.people for one in here)
    assert [len(one.lines or one.rows) for one in here] == [sum(one.sizes) for one in here]


def test_it_may_die_and_its_work_is_done_here(vault: Vault) -> None:
    plan, dice = plan_of(vault, "google"), random.Random(8)
    pieces = [piece_of(vault, plan, dice) for _ in range(6)]
    with Helper(plan, vault.of_owners) as helper, closing(helper.packed(given(pieces))) as packed:
        found = [next(packed)[1]]
        assert helper.pid is not None
        os.kill(helper.pid, signal.SIGKILL)
        found += [one for _, one in packed]
    assert [without_chance(one) for one in found] == [
        without_chance(Packer(plan, vault.of_owners).judged(one)) for one in pieces
    ]


def test_it_may_not_start_at_all(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, dice = plan_of(vault, "google"), random.Random(9)
    piece = piece_of(vault, plan, dice)
    for program in ("/nowhere/python", "/bin/false"):
        monkeypatch.setattr(sys, "executable", program)
        with Helper(plan, vault.of_owners) as helper, closing(helper.packed(given([piece, piece]))) as packed:
            assert [without_chance(one) for _, one in packed] == [
                without_chance(Packer(plan, vault.of_owners).judged(piece))
            ] * 2


def test_what_cannot_be_read_there_is_read_here(vault: Vault, tmp_path: Path) -> None:
    plan, dice = plan_of(vault, "google"), random.Random(12)
    piece = piece_of(vault, plan, dice)
    astray = replace(plan, catalog=f"sqlite:///{tmp_path}/nowhere/catalog.sqlite")
    with Helper(astray, vault.of_owners) as helper, closing(helper.packed(given([piece]))) as packed:
        [(_, found)] = packed
    assert without_chance(found) == without_chance(Packer(plan, vault.of_owners).judged(piece))
    assert not list(tmp_path.iterdir()), "it makes nothing"


def test_what_does_not_open_is_said_and_whoever_stops_early_waits_for_nobody(vault: Vault) -> None:
    plan, dice = plan_of(vault, "google"), random.Random(10)
    other = keys_of("other", "w", "6f" * 32)
    good = piece_of(vault, plan, dice)
    bad = piece_of(vault, plan, dice, keys=other)
    with Helper(plan, vault.of_owners) as helper, closing(helper.packed(given([good, bad, good]))) as packed:
        assert next(packed)[1].people
        with pytest.raises(Broken, match="do not open"):
            next(packed)
    with Helper(plan, vault.of_owners) as helper, closing(helper.packed(given(good for _ in range(10_000)))) as packed:
        assert next(packed)[1].people
        pid = helper.pid
    assert pid is not None
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_tells_nobody_the_key_and_ends_with_whoever_started_it(tmp_path: Path) -> None:
    program = (
        "import sys, time, test_helper as t\n"
        "vault = t.opened(t.Path(sys.argv[1])).vault\n"
        "plan = t.plan_of(vault, 'google')\n"
        "with t.Helper(plan, vault.of_owners) as helper:\n"
        "    packed = helper.packed(t.given(t.piece_of(vault, plan, t.random.Random(1)) for _ in range(2)))\n"
        "    next(packed)\n"
        "    print(helper.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path],
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
                assert bytes(tmp_path) not in told, "where the catalog is, with its password"
        [core] = [line for line in (there / "limits").read_text().splitlines() if "core file" in line]
        assert core.split()[4:6] == ["0", "0"]
        assert there.stat().st_uid == 0, "it leaves no core dump behind, and is not to be traced"
        parent.kill()
        parent.wait()
        until = time.monotonic() + 20
        while there.exists() and time.monotonic() < until:
            time.sleep(0.01)
        assert not there.exists()


def test_only_some_of_those_who_were_packed(vault: Vault) -> None:
    plan, dice = plan_of(vault, "tiktok"), random.Random(11)  # an address with a suffix is two rows
    piece = piece_of(vault, plan, dice)
    everybody = Packer(plan, vault.of_owners).judged(piece)
    some = set(everybody.people[::2])
    kept = [one in some for one in piece.people]
    alone = piece._replace(
        people=[one for one, keep in zip(piece.people, kept, strict=True) if keep],
        granted=[one for one, keep in zip(piece.granted, kept, strict=True) if keep],
        owners=[one for one, keep in zip(piece.owners, kept, strict=True) if keep],
        cells=[one for one, keep in zip(piece.cells, kept, strict=True) if keep],
    )
    assert max(everybody.sizes) == 2
    found = without_chance(chosen(everybody, some))
    assert found == without_chance(Packer(plan, vault.of_owners).judged(alone))._replace(
        unrecognised=everybody.unrecognised
    )
