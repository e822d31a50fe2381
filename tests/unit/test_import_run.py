"""Imports into a real spool: what becomes of every line, going on after a stop, and the same file twice."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tracker.collector.place import Places
from tracker.core.errors import BadRequest
from tracker.core.event import Event, Record, Rejected
from tracker.core.site import Site
from tracker.imports import run as runner
from tracker.imports.run import Job, run
from tracker.imports.sink import Sink
from tracker.imports.state import Progress
from tracker.spool.reader import Spool

DATA = Path(__file__).parents[1] / "data"
SITE = Site(name="shop", write_key="wk", domains=("shop.example",), consent="opt-out", identifier_key="ab" * 32)
OTTO = {
    "each": "events",
    "fields": {
        "type": {"const": "track"},
        "name": {"column": "type", "values": {"clicks": "view_item", "carts": "add_to_cart", "orders": "purchase"}},
        "visitor": {"column": "session", "prefix": "otto-"},
        "ts": "ts",
        "item.item_id": "aid",
    },
}


def job(path: Path, form: str, data: Path, **more: Any) -> Job:
    """A job on a data folder of its own."""
    return Job(
        path=path,
        site=SITE,
        format=form,
        mapping=more.pop("mapping", None),
        data=data,
        find_place=Places(None).find,
        spool_max_bytes=1_000_000_000,
        **more,
    )


def records(data: Path) -> list[Record]:
    """Everything in the spool."""
    spool = Spool(data / "spool")
    bodies = [body for ref in spool.sealed() for body in spool.read(ref).bodies]
    return [msgspec.json.decode(body, type=Record) for body in bodies]


def quietly(_progress: Progress) -> None:
    """Nobody watches."""


def test_the_real_sessions_become_their_events(tmp_path: Path) -> None:
    path = DATA / "otto" / "train.jsonl"
    progress = run(job(path, "native", tmp_path, mapping=OTTO), quietly)
    sessions = [json.loads(line) for line in path.read_text().splitlines()]
    expected = Counter(
        (f"otto-{session['session']}", OTTO["fields"]["name"]["values"][event["type"]], event["ts"], str(event["aid"]))
        for session in sessions
        for event in session["events"]
    )
    found = Counter((event.visitor, event.name, event.ts, event.items[0]["item_id"]) for event in records(tmp_path))
    assert found == expected
    assert progress.accepted == sum(expected.values())


def test_the_real_access_log_adds_up(tmp_path: Path) -> None:
    path = DATA / "access-log" / "apache_logs.gz"
    progress = run(job(path, "access-log", tmp_path), quietly)
    with gzip.open(path, "rt", errors="replace") as text:
        lines = list(text)
    assert progress.accepted + sum(progress.rejected.values()) + sum(progress.skipped.values()) == len(lines)
    found = records(tmp_path)
    assert len(found) == progress.accepted
    views = [event for event in found if isinstance(event, Event)]
    assert {(event.type, event.name, event.source) for event in views} == {("page", "page_view", "access-log")}
    page = "/presentations/logstash-monitorama-2013/"
    wanted = sum(f'"GET {page} HTTP' in line and '" 200 ' in line for line in lines)
    assert sum(event.url == f"https://shop.example{page}" for event in views) == wanted
    addresses = {line.split()[0] for line in lines}
    assert not any(
        address in msgspec.json.encode(event).decode() for event in views[:500] for address in list(addresses)[:200]
    )


@pytest.mark.parametrize(
    ("form", "line", "name"),
    [
        ("native", {"type": "track", "name": "x", "visitor": "v", "ts": 1}, None),
        ("native", {"type": "track", "name": "x", "visitor": "v", "ts": 1431857103000}, "x"),
        ("native", {"site": "other", "events": [{"type": "track", "name": "y", "visitor": "v"}]}, "y"),
        (
            "segment",
            {"type": "track", "event": "Order Completed", "userId": "u", "timestamp": "2015-05-17T10:05:03Z"},
            "purchase",
        ),
        ("segment", {"batch": [{"type": "page", "anonymousId": "a"}]}, "page_view"),
        ("segment", {"type": "track", "userId": "u"}, None),
    ],
)
def test_one_line_in_each_dialect(tmp_path: Path, form: str, line: dict[str, Any], name: str | None) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text(json.dumps(line) + "\n\n")
    run(job(path, form, tmp_path), quietly)
    (record,) = records(tmp_path)
    assert (record.name if isinstance(record, Event) else None) == name
    assert record.site == "shop"
    assert isinstance(record, Rejected) or record.original_ts == 0


def test_bad_lines_are_rejected_alone_with_their_number(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    good = '{"type":"track","name":"x","visitor":"v"}'
    path.write_text("\n".join([good, "{", good, '{"type":"track","name":"x"}', good, "[]", good + ",", good]))
    progress = run(job(path, "native", tmp_path), quietly)
    found = records(tmp_path)
    assert sum(isinstance(record, Event) for record in found) == progress.accepted == 5
    bad = [record for record in found if isinstance(record, Rejected)]
    assert sum(progress.rejected.values()) == len(bad) == 3
    assert any(record.message.startswith("line 2: ") for record in bad)
    assert any(record.reason == "no_person" for record in bad)


def test_csv_with_quotes_newlines_and_a_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    rows = ["\ufeffwho,what,when,note", 'a,click,2015-05-17 10:05:03,"two\nlines, ""quoted"""', "b,click,never,", ""]
    path.write_text("\n".join([*rows, "c,click,1431857103,", ""]))
    mapping = {
        "fields": {"visitor": "who", "name": "what", "ts": "when", "props.note": "note", "type": {"const": "track"}}
    }
    progress = run(job(path, "csv", tmp_path, mapping=mapping), quietly)
    first, bad, last = records(tmp_path)
    assert isinstance(first, Event)
    assert (first.visitor, first.ts, first.props) == ("a", 1431857103000, {"note": 'two\nlines, "quoted"'})
    assert isinstance(bad, Rejected)
    assert (bad.reason, progress.rejected) == ("bad_time", {"bad_time": 1})
    assert isinstance(last, Event)
    assert (last.visitor, last.ts) == ("c", 1431857103000)


def test_a_csv_without_mapping_or_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("")
    with pytest.raises(BadRequest, match="--map"):
        run(job(path, "csv", tmp_path), quietly)
    with pytest.raises(BadRequest, match="column names"):
        run(job(path, "csv", tmp_path, mapping={"fields": {"name": "a"}}), quietly)


def test_the_same_file_twice_does_nothing_and_read_again_makes_the_same_ids(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text('{"type":"track","name":"x","visitor":"v","ts":1431857103000}\n' * 5)
    first = run(job(path, "native", tmp_path), quietly)
    ids = [record.id for record in records(tmp_path)]
    assert len(set(ids)) == 5
    assert run(job(path, "native", tmp_path), quietly) == first
    assert len(records(tmp_path)) == 5
    run(job(path, "native", tmp_path, again=True), quietly)
    assert [record.id for record in records(tmp_path)] == ids * 2


@pytest.mark.parametrize("form", ["native", "csv"])
def test_an_interrupted_import_goes_on_where_it_stopped(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.imports.sink.GROUP", 100)
    path = tmp_path / "file"
    total = 1000
    if form == "native":
        path.write_text("".join(f'{{"type":"track","name":"x","visitor":"v{n}"}}\n' for n in range(total)))
        mapping = None
    else:
        path.write_text("who\n" + "".join(f"v{n}\n" for n in range(total)))
        mapping = {"fields": {"visitor": "who", "name": {"const": "x"}, "type": {"const": "track"}}}
    seen = 0

    def stop_in_the_middle(_progress: Progress) -> None:
        nonlocal seen
        seen += 1
        if seen == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(job(path, form, tmp_path, mapping=mapping), stop_in_the_middle)
    assert len(records(tmp_path)) == 400
    progress = run(job(path, form, tmp_path, mapping=mapping), quietly)
    assert [record.visitor for record in records(tmp_path)] == [f"v{n}" for n in range(total)]
    assert (progress.accepted, progress.done) == (total, True)


def test_a_crash_between_spool_and_note_repeats_lines_with_the_same_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("".join(f'{{"type":"track","name":"x","visitor":"v{n}"}}\n' for n in range(10)))

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(runner, "save", crash)
        run(job(path, "native", tmp_path), quietly)
    run(job(path, "native", tmp_path), quietly)
    ids = [record.id for record in records(tmp_path)]
    assert len(ids) == 20
    assert ids[:10] == ids[10:]


def test_a_cut_gzip_file_keeps_what_could_be_read(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    line = '{"type":"track","name":"x","visitor":"%s"}\n'
    whole = gzip.compress("".join(line % f"v{n}" for n in range(20_000)).encode())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadRequest, match="not whole"):
        run(job(path, "native", tmp_path), quietly)
    found = records(tmp_path)
    assert 0 < len(found) < 20_000
    path.write_bytes(whole)
    assert run(job(path, "native", tmp_path), quietly).accepted == 20_000


def test_a_line_without_end_is_cut_and_rejected_and_its_neighbours_live(tmp_path: Path) -> None:
    path = tmp_path / "file"
    good = b'{"type":"track","name":"x","visitor":"v"}\n'
    path.write_bytes(good + b'{"props":"' + b"x" * 9_000_000 + b'"}\n' + good)
    progress = run(job(path, "native", tmp_path), quietly)
    assert (progress.accepted, sum(progress.rejected.values())) == (2, 1)


def test_an_event_over_the_collectors_limit_is_rejected_here_too(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(json.dumps({"type": "track", "name": "x", "visitor": "v", "props": {"a": "b" * 33_000}}))
    assert run(job(path, "native", tmp_path), quietly).rejected == {"event_too_large": 1}


def test_another_site_format_or_content_is_another_import(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text('{"type":"track","name":"x","visitor":"v","userId":"u"}\n')
    ids = {run(job(path, "native", tmp_path), quietly).id, run(job(path, "segment", tmp_path), quietly).id}
    copy = tmp_path / "copy"
    shutil.copy(path, copy)
    ids.add(run(job(copy, "native", tmp_path), quietly).id)
    assert len(ids) == 2
    path.write_text('{"type":"track","name":"y","visitor":"v"}\n')
    ids.add(run(job(path, "native", tmp_path), quietly).id)
    assert len(ids) == 3


def test_a_sink_is_full_after_a_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracker.core.event import RawEvent
    from tracker.spool.writer import SpoolWriter

    monkeypatch.setattr("tracker.imports.sink.GROUP", 2)
    writer = SpoolWriter(tmp_path / "spool", "import-x")
    sink = Sink(writer, SITE, "native", Places(None).find, Progress(id="x", site="shop", format="native"))
    raw = RawEvent(type="track", name="x", visitor="v")
    sink.take(raw, b"", "1")
    assert not sink.full
    sink.take(raw, b"", "2")
    assert sink.full
    sink.flush()
    assert not sink.full
    writer.close()
    assert len(records(tmp_path)) == 2
