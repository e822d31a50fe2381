"""Both doors give and take the same."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from clickhouse import ClickHouse
from flaky import Flaky
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker.core.errors import BadRequest, Broken, Doubtful, Refused, TryLater
from tracker.store.embedded import Embedded
from tracker.store.engine import Engine, Lines, Query, Rows, Texts
from tracker.store.server import Server, parse_url

NASTY = "x'y\"z\\w\nq\tü\r{a:b}\\N\0/*table:x*/; -- '"
texts = st.text(st.characters(exclude_categories=["Cs"]))
both = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@both
@given(text=texts, list_=st.lists(texts, max_size=5), whole=st.integers(0, 2**64 - 1), signed=st.integers(-(2**63), -1))
def test_parameters_arrive_as_they_were_sent(
    engine: Engine, text: str, list_: list[str], whole: int, signed: int
) -> None:
    answer = engine.ask(
        Query(
            text="select {text:String}, {list:Array(String)}, {whole:UInt64}, {signed:Int64}, {wholes:Array(UInt64)}",
            params={"text": text, "list": list_, "whole": whole, "signed": signed, "wholes": [whole, 0]},
        )
    )
    assert answer.rows == [(text, list_, whole, signed, [whole, 0])]


@both
@given(rows=st.lists(st.tuples(st.integers(0, 2**64 - 1), texts, st.lists(texts, max_size=2)), max_size=5))
def test_attached_rows_can_be_read_like_a_table(engine: Engine, rows: list[tuple[int, str, list[str]]]) -> None:
    columns = [("n", "UInt64"), ("text", "String"), ("list", "Array(String)")]
    answer = engine.ask(Query(text="select * from /*table:given*/", tables={"given": Rows(columns=columns, data=rows)}))
    assert sorted(answer.rows) == sorted((n, text, list_) for n, text, list_ in rows)


@both
@given(pieces=st.lists(st.lists(texts.filter(lambda text: "\n" not in text and not text.endswith("\r"))), max_size=5))
def test_attached_lines_are_a_table_of_one_column(engine: Engine, pieces: list[list[str]]) -> None:
    given = Lines(text=["".join(line + "\n" for line in piece).encode() for piece in pieces])
    answer = engine.ask(Query(text="select raw from /*table:given*/", tables={"given": given}))
    assert sorted(row[0] for row in answer.rows) == sorted(line for piece in pieces for line in piece)


def test_a_stream_gives_the_same_rows_in_pieces(engine: Engine) -> None:
    given = Lines(text=["".join(f"{n}\n" for n in range(0, 1000, 3)).encode()])
    text = "select number, [toString(number)] as names, 0.5 as half from numbers(1000) where number in"
    query = Query(text=f"{text} (select toUInt64(raw) from /*table:given*/) order by number", tables={"given": given})
    pieces = list(engine.stream(query, 100))
    assert len(pieces) >= 4 and all(1 <= len(one.rows) <= 100 for one in pieces)
    assert {one.columns for one in pieces} == {("number", "names", "half")}
    assert [row for one in pieces for row in one.rows] == engine.ask(query).rows
    assert list(engine.stream(Query(text="select 1 where 0"), 10)) == []
    with contextlib.closing(engine.stream(Query(text="select number from numbers(1000000)"), 10)) as left:
        first = next(left)
        assert engine.ask(Query(text="select 2")).rows == [(2,)]  # beside it
    assert first.rows == [(n,) for n in range(len(first.rows))]
    with pytest.raises(Broken, match="FUNCTION_THROW"):
        list(engine.stream(Query(text="select throwIf(number = 5000) from numbers(10000)"), 100))
    assert engine.ask(Query(text="select 3")).rows == [(3,)]


def test_attached_texts_are_a_row_each_and_a_path_is_its_file(engine: Engine, tmp_path: Path) -> None:
    texts = [(7, b""), (1, "é\n\0".encode()), (2, b"x" * 300), (2, b"y\n" * 1_000_000)]
    paths = [tmp_path / "small", tmp_path / "it's large.seg", tmp_path / "{a,b}*.seg"]
    for path, size in zip(paths, (10, 1_500_000, 1_500_001), strict=True):
        path.write_bytes(b"%d\n" % size * (size // 5))
    given = [*texts, *enumerate(paths, 10)]
    answer = engine.ask(
        Query(
            text="select part, hex(MD5(text)) from /*table:given*/ where part != 99",
            tables={"given": Texts(data=given)},
        )
    )
    wanted = [(n, text if isinstance(text, bytes) else text.read_bytes()) for n, text in given]
    assert sorted(answer.rows) == sorted((n, hashlib.md5(text).hexdigest().upper()) for n, text in wanted)
    assert engine.ask(Query(text="select * from /*table:given*/", tables={"given": Texts(data=[])})).rows == []


def test_temporary_tables_are_a_sessions_own_and_end_with_it(engine: Engine) -> None:
    make = Query(
        text="create temporary table made engine = Memory as select raw from /*table:given*/",
        tables={"given": Lines(text=[b"one\ntwo\n"])},
    )
    sessions = [engine.session(), engine.session()]
    sessions[0].command(make)
    assert sorted(sessions[0].ask(Query(text="select raw from made")).rows) == [("one",), ("two",)]
    for other in (engine, sessions[1]):
        with pytest.raises(Broken):
            other.ask(Query(text="select raw from made"))
    for session in sessions:
        session.close()
    again = engine.session()
    with pytest.raises(Broken):
        again.ask(Query(text="select raw from made"))
    again.close()


def test_a_session_whose_connection_broke_is_over(clickhouse: ClickHouse) -> None:
    """A new connection in its place would miss the temporary tables, and a batch would be called broken for it."""
    proxy = Flaky(clickhouse.port, most=2_000_000, seed=1)
    server = Server(f"clickhouse://127.0.0.1:{proxy.port}/default", timeout=5)
    session = server.session()
    session.command(Query(text="create temporary table made engine = Memory as select 1 as one"))
    assert session.ask(Query(text="select one from made")).rows == [(1,)]
    proxy.drop()
    for _ in range(2):
        with pytest.raises(TryLater):
            session.ask(Query(text="select one from made"))
    again = server.session()
    assert again.ask(Query(text="select 1")).rows == [(1,)]
    again.close()
    with pytest.raises(TryLater):
        again.ask(Query(text="select 1"))
    proxy.close()


def test_what_was_put_is_synced_and_can_be_put_again(embedded: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "insert into seen (id, arrival) select number, {arrival:UInt64} from numbers(1000)"
    embedded.put("seen", Query(text=text, params={"arrival": 1}))
    synced: dict[int, int] = {}  # inode -> size when it was synced
    fsync = os.fsync

    def noting(file: int) -> None:
        fsync(file)
        synced[os.fstat(file).st_ino] = os.fstat(file).st_size

    monkeypatch.setattr(os, "fsync", noting)
    embedded.put("seen", Query(text=text, params={"arrival": 2}))
    folder = Path(embedded.ask(Query(text="select data_paths[1] from system.tables where name = 'seen'")).rows[0][0])
    logs = [log.stat() for log in folder.glob("*.log")]
    assert max(log.st_size for log in logs) > 1000 * 24  # that is where the rows are
    assert all(synced[log.st_ino] == log.st_size for log in logs)
    assert folder.stat().st_ino in synced
    assert embedded.ask(Query(text="select count(), min(arrival) from seen")).rows == [(1000, 2)]


def test_cells_have_the_same_types_on_both_engines(engine: Engine) -> None:
    text = """select toUInt64(18446744073709551615) as a, toUInt128(1) as b, toFloat64(2) as c, nan as d, null as e,
        true as f,
        toUUID('00000000-0000-0000-0000-0000000000ff') as g, toDateTime64('2026-01-02 03:04:05.678', 3, 'UTC') as h,
        (1, 2.0, 'x')::Tuple(a UInt8, b Float64, c String) as i, [1.0, 2.5] as j, toDate('2026-01-02') as k,
        toLowCardinality('l') as l, [('a', 1.0)]::Array(Tuple(String, Nullable(Float64))) as m,
        toDateTime(0, 'UTC') as n"""
    assert engine.ask(Query(text=text)).rows == [
        (
            2**64 - 1, 1, 2.0, None, None, True, "00000000-0000-0000-0000-0000000000ff", "2026-01-02 03:04:05.678",
            (1, 2.0, "x"), [1.0, 2.5], "2026-01-02", "l", [("a", 1.0)], "1970-01-01 00:00:00",
        )
    ]  # fmt: skip
    row = engine.ask(Query(text=text)).rows[0]
    assert isinstance(row[2], float)


def test_an_empty_result_keeps_its_columns(engine: Engine) -> None:
    answer = engine.ask(Query(text="select 1 as one, 'x' as two where 0"))
    assert (answer.columns, answer.rows) == (("one", "two"), [])


def test_lines_are_stored_as_they_are(engine: Engine) -> None:
    engine.command(Query(text="create table if not exists lines_test (raw String) engine = MergeTree order by ()"))
    engine.command(Query(text="truncate table lines_test"))
    lines = ['{"a":"x\\\\\\"é"}', "", " two  ", "tab\there", "\\N", "'"]
    given = Lines(text=[f"{line}\n".encode() for line in lines])
    engine.command(Query(text="insert into lines_test select raw from /*table:given*/", tables={"given": given}))
    assert sorted(row[0] for row in engine.ask(Query(text="select raw from lines_test")).rows) == sorted(lines)


def test_a_callers_mistake_is_told_from_ours(engine: Engine) -> None:
    with pytest.raises(BadRequest, match="regular expression"):
        engine.ask(Query(text="select match('a', {pattern:String})", params={"pattern": "(secret"}))
    with pytest.raises(BadRequest) as caught:
        engine.ask(Query(text="select {n:UInt8}", params={"n": "secret"}))
    assert "secret" not in str(caught.value)
    with pytest.raises(Broken) as broken:
        engine.ask(Query(text="select secret from nowhere"))
    assert "secret" not in str(broken.value)


def test_refused_content_is_told_from_an_engine_that_is_away(engine: Engine) -> None:
    engine.command(Query(text="create table if not exists ints_test (n UInt64) engine = MergeTree order by n"))
    given = Lines(text=[b"1\ntwo\n", b"3\n"])
    with pytest.raises(Refused):
        engine.command(
            Query(text="insert into ints_test select toUInt64(raw) from /*table:given*/", tables={"given": given})
        )
    with pytest.raises(Refused):
        engine.command(Query(text="insert into ints_test select toUInt64('two')", content=True))
    assert engine.ask(Query(text="select count() from ints_test")).rows == [(0,)]


def test_settings_of_one_query_do_not_leak_into_the_next(engine: Engine) -> None:
    text = "select toUInt64(getSetting('max_threads'))"
    before = engine.ask(Query(text=text)).rows
    assert engine.ask(Query(text=text, settings={"max_threads": 7})).rows == [(7,)]
    assert engine.ask(Query(text=text)).rows == before


def test_a_slow_question_does_not_hold_up_others(engine: Engine) -> None:
    done: list[float] = []
    slow = Query(text="select sleepEachRow(0.5) from numbers(4)", settings={"max_block_size": 1})
    thread = threading.Thread(target=lambda: (engine.ask(slow), done.append(time.monotonic())))
    thread.start()
    time.sleep(0.2)
    for _ in range(5):
        engine.ask(Query(text="select 1"))
    assert not done
    thread.join()


def test_many_threads_ask_at_once(engine: Engine) -> None:
    wrong: list[object] = []

    def ask(n: int) -> None:
        for _ in range(20):
            rows = engine.ask(Query(text="select {n:UInt64}", params={"n": n})).rows
            wrong.extend(row for row in rows if row != (n,))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_only_one_process_may_open_the_folder(embedded: Embedded, tmp_path: Path) -> None:
    folder = embedded._path
    code = f"from pathlib import Path; from tracker.store.embedded import Embedded; Embedded(Path({str(folder)!r}))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "TryLater" in other.stderr and "another process" in other.stderr
    with pytest.raises(Broken, match="one process can open one"):
        Embedded(tmp_path / "second")


def test_the_url_is_read_and_never_repeated() -> None:
    address = parse_url("clickhouse://me:p%40ss@db.example:9001/shop?cluster=main&secure=1&verify=0")
    assert (address.host, address.port, address.user, address.password) == ("db.example", 9001, "me", "p@ss")
    assert (address.database, address.cluster, address.options) == ("shop", "main", {"secure": True, "verify": False})
    assert "p@ss" not in repr(address)
    for bad in (
        "http://me:secret@h/",
        "clickhouse://me:secret@h:port/",
        "clickhouse://me:secret@h/?oops=1",
        "clickhouse:///x",
    ):
        with pytest.raises(BadRequest) as caught:
            parse_url(bad)
        assert "secret" not in str(caught.value)


def test_a_server_that_is_away_costs_a_bounded_wait() -> None:
    away = Server("clickhouse://me:secret@127.0.0.1:1/x", connect_timeout=1)
    with pytest.raises(TryLater) as caught:
        away.ask(Query(text="select 1"))
    assert "secret" not in str(caught.value)


@pytest.mark.server
def test_a_frozen_server_costs_a_bounded_wait_and_is_doubtful_for_writes(clickhouse, server: Server) -> None:  # type: ignore[no-untyped-def]
    impatient = Server(clickhouse.url(), timeout=1.0)
    assert impatient.ask(Query(text="select 1")).rows == [(1,)]
    clickhouse.freeze()
    try:
        with pytest.raises(TryLater):
            impatient.ask(Query(text="select 1"))
        with pytest.raises(TryLater):
            impatient.command(Query(text="insert into nowhere select 'x'"))
    finally:
        clickhouse.thaw()
    assert impatient.ask(Query(text="select 1")).rows == [(1,)]
    impatient.close()


@pytest.mark.server
def test_a_write_that_is_cut_off_is_doubtful(clickhouse, server: Server) -> None:  # type: ignore[no-untyped-def]
    impatient = Server(clickhouse.url(), timeout=1.0)
    impatient.command(Query(text="create table if not exists lines_test (raw String) engine = MergeTree order by ()"))
    clickhouse.freeze()
    try:
        with pytest.raises(Doubtful):
            impatient.command(Query(text="insert into lines_test select 'x'"))
    finally:
        clickhouse.thaw()
        impatient.close()
