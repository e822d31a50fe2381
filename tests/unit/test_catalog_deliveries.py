"""The ledger of deliveries: what is noted before something is sent, and how it ends."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tracker.audiences import known
from tracker.audiences.deliver import settle_before
from tracker.audiences.delivery import Senders
from tracker.audiences.leftovers import clean_up
from tracker.catalog import Catalog, database, noting
from tracker.catalog.database import MIGRATIONS, _delivered_before, _destinations
from tracker.catalog.deliveries import DOWNLOAD, Added, Delivery, Line
from tracker.core.errors import Conflict
from tracker.core.identifiers import keys_of
from tracker.networks import Member
from tracker.outbound import Door, Limits, Reach

LINE = Line("shop", "aud", "criteo", "dst_1")


def opened(folder: Path) -> Catalog:
    return Catalog(f"sqlite:///{folder}/catalog.sqlite", folder / "sites.json")


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with opened(tmp_path) as catalog:
        catalog.sites.create("shop")
        yield catalog


def sending(catalog: Catalog, *added: int, removed: tuple[int, ...] = (), at: int = 100, **more: Any) -> str:
    export = catalog.exports.create(
        "shop", "aud", network="criteo", mode="delta", actor="t", min_size=1, details={"destination": "dst_1"}
    )
    generation, _ = catalog.deliveries.now(LINE)
    delivery = Delivery(
        line=LINE, generation=generation, at=at, added=[Added(one, f"s{at}") for one in added], removed=removed, **more
    )
    catalog.exports.send(export.id, counts={"written": len(added)}, files=(), details={}, delivery=delivery)
    return export.id


def test_what_arrived_is_noted_and_what_was_taken_back_goes(catalog: Catalog) -> None:
    first = sending(catalog, 1, 2)
    assert catalog.deliveries.now(LINE) == (0, {1: 0, 2: 0})
    assert catalog.deliveries.undecided() == catalog.deliveries.undecided(LINE) == [first]
    with pytest.raises(Conflict):
        sending(catalog, 3)
    catalog.exports.settle(first, arrived=True)
    catalog.exports.settle(first, arrived=True)
    assert catalog.deliveries.now(LINE) == (1, {1: 100, 2: 100})
    second = sending(catalog, 3, removed=(1,), at=200)
    assert catalog.deliveries.now(LINE)[1] == {1: 100, 2: 100, 3: 0}
    assert catalog.deliveries.waiting() == {"dst_1": 2}
    catalog.exports.settle(second, arrived=True)
    assert catalog.deliveries.now(LINE) == (2, {2: 100, 3: 200})
    assert (catalog.deliveries.waiting(), catalog.deliveries.undecided()) == ({}, [])


def test_what_may_have_arrived_stays_and_what_did_not_does_not(catalog: Catalog) -> None:
    catalog.exports.settle(sending(catalog, 1, 2), arrived=True)
    perhaps = sending(catalog, 2, 3, removed=(1,), at=200)
    catalog.exports.settle(perhaps, arrived=False)
    assert catalog.deliveries.now(LINE) == (1, {1: 0, 2: 100, 3: 0}), "1 may be gone: a member again is said again"
    catalog.exports.settle(sending(catalog, 3, at=300), arrived=True)
    gone = sending(catalog, 2, 4, removed=(1, 3), at=400)
    catalog.exports.settle(gone, arrived=False, gone=True)
    assert catalog.deliveries.now(LINE) == (2, {1: 0, 2: 100, 3: 300})
    assert catalog.exports.get(gone).state == "failed"


def test_what_was_understood_counts_although_the_rest_did_not_arrive(catalog: Catalog) -> None:
    catalog.exports.settle(sending(catalog, 1, 2), arrived=True)
    export = sending(catalog, 3, 4, removed=(1, 2), at=200)
    catalog.deliveries.understood(LINE, export, 200, [1], taking=True)
    catalog.deliveries.understood(LINE, export, 200, [3], taking=False)
    catalog.exports.settle(export, arrived=False)
    assert catalog.deliveries.now(LINE) == (1, {2: 0, 3: 200, 4: 0})


def test_where_only_the_whole_counts_nobody_was_taken_back_by_a_part(catalog: Catalog) -> None:
    catalog.exports.settle(sending(catalog, 1, 2), arrived=True)
    catalog.exports.settle(sending(catalog, 3, removed=(1,), at=200), arrived=False, in_parts=False)
    assert catalog.deliveries.now(LINE) == (1, {1: 100, 2: 100, 3: 0})


def test_at_start_only_files_that_wait_for_a_download_stay(catalog: Catalog, tmp_path: Path) -> None:
    """Killed after the arrival, before the files here went; killed in the clean-up itself; killed while writing."""
    site, folder = catalog.sites.get("shop"), tmp_path / "exports"
    folder.mkdir()
    keys = keys_of("shop", site.write_key, site.identifier_key)
    away = catalog.destinations.create(keys, "away", "folder", {"path": "x"}, {})
    told = catalog.destinations.create(keys, "told", "email", {"host": "h", "sender": "a@b.c", "to": ["a@b.c"]}, {})

    def left(destination: str, state: str) -> Path:
        details = {"destination": destination}
        one = catalog.exports.create(
            "shop", "aud", network="csv", mode="full", actor="t", min_size=1, details=details
        )  # fmt: skip
        if state == "failed":
            catalog.exports.fail(one.id, {"code": "x", "message": "x"})
        if state == "done":
            line = Line("shop", "aud", "csv", destination)
            generation, _ = catalog.deliveries.now(line)
            done = Delivery(line=line, generation=generation, at=1, added=[])
            catalog.exports.finish(one.id, counts={}, files=(), delivery=done)
        path = folder / f"{one.stem}.csv"
        path.write_text("x")
        return path

    stays = {left("download", "done"), left(told.id, "done"), folder / "readme.txt"}
    (folder / "readme.txt").write_text("x")
    (folder / "aud-exp_0-csv.csv.part").write_text("x")
    for destination in ("download", told.id, away.id):
        left(destination, "failed")
        left(destination, "running")
    left(away.id, "done")
    clean_up(catalog, folder)
    assert set(folder.iterdir()) == stays
    assert {one.state for one in catalog.exports.list()} == {"done", "failed"}


def test_a_list_that_is_replaced_holds_nobody_else(catalog: Catalog) -> None:
    catalog.exports.settle(sending(catalog, 1, 2), arrived=True)
    catalog.exports.settle(sending(catalog, 2, 3, at=200, everybody=True), arrived=True)
    assert catalog.deliveries.now(LINE) == (2, {2: 200, 3: 200})


def test_the_ledger_of_the_version_before_is_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as catalog:
        catalog.sites.create("shop")
    with sqlite3.connect(tmp_path / "catalog.sqlite") as before:
        for table in ("deliveries", "delivered", "destinations", "delivery_plans"):
            before.execute(f"drop table {table}")
        key = "site varchar(64) not null, audience varchar(32) not null, network varchar(32) not null"
        before.execute(f"create table deliveries ({key}, generation bigint, primary key (site, audience, network))")
        more = "person varchar(16) not null, at bigint, sealed text, primary key (site, audience, network, person)"
        before.execute(f"create table delivered ({key}, {more})")
        before.execute("insert into deliveries values ('shop', 'aud', 'meta', 3)")
        before.execute("insert into delivered values ('shop', 'aud', 'meta', '00000000000000ff', 77, 'sealed')")
        before.execute("update schema_version set version = ?", (MIGRATIONS.index(_destinations),))
    with opened(tmp_path) as catalog:
        line = Line("shop", "aud", "meta")
        assert catalog.deliveries.now(line) == (3, {255: 77})
        assert catalog.deliveries.sealed(line, [255]) == {255: "sealed"}
        assert catalog.destinations.list() == [] and catalog.plans.list() == []


@pytest.mark.parametrize("arrived", [True, False])
def test_what_the_version_before_had_on_its_way_is_settled(tmp_path: Path, *, arrived: bool) -> None:
    """There `at` was 0 for somebody new, -1 for somebody who was perhaps there."""
    with opened(tmp_path) as catalog:
        catalog.sites.create("shop")
        export = sending(catalog, 1, 2, 3, 5, removed=(4,), at=200)
    with sqlite3.connect(tmp_path / "catalog.sqlite") as before:
        before.execute("alter table delivered drop column before")
        for person, at, taking in ((1, 0, 0), (2, -1, 0), (3, 100, 0), (4, 90, 1), (5, 0, 0)):
            row = ("shop", "aud", "criteo", "dst_1", f"{person:016x}", at, "s", export, taking)
            before.execute("insert or replace into delivered values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        before.execute(
            "insert into delivered select site, audience, 'x', destination, person, 70, 's', '', 0 from delivered"
        )
        before.execute("update schema_version set version = ?", (MIGRATIONS.index(_delivered_before),))
    with opened(tmp_path) as catalog:
        assert catalog.deliveries.now(LINE) == (0, {1: 0, 2: 0, 3: 100, 4: 90, 5: 0})
        assert catalog.deliveries.waiting() == {"dst_1": 4}
        catalog.exports.settle(export, arrived=arrived, gone=True)
        there = {1: 0, 2: 0, 3: 0, 5: 0} if arrived else {2: 0, 3: 100, 4: 90}
        assert catalog.deliveries.now(LINE)[1] == there, "who is perhaps there is said again, and can be taken back"
        assert set(catalog.deliveries.now(Line("shop", "aud", "x", "dst_1"))[1].values()) == {70}


def test_somebody_delivered_under_two_addresses_is_taken_back_under_both() -> None:
    keys = keys_of("shop", "wk", "ab" * 32)
    old = Member({"email.e1": "a" * 64, "card.last_seen": "monday"})
    same = Member({"email.e1": "a" * 64, "card.last_seen": "friday"})
    new = Member({"email.e1": "b" * 64, "card.last_seen": "friday"})
    first = known.all_sealed(keys, "", old)
    again = known.all_sealed(keys, first, same)
    assert len(again.split()) == 1
    both = known.all_sealed(keys, again, new)
    assert [known.opened_forms(keys, one).forms["email.e1"] for one in both.split()] == ["a" * 64, "b" * 64]
    assert len(known.all_sealed(keys, both, new).split()) == 2


class Stopped(Exception):
    pass


@pytest.mark.parametrize("everybody", [False, True])
@pytest.mark.parametrize("way", [(DOWNLOAD, "early"), ("folder", "early"), ("folder", "late")])
def test_wherever_noting_stops_the_ledger_says_what_was_before_or_what_is_there(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: tuple[str, str], everybody: bool
) -> None:
    """Each transaction holds one step of two persons; it stops before the first, the second ... and starts anew.

    Early: the ledger is told of some persons at a time while the file is written, else of all at its end.
    """
    kind, early = way[0], way[1] == "early"
    monkeypatch.setattr(database, "_PAUSE_S", 0.0)
    monkeypatch.setattr(noting, "_IN_A_STEP", 3)
    monkeypatch.setattr(noting, "_IN_ONE_QUESTION", 2)
    site = catalog.sites.get("shop")
    keys = keys_of("shop", site.write_key, site.identifier_key)
    destination = kind if kind == DOWNLOAD else catalog.destinations.create(keys, "d", kind, {"path": "x"}, {}).id
    exclusive, left = database.Database.exclusive, [0]

    def counted(one: database.Database) -> Any:
        left[0] -= 1
        if not left[0]:
            raise Stopped
        return exclusive(one)

    monkeypatch.setattr(database.Database, "exclusive", counted)

    def deliver(line: Line, export: str, added: range, removed: range, at: int) -> None:
        delivery = Delivery(
            line=line,
            generation=catalog.deliveries.there(line).generation,
            at=at,
            added=[Added(one, f"s{at}") for one in added],
            removed=removed,
            everybody=everybody,
        )
        if early:
            catalog.exports.claim(export, delivery)
            for at_first in (True, False):
                some = [one for one in delivery.added if (one.person < 8) is at_first]
                catalog.exports.bring(export, delivery, some)
            delivery = replace(delivery, added=())
        if destination == DOWNLOAD:
            catalog.exports.finish(export, counts={}, files=(), delivery=delivery)
        else:
            catalog.exports.send(export, counts={}, files=(), details={}, delivery=delivery)
            catalog.exports.settle(export, arrived=True)

    cuts, ended = 0, ""
    while ended != "whole":
        cuts += 1
        line = Line("shop", f"aud{cuts}", "criteo", destination)
        first, second = (
            catalog.exports.create(
                line.site,
                line.audience,
                network=line.network,
                mode="full",
                actor="t",
                min_size=1,
                details={"destination": destination},
            ).id
            for _ in range(2)
        )
        deliver(line, first, range(1, 8), range(0), 100)
        before = catalog.deliveries.now(line)
        left[0], ended = cuts, "whole"
        monkeypatch.setattr(database, "TURN_S", 0.0)
        try:
            deliver(line, second, range(5, 12), range(0) if everybody else range(1, 4), 200)
        except Stopped:
            ended = "stopped"
        left[0] = 0
        monkeypatch.setattr(database, "TURN_S", 0.1)
        clean_up(catalog, tmp_path)
        settle_before(catalog, Senders(Door(Reach.of([]), Limits()), tmp_path), line)
        arrived = catalog.exports.get(second).state == "done"
        assert arrived or ended == "stopped"
        after = dict.fromkeys(range(5, 12), 200) | ({} if everybody else {4: 100})
        assert catalog.deliveries.now(line) == ((2, after) if arrived else before)
        assert (catalog.deliveries.undecided(), catalog.deliveries.waiting()) == ([], {})
        if arrived:
            sealed = {one: f"s{at}" for one, at in after.items()}
            assert catalog.deliveries.sealed(line, list(after)) == sealed
    assert cuts > 8


def test_who_was_perhaps_there_before_stays_so_when_nothing_arrived(catalog: Catalog) -> None:
    catalog.exports.settle(sending(catalog, 1, 2), arrived=False)
    assert catalog.deliveries.now(LINE) == (0, {1: 0, 2: 0})
    again = sending(catalog, 2, 3, at=200)
    assert catalog.deliveries.waiting() == {"dst_1": 3}
    catalog.exports.settle(again, arrived=False, gone=True)
    catalog.exports.settle(again, arrived=True)
    assert catalog.deliveries.now(LINE) == (0, {1: 0, 2: 0})


def test_what_will_not_go_out_is_undone_and_the_line_is_free(catalog: Catalog) -> None:
    catalog.exports.settle(sending(catalog, 1, 2), arrived=True)
    before = catalog.deliveries.now(LINE)
    for _ in range(2):
        export = catalog.exports.create(
            "shop", "aud", network="criteo", mode="delta", actor="t", min_size=1, details={"destination": "dst_1"}
        )
        delivery = Delivery(line=LINE, generation=before[0], at=200, added=(), removed=(1,))
        catalog.exports.claim(export.id, delivery)
        catalog.exports.claim(export.id, delivery)
        catalog.exports.bring(export.id, delivery, [Added(2, "s2"), Added(3, "s3")])
        assert catalog.deliveries.now(LINE) == (1, {1: 100, 2: 100, 3: 0})
        assert catalog.deliveries.undecided(LINE) == [export.id]
        with pytest.raises(Conflict):
            sending(catalog, 4)
        catalog.exports.undo(export.id)
        catalog.exports.undo(export.id)
        assert catalog.deliveries.now(LINE) == before
        assert catalog.deliveries.undecided(LINE) == []


def test_others_write_between_two_turns(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another writer, who waits from the first turn on, is not held up until the last."""
    monkeypatch.setattr(database, "TURN_S", 0.0)
    order: list[str] = []
    began = threading.Event()

    def other() -> None:
        began.wait()
        catalog.sites.create("other")
        order.append("other")

    def steps() -> Iterator[database.Step]:
        while "other" not in order and len(order) < 300:
            yield lambda _session: (began.set(), order.append("step"))[1]
        yield lambda _session: order.append("last")

    thread = threading.Thread(target=other)
    thread.start()
    catalog.exports._database.in_turns(steps())
    thread.join()
    assert order[-2:] == ["other", "last"]
