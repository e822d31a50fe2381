"""Migrations: repeatable, checked, and spread over a cluster."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from clickhouse import ClickHouse, two_shards
from loading import Road, event

from tracker.core.errors import BadRequest, Broken
from tracker.store.engine import Engine, Query
from tracker.store.migrate import Migration, migrate, migrations, pending, render, statements
from tracker.store.server import Server


def test_statements_end_at_semicolons_outside_of_quotes_and_comments() -> None:
    text = """-- one; two
    create table a /*on_cluster*/ (s String default ';', `q;` Int8); /* ; */
    insert into a values ('it''s; \\';'); /*spread: a by cityHash64(s)*/;
    select 1 -- last, without semicolon"""
    assert list(statements(text)) == [
        "create table a /*on_cluster*/ (s String default ';', `q;` Int8)",
        "insert into a values ('it''s; \\';')",
        "/*spread: a by cityHash64(s)*/",
        "select 1",
    ]


def test_slots_become_engine_names() -> None:
    statement = "create table a/*local*/ /*on_cluster*/ (x Int8) engine = /*replacing*/"
    assert render(statement, cluster=None, ddl=False) == "create table a  (x Int8) engine = ReplacingMergeTree"
    assert render(statement, cluster="c", ddl=True) == (
        "create table a_local on cluster `c` (x Int8) engine = ReplacingMergeTree"
    )
    assert render("/*spread: a by x*/", cluster=None, ddl=False) is None
    with pytest.raises(KeyError):
        render("/*unknown*/", cluster=None, ddl=False)


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    assert migrate(engine) == []
    assert pending(engine) == []


def test_an_applied_migration_must_not_change(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = migrations()
    changed = [Migration(version=first.version, name=first.name, text=first.text + "\n"), *others]
    monkeypatch.setattr("tracker.store.migrate.migrations", lambda: changed)
    with pytest.raises(Broken, match="0001 was changed"):
        migrate(engine)
    monkeypatch.setattr("tracker.store.migrate.migrations", lambda: [first])
    with pytest.raises(Broken, match="newer"):
        migrate(engine)


@pytest.mark.server
def test_roles_that_start_at_once_on_a_fresh_store_do_not_trip_each_other(clickhouse: ClickHouse) -> None:
    for round_ in range(8):
        url = f"clickhouse://127.0.0.1:{clickhouse.port}/fresh_{secrets.token_hex(4)}_{round_}"
        roles = [Server(url) for _ in range(3)]
        with ThreadPoolExecutor(3) as pool:
            for done in [pool.submit(migrate, role) for role in roles]:
                done.result()
        assert pending(roles[0]) == []
        for role in roles:
            role.close()


def test_a_crash_between_statements_is_made_good(engine: Engine) -> None:
    engine.command(Query(text="truncate table schema_migrations"))
    assert len(migrate(engine)) == len(migrations())


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Server]:
    nodes = two_shards(tmp_path / "pair")
    engine = Server(nodes[0].url("shop") + "?cluster=pair")
    yield engine
    engine.close()
    for node in nodes:
        node.kill()


@pytest.mark.server
def test_on_a_cluster_events_are_spread_and_a_person_stays_on_one_shard(pair: Server, data: Path) -> None:
    assert len(migrate(pair)) == len(migrations())
    road = Road(data, pair)
    road.load([event(n, visitor=f"v{n % 50}", user="u" if n % 50 == 0 else "") for n in range(1000)])
    road.load([event(n, arrival=5) for n in range(10)])
    assert len(road.rows()) == 1000
    shards = [node.ask(Query(text="select count(), uniqExact(key) from events_local")).rows[0] for node in pair.nodes()]
    assert sum(rows for rows, _ in shards) == 1000
    assert sum(people for _, people in shards) == 50
    assert all(rows > 100 for rows, _ in shards)
    joined = """select uniqExact(if(map.person = 0, key, map.person)) from events
        any left join (select key, argMax(person, version) as person from person_map group by key) as map using (key)"""
    assert pair.ask(Query(text=joined)).rows == [(50,)]
    assert road.ledger("shop")["duplicates"] == 10
    road.loader.doubts.open([209001])
    assert road.loader.doubts.settle() == 0


@pytest.mark.server
def test_an_unknown_cluster_is_told(server: Server, clickhouse) -> None:  # type: ignore[no-untyped-def]
    engine = Server(clickhouse.url() + "?cluster=nowhere")
    with pytest.raises(BadRequest, match="nowhere"):
        engine.nodes()
    engine.close()
